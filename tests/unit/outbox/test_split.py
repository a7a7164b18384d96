"""Long texts in parts: nothing lost, nothing too long, no character torn."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.outbox.markup import literal
from app.outbox.split import LIMIT, units

FAMILY = "👨‍👩‍👧‍👦"
FLAG = "🇩🇪"


def squeezed(text: str) -> str:
    return re.sub(r"\s+", "", text)


def split(text: str, limit: int = LIMIT) -> list[str]:
    return [part.text for part in literal(text, limit)]


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


def test_it_cuts_at_a_paragraph_first() -> None:
    text = "a" * 150 + ".\nb\n\n" + "c" * 40 + "\n" + "d " * 60
    assert split(text, 250)[0] == "a" * 150 + ".\nb"


def test_it_cuts_after_a_sentence_before_it_cuts_a_sentence() -> None:
    text = "One two three. " * 40
    assert all(part.endswith(".") for part in split(text.strip(), 200))


SCRIPTS = ["น้ำ", "क्षि", "\u1112\u1161\u11ab", "\uff76\uff9e", "ក្រ"]


@pytest.mark.parametrize("whole", [FAMILY, FLAG, "👍🏽", "e\u0301", "1\ufe0f\u20e3", "🏴󠁧󠁢󠁥󠁮󠁧󠁿", *SCRIPTS])
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
