"""The books: what is granted, what is charged, and that no repetition, crash or late settlement makes them wrong."""

import asyncio
from typing import Any

import pytest
from redis.exceptions import ResponseError

from app.core.allowance import Limit
from app.core.errors import StoreBroken
from app.core.script import Script
from app.model.ledger import MOST_TOKENS, Busy, Granted, Ledger, Spent
from tests.support.books import BOT
from tests.support.wait import turns
from tests.unit.model.books import SECONDS, Desk, charge

HOUR = charge("u7", "200t/hour")
REQUESTS = charge("u7", "5r/hour")


async def test_what_is_reserved_is_held_and_what_was_used_is_charged(desk: Desk) -> None:
    assert await desk.ask("a", HOUR) == Granted(90)
    assert await desk.figures(HOUR) == (0, 100)
    await desk.ledger.settle("a", 37)
    assert await desk.figures(HOUR) == (37, 0)


async def test_what_was_released_costs_nothing(desk: Desk) -> None:
    both = charge("u7", "200t/hour,5r/day")
    await desk.ask("a", both)
    await desk.ledger.release("a")
    assert [(line.used, line.held) for line in await desk.ledger.usage([both])] == [(0, 0), (0, 0)]


async def test_a_request_costs_one_even_if_it_used_no_token(desk: Desk) -> None:
    two = charge("u7", "2r/hour")
    for rid in ("a", "b"):
        assert await desk.ask(rid, two) == Granted(90)
        await desk.ledger.settle(rid, 0)
    assert isinstance(await desk.ask("c", two), Spent)
    assert await desk.figures(two) == (2, 0)


async def test_room_held_by_others_is_busy_and_not_spent(desk: Desk) -> None:
    for rid in ("a", "b"):
        assert await desk.ask(rid, HOUR) == Granted(90)
    assert await desk.ask("c", HOUR) == Busy("u7")
    await desk.ledger.settle("a", 30)
    assert await desk.ask("c", HOUR) == Busy("u7"), "70 are free, and the other 100 may come free too"
    await desk.ledger.settle("b", 30)
    assert await desk.ask("c", HOUR) == Granted(90)


async def test_the_last_answer_of_a_quota_is_shorter_and_then_it_is_spent(desk: Desk) -> None:
    await desk.use("a", HOUR, tokens=150)
    assert await desk.ask("b", HOUR) == Granted(40)
    assert await desk.figures(HOUR) == (150, 50)
    await desk.ledger.settle("b", 21)
    assert await desk.ask("c", HOUR, least=20) == Spent("u7", HOUR[1][0], desk.clock.now() + 3600, left=29)
    assert await desk.ask("c", HOUR, least=19) == Granted(19)


async def test_a_shorter_answer_waits_until_nothing_else_is_held(desk: Desk) -> None:
    await desk.use("a", HOUR, tokens=60)
    await desk.ask("b", HOUR)
    assert await desk.ask("c", HOUR) == Busy("u7"), "40 would do for a short one, but b may leave room for a whole one"


async def test_the_answer_is_as_short_as_the_tightest_limit_wants(desk: Desk) -> None:
    tight, wide = charge("u7", "60t/hour,1000t/day"), charge("b", "80t/hour")
    assert await desk.ask("a", wide, tight) == Granted(50)
    assert [line.held for line in await desk.ledger.usage([tight, wide])] == [60, 60, 60]


async def test_all_is_reserved_or_nothing(desk: Desk) -> None:
    bot, person = charge("b", "1000t/hour,10r/hour"), charge("u7", "1r/hour")
    await desk.ask("a", person)
    assert await desk.ask("b", bot, person) == Busy("u7")
    await desk.ledger.settle("a", 1)
    assert isinstance(await desk.ask("b", bot, person), Spent)
    assert [line.held + line.used for line in await desk.ledger.usage([bot])] == [0, 0]


async def test_of_several_spent_limits_the_one_is_named_that_resets_last(desk: Desk) -> None:
    spent = charge("u7", "1r/hour"), charge("c-5", "1r/minute,1r/month,1r/day")
    await desk.use("a", *spent)
    assert await desk.ask("b", *spent) == Spent("c-5", Limit(1, "r", "month"), 1_701_388_800.0)


async def test_scopes_and_units_and_windows_are_counted_apart(desk: Desk) -> None:
    await desk.use("a", charge("u7", "100t/hour,100t/day,100r/hour"), tokens=100)
    for other in ("c7", "u8", "b", "k7"):
        assert await desk.figures(charge(other, "100t/hour")) == (0, 0)
    assert await desk.figures(charge("u7", "100r/hour")) == (1, 0)
    assert await desk.figures(charge("u7", "100t/month")) == (0, 0)


