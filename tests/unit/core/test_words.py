"""Points in time and quotas, as people are told them."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core import measures, words
from app.core.allowance import limits
from app.core.tongue import Sentence

NOW = datetime(2026, 11, 21, 14, 3, 20, tzinfo=UTC).timestamp()
NEW_YEAR = datetime(2027, 1, 1, tzinfo=UTC).timestamp()
DAY = 86_400.0


@pytest.mark.parametrize(
    "at, text",
    [
        (NOW + 12, "in 12 seconds (at 14:04 UTC)"),
        (NOW + 0.2, "in 1 second (at 14:04 UTC)"),
        (NOW - 1e6, "in 1 second (at 14:04 UTC)"),
        (NOW + 90, "at 14:05 UTC"),
        (NOW + 10 * 3600, "on 22 Nov at 00:04 UTC"),
        (NEW_YEAR, "on 1 Jan 2027 at 00:00 UTC"),
        (NEW_YEAR + 3650 * DAY, "on 29 Dec 2036 at 00:00 UTC"),
    ],
)
def test_a_time_is_told_as_precisely_as_it_is_near(at: float, text: str) -> None:
    assert measures.when(at, NOW) == text


@pytest.mark.parametrize("at", [1e18, 1e300, float("inf"), float("nan"), 253_402_300_799.0])
def test_a_time_that_no_calendar_knows_is_later(at: float) -> None:
    assert measures.when(at, NOW) == "later"


@given(st.floats(), st.one_of(st.just(NOW), st.floats()))
def test_every_time_can_be_told(at: float, now: float) -> None:
    assert measures.when(at, now)


@given(st.floats(NOW + 90, NOW + 5e9))
def test_nobody_comes_too_early_and_nobody_waits_a_minute_in_vain(at: float) -> None:
    told = measures.when(at, NOW).removeprefix("on ")
    now = datetime.fromtimestamp(NOW, UTC)
    day = told.partition("at ")[0].split() or [f"{now.day}", f"{now:%b}"]
    text = f"{' '.join(day if len(day) == 3 else [*day, '2026'])} {told.rpartition('at ')[2]}"
    moment = datetime.strptime(text, "%d %b %Y %H:%M UTC").replace(tzinfo=UTC)
    assert timedelta(0) <= moment - datetime.fromtimestamp(at, UTC) < timedelta(minutes=1, microseconds=1)


FEW = "Of {} {} are left, too few for this question; there are more {}."


@pytest.mark.parametrize(
    "scope, limit, resets, left, text",
    [
        ("user", "6000t/d", 10 * 3600, 2500, FEW.format("your 6,000 tokens a day", "2,500", "on 22 Nov at 00:04 UTC")),
        ("chat", "60t/min", 20, 10, FEW.format("this chat's 60 tokens a minute", "10", "in 20 seconds (at 14:04 UTC)")),
        ("bot", "9000t/mo", 10 * DAY, 300, FEW.format("my 9,000 tokens a month", "300", "on 1 Dec at 14:04 UTC")),
        ("user", "60r/h", 3600, 0, "You have used up your 60 requests an hour; I can answer you again at 15:04 UTC."),
        ("user", "60r/h", math.inf, 0, "You have used up your 60 requests an hour; I can answer you again later."),
    ],
)
def test_a_quota_without_room_is_told_as_it_is(scope: str, limit: str, resets: float, left: int, text: str) -> None:
    assert measures.spent(scope, limits(limit)[0], NOW + resets, NOW, left) == text


@pytest.mark.parametrize("rest, some", [(120, "120 are"), (1, "1 is")])
def test_what_is_left_of_a_quota_is_never_told_as_used_up(rest: int, some: str) -> None:
    text = measures.spent("user", limits("150t/h")[0], NOW + 3600, NOW, 0, rest)
    assert text == (f"Of your 150 tokens an hour {some} left, too few for any question; there are more at 15:04 UTC.")


@pytest.mark.parametrize("line", [words.TRIMMED, words.TRIMMED_LIMIT, words.LENGTH, words.CUT])
def test_our_last_lines_are_taken_off_again(line: Sentence) -> None:
    lines = [words.FILTERED(), line()]
    assert words.bare(words.with_lines("42", lines)) == ("42", lines)


@pytest.mark.parametrize(
    "scope, left, text",
    [
        ("user", 600, "This question needs more than your 600 tokens an hour; please send me less of it."),
        (
            "chat",
            0,
            "No question fits into this chat's 600 tokens an hour; only my operators can allow more.",
        ),
    ],
)
def test_a_quota_that_waiting_does_not_help_is_told_without_a_time(scope: str, left: int, text: str) -> None:
    assert measures.spent(scope, limits("600t/h")[0], 0, NOW, left) == text
