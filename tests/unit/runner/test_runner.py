"""The runner: room, fairness, one end for each claim, and what cancels a turn."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from app.core.claims import Claim
from app.core.clock import Manual
from app.core.outcome import Back, End, Fail, Gone, Outcome
from app.runner.leases import Leases
from app.runner.runner import URGENT_SLOTS, Runner
from tests.support.wait import turns, until
from tests.unit.runner.desk import Broken, Lanes


@pytest.fixture
def clock() -> Manual:
    return Manual()


@pytest.fixture
def lanes(clock: Manual) -> Lanes:
    return Lanes(clock)


class Work:
    """Turns that end when the test says so."""

    def __init__(self) -> None:
        self.running: dict[str, Claim] = {}
        self.order: list[str] = []
        self.ends: dict[str, asyncio.Future[Outcome]] = {}
        self.cancelled: list[str] = []

    async def __call__(self, claim: Claim) -> Outcome:
        text = claim.entries[0].uids
        self.running[text] = claim
        self.order.append(text)
        self.ends[text] = asyncio.get_running_loop().create_future()
        try:
            return await self.ends[text]
        except asyncio.CancelledError:
            self.cancelled.append(text)
            raise
        finally:
            del self.running[text]


async def answered(claim: Claim) -> Outcome:
    return End("answered")


@contextlib.asynccontextmanager
async def running(
    lanes: Lanes, work: Callable[[Claim], Awaitable[Outcome]], room: int = 4, **given: Any
) -> AsyncIterator[Runner]:
    reports: list[str] = []
    runner = Runner(lanes, (0,), room, lanes.clock, lambda text, error: reports.append(text), work, **given)
    leases = Leases(lanes, runner.turns, lanes.clock, runner.report)
    tasks = [asyncio.ensure_future(loop()) for loop in (runner.run, leases.renew, leases.watch)]
    runner.kick(0, len(lanes.ready))
    try:
        yield runner
    finally:
        for task in [*tasks, *(t.task for t in runner.turns if t.task)]:
            task.cancel()
        ends = await asyncio.gather(*tasks, return_exceptions=True)
        assert [e for e in ends if isinstance(e, Exception)] == []


@pytest.mark.parametrize(
    "outcome, call",
    [
        (End("answered"), ("complete", "a", "answered")),
        (Back(op="op7"), ("release", "a", "op7")),
        (Fail("Broken"), ("fail", "a", "Broken")),
        (ValueError("oops"), ("fail", "a", "ValueError")),
    ],
)
async def test_every_outcome_becomes_one_call(outcome: Any, call: tuple[str, str, str], lanes: Lanes) -> None:
    async def work(claim: Claim) -> Outcome:
        if isinstance(outcome, Exception):
            raise outcome
        if lanes.calls:
            return Gone()
        assert isinstance(outcome, End | Back | Fail)
        return outcome

    lanes.put("7", "a")
    async with running(lanes, work) as runner:
        await until(lambda: lanes.calls and not runner.turns.live)
        await turns(20)
    assert lanes.calls == [call]


async def test_a_lost_claim_is_let_go_without_a_word(lanes: Lanes) -> None:
    seen: list[str] = []

    async def work(claim: Claim) -> Outcome:
        seen.append(claim.lane)
        return Gone()

    lanes.put("7", "a")
    async with running(lanes, work) as runner:
        await until(lambda: seen and not runner.turns.live)
    assert lanes.calls == []
    assert runner.room == 4


async def test_the_room_is_never_exceeded_and_all_are_served(lanes: Lanes) -> None:
    for n in range(50):
        lanes.put(str(n), f"{n}a", f"{n}b")
    async with running(lanes, answered, room=3):
        await until(lambda: len(lanes.calls) == 100)
    assert lanes.most == 3


async def test_with_one_place_a_flooded_lane_delays_another_by_one_turn(lanes: Lanes) -> None:
    lanes.put("1", *(f"flood{n}" for n in range(20)))
    lanes.put("2", "two")
    lanes.put("3", "three")
    async with running(lanes, answered, room=1):
        await until(lambda: len(lanes.calls) == 22)
    assert [uids for _, uids, _ in lanes.calls[:4]] == ["flood0", "two", "three", "flood1"]


async def test_commands_have_places_of_their_own(lanes: Lanes) -> None:
    work = Work()
    lanes.put("1", "slow")
    async with running(lanes, work, room=1) as runner:
        await until(lambda: "slow" in work.running)
        lanes.put("2", "waits")
        for n in range(URGENT_SLOTS + 2):
            lanes.put(f"!{n}", f"command{n}")
        runner.kick(0)
        await until(lambda: len(work.running) == 1 + URGENT_SLOTS)
        await turns(20)
        assert "waits" not in work.running
        assert len(work.running) == 1 + URGENT_SLOTS


async def test_what_comes_with_an_end_is_told_at_once(lanes: Lanes) -> None:
    async def work(claim: Claim) -> Outcome:
        return End("told") if claim.lane[0] == "?" else End("apologised", notice="sorry")

    lanes.put("7", "a")
    async with running(lanes, work):
        await until(lambda: ("complete", "sorry", "told") in lanes.calls, seconds=0.9)


async def test_a_refused_renewal_cancels_and_nothing_more_is_said(lanes: Lanes, clock: Manual) -> None:
    work = Work()
    lanes.put("7", "a")
    async with running(lanes, work) as runner:
        await until(lambda: "a" in work.running)
        lanes.lose("7")
        await clock.advance(5.1)
        await until(lambda: not runner.turns.live)
    assert work.cancelled == ["a"]
    assert lanes.calls == []


async def test_a_lease_is_renewed_each_third_and_the_turn_runs_on(lanes: Lanes, clock: Manual) -> None:
    work = Work()
    lanes.put("7", "a")
    async with running(lanes, work):
        await until(lambda: "a" in work.running)
        for _ in range(100):
            await clock.advance(1)
        assert "a" in work.running
        assert not work.cancelled, "it was never begun anew"


async def test_a_lease_that_is_not_renewed_cancels_before_its_end(lanes: Lanes, clock: Manual) -> None:
    work = Work()
    lanes.put("7", "a")
    async with running(lanes, work) as runner:
        await until(lambda: "a" in work.running)
        lanes.errors = [Broken("no answer")] * 3
        for _ in range(56):
            await clock.advance(0.25)
        assert work.cancelled == ["a"]
        assert clock.monotonic() < lanes.lease_seconds - 0.9
        await until(lambda: not runner.turns.live)
    assert lanes.calls in ([], [("release", "a", "")])


async def test_a_claim_that_came_too_late_does_not_stay(lanes: Lanes, clock: Manual) -> None:
    work = Work()
    lanes.put("7", "a")
    lanes.late_seconds = 20
    async with running(lanes, work, room=1) as runner:
        await until(lambda: lanes.tokens or lanes.calls)
        lanes.late_seconds = 0
        await clock.advance(0.5)
        await until(lambda: lanes.calls[:1] == [("release", "a", "")])
        await until(lambda: "a" in work.running)
        work.ends["a"].set_result(End("answered"))
        await until(lambda: runner.room == 1)


async def test_a_stop_ends_the_turn(lanes: Lanes) -> None:
    work = Work()
    lanes.put("7", "a")
    async with running(lanes, work) as runner:
        await until(lambda: "a" in work.running)
        runner.turns.deliver("7", "stop", lanes.tokens["7"])
        await until(lambda: lanes.calls)
    assert lanes.calls == [("complete", "a", "dropped: stopped")]


@pytest.mark.parametrize("what", ["sending", "shown"])
async def test_a_stop_leaves_an_answer_that_is_going_out(what: str, lanes: Lanes) -> None:
    work = Work()
    lanes.put("7", "a")
    async with running(lanes, work) as runner:
        await until(lambda: "a" in work.running)
        setattr(work.running["a"], what, True)
        runner.turns.deliver("7", "stop", lanes.tokens["7"])
        await turns(20)
        assert "a" in work.running


async def test_a_stop_of_another_token_hits_nothing(lanes: Lanes) -> None:
    work = Work()
    lanes.put("7", "a")
    async with running(lanes, work) as runner:
        await until(lambda: "a" in work.running)
        runner.turns.deliver("7", "stop", "999-other")
        await turns(20)
        assert "a" in work.running


async def test_a_stop_that_comes_with_the_claim_ends_it_and_frees_the_place(lanes: Lanes) -> None:
    """A claim's answer was lost, /stop came, and the repeated answer brings both."""
    work = Work()
    lanes.put("7", "a")
    lanes.signals["7"] = "stop"
    async with running(lanes, work, room=1) as runner:
        await until(lambda: lanes.calls)
        await until(lambda: not runner.turns.live)
        assert runner.room == 1
    assert lanes.calls == [("complete", "a", "dropped: stopped")]


