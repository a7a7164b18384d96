"""The runner: as many turns at once as there is room, each on a claimed lane, none unnoticed.

*Room* is how many more turns may run now; commands and notices have slots of their own outside of it. A waiting update
costs no room: ten thousand messages in one chat delay nobody else. The runner cancels a turn for lease, stop and drain
only; a turn's deadline and pause are middleware.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from typing import Protocol

from app.core.claims import Claim
from app.core.clock import Clock
from app.core.errors import StoreError
from app.core.outcome import Back, End, Fail, Gone, Outcome
from app.runner.share import Load, share

URGENT_SLOTS, NOTICE_SLOTS = 8, 4
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


class Lanes(Protocol):
    """The calls that the runner makes."""

    lease_seconds: float

    async def claim(self, shard: int, want: int, urgent: int, notices: int) -> Answer: ...
    async def renew(self, shard: int, claims: Iterable[Claim]) -> tuple[set[str], dict[str, str]]: ...
    async def complete(self, claim: Claim, end: End, raw_notice: str = "") -> tuple[bool, int]: ...
    async def release(self, claim: Claim, delay_ms: int = 0, op: str = "") -> str: ...
    async def fail(self, claim: Claim, outcome: Fail) -> str: ...


@dataclass(slots=True, eq=False)
class Turn:
    """A live claim and the task that runs it.

    ``fate`` says why it was cancelled: stop, drain, lease (not renewed in time) or refused (the token is gone).
    """

    claim: Claim
    task: asyncio.Task[None] | None = None
    fate: str = ""
    settling: bool = False
    """Its work is done and its end is on the way; from here only a lost lease may cancel it."""


@dataclass(slots=True, eq=False)
class Runner:
    """Claims lanes, runs their turns through ``work``, and ends each with exactly one call on the lanes."""

    lanes: Lanes
    work: Callable[[Claim], Awaitable[Outcome]]
    shards: tuple[int, ...]
    concurrency: int
    clock: Clock
    report: Callable[[str, Exception | None], None]
    notice: Callable[[Claim, str], str] = lambda claim, text: text
    """Makes the entry of a notice lane from a text."""
    on_star: Callable[[int, str, str], None] = lambda shard, paused, resumed: None
    """Told how each shard stands to a pause of the whole bot."""
    live: dict[str, Turn] = field(default_factory=dict)
    """Turns by token: also the strong references that keep their tasks alive."""
    loads: dict[int, Load] = field(default_factory=dict)
    _wake: asyncio.Event = field(default_factory=asyncio.Event)
    _busy: dict[str, int] = field(default_factory=lambda: {"": 0, "!": 0, "?": 0})
    _fed: bool = True
    _swept: float = float("-inf")
    _rotation: int = 0
    _owed: set[asyncio.Task[None]] = field(default_factory=set)
    _idle: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.loads = {shard: Load() for shard in self.shards}
        self._idle.set()

    def __repr__(self) -> str:
        ready = sum(load.ready for load in self.loads.values())
        return f"<Runner {len(self.live)} running, {ready} lanes ready, room {self.room}>"

    @property
    def room(self) -> int:
        """How many more turns may run now."""
        return self.concurrency - self._busy[""]

    def kick(self, shard: int, lanes: int = 1) -> None:
        """Say that lanes of a shard became ready."""
        if shard in self.loads:
            self.loads[shard].ready += lanes
            self._wake.set()

    def look(self) -> None:
        """Look at every shard at once instead of at the next round."""
        self._swept = float("-inf")
        self._wake.set()

    # ---------------------------------------------------------------- claiming

    async def run(self) -> None:
        """Claim and start turns until the runner is drained."""
        while self._fed:
            try:
                await asyncio.wait_for(self._wake.wait(), ROUND_SECONDS)
            except TimeoutError:
                pass
            self._wake.clear()
            while self._fed and (calls := self._plan()):
                answers = await asyncio.gather(*(self.lanes.claim(*call) for call in calls), return_exceptions=True)
                for (shard, *_), answer in zip(calls, answers, strict=True):
                    if isinstance(answer, BaseException):
                        await self._unanswered(answer)
                    else:
                        self._take(shard, answer)

    def _plan(self) -> list[tuple[int, int, int, int]]:
        now = self.clock.monotonic()
        order = sorted(self.loads)
        wants = share(self.room, [self.loads[s] for s in order], self._rotation)
        asked = {order[i]: want for i, want in wants.items()}
        self._rotation += 1
        sweep = now - self._swept >= ROUND_SECONDS
        if sweep:
            self._swept = now
        urgent, notices = URGENT_SLOTS - self._busy["!"], NOTICE_SLOTS - self._busy["?"]
        calls = []
        for shard in order:
            load, want = self.loads[shard], asked.get(shard, 0)
            called = want or (load.urgent and urgent) or (load.notices and notices)
            if called:
                calls.append((shard, want, urgent, notices))
                urgent, notices = (0 if load.urgent else urgent), (0 if load.notices else notices)
            elif sweep:
                calls.append((shard, 0, 0, 0))
        return calls

    async def _unanswered(self, error: BaseException) -> None:
        if not isinstance(error, StoreError):
            raise error
        self.report("a claim was refused by Redis", error)
        await self.clock.sleep(ROUND_SECONDS)

    def _take(self, shard: int, answer: Answer) -> None:
        load = self.loads[shard]
        load.ready, load.oldest_us = answer.ready, answer.oldest_us
        load.urgent, load.notices = answer.urgent, answer.notices
        for claim in answer.claims:
            self._start(claim)
        for lane, signal in answer.signals.items():
            self.deliver(lane, *signal.split(" ", 1))
        if answer.paused:
            self._hold_all()
        if answer.paused or answer.resumed:
            self.on_star(shard, answer.paused, answer.resumed)

    # ---------------------------------------------------------------- turns

    def _start(self, claim: Claim) -> None:
        self._busy[_kind(claim.lane)] += 1
        self._idle.clear()
        turn = self.live[claim.token] = Turn(claim)
        turn.task = asyncio.get_running_loop().create_task(self._turn(turn))

    async def _turn(self, turn: Turn) -> None:
        claim = turn.claim
        try:
            outcome = await self._result(turn)
            turn.settling = True
            await self._settle(claim, outcome)
        except asyncio.CancelledError:
            self._owe(turn)
        except Exception as error:
            self.report(f"a turn of lane {claim.lane} could not be ended", error)
            self._owe(turn)
        finally:
            del self.live[claim.token]
            self._busy[_kind(claim.lane)] -= 1
            self._wake.set()
            if not self.live:
                self._idle.set()

    async def _result(self, turn: Turn) -> Outcome:
        claim = turn.claim
        try:
            return await self.work(claim)
        except asyncio.CancelledError:
            if turn.task is not None and turn.fate in ("stop", "drain"):
                turn.task.uncancel()
                if turn.fate == "stop":
                    return End("answered" if claim.shown else "dropped: stopped")
                return Back(op=claim.unsent())
            raise
        except Exception as error:
            self.report(f"a turn of lane {claim.lane} failed outside of its onion", error)
            return Fail(type(error).__name__, op=claim.unsent())

    async def _settle(self, claim: Claim, outcome: Outcome) -> None:
        if isinstance(outcome, End):
            notice = self.notice(claim, outcome.notice) if outcome.notice else ""
            _, left = await self.lanes.complete(claim, outcome, notice)
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

    # ---------------------------------------------------------------- leases and signals

    async def renew(self) -> None:
        """Lengthen all leases each third of one, in one pipeline."""
        while True:
            await self.clock.sleep(self.lanes.lease_seconds / 3)
            before = self.clock.monotonic()
            by_shard: dict[int, list[Claim]] = {}
            for turn in self.live.values():
                if turn.fate not in ("lease", "refused"):
                    by_shard.setdefault(turn.claim.shard, []).append(turn.claim)
            calls = [self.lanes.renew(shard, claims) for shard, claims in by_shard.items()]
            answers = await asyncio.gather(*calls, return_exceptions=True)
            for claims, answer in zip(by_shard.values(), answers, strict=True):
                if isinstance(answer, BaseException):
                    await self._unanswered(answer)
                else:
                    self._renewed(claims, answer[0], before + self.lanes.lease_seconds)
                    for lane, signal in answer[1].items():
                        self.deliver(lane, *signal.split(" ", 1))

    def _renewed(self, claims: list[Claim], refused: set[str], until: float) -> None:
        for claim in claims:
            if claim.lane not in refused:
                claim.lease_until = until
            elif turn := self.live.get(claim.token):  # one that has just completed is refused too: it is not live
                self._cancel(turn, "refused")

    async def watch(self) -> None:
        """Cancel the turns whose lease was not renewed in time: from then on another worker may hold the lane."""
        lease = self.lanes.lease_seconds
        margin = min(1.0, lease / 5)
        while True:
            await self.clock.sleep(min(0.25, lease / 20))
            limit = self.clock.monotonic() + margin
            for turn in list(self.live.values()):
                if turn.claim.lease_until <= limit:
                    self._cancel(turn, "lease")

    def deliver(self, lane: str, what: str, token: str) -> None:
        """Pass a signal to the turn that it means, if it runs here."""
        turn = self.live.get(token)
        if turn is None or turn.claim.lane != lane:
            return
        if what == "stop":
            turn.claim.stop = True
            self._cancel(turn, "stop")
        else:
            self._hold(turn.claim)

    def _hold(self, claim: Claim) -> None:
        if not claim.held:
            claim.held = True
            if claim.on_hold:
                claim.on_hold()

    def _hold_all(self) -> None:
        for turn in list(self.live.values()):
            if not _kind(turn.claim.lane):
                self._hold(turn.claim)

    def _cancel(self, turn: Turn, fate: str) -> None:
        lost = fate in ("lease", "refused")
        if turn.task is None or turn.fate in ("lease", "refused") or not lost and (turn.fate or turn.settling):
            return
        turn.fate = fate
        turn.task.cancel()

    # ---------------------------------------------------------------- drain

    async def drain(self, seconds: float, hurry: asyncio.Event) -> None:
        """Stop claiming, let turns finish, then give claims back. ``hurry`` skips the wait.

        A turn that is sending gets a little longer, for a send that may have happened would be repeated.
        """
        self._fed = False
        self._wake.set()
        await _either(self._idle.wait(), hurry.wait(), seconds * 0.75)
        for turn in list(self.live.values()):
            if not turn.claim.sending:
                self._cancel(turn, "drain")
        await _either(self._idle.wait(), None, min(3.0, seconds * 0.12))
        for turn in list(self.live.values()):
            self._cancel(turn, "drain")
        await _either(self._idle.wait(), None, min(2.0, seconds * 0.08))
        if self._owed:
            await asyncio.wait(self._owed, timeout=0.5)


def _kind(lane: str) -> str:
    return lane[0] if lane[0] in "!?" else ""


async def _either(one: Awaitable[object], other: Awaitable[object] | None, seconds: float) -> None:
    waits = [asyncio.ensure_future(one), *([asyncio.ensure_future(other)] if other else [])]
    try:
        await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()
