"""What the runner does while Redis is away, late or broken: nothing twice, nobody delayed by another, and an end."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from dataclasses import dataclass, field

import pytest

from app.core.claims import Claim
from app.core.clock import Manual, Real
from app.core.errors import StoreBroken, StoreError, StoreFull
from app.core.outcome import Back, End, Fail, Outcome
from app.lanes.answers import Claimed
from app.runner.leases import margin
from app.runner.runner import ROUND_SECONDS, Runner
from tests.support.wait import turns, until
from tests.unit.runner.desk import Lanes
from tests.unit.runner.test_runner import Work, answered, running


@dataclass(slots=True)
class Line(Lanes):
    """Lanes behind a line: while `there` is not set, nothing is answered."""

    there: asyncio.Event = field(default_factory=asyncio.Event)
    asked: list[str] = field(default_factory=list)

    async def claim(self, shard: int, want: int, urgent: int, notices: int) -> Claimed:
        answer = await Lanes.claim(self, shard, want, urgent, notices)
        await self._over("claim")
        return answer

    async def renew(self, shard: int, claims: Iterable[Claim]) -> tuple[set[str], dict[str, str]]:
        await self._over("renew")
        return await Lanes.renew(self, shard, claims)

    async def complete(self, claim: Claim, end: End, raw_notice: str = "") -> tuple[bool, int]:
        await self._over("complete")
        return await Lanes.complete(self, claim, end, raw_notice)

    async def release(self, claim: Claim, delay_ms: int = 0, op: str = "") -> str:
        await self._over("release")
        return await Lanes.release(self, claim, delay_ms, op)

    async def fail(self, claim: Claim, outcome: Fail) -> str:
        await self._over("fail")
        return await Lanes.fail(self, claim, outcome)

    async def _over(self, what: str) -> None:
        self.asked.append(what)
        await self.there.wait()


@pytest.fixture
def line() -> Line:
    made = Line(Manual())
    made.there.set()
    return made


async def age(clock: Manual, seconds: float) -> None:
    for _ in range(round(seconds * 4)):
        await turns(10)
        await clock.advance(0.25)


@pytest.mark.parametrize("outcome", [End("answered"), Back(), Fail("Broken")])
async def test_a_turn_whose_end_waits_for_redis_longer_than_its_lease_is_not_run_again(
    outcome: Outcome, line: Line
) -> None:
    work = Work()
    line.put("7", "a")
    async with running(line, work) as runner:
        await until(lambda: "a" in work.running)
        line.there.clear()
        work.ends["a"].set_result(outcome)
        await until(lambda: line.asked[-1] in ("complete", "release", "fail"))
        ends = len(line.asked)
        await age(line.clock, 4 * line.lease_seconds)
        assert len(runner.turns.live) == 1, "a turn that is settling was let go"
        assert {*line.asked[ends:]} <= {"renew", "claim"}, "a second end was asked for"
        line.there.set()
        await until(lambda: line.calls)
        if isinstance(outcome, Back):
            await until(lambda: work.order == ["a", "a"])
        else:
            await until(lambda: not runner.turns.live)
            assert work.order == ["a"]
        assert len(line.calls) == 1
        assert work.cancelled == []


async def test_a_stop_or_a_drain_does_not_cancel_what_is_settling(line: Line) -> None:
    work = Work()
    line.put("7", "a")
    async with running(line, work) as runner:
        await until(lambda: "a" in work.running)
        line.there.clear()
        work.ends["a"].set_result(End("answered"))
        await until(lambda: "complete" in line.asked)
        (turn,) = runner.turns
        for fate in ("stop", "drain", "lease", "refused"):
            runner.turns.cancel(turn, fate)
        await turns(20)
        line.there.set()
        await until(lambda: not runner.turns.live)
    assert line.calls == [("complete", "a", "answered")]


@pytest.mark.parametrize("late", [0.0, 2.0])
async def test_claims_whose_answer_comes_after_their_lease_are_given_back_not_run(late: float, line: Line) -> None:
    work = Work()
    for n in range(3):
        line.put(str(n), f"text{n}")
    line.there.clear()
    async with running(line, work) as runner:
        await until(lambda: "claim" in line.asked)
        await age(line.clock, line.lease_seconds - margin(line.lease_seconds) + late)
        line.there.set()
        await until(lambda: len(line.calls) >= 3)
        assert sorted(line.calls[:3]) == [("release", f"text{n}", "") for n in range(3)]
        await until(lambda: len(work.running) == 3, what="the lanes to be claimed again")
        assert runner.room == 1
    assert len(work.order) == 3


async def test_a_claim_that_came_in_time_is_run(line: Line) -> None:
    work = Work()
    line.put("7", "a")
    line.there.clear()
    async with running(line, work):
        await until(lambda: "claim" in line.asked)
        await age(line.clock, line.lease_seconds / 2)
        line.there.set()
        await until(lambda: "a" in work.running)
        assert line.calls == []


# -- a shard that is broken --------------------------------------------------------------------------


@dataclass(slots=True)
class Halves(Lanes):
    """Shard 1 works; shard 0 refuses each claim, or only those that would give lanes."""

    error: StoreError = field(default_factory=lambda: StoreBroken("NOPERM"))
    refused: int = 0

    async def claim(self, shard: int, want: int, urgent: int, notices: int) -> Claimed:
        if shard == 0:
            self.refused += 1
            raise self.error
        return await Lanes.claim(self, shard, want, urgent, notices)


@pytest.mark.parametrize("error", [StoreBroken("NOPERM"), StoreFull("OOM")])
async def test_a_shard_that_errors_delays_no_other(error: StoreError) -> None:
    lanes = Halves(Manual(), error=error)
    reports: list[Exception | None] = []
    runner = Runner(lanes, (0, 1), 4, lanes.clock, lambda text, error: reports.append(error), answered)
    task = asyncio.ensure_future(runner.run())
    try:
        for n in range(20):
            lanes.put(str(n), f"text{n}")
            runner.kick(0)
            runner.kick(1)
            await until(lambda: len(lanes.calls) == n + 1, seconds=ROUND_SECONDS / 2)  # noqa: B023  waited for here
        assert lanes.clock.monotonic() == 0
        assert (lanes.refused, len(reports)) == (1, 1), "the broken shard was asked in a hot loop"
        await lanes.clock.advance(ROUND_SECONDS)
        runner.look()
        await until(lambda: lanes.refused == 2, what="the broken shard to be asked again")
        assert not task.done()
    finally:
        task.cancel()
        await asyncio.wait([task])


# -- the drain ---------------------------------------------------------------------------------------


async def drained(line: Line, seconds: float, hurry: asyncio.Event, *, sending: bool) -> float:
    """How long a drain takes while nothing is answered: one turn settles, one works, one claim is on its way."""
    work = Work()
    for text in ("a", "b"):
        line.put(text, text)
    runner = Runner(line, (0,), 4, Real(), lambda text, error: None, work)
    task = asyncio.ensure_future(runner.run())
    line.clock = Manual()
    line.late_seconds = -time.monotonic()
    runner.kick(0, 2)
    await until(lambda: len(work.running) == 2)
    line.there.clear()
    work.running["b"].sending = sending
    work.ends["a"].set_result(End("answered"))
    await until(lambda: "complete" in line.asked)
    line.put("c", "c")
    runner.kick(0)
    await until(lambda: line.asked[-1] == "claim")
    began = time.monotonic()
    await asyncio.wait_for(runner.drain(seconds, hurry), 10)
    took = time.monotonic() - began
    rest = [task, *(turn.task for turn in runner.turns if turn.task), *runner._owed]
    for one in rest:
        one.cancel()
    await asyncio.wait(rest)
    return took


@pytest.mark.parametrize("sending", [False, True])
async def test_a_drain_ends_within_its_seconds_with_redis_away(sending: bool, line: Line) -> None:
    assert await drained(line, 1.0, asyncio.Event(), sending=sending) <= 1.1


async def test_a_hurry_waits_for_no_end_that_redis_does_not_answer(line: Line) -> None:
    hurry = asyncio.Event()
    hurry.set()
    assert await drained(line, 20.0, hurry, sending=False) <= 3.0
