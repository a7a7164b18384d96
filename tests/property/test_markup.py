"""Any text at all as an answer: always messages that Telegram takes as they are, and no letter of it is lost."""

from __future__ import annotations

import re

from hypothesis import example, given, settings
from hypothesis import strategies as st

from app.outbox.markup import literal, parts
from tests.support.entities import strict

PIECES = st.sampled_from(
    [
        *(
            "*",
            "**",
            "***",
            "_",
            "__",
            "~~",
            "~",
            "`",
            "``",
            "```",
            "~~~",
            "||",
            "|",
            "> ",
            ">> ",
            "- ",
            "* ",
            "+ ",
            "1. ",
            "7) ",
        ),
        *(
            "# ",
            "### ",
            "\n",
            "\n\n",
            "\n",
            "  ",
            "    ",
            "\t",
            " ",
            "---",
            "===",
            "\\",
            "\\(",
            "\\)",
            "\\[",
            "\\]",
            "$",
            "$$",
        ),
        *(
            "[",
            "]",
            "](",
            ")",
            "](https://a.bc/d_e_)",
            "](x)",
            "![",
            "<",
            ">",
            "<u>",
            "</u>",
            "<b>",
            "<br>",
            "<!-- ",
            "-->",
            "<div>",
        ),
        *(
            "https://e.x/_a_",
            "[1]: https://x.y\n",
            "[1]",
            "[^1]: ",
            "|a|b|\n|-|:-:|\n",
            "|c|d|\n",
            "|`e|f`|$g|h$|i|\n",
            "```py\n",
            "\n```\n",
            "[x] ",
            "[ ] ",
        ),
        *(
            "a",
            "bc",
            "Def ",
            "12",
            "word ",
            "__init__",
            "中文",
            "：",
            "“",
            "😀",
            "👩‍👩‍👧‍👦",
            "🇩🇪",
            "e\u0301",
            "\u200d",
            "\ufe0f",
            "é. ",
            "x" * 50,
        ),
        *(
            "&amp;",
            "&#8238;",
            "\x00",
            "\u202e",
            "\r",
            "\r\n",
            "\ud83d",
            "\ude00",
            "\U000f0000",
            "\U000f0003",
            "\u3000",
            "\u00a0",
            "!",
            ".",
        ),
    ]
)
MARKDOWN = st.lists(PIECES, max_size=60).map("".join)
# Pieces whose letters must all be seen, whatever stands around them.
SIGNS = "* ** _ ` ``` ~~ || > - 1. # [ ] ( ) < > <u> $ \\( \\) | : !"
WORDS = (" ", "\n", "\n\n", "a", "bc", "中", "é", "😀", "\n|h|\n|-|\n|", "2*3")
SAFE = st.lists(st.sampled_from([*SIGNS.split(), *WORDS]), max_size=60)


@settings(max_examples=400)
@given(MARKDOWN, st.sampled_from([200, 333, 4096]))
@example("> \t\n\x00", 200)
@example("**[`a`](https://x.y) ||b** c||", 200)
@example("> - ```\n>   x\n> a", 200)
@example("😀" * 150, 200)
def test_every_message_is_one_that_telegram_takes_as_it_is(markdown: str, limit: int) -> None:
    for part in parts(markdown, limit):
        strict(part.text, part.entities, limit)
        assert part.text.strip()
    for part in literal(markdown, limit):
        strict(part.text, (), limit)


@settings(max_examples=200)
@given(st.text(max_size=300))
def test_any_characters_are_taken(text: str) -> None:
    for part in parts("*a* " + text) + parts(text) + literal(text):
        strict(part.text, part.entities)


@settings(max_examples=300)
@given(SAFE)
def test_no_letter_is_lost(pieces: list[str]) -> None:
    markdown = "".join(pieces)
    seen = "".join(part.text for part in parts(markdown))
    if "```" in markdown or "~~~" in markdown:
        return  # a word behind a fence is its language
    wanted = [sign for sign in re.sub(r"</?u>", "", markdown) if sign.isalpha()]
    rest = iter(seen)
    assert all(sign in rest for sign in wanted), (markdown, seen)


@settings(max_examples=60)
@given(MARKDOWN)
def test_every_beginning_is_taken_too(markdown: str) -> None:
    for end in range(len(markdown)):
        for part in parts(markdown[:end]):
            strict(part.text, part.entities)
