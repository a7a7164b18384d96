"""The runner: as many turns at once as there is room, each on a claimed lane, none unnoticed.

*Room* is how many more turns may run now; commands and notices have slots of their own outside of it. A waiting update
costs no room: ten thousand messages in one chat delay nobody else. The runner cancels a turn for lease, stop and drain
only; a turn's deadline and pause are middleware.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Protocol

from app.core.claims import Claim
from app.core.clock import Clock
from app.core.errors import StoreError
from app.core.outcome import Back, End, Fail, Outcome
from app.runner.leases import margin
from app.runner.share import Call, Load, Room, plan
from app.runner.turns import Turn, Turns

URGENT_SLOTS, NOTICE_SLOTS = 8, 4
GIVE_SECONDS = 1.0  # however short the drain: a claim that is not given back costs an attempt, and its lane a lease
ROUND_SECONDS = 1.0  # hints may be lost; the ready sets are the truth and are looked at this often


class Answer(Protocol):
    """What a claim call tells about its shard."""

    claims: list[Claim]
    ready: int
    oldest_us: int
    urgent: int
    notices: int
    more: bool
    signals: dict[str, str]
    paused: str
    resumed: str
    moves: dict[str, str]


class Lanes(Protocol):
    """The calls that the runner makes."""

    lease_seconds: float

    async def claim(self, shard: int, want: int, urgent: int, notices: int) -> Answer: ...
    async def complete(self, claim: Claim, end: End, raw_notice: str = "") -> tuple[bool, int]: ...
    async def release(self, claim: Claim, delay_ms: int = 0, op: str = "") -> str: ...
    async def fail(self, claim: Claim, outcome: Fail) -> str: ...


async def nothing(claim: Claim) -> Outcome:
    """The work of a runner that was given none."""
    return Fail(f"nobody works on lane {claim.lane}")


@dataclass(slots=True, eq=False)
class Runner:
    """Claims lanes, runs their turns through ``work``, and ends each with exactly one call on the lanes."""

    lanes: Lanes
    shards: tuple[int, ...]
    concurrency: int
    clock: Clock
    report: Callable[[str, Exception | None], None]
    work: Callable[[Claim], Awaitable[Outcome]] = nothing
    notice: Callable[[Claim, str], str] = lambda claim, text: text
    """Makes the entry of a notice lane from a text."""
    on_star: Callable[[int, str, str], None] = lambda shard, paused, resumed: None
    """Told how each shard stands to a pause of the whole bot."""
    on_move: Callable[[str, str], None] = lambda old, new: None
    """Told of chats whose move nobody works on."""
    turns: Turns = field(default_factory=Turns)
    loads: dict[int, Load] = field(default_factory=dict)
    _wake: asyncio.Event = field(default_factory=asyncio.Event)
    _fed: bool = True
    _quiet: asyncio.Event = field(default_factory=asyncio.Event)
    """No claim is on its way."""
    _swept: float = float("-inf")
    _rotation: int = 0
    _owed: set[asyncio.Task[None]] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.loads = {shard: Load() for shard in self.shards}
        self._quiet.set()

    def __repr__(self) -> str:
        return f"<Runner {len(self.turns)} running, {self.waiting()} lanes ready, room {self.room}>"

    @property
    def room(self) -> int:
        """How many more turns may run now."""
        return self.concurrency - self.turns.busy[""]

    def waiting(self) -> int:
        """Ready lanes, as this process last saw."""
        return sum(load.ready for load in self.loads.values())

    def kick(self, shard: int, lanes: int = 1) -> None:
        """Say that lanes of a shard became ready."""
        if shard in self.loads:
            self.loads[shard].ready += lanes
            self.loads[shard].kicked = True
            self._wake.set()

    def look(self) -> None:
        """Look at every shard at once instead of at the next round."""
        self._swept = float("-inf")
        self._wake.set()

    async def run(self) -> None:
        """Claim and start turns until the runner is drained."""
        while self._fed:
            self._quiet.set()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(ROUND_SECONDS):  # not wait_for, which may swallow a cancellation in 3.11
                    await self._wake.wait()
            self._wake.clear()
            self._quiet.clear()
            while self._fed and (calls := self._plan()):
                answers = await asyncio.gather(*(self.lanes.claim(*call) for call in calls), return_exceptions=True)
                for (shard, *_), answer in zip(calls, answers, strict=True):
                    if isinstance(answer, BaseException):
                        self._refused(shard, answer)
                    else:
                        self._take(shard, answer)
        self._quiet.set()

    def _plan(self) -> list[Call]:
        now, busy = self.clock.monotonic(), self.turns.busy
        room = Room(self.room, URGENT_SLOTS - busy["!"], NOTICE_SLOTS - busy["?"])
        sweep = now - self._swept >= ROUND_SECONDS
        if sweep:
            self._swept = now
        self._rotation += 1
        calls = plan(self.loads, room, self._rotation, now, sweep=sweep)
        for call in calls:
            self.loads[call.shard].kicked = False
        return calls

    def _refused(self, shard: int, error: BaseException) -> None:
        """Redis did not do it: leave this shard alone for a while, and no other."""
        if not isinstance(error, StoreError):
            raise error
        self.report(f"a claim of shard {shard} was refused by Redis", error)
        self.loads[shard].not_before = self.clock.monotonic() + ROUND_SECONDS

    def _take(self, shard: int, answer: Answer) -> None:
        load = self.loads[shard]
        load.ready, load.oldest_us = answer.ready, answer.oldest_us
        load.urgent, load.notices = answer.urgent, answer.notices
        for claim in answer.claims:
            self._start(claim)
        for lane, signal in answer.signals.items():
            self.turns.deliver(lane, *signal.split(" ", 1))
        if answer.paused:
            self.turns.hold()
        self.on_star(shard, answer.paused, answer.resumed)
        for old, new in answer.moves.items():
            self.on_move(old, new)

    def _start(self, claim: Claim) -> None:
        turn = Turn(claim)
        self.turns.start(turn, self._turn(turn))

    async def _turn(self, turn: Turn) -> None:
        claim = turn.claim
        try:
            outcome = await self._result(turn)
            turn.settling = True
            await self._settle(claim, outcome)
        except asyncio.CancelledError:
            self._owe(turn)
        except Exception as error:  # noqa: BLE001  a turn must not die unnoticed, whatever it was
            self.report(f"a turn of lane {claim.lane} could not be ended", error)
            self._owe(turn)
        finally:
            if claim.on_end:
                claim.on_end()
            self.turns.end(turn)
            self._wake.set()

    async def _result(self, turn: Turn) -> Outcome:
        claim = turn.claim
        turn.begun = True
        if not self._fed or claim.lease_until <= self.clock.monotonic() + 2 * margin(self.lanes.lease_seconds):
            return Back()  # claimed while the drain began, or by an answer that came too late
        try:
            if turn.fate:
                raise asyncio.CancelledError
            return await self.work(claim)
        except asyncio.CancelledError:
            if turn.task is not None and turn.fate in ("stop", "drain"):
                if turn.task.cancelling():
                    turn.task.uncancel()
                if turn.fate == "stop":
                    return End("answered" if claim.shown else "dropped: stopped")
                return Back(op=claim.unsent())
            raise
        except Exception as error:  # noqa: BLE001  likewise
            self.report(f"a turn of lane {claim.lane} failed outside of its onion", error)
            return Fail(type(error).__name__, op=claim.unsent())

    async def _settle(self, claim: Claim, outcome: Outcome) -> None:
        if isinstance(outcome, End):
            notice = self.notice(claim, outcome.notice) if outcome.notice else ""
            done, left = await self.lanes.complete(claim, outcome, notice)
            if not done:  # the lease ran out on the way: no attempt of whoever works on it now
                await self.lanes.release(claim, 0, claim.unsent())
            if left or outcome.notice:
                self.kick(claim.shard, 1 if left else 0)
            if outcome.notice:
                self.loads[claim.shard].notices += 1
        elif isinstance(outcome, Back):
            await self.lanes.release(claim, outcome.delay_ms, outcome.op)
            self.kick(claim.shard, 0 if outcome.delay_ms else 1)
        elif isinstance(outcome, Fail):
            await self.lanes.fail(claim, outcome)
            self.kick(claim.shard, 0)

    def _owe(self, turn: Turn) -> None:
        """A claim that was let go is given back when Redis answers again, so that it does not count as an attempt."""
        if turn.fate == "refused":
            return
        task = asyncio.get_running_loop().create_task(self._repay(turn.claim))
        self._owed.add(task)
        task.add_done_callback(self._owed.discard)

    async def _repay(self, claim: Claim) -> None:
        try:
            await self.lanes.release(claim, 0, claim.unsent())
            self.kick(claim.shard)
        except StoreError as error:
            self.report(f"the claim of lane {claim.lane} was left to its lease", error)

    async def drain(self, seconds: float, hurry: asyncio.Event) -> None:
        """Stop claiming, let turns finish, then give claims back. ``hurry`` skips the wait.

        A turn that is sending gets a little longer, for a send that may have happened would be repeated.
        """
        self._fed = False
        self._wake.set()
        began = self.clock.monotonic()
        until = began + seconds

        async def idle(share: float, *events: asyncio.Event) -> None:
            """Wait until nothing runs, or for this share of the time that is left."""
            left = (until - self.clock.monotonic()) * share
            await _first((self.turns.idle, *events), min(1.0, left) if hurry.is_set() else left)

        await _first((self._quiet, hurry), min(2.0, seconds * 0.1))
        await idle(0.8, hurry)
        for turn in self.turns:
            if not turn.claim.sending:
                self.turns.cancel(turn, "drain")
        await idle(0.5)
        for turn in self.turns:
            self.turns.cancel(turn, "drain")
        until = max(until, began + GIVE_SECONDS)
        await idle(0.5)
        if self._owed:
            await asyncio.wait(self._owed, timeout=0.5)


async def _first(events: tuple[asyncio.Event, ...], seconds: float) -> None:
    """Wait for one of these, at most so long."""
    waits = [asyncio.ensure_future(event.wait()) for event in events]
    try:
        await asyncio.wait(waits, timeout=max(0.0, seconds), return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()
