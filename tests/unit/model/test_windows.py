"""Windows of quotas: opened by first use or by the calendar, and neither doubled nor frozen by a clock that steps."""

import calendar
from datetime import UTC, datetime, timedelta

import pytest

from app.model.forecast import forecast
from app.model.ledger import Busy, Granted, Spent
from tests.support.books import HELD, PREFIX
from tests.unit.model.books import SECONDS, Desk, charge

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS


@pytest.mark.parametrize("window, seconds", [("minute", 60), ("hour", 3600)])
async def test_a_fixed_window_opens_with_its_first_use_and_not_before(desk: Desk, window: str, seconds: int) -> None:
    one = charge("u7", f"1r/{window}")
    assert (await desk.line(one)).resets == 0
    desk.books.tick(1234)
    await desk.use("a", one)
    line = await desk.line(one)
    assert (line.opened, line.resets) == (desk.clock.now() + 1.234, desk.clock.now() + 1.234 + seconds)
    desk.books.tick(seconds * 1000 - 1)
    assert isinstance(await desk.ask("b", one), Spent)
    desk.books.tick(1)
    assert (await desk.line(one)).resets == 0
    desk.books.tick(5000)
    await desk.use("c", one)
    assert (await desk.line(one)).opened == desk.books.now_ms / 1000


async def test_a_reservation_opens_the_window(desk: Desk) -> None:
    one = charge("u7", "1r/hour")
    await desk.ask("a", one)
    assert (await desk.line(one)).opened == desk.clock.now()


def month_of(moment: datetime) -> tuple[float, float]:
    begin = moment.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    days = calendar.monthrange(moment.year, moment.month)[1]
    return begin.timestamp(), (begin + timedelta(days=days)).timestamp()


def day_of(moment: datetime) -> tuple[float, float]:
    begin = moment.replace(hour=0, minute=0, second=0, microsecond=0)
    return begin.timestamp(), (begin + timedelta(days=1)).timestamp()


@pytest.mark.parametrize("first, days", [((2027, 2, 20), 390), ((2000, 2, 20), 20), ((2099, 12, 30), 70)])
def test_days_and_months_are_those_of_the_calendar(desk: Desk, first: tuple[int, int, int], days: int) -> None:
    start = datetime(*first, tzinfo=UTC)
    for n in range(days):
        for moment in (start + timedelta(days=n), start + timedelta(days=n, hours=23, minutes=59, seconds=59)):
            desk.books.now_ms = round(moment.timestamp() * 1000) + (999 if moment.hour else 0)
            desk.books.ask("reserve", "a", "a", 1, 1, 1, 1, "b", "t", "day", 9, "b", "t", "month", 9)
            found = {key: window["resets"] / 1000 for key, window in desk.books.windows().items()}
            (day, day_ends), (month, month_ends) = day_of(moment), month_of(moment)
            assert found == {f"b:t/day:{day:.0f}": day_ends, f"b:t/month:{month:.0f}": month_ends}, moment
            desk.books.client.delete(HELD, f"{PREFIX}call:a", *(f"{PREFIX}use:{key}" for key in found))


async def test_a_calendars_window_is_opened_by_its_first_use_as_well(desk: Desk) -> None:
    both = charge("u7", "9r/day,900r/month")
    desk.books.at(2026, 11, 21, 14)
    day, month = await desk.ledger.usage([both])
    assert (day.opened, month.opened) == (0, 0), "not used yet"
    assert (day.resets, month.resets) == (1_795_305_600, 1_796_083_200)
    await desk.use("a", both)
    first = desk.books.now_ms / 1000
    desk.books.tick(HOUR_MS)
    await desk.use("b", both)
    assert [line.opened for line in await desk.ledger.usage([both])] == [first, first]
    desk.books.at(2026, 11, 22, 9)
    await desk.use("c", both)
    assert [line.opened for line in await desk.ledger.usage([both])] == [desk.books.now_ms / 1000, first]


async def test_a_month_that_begins_in_its_middle_is_forecast_from_its_first_use(desk: Desk) -> None:
    month = charge("k1", "900r/month")
    desk.books.at(2026, 11, 16)
    for n in range(450):
        await desk.use(f"{n}", month, tokens=1)
    desk.books.at(2026, 11, 21)
    line, now = await desk.line(month), desk.books.now_ms / 1000
    found = forecast(line.used, 900, line.opened, now, line.resets)
    assert (found.state, found.at, found.expected) == ("ends", now + 5 * 86_400, 1350)


