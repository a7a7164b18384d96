"""Long answers in parts: nothing lost, nothing too long, no character torn, code stays code."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.outbox.split import LIMIT, split, units

FAMILY = "👨‍👩‍👧‍👦"
FLAG = "🇩🇪"


def squeezed(text: str) -> str:
    return re.sub(r"\s+", "", text)


def bare(text: str) -> str:
    """Without fence lines."""
    return squeezed("\n".join(line for line in text.split("\n") if not re.match(r" {0,3}(```|~~~)", line)))


def test_a_short_text_is_one_part_unchanged() -> None:
    assert split("  hello\n") == ["  hello\n"]


@pytest.mark.parametrize("text", ["", "   \n"])
def test_nothing_visible_is_no_part(text: str) -> None:
    assert split(text) == []


def test_exactly_the_limit_is_one_part() -> None:
    assert split("😀" * (LIMIT // 2)) == ["😀" * (LIMIT // 2)]
    assert len(split("😀" * (LIMIT // 2) + "x")) == 2


@given(st.text(alphabet=st.sampled_from("ab .!\n\t日😀é"), min_size=150, max_size=3000), st.integers(200, 500))
def test_nothing_is_lost_and_no_part_is_too_long(text: str, limit: int) -> None:
    parts = split(text, limit)
    assert all(units(part) <= limit for part in parts)
    assert squeezed("".join(parts)) == squeezed(text)


@given(st.lists(st.sampled_from(["```py", "```", "~~~", "   x = 1", "word " * 20, "", "😀" * 70]), max_size=60))
def test_code_is_closed_in_every_part_and_nothing_of_it_is_lost(lines: list[str]) -> None:
    text = "\n".join(
        f"{line}{number}" if line.strip(" ") not in {"```py", "```", "~~~", ""} else line
        for number, line in enumerate(lines)
    )
    parts = split(text, 250)
    assert all(units(part) <= 250 for part in parts)
    assert squeezed("".join(map(bare, parts))) == bare(text)


def test_a_cut_block_goes_on_with_its_language() -> None:
    text = "Look:\n```python\n" + "\n".join(f"    print({number})" for number in range(60)) + "\n```\nDone."
    parts = split(text, 300)
    assert len(parts) > 3
    for part in parts[:-1]:
        assert part.endswith("\n```")
    for part in parts[1:-1]:
        assert part.startswith("```python\n    print(")
    assert parts[-1].endswith("Done.")
    assert [len(re.findall("^```", part, re.MULTILINE)) % 2 for part in parts] == [0] * len(parts)


def test_it_cuts_at_a_paragraph_first() -> None:
    text = "a" * 150 + ".\nb\n\n" + "c" * 40 + "\n" + "d " * 60
    assert split(text, 250)[0] == "a" * 150 + ".\nb"


def test_it_cuts_after_a_sentence_before_it_cuts_a_sentence() -> None:
    text = "One two three. " * 40
    assert all(part.endswith(".") for part in split(text.strip(), 200))


@pytest.mark.parametrize("whole", [FAMILY, FLAG, "👍🏽", "e\u0301", "1\ufe0f\u20e3", "🏴󠁧󠁢󠁥󠁮󠁧󠁿"])
@pytest.mark.parametrize("shift", range(4))
def test_what_shows_as_one_character_is_not_torn(whole: str, shift: int) -> None:
    text = "x" * shift + whole * 300
    for part in split(text, 200):
        rest = part.lstrip("x")
        assert rest == whole * (len(rest) // len(whole))


def test_an_endless_cluster_is_cut_all_the_same() -> None:
    text = "a" + "\u0301" * 2000
    parts = split(text, 200)
    assert "".join(parts) == text
    assert all(units(part) <= 200 for part in parts)
