"""Telegram's rules for texts and entities."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator import entities, text
from simulator.records import Entity, Refusal


def refused(words: str, entities: list[Entity]) -> str:
    with pytest.raises(Refusal) as caught:
        text.clean(words, entities)
    return caught.value.description


@pytest.mark.parametrize("char", ["x", "ä", "\U0001f600"])
def test_the_limit_is_4096_characters_however_wide_they_are(char: str) -> None:
    assert text.clean(char * 4096, [])[0] == char * 4096
    assert refused(char * 4097, []) == "Bad Request: message is too long"


def test_the_limit_counts_after_trimming() -> None:
    assert len(text.clean(" \n" + "x" * 4096 + "  ", [])[0]) == 4096


def test_a_text_of_more_than_32_kib_is_refused_before_it_is_read() -> None:
    assert refused("x" * (1 << 15) + "x", []) == "Bad Request: text is too long"


@pytest.mark.parametrize("blank", [" ", "\n\n", "\u200b", "\r", " \u2028\r "])
def test_a_text_of_nothing_visible_is_refused(blank: str) -> None:
    assert refused(blank, []) == "Bad Request: text must be non-empty"
    assert refused("", []) == "Bad Request: message text is empty"


def test_entities_that_do_not_fit_are_refused_in_telegrams_words() -> None:
    assert refused("hello", [Entity("bold", 100, 1)]) == (
        "Bad Request: entity begins after the end of the text at UTF-16 offset 100"
    )
    assert refused("hello", [Entity("bold", 0, 100)]) == (
        "Bad Request: entity beginning at UTF-16 offset 0 ends after the end of the text at UTF-16 offset 100"
    )
    assert refused("a\U0001f600b", [Entity("bold", 2, 2)]) == (
        "Bad Request: entity begins in a middle of a UTF-16 symbol at byte offset 5"
    )


def test_entities_move_with_the_text_that_is_trimmed_before_them() -> None:
    words, entities = text.clean("  \U0001f600 \r\nbold  ", [Entity("bold", 7, 6)])
    assert words == "\U0001f600 \nbold"
    assert entities == [Entity("bold", 4, 4)]


def test_only_a_hundred_entities_are_kept() -> None:
    given = [Entity("bold", 2 * i, 1) for i in range(150)]
    assert len(text.clean("a " * 149 + "a", given)[1]) == 100


def test_entities_without_length_are_left_out_silently() -> None:
    assert text.clean("hello", [Entity("bold", 0, 0)])[1] == []
    assert refused("hello", [Entity("bold", -1, 2)]) == "Bad Request: receive an entity with incorrect offset -1"


@pytest.mark.parametrize(
    "item,words",
    [
        ("bold", "expected an Object"),
        ({"offset": 0, "length": 1}, 'Can\'t find field "type"'),
        ({"type": "sparkle", "offset": 0, "length": 1}, "Unsupported type specified"),
        ({"type": "text_link", "offset": 0, "length": 1}, 'Can\'t find field "url"'),
    ],
)
def test_an_entity_that_cannot_be_read_names_its_fault(item: object, words: str) -> None:
    with pytest.raises(Refusal) as caught:
        entities.parse([item])
    assert caught.value.description == f"Bad Request: can't parse MessageEntity: {words}"


def test_kinds_that_telegram_finds_itself_are_not_taken_from_a_request() -> None:
    assert entities.parse([{"type": "mention", "offset": 0, "length": 1}]) == []


@pytest.mark.parametrize(
    "words,found",
    [
        ("/start", [("bot_command", 0, 6)]),
        ("/start@lanekeeper_bot now", [("bot_command", 0, 21)]),
        ("\U0001f600 @ada_bot", [("mention", 3, 8)]),
        ("mail ada@example.com", [("email", 5, 15)]),
        ("see https://example.com/a?b=@ada_bot.", [("url", 4, 32)]),
        ("a/b and 1/2", []),
        ("#tag #123", [("hashtag", 0, 4)]),
    ],
)
def test_commands_mentions_and_addresses_are_found_in_utf16_units(
    words: str, found: list[tuple[str, int, int]]
) -> None:
    assert [(one.type, one.offset, one.length) for one in text.find(words)] == found


def test_nothing_is_found_inside_code() -> None:
    assert [one.type for one in text.clean("run /start", [Entity("code", 4, 6)])[1]] == ["code"]


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=60), st.integers(-2, 60), st.integers(-2, 60))
def test_whatever_is_accepted_has_entities_that_fit(words: str, offset: int, length: int) -> None:
    try:
        cleaned, entities = text.clean(words, [Entity("bold", offset, length)])
    except Refusal:
        return
    encoded = cleaned.encode("utf-16-le")
    assert cleaned == cleaned.strip(" \n") or entities
    for one in entities:
        assert one.length > 0
        assert 0 <= one.offset <= one.offset + one.length <= text.units(cleaned)
        encoded[2 * one.offset : 2 * (one.offset + one.length)].decode("utf-16-le")