async def test_a_pause_tells_each_turn_once(lanes: Lanes) -> None:
    work, told = Work(), []
    lanes.put("7", "a")
    lanes.put("!7", "command")
    async with running(lanes, work) as runner:
        await until(lambda: len(work.running) == 2)
        for text, claim in work.running.items():
            claim.on_hold = lambda text=text: told.append(text)
        runner.turns.deliver("7", "hold", lanes.tokens["7"])
        lanes.paused = "0|1.1|hold|0|0|ann|"
        runner.look()
        runner.kick(0)
        await turns(30)
    assert told == ["a"]


async def test_an_end_that_the_store_refuses_is_given_back(lanes: Lanes) -> None:
    work = Work()
    lanes.put("7", "a")
    async with running(lanes, work) as runner:
        await until(lambda: "a" in work.running)
        lanes.errors = [Broken("NOPERM")]
        work.ends["a"].set_result(End("answered"))
        await until(lambda: lanes.calls)
        await until(lambda: len(work.order) == 2)
        assert runner.room == 3
    assert lanes.calls[0] == ("release", "a", "")


async def test_a_drain_lets_turns_finish_and_claims_nothing_new(lanes: Lanes) -> None:
    work = Work()
    lanes.put("7", "a")
    async with running(lanes, work) as runner:
        await until(lambda: "a" in work.running)
        drain = asyncio.ensure_future(runner.drain(20, asyncio.Event()))
        await turns(5)
        lanes.put("8", "b")
        runner.kick(0)
        work.ends["a"].set_result(End("answered"))
        await asyncio.wait_for(drain, 2)
    assert lanes.calls == [("complete", "a", "answered")]
    assert work.order == ["a"]