async def test_a_limit_that_was_changed_keeps_its_count(desk: Desk) -> None:
    await desk.use("a", HOUR, tokens=150)
    assert await desk.ask("b", charge("u7", "1000t/hour")) == Granted(90)
    assert isinstance(await desk.ask("c", charge("u7", "100t/hour")), Spent)


async def test_more_than_was_reserved_is_charged_truthfully(desk: Desk) -> None:
    await desk.ask("a", HOUR)
    await desk.ledger.settle("a", 5000)
    assert await desk.figures(HOUR) == (5000, 0)
    assert isinstance(await desk.ask("b", HOUR), Spent)


async def test_figures_as_large_as_a_limit_may_be_stay_exact(desk: Desk) -> None:
    huge = charge("b", "999999999999999t/month")
    await desk.use("a", huge, tokens=999_999_999_999_900)
    assert await desk.ask("b", huge) == Granted(89)


async def test_every_call_may_be_repeated(desk: Desk) -> None:
    words = ("a", "t1", 60_000, 10, 90, 20, "u7", "t", "hour", 200, "u7", "r", "day", 5)
    for _ in range(3):
        assert desk.books.ask("reserve", *words) == [b"granted", 90]
    assert sorted(w["held"] for w in desk.books.windows().values()) == [1, 100]
    assert [desk.books.ask("settle", "a", "t1", 33) for _ in range(3)] == [1, 0, 0]
    assert sorted((w["used"], w["held"]) for w in desk.books.windows().values()) == [(1, 0), (33, 0)]


async def test_a_reserve_that_arrives_after_its_settle_holds_nothing(desk: Desk) -> None:
    words = ("a", "t1", 60_000, 10, 90, 20, "u7", "t", "hour", 200)
    desk.books.ask("reserve", *words)
    desk.books.ask("settle", "a", "t1", 33)
    assert desk.books.ask("reserve", *words) == [b"busy", 1]
    desk.books.ask("settle", "b", "t2", "")
    assert desk.books.ask("reserve", "b", "t2", *words[2:]) == [b"busy", 1], "released before it arrived"
    assert await desk.figures(HOUR) == (33, 0)


async def test_a_successor_takes_over_what_was_reserved(desk: Desk) -> None:
    await desk.ask("a", HOUR)
    heir = desk.other()
    assert await heir.reserve("a", [HOUR], 10, 180, 20) != Busy("u7")
    assert await desk.figures(HOUR) == (0, 190)
    await heir.settle("a", 50)
    await heir.settle("a", 50)
    assert await desk.figures(HOUR) == (50, 0)
    await desk.ledger.settle("a", 7)
    assert await desk.figures(HOUR) == (57, 0), "what the one before used was used, too"


async def test_what_was_charged_in_vain_is_given_back_if_the_same_call_is_made_again(desk: Desk) -> None:
    both = charge("u7", "200t/hour,5r/day")
    await desk.ask("a", both)
    await desk.ledger.settle("a", 10, vain=True)
    assert [(line.used, line.held) for line in await desk.ledger.usage([both])] == [(10, 0), (1, 0)]
    heir = desk.other()
    await heir.reserve("a", [both], 10, 90, 20)
    assert [(line.used, line.held) for line in await desk.ledger.usage([both])] == [(0, 100), (0, 1)]
    await heir.settle("a", 30)
    assert [(line.used, line.held) for line in await desk.ledger.usage([both])] == [(30, 0), (1, 0)]
    await heir.reserve("a", [both], 10, 90, 20)
    assert [line.used for line in await desk.ledger.usage([both])] == [30, 1], "an answer is never given back"


async def test_what_was_charged_in_vain_counts_for_everybody_else(desk: Desk) -> None:
    await desk.ask("a", HOUR)
    await desk.ledger.settle("a", 150, vain=True)
    assert await desk.ask("b", HOUR) == Granted(40)


async def test_one_that_is_stopped_after_its_successor_began_is_not_charged_beside_it(desk: Desk) -> None:
    await desk.ask("a", HOUR)
    heir = desk.other()
    await heir.reserve("a", [HOUR], 10, 90, 20)
    await desk.ledger.settle("a", 10, vain=True)
    assert await desk.figures(HOUR) == (0, 100)
    await heir.settle("a", 30)
    assert await desk.figures(HOUR) == (30, 0)


async def test_a_successor_for_whom_there_is_no_room_lets_go_of_it_all_the_same(desk: Desk) -> None:
    await desk.ask("a", HOUR)
    assert isinstance(await desk.other().reserve("a", [HOUR], 500, 10, 10), Spent)
    assert await desk.figures(HOUR) == (0, 0)