async def test_a_window_that_the_release_before_opened_is_counted_on(desk: Desk) -> None:
    """It noted the calendar's begin as the first use."""
    desk.books.at(2026, 11, 21, 14)
    begin, end = day_of(datetime(2026, 11, 21, tzinfo=UTC))
    old = {"id": 77, "used": 8, "held": 0, "opened": round(begin * 1000), "resets": round(end * 1000)}
    desk.books.client.hset(f"{PREFIX}use:u7:r/day:{begin:.0f}", mapping=old)
    await desk.use("a", charge("u7", "9r/day"))
    line = await desk.line(charge("u7", "9r/day"))
    assert (line.used, line.opened, line.resets) == (9, begin, end)
    assert isinstance(await desk.ask("b", charge("u7", "9r/day")), Spent)


@pytest.mark.parametrize(
    "window, last, next_",
    [
        ("day", (2026, 11, 21, 23, 59, 59), (2026, 11, 22)),
        ("day", (2028, 2, 28, 23, 59, 59), (2028, 2, 29)),
        ("month", (2028, 2, 29, 23, 59, 59), (2028, 3, 1)),
        ("month", (2027, 2, 28, 23, 59, 59), (2027, 3, 1)),
        ("month", (2026, 1, 31, 23, 59, 59), (2026, 2, 1)),
        ("month", (2026, 12, 31, 23, 59, 59), (2027, 1, 1)),
    ],
)
async def test_the_calendars_windows_end_with_it(
    desk: Desk, window: str, last: tuple[int, ...], next_: tuple[int, ...]
) -> None:
    one = charge("u7", f"1r/{window}")
    desk.books.at(*last)
    await desk.use("a", one)
    answer = await desk.ask("b", one)
    assert isinstance(answer, Spent)
    desk.books.at(*next_)
    assert answer.resets * 1000 == desk.books.now_ms
    assert await desk.ask("b", one) == Granted(90)


async def test_a_clock_set_back_neither_doubles_nor_freezes_an_hour(desk: Desk) -> None:
    two = charge("u7", "2r/hour")
    await desk.use("a", two)
    await desk.use("b", two)
    for days in (0.01, 30, 400):
        desk.books.tick(-days * DAY_MS)
        assert isinstance(answer := await desk.ask("c", two), Spent)
        assert answer.resets * 1000 == desk.books.now_ms + HOUR_MS
    desk.books.tick(HOUR_MS - 1)
    assert isinstance(await desk.ask("c", two), Spent)
    desk.books.tick(1)
    assert await desk.ask("c", two) == Granted(90)


async def test_a_clock_set_back_finds_what_the_day_had_used(desk: Desk) -> None:
    ten = charge("u7", "10t/day,15t/month")
    desk.books.at(2026, 11, 30, 23)
    await desk.use("a", ten, tokens=6)
    desk.books.tick(2 * HOUR_MS)
    await desk.use("b", ten, tokens=7)
    desk.books.tick(-2 * HOUR_MS)
    assert [line.used for line in await desk.ledger.usage([ten])] == [6, 6]
    desk.books.tick(-HOUR_MS)
    assert [line.resets for line in await desk.ledger.usage([ten])] == [1_796_083_200, 1_796_083_200]
    desk.books.tick(HOUR_MS)
    assert await desk.ask("c", ten, prompt=0, output=9, least=1) == Granted(4)
    await desk.ledger.settle("c", 4)
    desk.books.tick(2 * HOUR_MS)
    assert [line.used for line in await desk.ledger.usage([ten])] == [7, 7]


async def test_a_clock_set_back_holds_nothing_for_longer_than_a_process_may_be_dead(desk: Desk) -> None:
    day = charge("b", "100t/day")
    await desk.ask("dead", day)
    desk.books.tick(-6 * HOUR_MS)
    assert await desk.ask("a", day) == Busy("b")
    desk.books.tick(SECONDS * 1000)
    assert await desk.ask("a", day) == Granted(90)


async def test_a_window_opened_twice_at_the_same_moment_is_not_the_same(desk: Desk) -> None:
    """After steps of the clock the times may be equal; a reservation of the first must not be charged to the second."""
    hour = charge("b", "1000t/hour")
    await desk.ask("old", hour)
    await desk.line(hour)
    desk.books.tick(-HOUR_MS)
    await desk.ask("moves", hour)
    desk.books.tick(HOUR_MS)
    await desk.ask("new", hour)
    await desk.ledger.settle("old", 77)
    await desk.ledger.settle("moves", 88)
    assert await desk.figures(hour) == (0, 100)
