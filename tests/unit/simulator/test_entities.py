"""Entities as Telegram's server mends them: what is cut, joined, dropped or refused."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator import text
from simulator.entities import BARE, GIVEN, QUOTES, SPLITTABLE
from simulator.records import Entity, Refusal

Mark = tuple[str, int, int]
KINDS = sorted(GIVEN - {"text_mention", "custom_emoji", "date_time", "text_link"})
MARKS = st.lists(st.tuples(st.sampled_from(KINDS), st.integers(0, 20), st.integers(1, 20)), max_size=8)


def mended(words: str, *marks: Mark) -> list[Mark]:
    entities = text.clean(words, [Entity(*mark) for mark in marks])[1]
    return [(one.type, one.offset, one.length) for one in entities]


def refused(words: str, entity: Entity) -> str:
    with pytest.raises(Refusal) as caught:
        text.clean(words, [entity])
    return caught.value.description


@pytest.mark.parametrize(
    "given_marks,kept",
    [
        ([("bold", 0, 4), ("bold", 4, 4)], [("bold", 0, 8)]),
        ([("bold", 0, 6), ("italic", 4, 6)], [("bold", 0, 4), ("italic", 4, 6), ("bold", 4, 2)]),
        ([("bold", 0, 10), ("code", 3, 4)], [("bold", 0, 3), ("code", 3, 4), ("bold", 7, 3)]),
        ([("code", 0, 6), ("pre", 4, 6)], [("code", 0, 6)]),
        ([("blockquote", 0, 10), ("blockquote", 2, 4)], [("blockquote", 0, 10)]),
        ([("blockquote", 0, 6), ("code", 4, 6)], [("blockquote", 0, 6)]),
        ([("blockquote", 0, 10), ("bold", 2, 4)], [("blockquote", 0, 10), ("bold", 2, 4)]),
    ],
)
def test_what_crosses_is_cut_and_what_touches_is_joined(given_marks: list[Mark], kept: list[Mark]) -> None:
    assert mended("abcdefghijkl", *given_marks) == kept


def test_bold_is_cut_where_an_address_is_found_and_a_given_link_goes_before_a_found_one() -> None:
    assert mended("see https://a.bc now", ("bold", 0, 20)) == [
        ("bold", 0, 4), ("url", 4, 12), ("bold", 4, 12), ("bold", 16, 4),
    ]  # fmt: skip
    link = Entity("text_link", 0, 8, url="example.org")
    assert [one.type for one in text.clean("https://a.bc", [link])[1]] == ["text_link"]


@pytest.mark.parametrize(
    "url,kept",
    [
        ("example.org", "http://example.org/"),
        ("HTTPS://Example.ORG/a b?c#d", "https://example.org/a%20b?c#d"),
        ("tg://user?id=7", "tg://user?id=7"),
        ("https://me:you@example.org:8080/x", "https://me:you@example.org:8080/x"),
    ],
)
def test_a_link_is_written_as_telegram_writes_it(url: str, kept: str) -> None:
    assert text.clean("hello", [Entity("text_link", 0, 5, url=url)])[1][0].url == kept


@pytest.mark.parametrize(
    "url,why",
    [
        ("foo", "Wrong HTTP URL"),
        ("", "URL host is empty"),
        ("#anchor", "URL host is empty"),
        ("/a/path", "URL host is empty"),
        ("ftp://example.org", "Unsupported URL protocol"),
        ("javascript:alert(1)", "Wrong port number specified in the URL"),
        ("https://exa mple.org", "Disallowed character in URL host"),
    ],
)
def test_what_is_no_link_is_refused_with_the_whole_message(url: str, why: str) -> None:
    words = refused("hello", Entity("text_link", 0, 5, url=url))
    assert words == f"Bad Request: entity URL '{url}' is invalid: {why}"


@pytest.mark.parametrize("field", ["offset", "length"])
@pytest.mark.parametrize("value", [-1, 1_000_001])
def test_an_entity_that_could_be_nowhere_is_refused(field: str, value: int) -> None:
    one = Entity("bold", 0, 1)
    setattr(one, field, value)
    assert refused("hello", one) == f"Bad Request: receive an entity with incorrect {field} {value}"


def test_an_end_inside_a_symbol_names_where_the_entity_began() -> None:
    assert refused("a\U0001f600b", Entity("bold", 0, 2)) == (
        "Bad Request: entity beginning at UTF-16 offset 0 ends in a middle of a UTF-16 symbol at byte offset 5"
    )


@given(MARKS)
def test_whatever_comes_out_nests_and_code_holds_nothing(marks: list[Mark]) -> None:
    out = mended("x" * 60, *marks)
    spans = [(kind, at, at + length) for kind, at, length in out]
    assert [one[1:] for one in out] == [one[1:] for one in sorted(out, key=lambda one: (one[1], -one[2]))]
    for kind, start, end in spans:
        for other, a, b in spans:
            apart, inside, around = end <= a or b <= start, a <= start and end <= b, start <= a and b <= end
            assert apart or inside or around, "no two cross"
            if (kind, start, end) != (other, a, b) and not apart:
                assert kind not in BARE or other in QUOTES, "code holds nothing and stands in quotes alone"
    for kind in SPLITTABLE:
        mine = [(start, end) for one, start, end in spans if one == kind]
        assert all(first[1] <= second[0] for first, second in pairwise(mine))


@given(MARKS)
def test_mending_what_is_mended_changes_nothing(marks: list[Mark]) -> None:
    out = mended("x" * 60, *marks)
    assert mended("x" * 60, *out) == out