@pytest.mark.parametrize("seconds", [0.1, 0.0])
async def test_a_drain_gives_back_what_does_not_finish(seconds: float, lanes: Lanes) -> None:
    work = Work()
    lanes.put("7", "a")
    async with running(lanes, work) as runner:
        await until(lambda: "a" in work.running)
        work.running["a"].op = "op3"
        await asyncio.wait_for(runner.drain(seconds, asyncio.Event()), 2)
    assert lanes.calls == [("release", "a", "op3")]


async def test_a_drain_in_a_hurry_does_not_wait_but_for_a_send(lanes: Lanes) -> None:
    work, hurry = Work(), asyncio.Event()
    lanes.put("7", "a")
    lanes.put("8", "b")
    async with running(lanes, work) as runner:
        await until(lambda: len(work.running) == 2)
        work.running["b"].sending = True
        drain = asyncio.ensure_future(runner.drain(20, hurry))
        hurry.set()
        await until(lambda: work.cancelled == ["a"])
        work.ends["b"].set_result(End("answered"))
        await asyncio.wait_for(drain, 2)
    assert sorted(lanes.calls) == [("complete", "b", "answered"), ("release", "a", "")]


async def test_a_hint_that_was_lost_costs_a_second_at_most(lanes: Lanes, clock: Manual) -> None:
    async with running(lanes, answered):
        await turns(20)
        lanes.put("7", "a")
        await clock.advance(1)
        await until(lambda: lanes.calls, seconds=3)