async def test_tickets_keep_two_of_one_process_apart(desk: Desk) -> None:
    first = await desk.ledger.reserve("a", [HOUR], 10, 90, 20)
    second = await desk.ledger.reserve("a", [HOUR], 10, 90, 20)
    assert isinstance(first, Granted)
    assert isinstance(second, Granted)
    await desk.ledger.settle("a", 11, first.ticket)
    assert await desk.figures(HOUR) == (11, 100)
    await desk.ledger.settle("a", 22, second.ticket)
    assert await desk.figures(HOUR) == (33, 0)


async def test_what_a_dead_process_held_is_free_after_its_time(desk: Desk) -> None:
    await desk.ask("a", HOUR, output=190)
    desk.books.tick(SECONDS * 1000 - 1)
    assert await desk.ask("b", HOUR) == Busy("u7")
    desk.books.tick(1)
    assert await desk.ask("b", HOUR) == Granted(90)
    assert await desk.figures(HOUR) == (0, 100)


async def test_many_dead_ones_are_swept_a_few_at_a_time(desk: Desk) -> None:
    many = charge("b", "100r/hour")
    for n in range(100):
        await desk.ask(f"a{n}", many)
    desk.books.tick(SECONDS * 1000)
    held = [(await desk.figures(many))[1] for _ in range(5)]
    assert held == [68, 36, 4, 0, 0]


async def test_a_settlement_after_the_expiry_is_still_charged_and_once(desk: Desk) -> None:
    await desk.ask("a", HOUR)
    desk.books.tick(SECONDS * 1000)
    assert await desk.figures(HOUR) == (0, 0)
    await desk.ledger.settle("a", 40)
    assert await desk.figures(HOUR) == (40, 0)
    await desk.ledger.settle("a", 40)
    assert await desk.figures(HOUR) == (40, 0)


async def test_a_settlement_of_the_very_moment_of_expiry_takes_back_what_is_held_once(desk: Desk) -> None:
    await desk.ask("a", HOUR)
    desk.books.tick(SECONDS * 1000)
    await desk.ledger.settle("a", 40)
    assert await desk.figures(HOUR) == (40, 0)


async def test_a_reservation_belongs_to_the_windows_in_which_it_was_made(desk: Desk) -> None:
    both = charge("u7", "200t/hour,500t/day")
    desk.books.at(2026, 11, 21, 14)
    await desk.use("a", both, tokens=1)
    desk.books.tick(3_599_999)
    await desk.ask("b", both)
    desk.books.tick(1)
    await desk.ask("c", both)
    await desk.ledger.settle("b", 60)
    assert [(line.used, line.held) for line in await desk.ledger.usage([both])] == [(0, 100), (61, 100)]
    await desk.ledger.settle("c", 30)
    assert [(line.used, line.held) for line in await desk.ledger.usage([both])] == [(30, 0), (91, 0)]


async def test_every_key_has_its_end(desk: Desk) -> None:
    both = charge("u7", "200t/minute,200t/hour,500t/day,900r/month")
    await desk.ask("a", both)
    await desk.ask("dead", both)
    await desk.ledger.settle("a", 60)
    await desk.ask("vain", both, output=10, least=1)
    await desk.ledger.settle("vain", 10, vain=True)
    desk.books.tick(SECONDS * 1000)
    await desk.ask("b", both, output=10, least=1)
    left = desk.books.left()
    assert left["call:a"] <= 60_000, "a settled one is only remembered for its repetitions"
    assert left["call:dead"] <= 86_400_000
    assert 60_000 < left["call:vain"] <= 86_400_000
    assert all(0 < ms <= 35 * 86_400_000 for ms in left.values()), left
    for key, window in desk.books.windows().items():
        assert left[f"use:{key}"] >= window["resets"] - desk.books.now_ms, "counts stay readable to the window's end"


async def test_a_full_memory_stops_no_settlement(desk: Desk) -> None:
    await desk.ask("a", HOUR)
    desk.books.client.config_set("maxmemory", 1)
    await desk.ledger.settle("a", 40)
    assert await desk.figures(HOUR) == (40, 0)
    assert await desk.ask("b", HOUR) == Granted(90)


