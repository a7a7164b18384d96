"""Limits that are too small for any question are found in every setting that has limits."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.chain.cast import cast_of, least, too_small
from app.core.settings import Settings, load
from app.model.persona import Cast


def given(**more: str) -> Settings:
    return load({"MODEL_BASE_URL": "http://h/v1", **more}, Path())


CAST: Cast = cast_of(load({}, Path()))
LEAST = least(given(), CAST)


@pytest.mark.parametrize(
    "name, value, who",
    [
        ("QUOTA_USER", "{}", "QUOTA_USER"),
        ("QUOTA_CHAT", "5r/h,{}", "QUOTA_CHAT"),
        ("QUOTA_BOT", "{}", "QUOTA_BOT"),
        ("MODEL_API_KEYS", "sk-a,sk-hunter2;{};5r/h", "MODEL_API_KEYS: key 2"),
        (
            "MODEL_FALLBACKS",
            '[{{"name": "m"}}, {{"name": "n", "keys": "sk-hunter2;{}"}}]',
            "MODEL_FALLBACKS: entry 2: key 1",
        ),
    ],
)
def test_a_limit_that_the_shortest_question_does_not_fit_is_named(name: str, value: str, who: str) -> None:
    (line,) = too_small(given(**{name: value.format(f"{LEAST - 1}t/day")}), CAST)
    assert line == f"{who}: no question fits into {LEAST - 1:,} tokens a day, the shortest takes {LEAST:,} tokens"
    assert not too_small(given(**{name: value.format(f"{LEAST}t/day")}), CAST)


def test_requests_and_no_limits_are_never_too_small() -> None:
    assert not too_small(given(QUOTA_USER="1r/mo", MODEL_API_KEYS="sk-a;1r/mo"), CAST)


def test_a_short_longest_answer_and_a_long_persona_count() -> None:
    assert least(given(MODEL_MAX_TOKENS="10"), CAST) == LEAST - 54
    assert least(given(), cast_of(given(SYSTEM_PROMPT="word " * 1000))) > LEAST + 1000
