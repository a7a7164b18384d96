"""A model's Markdown as Telegram shows it: nothing dropped, nothing that Telegram refuses, the marks gone."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from app.core import words
from app.outbox.markup import Part, literal, parts
from tests.support.entities import strict
from tests.unit.outbox.test_answers import tagged


def seen(markdown: str, limit: int = 4096) -> list[str]:
    """The messages, formatting as tags."""
    found = parts(markdown, limit)
    for part in found:
        strict(part.text, part.entities, limit)
    return [tagged(part).replace("⸨", "<").replace("⸩", ">") for part in found]


@pytest.mark.parametrize("text", ["", " \n", "\u200b\u3000", "\x00", "\x00 \u200b\n", "\u202e\u2066", "\ufeff\u00a0"])
def test_nothing_visible_is_no_message(text: str) -> None:
    assert parts(text) == literal(text) == []


@pytest.mark.parametrize(
    "text", ["*", "+", "-", ">", "#", "1.", "[]()", "```py\n\n```", "[a]: <>", "\\", "|", "&nbsp;"]
)
def test_an_answer_of_marks_alone_is_not_empty(text: str) -> None:
    assert [part.text for part in parts(text)] == [text]


@pytest.mark.parametrize("text", ["```", "```py", "~~~ c++\n", " ```\n"])
def test_code_that_has_not_begun_shows_nothing_yet(text: str) -> None:
    assert parts(text) == []


@pytest.mark.parametrize(
    "text", ["Hello, world! It's 5 o'clock: (yes) - 100% @you", " a\n b  \n\nc\n", "1,5.", "你好。", "👍🏽"]
)
def test_a_plain_text_comes_through_byte_for_byte(text: str) -> None:
    assert parts(text) == literal(text) == [Part(text)]


@pytest.mark.parametrize(
    "text",
    [
        "use std::vector<std::string> and vector<int> x",
        "<details>\n<summary>S</summary>\n\nx\n</details>",
        "<div>\n<!-- no -->\n</div>\n<br/>\n<script>alert(1)</script>",
        "https://e.x/a?x=_y_&copy=1 (https://e.org/A_(b)_c), https://e.x/_a_.",
        r"\(a_1 * b_1 * c\) \[x^* = y^*\] $a_i * b_j * c$ $$x^* _y_ z^*$$ \( open_ _it_".removesuffix(" _it_"),
        "[1]: https://e.x/a_b",
        "[^1]: a note",
        "if x || y then a || b || c, snake_case, 2 * 3 * 4, a ~5 to ~7 b",
        "it costs $5, or *2 for $9",
        "the __init__ of __main__.py",
        "[docs]: see below",
        "**open and `open and [open](http",
        "a [x] b [y][z] c",
        "#5 and #tag",
        "2*3*4 = 24, x**2 + y**2, (a+b)*(c+d)*(e), 5*x*y, k*T*h, x**2*y**3",
    ],
)
def test_what_is_no_formatting_stays_as_it_is(text: str) -> None:
    assert [part.text for part in parts(text)] == [text]


@pytest.mark.parametrize(
    "markdown, expected",
    [
        ("**a *b* c**", "<b>a</b> <b><i>b</i> c</b>"),
        ("**a `b` c**", "<b>a</b> <code>b</code> <b>c</b>"),
        ("**a [b](https://x.y) c**", "<b>a</b> <a https://x.y><b>b</b></a> <b>c</b>"),
        ("[`a`](https://x.y)", "<a https://x.y>a</a>"),
        ("# A **b** `c`", "<b>A b</b> <code>c</code>"),
        (
            "~~a~~ <u>b *c*</u> ||d **e**||",
            "<s>a</s> <u>b</u> <i><u>c</u></i> <spoiler>d</spoiler> <b><spoiler>e</spoiler></b>",
        ),
        ("[a](/b) [c](d.md) ![e](f.png) [g](tg://user?id=1)", "a (/b) c (d.md) e (f.png) g (tg://user?id=1)"),
        ("[https://x.y/a](https://x.y/a) <a@b.cd> <https://x.y/_a_>", "https://x.y/a a@b.cd https://x.y/_a_"),
        (
            "[a][1] [1]\n\n[1]: https://x.y",
            "<a https://x.y>a</a> [<a https://x.y>1</a>]\n\n[<a https://x.y>1</a>]: https://x.y",
        ),
        (
            "[a](https://x.y/a_b)-c [d](https://x.y/_(e)_)s/[f](https://x.y/_g_) (https://x.y/_h_)",
            "<a https://x.y/a_b>a</a>-c <a https://x.y/_(e)_>d</a>s/<a https://x.y/_g_>f</a> (https://x.y/_h_)",
        ),
        ("- a\n  1. b\n     - [x] c\n- [ ] d", "• a\n  1. b\n     ☑ c\n☐ d"),
        ("3) a\n4) b", "3) a\n4) b"),
        ("1. a\n1. b\n\n10. c\n9. d", "1. a\n2. b\n\n10. c\n9. d"),
        ("> a\n> > b\n> c\n\nd", "<blockquote>a\n> b\n> c</blockquote>\n\nd".replace("blockquote", "quote")),
        ("- > a\n- b", "• \n<quote>a</quote>\n• b"),
        ("```py\n\tx\n```\nb", "<pre py>    x</pre>\nb"),
        ("```\nx", "<pre>x</pre>"),
        ("*1*st, *A*lpha, **1**2, *note 1*.", "<i>1</i>st, <i>A</i>lpha, <b>1</b>2, <i>note 1</i>."),
        ("a\n---", "<b>a</b>"),
        ("a\n-", "a\n-"),
        ("a " * 40 + "\n---\nb", "a " * 39 + "a\n———\nb"),
        ("是**“一”**和**二：**三", "是<b>“一”</b>和<b>二：</b>三"),
        ("占**50%**的**注意:**看**(A)**", "占<b>50%</b>的<b>注意:</b>看<b>(A)</b>"),
        ("**注：**Python**（x）**a", "<b>注：</b>Python<b>（x）</b>a"),
        ("**용어(Term)**는 (**中**) “**a**”", "<b>용어(Term)</b>는 (<b>中</b>) “<b>a</b>”"),
        ("用**`a`**和**[b](https://x.y)**的*“c”*字", "用<code>a</code>和<a https://x.y><b>b</b></a>的<i>“c”</i>字"),
        (r"\*a\* \<br> &lt;b&gt; &#x202e;c", "*a* <br> <b> c"),
        ("a\x00\u202eb *c*\r\nd\ud83d\ude00\ud83d", "ab <i>c</i>\nd😀\ufffd"),
    ],
)
def test_it_looks_as_meant(markdown: str, expected: str) -> None:
    assert seen(markdown) == [expected]


def test_tables_are_aligned_whatever_stands_in_them() -> None:
    table = "| a | b |\n|---|--:|\n| 中文 | 1 |\n| 👍🏽<br>x | **20** `c` |\n| [l](https://x.y) |"
    assert seen(table) == [
        "<pre>a    |    b\n-----+-----\n中文 |    1\n👍🏽   | 20 c\nx    |\nl    |</pre>\n<a https://x.y>l</a>"
    ]


@pytest.mark.parametrize(
    "row, expected",
    [
        ("| `x|y` | ``||`` |", "x|y | ||"),
        ("| $P(A|B)$ | \\(|x|\\) |", "$P(A|B)$ | \\(|x|\\)"),
        ("| 1 | 2 | **3** | 4 \\| 5 |", "1 | 2 | **3** | 4 | 5"),
        ("1 | a || b", "1 | a | b"),
        ("|$a|$b|", "$a | $b"),
        ("| 1 |", "1 |"),
    ],
)
def test_bars_lose_no_word_of_a_table(row: str, expected: str) -> None:
    for before in ("", "> ", "  "):
        [message] = parts("\n".join(before + line for line in ("| a | b |", "|---|---|", row)))
        assert message.text.split("\n")[-1] == expected


def test_code_that_is_cut_goes_on_as_code_of_its_language() -> None:
    lines = [f"    print({number})  # **no**" for number in range(60)]
    found = seen("Look:\n```python\n" + "\n".join(lines) + "\n```\nDone.", 300)
    assert len(found) > 3
    assert found[0].startswith("Look:\n<pre python>    print(0)")
    assert all(message.startswith("<pre python>    print(") and message.endswith("</pre>") for message in found[1:-1])
    assert found[-1].endswith("</pre>\nDone.")
    joined = "\n".join(found).replace("</pre>", "").replace("<pre python>", "")
    assert joined == "Look:\n" + "\n".join(lines) + "\nDone."


def test_bold_and_quotes_go_on_over_parts() -> None:
    found = seen("> **" + "one two three. " * 60 + "end**", 250)
    assert len(found) > 3
    assert all(message.startswith("<quote><b>one") and message.endswith("</b></quote>") for message in found)


def test_no_message_has_more_than_a_hundred_entities_and_none_is_lost() -> None:
    found = parts(" ".join(f"**b{number}**" for number in range(450)))
    assert [len(part.entities) for part in found] == [100, 100, 100, 100, 50]
    assert " ".join(part.text for part in found) == " ".join(f"b{number}" for number in range(450))
    nested = parts("\n\n".join(f"> *a **b** `c`* [d](https://x.y/{number})" for number in range(60)))
    assert sum(len(part.entities) for part in nested) == 60 * 6
    for part in nested:
        strict(part.text, part.entities)


@pytest.mark.parametrize("answer", ["Look:\n```py\nx = 1", "*a", "> q", "- a\n  - b", "||a", "| a |\n|---|\n| b |"])
def test_our_last_lines_stand_below_whatever_the_answer_left_open(answer: str) -> None:
    lines = [words.LENGTH(), words.TRIMMED()]
    [message] = seen(words.with_lines(answer, lines))
    assert message.endswith("\n\n" + "\n\n".join(lines))
    assert "</" not in message[-len("\n\n".join(lines)) :]
    assert message.removesuffix("\n\n" + "\n\n".join(lines)) == seen(answer)[0]


def test_our_own_sentences_are_taken_literally() -> None:
    assert literal("*a* _b_ `c` <b>") == [Part("*a* _b_ `c` <b>")]
    assert [len(part.text) for part in literal("a" * 5000)] == [4096, 904]


NASTY: dict[str, Callable[[], str]] = {
    "brackets": lambda: "[" * 5000,
    "stars": lambda: "*" * 5000,
    "stars between": lambda: "x*" * 2000,
    "ticks": lambda: "``a" * 1300,
    "quotes": lambda: "> " * 60 + "x",
    "more quotes": lambda: ">" * 4000,
    "rows": lambda: "|a|b|\n|-|-|\n" + "|1|2|\n" * 1000,
    "bars": lambda: "|" * 4000,
    "spoilers": lambda: "||a " * 1000,
    "links": lambda: "[a](" * 1200,
    "images": lambda: "![[" * 1500,
    "maths": lambda: "\\(" * 2000,
    "blocks of maths": lambda: "\\[ x\n" * 800,
    "dollars": lambda: "$a" * 2000,
    "tags": lambda: "<a" * 2500,
    "underlines": lambda: "<u>" * 1300,
    "addresses": lambda: "http://a_(" * 400,
    "closed too often": lambda: "(http://a_b" + ")" * 3900,
    "names": lambda: "__a_" * 1000,
    "bullets": lambda: "- " * 2000,
    "stairs": lambda: "\n".join("  " * depth + "- a" for depth in range(60)),
    "definitions": lambda: "[a]: http://x.y\n" * 100 + "[a][b]" * 400,
    "lines": lambda: "a\n-\n" * 1000,
    "blank": lambda: "   \n" * 1000 + "*a*",
    "families": lambda: "👩‍👩‍👧‍👦" * 700 + "*",
    "long": lambda: "A **bold** word and `code`, [x](https://y.z/a_b).\n\n- item\n" * 1700,
}


@pytest.mark.parametrize("sign", ["🇩🇪", "e\u0301\u0323"])
def test_many_parts_of_endless_words_take_no_longer(sign: str) -> None:
    began = time.process_time()
    assert len(parts("\x00" + sign * (120_000 // len(sign)), 200)) > 100
    assert time.process_time() - began < 2


@pytest.mark.parametrize("name", NASTY)
def test_no_text_takes_long(name: str) -> None:
    text = NASTY[name]()
    best, found = 1e9, parts(text)
    for _ in range(3):
        began = time.process_time()
        parts(text)
        best = min(best, time.process_time() - began)
    assert best < 0.1 * max(1, len(text) / 4096)
    for part in found:
        strict(part.text, part.entities)