class Slow:
    """A store that answers when told; as in the pipe, a cancelled call that has not left is not sent."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.calls: list[tuple[str, tuple[Any, ...], asyncio.Future[Any]]] = []

    def call(self, script: Script, key: str, args: tuple[Any, ...], *, front: bool = False) -> asyncio.Future[Any]:
        self.calls.append((script.name, args, asyncio.get_running_loop().create_future()))
        return self.calls[-1][2]

    def answer(self, *, lost: bool = False) -> None:
        """Do all that was asked; `lost`: whoever asked has gone, but Redis had it already."""
        for name, args, answer in self.calls:
            if lost or not answer.done():
                result = self.desk.books.ask(name, *args)
                if not answer.done():
                    answer.set_result(result)
        self.calls.clear()

    def refuse(self, error: Exception) -> None:
        """Do nothing of it."""
        for _, _, answer in self.calls:
            answer.set_exception(error)
        self.calls.clear()


@pytest.mark.parametrize("lost", [True, False])
async def test_whoever_is_cancelled_while_reserving_holds_nothing(desk: Desk, lost: bool) -> None:
    slow = Slow(desk)
    asking = asyncio.ensure_future(Ledger(slow, desk.redis, BOT, seconds=60).reserve("a", [HOUR], 10, 90, 20))
    await turns()
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    slow.answer(lost=lost)
    assert await desk.figures(HOUR) == (0, 0)


async def test_whoever_is_cancelled_while_settling_has_settled(desk: Desk) -> None:
    slow = Slow(desk)
    ledger = Ledger(slow, desk.redis, BOT, seconds=60)
    asking = asyncio.ensure_future(ledger.reserve("a", [HOUR], 10, 90, 20))
    await turns()
    slow.answer()
    await asking
    settling = asyncio.ensure_future(ledger.settle("a", 40))
    await turns()
    settling.cancel()
    with pytest.raises(asyncio.CancelledError):
        await settling
    slow.answer()
    assert await desk.figures(HOUR) == (40, 0)


@pytest.mark.parametrize("tokens", ["10000000000000000000", "1e30", "-5", "2.5", "nan", "inf", "x", " 5", "9" * 400])
async def test_a_settle_that_cannot_be_counted_writes_nothing_at_all(desk: Desk, tokens: str) -> None:
    granted = await desk.ledger.reserve("a", [HOUR, REQUESTS], 10, 90, 20)
    assert isinstance(granted, Granted)
    before = desk.books.windows(), set(desk.books.left())
    for _ in range(3):
        with pytest.raises(ResponseError, match="whole number"):
            desk.books.ask("settle", "a", granted.ticket, tokens, 0)
    assert (desk.books.windows(), set(desk.books.left())) == before
    await desk.ledger.settle("a", 40)
    assert await desk.figures(HOUR) == (40, 0)


@pytest.mark.parametrize("tokens", [-1, 10**19, 10**400])
async def test_what_nobody_can_have_used_is_charged_as_far_as_it_can_be(desk: Desk, tokens: int) -> None:
    for rid in "ab":
        granted = await desk.ledger.reserve(rid, [REQUESTS], 10, 90, 20)
        assert isinstance(granted, Granted)
        await desk.ledger.settle(rid, tokens)
    assert await desk.figures(REQUESTS) == (2, 0)
    await desk.ledger.reserve("c", [HOUR], 10, 90, 20)
    await desk.ledger.settle("c", tokens)
    assert await desk.figures(HOUR) == (min(max(tokens, 0), MOST_TOKENS), 0)


async def test_a_window_that_is_none_costs_no_other_its_settle(desk: Desk) -> None:
    await desk.ledger.reserve("a", [HOUR, REQUESTS], 10, 90, 20)
    first = next(key for key in desk.books.client.keys("*use:*") if b":t/" in key)
    desk.books.client.set(first, "no hash")
    await desk.ledger.settle("a", 40)
    assert await desk.figures(REQUESTS) == (1, 0)


async def test_room_that_was_given_back_too_often_is_no_room(desk: Desk) -> None:
    await desk.ledger.reserve("a", [HOUR], 10, 90, 20)
    (window,) = desk.books.client.keys("*use:*")
    desk.books.client.hset(window, "held", -500)
    assert await desk.figures(HOUR) == (0, 0)
    await desk.ledger.settle("a", 40)
    assert desk.books.client.hget(window, "held") == b"0"
    assert await desk.figures(HOUR) == (40, 0)


async def test_a_settle_that_redis_refuses_is_reported_once_and_costs_nobody_an_answer(desk: Desk) -> None:
    slow, lines = Slow(desk), list[str]()
    ledger = Ledger(slow, desk.redis, BOT, seconds=60, report=lines.append)
    asking = asyncio.ensure_future(ledger.reserve("a", [HOUR], 10, 90, 20))
    await turns()
    slow.answer()
    await asking
    settling = asyncio.ensure_future(ledger.settle("a", 40))
    await turns()
    slow.refuse(StoreBroken("ERR no"))
    await settling
    assert lines == ["the use of a quota was not noted: ERR no"]
    await ledger.settle("a", 40)
    assert not slow.calls
