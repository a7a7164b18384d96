"""Limits that an operator gave a chat: known everywhere within 2 s, read only when asked, and rarely."""

import asyncio

import pytest

from app.core import keys
from app.core.allowance import limits
from app.core.errors import StoreDown
from app.core.redis import connect
from app.model.ledger import Ledger
from tests.support.books import BOT
from tests.unit.model.books import Desk


def reads(desk: Desk) -> int:
    """How often the table was read."""
    stats = desk.books.client.info("commandstats").get("cmdstat_hgetall", {"calls": 0})
    return int(stats["calls"])


async def test_a_chats_own_limits_are_known_to_all_within_two_seconds(desk: Desk) -> None:
    other = desk.other()
    assert await other.overrides() == {}
    await desk.ledger.override(-5, limits("300r/hour,1000t/day"))
    await desk.ledger.override(7, ())
    assert await desk.ledger.overrides() == {"-5": limits("300r/hour,1000t/day"), "7": ()}
    await desk.clock.advance(2)
    assert await other.overrides() == {"-5": limits("300r/hour,1000t/day"), "7": ()}


async def test_the_setting_comes_back(desk: Desk) -> None:
    await desk.ledger.override(-5, ())
    await desk.ledger.override(-5, None)
    assert await desk.ledger.overrides() == {}
    assert not desk.books.client.exists(keys.override(BOT))


async def test_they_are_read_at_most_every_two_seconds_however_many_ask(desk: Desk) -> None:
    before = reads(desk)
    for _ in range(5):
        await asyncio.gather(*(desk.ledger.overrides() for _ in range(20)))
        await desk.clock.advance(0.39)
    assert reads(desk) - before == 1
    await desk.clock.advance(0.1)
    await asyncio.gather(*(desk.ledger.overrides() for _ in range(20)))
    assert reads(desk) - before == 2


async def test_words_of_a_later_release_leave_the_setting_as_it_is(desk: Desk) -> None:
    desk.books.client.hset(keys.override(BOT), mapping={"1": "5x/fortnight", "2": "5r/day"})
    assert await desk.ledger.overrides() == {"2": limits("5r/day")}


async def test_a_redis_that_is_away_is_said_so(desk: Desk) -> None:
    gone = connect("unix:///nowhere/s")
    ledger = Ledger(desk.books, gone.work, BOT, seconds=60)
    with pytest.raises(StoreDown):
        await ledger.overrides()
    with pytest.raises(StoreDown):
        await ledger.override(1, ())
    with pytest.raises(StoreDown):
        await ledger.override(1, None)
    await gone.close()


async def test_a_chat_with_a_new_id_keeps_its_limits_and_what_it_used(desk: Desk) -> None:
    hourly = limits("10r/hour,100r/day,1000r/month")
    await desk.ledger.override(-50, hourly)
    await desk.ledger.reserve("1", [("c-50", hourly)], 5, 20, 5)
    await desk.ledger.settle("1", 25)
    await desk.ledger.move(-50, -100)
    await desk.ledger.move(-50, -100)
    assert (await desk.ledger.overrides())["-100"] == hourly
    assert [line.used for line in await desk.ledger.usage([("c-100", hourly)])] == [1, 1, 1]
    assert [line.used for line in await desk.ledger.usage([("c-50", hourly)])] == [0, 0, 0]


async def test_limits_that_the_new_id_has_already_stay(desk: Desk) -> None:
    await desk.ledger.override(-50, limits("10r/hour"))
    await desk.ledger.override(-100, ())
    await desk.ledger.move(-50, -100)
    assert (await desk.ledger.overrides())["-100"] == ()
