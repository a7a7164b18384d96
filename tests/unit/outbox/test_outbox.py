"""The outbox: a window that nobody blocks or loses, typing that takes nothing from answers, floods respected."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from app.core.claims import Claim
from app.core.clock import Manual
from app.core.errors import Doubtful, Flooded, Held, Later, Lost, Migrated, StoreBroken, Unsent
from app.core.updates import Address
from app.lanes.answers import Marked
from app.outbox import post as posts
from app.outbox.outbox import Outbox
from app.outbox.pacing import BURST, Pace, Permits
from app.outbox.signs import AFTER_SECONDS, EVERY_SECONDS, show
from app.outbox.window import FIRST, MOST
from tests.support.shard import Shard
from tests.support.wait import turns, until
from tests.unit.lanes.desk import Desk
from tests.unit.outbox.desk import ENDLESS_MS, Grants, Phone, Scripts, age, claim, office, places

HERE = Address(7)
GAP = 1000 / 30


async def turn(outbox: Outbox, held: Claim, text: str = "yes") -> None:
    """A turn as the runner runs it: what it holds of the window is given back at its end."""
    try:
        await outbox.answer(held, Address(int(held.lane.lstrip("!?"))), text)
    finally:
        if held.on_end:
            held.on_end()


def never() -> asyncio.Future[None]:
    return asyncio.get_running_loop().create_future()


# -- the window --------------------------------------------------------------------------------------


async def test_sixteen_sends_that_hang_do_not_stop_other_chats_for_longer_than_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    width = MOST
    monkeypatch.setattr(posts, "SLOW_SECONDS", 0.1)
    phone = Phone(Manual())
    outbox = office(Grants(), phone, window=width)
    phone.ends.extend(never() for _ in range(16))
    hanging = [asyncio.ensure_future(turn(outbox, claim(str(n)))) for n in range(1, 17)]
    await turns(20)
    try:
        await asyncio.wait_for(turn(outbox, claim("900")), 2.5 * posts.SLOW_SECONDS)
        assert 900 in [chat for _, chat in phone.heard]
    finally:
        for task in hanging:
            task.cancel()
        await asyncio.gather(*hanging, return_exceptions=True)
    assert places(outbox) == width


def test_a_send_that_hangs_holds_its_place_for_about_two_seconds_at_most() -> None:
    assert posts.SLOW_SECONDS <= 2


async def test_no_more_turns_than_the_window_holds_stand_between_send_and_journal() -> None:
    phone = Phone(Manual())
    outbox = office(Grants(), phone, window=3)
    phone.ends.extend(never() for _ in range(99))
    tasks = [asyncio.ensure_future(turn(outbox, claim(str(n)))) for n in range(1, 90)]
    await turns(60)
    assert len(phone.heard) == 3
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_commands_and_notices_pass_a_full_window() -> None:
    phone = Phone(Manual())
    outbox = office(Grants(), phone, window=0)
    await turn(outbox, claim("!7"))
    await turn(outbox, claim("?8"))
    assert [chat for _, chat in phone.heard] == [7, 8]


async def test_a_window_opens_to_its_most_and_no_further() -> None:
    outbox = office(Grants(), Phone(Manual()), window=FIRST)
    for _ in range(3000):
        await outbox.post.window.enter()
        outbox.post.window.leave()
    assert (outbox.post.window.width, places(outbox)) == (MOST, MOST)


WAYS: dict[str, list[Any]] = {
    "good": [],
    "doubtful": [Doubtful("lost")],
    "unsent": [Unsent("down"), Unsent("down")],
    "flood": [Flooded(1)],
    "moved": [Migrated(-1007)],
    "paced": [Marked("wait", 500), Marked("wait", 700)],
    "lost": [Marked("refused")],
    "held": [Marked("hold")],
    "store": [StoreBroken("NOPERM")],
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("text", ["yes", "line\n" * 1200])
async def test_a_place_is_neither_lost_nor_given_back_twice_wherever_a_turn_is_cancelled(way: str, text: str) -> None:
    finished = False
    for point in range(400):
        lanes, phone = Grants(), Phone(Manual())
        outbox = office(lanes, phone, Pace(GAP, 0, 0), window=1)
        for end in WAYS[way]:
            if isinstance(end, Marked | StoreBroken):
                lanes.answers.append(end)
            else:
                phone.ends.append(end)
        first, second = claim("7"), claim("8")
        tasks = [asyncio.ensure_future(turn(outbox, held, text)) for held in (first, second)]
        for _ in range(point):
            await turns()
            if phone.clock.sleeping and point % 3 == 0:
                await phone.clock.advance(1)
        finished = tasks[0].done()
        tasks[0].cancel()
        await asyncio.wait(tasks[:1])
        assert places(outbox) <= 1
        await age(phone.clock, 30, 1, until=tasks[1].done)
        (ended,) = await asyncio.gather(tasks[1], return_exceptions=True)
        assert ended is None or isinstance(ended, Lost | Held | StoreBroken), f"cancelled at {point}: {ended!r}"
        assert places(outbox) == 1, f"cancelled at {point}"
        if finished and point % 3:
            break
    assert finished, "the loop must reach the end of a turn"


async def test_a_slow_send_that_ends_gives_its_place_back_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(posts, "SLOW_SECONDS", 0.01)
    phone = Phone(Manual())
    outbox = office(Grants(), phone, window=1)
    slow = never()
    phone.ends.append(slow)
    task = asyncio.ensure_future(turn(outbox, claim("7"), "line\n" * 1200))
    await until(lambda: places(outbox) == 1 and phone.heard, what="the slow send to leave the window")
    slow.set_result(None)
    await task
    assert len(phone.heard) == 2
    assert places(outbox) == 1


@pytest.mark.parametrize("end", [Doubtful("lost"), Unsent("down"), Flooded(3)])
async def test_who_waits_does_not_hold_a_place(end: Exception) -> None:
    lanes, phone = Grants(), Phone(Manual())
    outbox = office(lanes, phone, window=1)
    phone.ends.append(end)
    if isinstance(end, Flooded):
        lanes.answers.extend([Marked("grant"), Marked("wait", 1900)])  # as the penalty makes it wait
    waiting = asyncio.ensure_future(turn(outbox, claim("7")))
    await until(lambda: phone.clock.sleeping)
    await asyncio.wait_for(turn(outbox, claim("8")), 1)
    assert not waiting.done()
    await age(phone.clock, 10, until=waiting.done)
    assert [chat for _, chat in phone.heard] == [7, 8, 7]


# -- typing ------------------------------------------------------------------------------------------


class Watched(Grants):
    """Notes how many permits were asked for, and grants so many."""

    asked, granted = 0, 1

    async def permit(self, wanted: int, gap_ms: float, burst: int, penalty_ms: int = 0) -> tuple[int, int]:
        self.asked += 1
        return self.granted, 0 if self.granted else 100


async def test_typing_waits_for_a_permit_for_a_second_at_most() -> None:
    lanes, phone = Watched(), Phone(Manual())
    lanes.granted = 0
    outbox = office(lanes, phone, Pace(GAP, 0, 0))
    shown = asyncio.ensure_future(show(outbox.post, claim("7"), HERE))
    await age(phone.clock, 0.9, until=shown.done)
    assert not shown.done()
    await age(phone.clock, 0.2)
    assert shown.done()
    assert (lanes.marks, phone.typed) == (0, [])


async def test_many_that_begin_at_once_all_get_a_permit_as_soon_as_there_is_one(shard: Shard) -> None:
    clock = Manual()
    permits = Permits(Scripts(shard=shard, clock=clock), Pace.of(30, 0, 0).everywhere_ms, clock)
    asked = [asyncio.ensure_future(permits.spare()) for _ in range(20)]
    await age(clock, 0.8, 0.01)
    assert [ask.done() and ask.result() for ask in asked] == [True] * 20


async def test_typing_takes_no_permit_kept_for_answers(desk: Desk) -> None:
    clock = Manual()
    phone, lanes = Phone(clock), Scripts(shard=desk.shard, clock=clock)
    outbox = office(lanes, phone, Pace.of(30, 0, 0))
    desk.store()
    held = desk.take(lease=ENDLESS_MS)
    shows = [asyncio.ensure_future(show(outbox.post, held, HERE)) for _ in range(20)]
    await turns(60)
    assert len(phone.typed) in (1, 2)
    await asyncio.wait_for(outbox.post.permits.take(), 1)
    for one in shows:
        one.cancel()


async def test_typing_does_not_overtake_an_answer_that_waits_for_a_permit() -> None:
    lanes, phone = Watched(), Phone(Manual())
    outbox = office(lanes, phone, Pace(GAP, 0, 0))
    outbox.post.permits._queue.append(asyncio.get_running_loop().create_future())
    shown = asyncio.ensure_future(show(outbox.post, claim("7"), HERE))
    await age(phone.clock, 2, until=shown.done)
    assert (shown.done(), lanes.asked, phone.typed) == (True, 0, [])


@pytest.mark.parametrize("answered_before", [False, True])
async def test_typing_is_shown_in_a_quiet_bot(answered_before: bool, desk: Desk) -> None:
    clock = Manual()
    phone, lanes = Phone(clock), Scripts(shard=desk.shard, clock=clock)
    outbox = office(lanes, phone, Pace.of(30, 1, 20))
    desk.store()
    held = desk.take(lease=ENDLESS_MS)
    if answered_before:
        await outbox.post.permits.take()
        await clock.advance(5)
    for _ in range(4):
        await show(outbox.post, held, HERE)
        await clock.advance(EVERY_SECONDS)
    assert len(phone.typed) == 4


async def test_a_flood_on_typing_cools_the_chat_in_the_store(desk: Desk) -> None:
    clock = Manual()
    phone, lanes = Phone(clock), Scripts(shard=desk.shard, clock=clock)
    outbox = office(lanes, phone)
    desk.store()
    held = desk.take(lease=ENDLESS_MS)
    phone.flood = Flooded(9)
    await show(outbox.post, held, HERE)
    assert 8_900 <= (await lanes.mark(held, 1, "op", "", 0, BURST, first=True)).value <= 9_000


async def test_typing_ends_with_its_block_and_no_failure_of_it_reaches_the_turn() -> None:
    lanes, phone = Grants(), Phone(Manual())
    outbox = office(lanes, phone)
    lanes.answers.append(StoreBroken("NOPERM"))
    phone.flood = Flooded(1)
    async with outbox.typing(claim("7"), HERE):
        await phone.clock.advance(AFTER_SECONDS)
        await until(lambda: phone.clock.sleeping)
        await phone.clock.advance(EVERY_SECONDS)
        await until(lambda: lanes.cooled)
        phone.flood = None
        await phone.clock.advance(EVERY_SECONDS)
        await until(lambda: phone.typed)
    before = len(asyncio.all_tasks())
    await phone.clock.advance(60)
    assert (len(phone.typed), before) == (1, 1)


# -- floods ------------------------------------------------------------------------------------------


async def one(shard: Shard, *ends: Exception, lane: str) -> Phone:
    """One answer by the real scripts, while these ends come first."""
    clock = Manual()
    phone = Phone(clock)
    phone.ends.extend(ends)
    desk = Desk(shard)
    desk.store(lane)
    found = desk.take(lease=ENDLESS_MS)
    outbox = office(Scripts(shard=shard, clock=clock), phone, Pace.of(0, 1, 20))
    task = asyncio.ensure_future(outbox.answer(found, Address(int(lane)), "yes"))
    await age(clock, 5, until=task.done)
    await task
    return phone


async def test_a_flood_holds_the_chat_for_as_long_as_telegram_said(shard: Shard) -> None:
    phone = await one(shard, Flooded(1.5), lane="7")
    first, second = (at for at, _ in phone.heard)
    assert 1.5 <= second - first <= 2


async def test_a_flood_after_a_migration_is_respected(shard: Shard) -> None:
    phone = await one(shard, Migrated(-1007), Flooded(1.5), lane="-7")
    assert [chat for _, chat in phone.heard] == [-7, -1007, -1007]
    _, second, third = (at for at, _ in phone.heard)
    assert 1.5 <= third - second <= 2


async def test_a_flood_after_a_migration_holds_both_ids_of_the_chat() -> None:
    lanes, phone = Grants(), Phone(Manual())
    phone.ends.extend([Migrated(-1007), Flooded(2)])
    lanes.answers.extend([Marked("grant"), Marked("grant"), Marked("refused")])
    with pytest.raises(Lost):
        await office(lanes, phone).answer(claim("-7:t4"), Address(-7), "yes")
    assert sorted(lanes.cooled) == [("-1007", 2000), ("-7", 2000)]


async def test_a_notice_never_waits_in_the_outbox_for_by_then_it_may_no_longer_be_true() -> None:
    lanes, phone = Grants(), Phone(Manual())
    lanes.answers.append(Marked("wait", 1))
    with pytest.raises(Later) as later:
        await turn(office(lanes, phone), claim("?7"))
    assert (later.value.delay_ms, later.value.op, phone.heard) == (1, "op", [])
