"""The language that is spoken: who is spoken to in which, and what is said in it."""

from __future__ import annotations

import asyncio
import string
from collections import defaultdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core import manual, measures, unread, words
from app.core.allowance import UNITS, WINDOWS, Limit, limits
from app.core.tongue import LANGUAGES, Sentence, known, number, speaking, spoken_in, translated

OTHERS = sorted(LANGUAGES.keys() - {"en"})
ALIKE = defaultdict(str, es="{sentence} (error {id}).")
NOW = 1_795_269_800.0


@pytest.mark.parametrize(
    "code, language",
    [
        *(("de", "de"), ("de-AT", "de"), ("DE", "de"), ("de_CH", "de"), ("es-419", "es"), ("zh-hans", "zh")),
        *(("zh-hans-raw", "zh"), ("zh-Hant-TW", "zh"), ("ja-JP-x-lvariant-JP", "ja"), ("ru", "ru"), ("en-GB", "en")),
        *(("pt-br", "en"), ("fil", "en"), ("", "en"), (None, "en"), ("dex", "en"), ("-de", "en"), ("../de", "en")),
        *(("d" * 1000, "en"), ("de-" + "x" * 1000, "de"), ("de\x00", "en"), ("\ud800", "en"), ("{n}", "en")),
    ],
)
def test_a_person_is_spoken_to_in_their_language_if_we_speak_it_and_else_in_english(
    code: str | None, language: str
) -> None:
    assert known(code) == language


@given(st.text())
def test_whatever_an_app_calls_its_language_is_harmless(code: str) -> None:
    assert known(code) in LANGUAGES


@pytest.mark.parametrize(
    "chat, code, private, language",
    [
        ({}, "ja", True, "ja"),
        ({}, "ja", False, "ru"),
        ({"language": "es"}, "ja", True, "es"),
        ({"language": "es"}, "ja", False, "es"),
        ({"language": "of a later release"}, "ja", True, "ja"),
        ({"language": "of a later release"}, "ja", False, "ru"),
    ],
)
def test_what_was_chosen_in_a_chat_goes_before_the_app_and_the_setting_of_groups(
    chat: dict[str, str], code: str, private: bool, language: str
) -> None:
    assert spoken_in(chat, code, "ru", private=private) == language


async def test_turns_that_run_at_once_never_mix_their_languages() -> None:
    english = words.STOPPED()
    said: dict[str, set[str]] = {language: set() for language in LANGUAGES}

    async def deeper(language: str) -> None:
        said[language].add(words.STOPPED())

    async def turn(language: str) -> None:
        with speaking(language):
            for _ in range(20):
                said[language].add(words.STOPPED())
                await asyncio.create_task(deeper(language))

    await asyncio.gather(*map(turn, [*LANGUAGES] * 3))
    assert all(len(one) == 1 for one in said.values())
    assert len(set.union(*said.values())) == len(LANGUAGES)
    assert words.STOPPED() == english


def test_what_is_said_after_a_language_is_over_is_as_before() -> None:
    with speaking("de"):
        with speaking("en"):
            assert measures.when(NOW + 5, NOW).startswith("in 5 seconds")
        assert measures.when(NOW + 5, NOW).startswith("in 5 Sekunden")
    assert measures.when(NOW + 5, NOW).startswith("in 5 seconds")


@pytest.mark.parametrize(
    "count, seconds, requests",
    [
        (1, "через 1 секунду", "1 запрос в час"),
        (2, "через 2 секунды", "2 запроса в час"),
        (5, "через 5 секунд", "5 запросов в час"),
        (11, "через 11 секунд", "11 запросов в час"),
        (21, "через 21 секунду", "21 запрос в час"),
        (22, "через 22 секунды", "22 запроса в час"),
        (25, "через 25 секунд", "25 запросов в час"),
    ],
)
def test_russian_counts_as_russian_does(count: int, seconds: str, requests: str) -> None:
    with speaking("ru"):
        assert measures.when(NOW + count, NOW).startswith(f"{seconds} (")
        assert measures.a_window(limits(f"{count}r/h")[0]) == requests


def test_a_number_is_written_as_in_its_language() -> None:
    written = {}
    for language in LANGUAGES:
        with speaking(language):
            written[language] = number(1_234_567), number(0.5)
    assert written == {
        "en": ("1,234,567", "0.5"),
        "de": ("1.234.567", "0,5"),
        "es": ("1\u00a0234\u00a0567", "0,5"),
        "ja": ("1,234,567", "0.5"),
        "ru": ("1\u00a0234\u00a0567", "0,5"),
        "zh": ("1,234,567", "0.5"),
    }


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize("window", sorted(set(WINDOWS.values())))
@pytest.mark.parametrize("amount", [1, 2, 100_000])
def test_a_limit_is_called_in_english_as_operators_know_it(unit: str, window: str, amount: int) -> None:
    limit = Limit(amount, unit, window)  # type: ignore[arg-type]
    assert measures.a_window(limit) == limit.words


@pytest.mark.parametrize("language", LANGUAGES)
def test_our_last_lines_and_apologies_are_known_in_every_language(language: str) -> None:
    with speaking(language):
        lines = [words.LENGTH(), unread.aside(unread.BIG), words.TRIMMED()]
        text = words.with_lines("an answer\n\n(mine)", lines)
        sorry = words.apology(words.SORRY_BUSY, "0a1b2c")
    assert words.bare(text) == ("an answer\n\n(mine)", lines)
    assert [words.TRIMMED.says(line) for line in lines] == [False, False, True]
    assert words.is_apology(sorry)
    assert not words.is_apology(sorry[:-1])
    assert not words.is_apology(f"x{sorry}")
    assert not words.is_apology(sorry.replace("0a1b2c", "0a1b2"))


def test_apologies_and_last_lines_of_earlier_releases_are_known() -> None:
    assert words.is_apology(
        "Sorry, my language model cannot be reached right now; please try again in a little while (error c0ffee)."
    )
    assert words.bare("42\n\n(I was asked to stop here.)") == ("42", ["(I was asked to stop here.)"])


@pytest.mark.parametrize("language", OTHERS)
def test_no_sentence_is_left_in_english(language: str) -> None:
    for module in (words, measures, manual, unread):
        for sentence in _sentences(vars(module)):
            with speaking(language):
                assert translated(sentence.text) != sentence.text or sentence.text == ALIKE[language]


def test_what_no_catalogue_has_is_said_as_it_is() -> None:
    with speaking("de"):
        assert translated("Ahoy, I am {name}.") == "Ahoy, I am {name}."
        assert translated("") == "", "which in a catalogue is its head"


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_apology_reads_on_behind_its_sentence(language: str) -> None:
    with speaking(language):
        for sorry in _sentences({"SORRY": [value for name, value in vars(words).items() if name.startswith("SORRY")]}):
            assert sorry()[-1] not in string.punctuation + "。！？"
        assert "(" in words.traceable(words.UNSENT(), "0a1b2c") or "（" in words.traceable(words.UNSENT(), "0a1b2c")
        assert ".（" not in words.traceable(words.UNSENT(), "0a1b2c")
        assert "。（" not in words.traceable(words.UNSENT(), "0a1b2c")


def _sentences(found: object) -> list[Sentence]:
    if isinstance(found, Sentence):
        return [found]
    inner = list(found.values()) if isinstance(found, dict) else found if isinstance(found, tuple | list) else []
    return [sentence for each in inner for sentence in _sentences(each)]
