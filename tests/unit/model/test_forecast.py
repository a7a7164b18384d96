"""Forecasts: what is said of a limit at the present rate, and when nothing is said."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from app.model.forecast import EARLY_SECONDS, EARLY_USES, Forecast, ends, forecast

HOUR, DAY = 3600.0, 86400.0
NOVEMBER = datetime(2026, 11, 1, tzinfo=UTC).timestamp()
DECEMBER = datetime(2026, 12, 1, tzinfo=UTC).timestamp()

uses = st.integers(0, 10**9)
limits = st.integers(1, 10**9)
instants = st.floats(1.5e9, 2e9)
spans = st.floats(60, 31 * DAY)
shares = st.floats(0, 1, exclude_max=True)


def test_the_month_of_the_bot_we_learn_from_ends_in_its_second_evening() -> None:
    evening = datetime(2026, 11, 3, 19, tzinfo=UTC).timestamp()
    found = forecast(250, 900, evening, evening + HOUR, DECEMBER)
    assert found.state == "ends"
    assert found.at == evening + 3.6 * HOUR
    assert found.expected == 250 * (DECEMBER - evening) / HOUR


def test_a_month_that_begins_in_its_middle_is_judged_from_its_first_use() -> None:
    opened = NOVEMBER + 15 * DAY
    assert forecast(450, 900, opened, opened + 5 * DAY, DECEMBER) == Forecast("ends", opened + 10 * DAY, 1350)
    assert forecast(300, 900, opened, opened + 5 * DAY, DECEMBER) == Forecast("lasts", DECEMBER, 900)


@pytest.mark.parametrize("year, month, days", [(2027, 2, 28), (2028, 2, 29), (2026, 11, 30), (2026, 12, 31)])
def test_a_month_is_as_long_as_it_is(year: int, month: int, days: int) -> None:
    first = datetime(year, month, 1, tzinfo=UTC)
    opened, resets = first.timestamp(), (first + timedelta(days=days)).timestamp()
    middle = opened + days * DAY / 2
    assert forecast(1000, 2 * 1000, opened, middle, resets) == Forecast("lasts", resets, 2000)
    assert forecast(1001, 2 * 1000, opened, middle, resets).state == "ends"


@pytest.mark.parametrize("used, seconds", [(0, DAY), (EARLY_USES - 1, DAY), (800, 0.0), (800, EARLY_SECONDS - 1)])
def test_a_guess_from_little_is_not_made(used: int, seconds: float) -> None:
    assert forecast(used, 900, NOVEMBER, NOVEMBER + seconds, DECEMBER) == Forecast("early")
    assert ends(used, 900, NOVEMBER, NOVEMBER + seconds, DECEMBER) is None


def test_of_a_short_window_half_is_enough_to_judge() -> None:
    assert forecast(30, 50, 0.0, 29.0, 60.0) == Forecast("early")
    assert forecast(30, 50, 0.0, 30.0, 60.0) == Forecast("ends", 50.0, 60)


@pytest.mark.parametrize("used", [900, 901, 5000])
def test_what_is_spent_is_spent_until_its_reset_however_early(used: int) -> None:
    assert forecast(used, 900, NOVEMBER, NOVEMBER + 1, DECEMBER) == Forecast("spent", DECEMBER, used)
    assert ends(used, 900, NOVEMBER, NOVEMBER + 1, DECEMBER) == NOVEMBER + 1
    assert forecast(1, 1, NOVEMBER, NOVEMBER + 1, DECEMBER).state == "spent"


def test_what_is_spent_still_says_how_much_would_have_been_used() -> None:
    assert forecast(900, 900, NOVEMBER, NOVEMBER + DAY, DECEMBER) == Forecast("spent", DECEMBER, 27_000)


@pytest.mark.parametrize(
    "opened, now, resets", [(0.0, NOVEMBER, 0.0), (NOVEMBER, DECEMBER, DECEMBER), (NOVEMBER, DECEMBER + 1, DECEMBER)]
)
def test_of_a_window_that_is_not_open_nothing_is_said(opened: float, now: float, resets: float) -> None:
    assert forecast(900, 900, opened, now, resets) == Forecast("early")


def test_a_clock_that_stepped_back_makes_no_forecast() -> None:
    assert forecast(500, 900, NOVEMBER, NOVEMBER - 10, DECEMBER) == Forecast("early")


def test_a_limit_that_lasts_is_never_reached() -> None:
    assert ends(10, 900, NOVEMBER, NOVEMBER + DAY, DECEMBER) is None


@given(uses, limits, instants, spans, shares)
def test_every_forecast_lies_in_its_window(used: int, limit: int, opened: float, span: float, share: float) -> None:
    now, resets = opened + share * span, opened + span
    assume(now < resets)
    found = forecast(used, limit, opened, now, resets)
    assert (found.state == "spent") == (used >= limit)
    if found.state == "early":
        assert found == Forecast("early")
    elif found.state == "ends":
        assert now <= found.at < resets
        assert used / (now - opened) * (found.at - opened) == pytest.approx(limit, rel=1e-3)
        assert found.expected >= limit
    else:
        assert found.at == resets
        assert found.expected >= used or found.state == "lasts"


@given(st.integers(EARLY_USES, 10**6), st.integers(1, 10**6), st.integers(2, 10**7), spans, shares)
def test_who_uses_more_ends_no_later(used: int, more: int, limit: int, span: float, share: float) -> None:
    now = share * span
    assume(now < span)
    less, greater = (ends(amount, limit, 0.0, now, span) for amount in (used, used + more))
    assert less is None or (greater is not None and greater <= less)


@given(st.integers(EARLY_USES, 10**6), st.integers(1, 10**6), st.integers(1, 1000), shares)
def test_the_unit_in_which_use_is_counted_does_not_matter(used: int, limit: int, factor: int, share: float) -> None:
    one = forecast(used, limit, 0.0, share * DAY, DAY)
    other = forecast(used * factor, limit * factor, 0.0, share * DAY, DAY)
    assert one.state == other.state
    assert one.at == pytest.approx(other.at)
