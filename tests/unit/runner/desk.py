"""Lanes in memory, as honest as the runner needs: tokens, leases on the test's clock, one place for each lane."""

import asyncio
import itertools
from collections.abc import Iterable
from dataclasses import dataclass, field

from app.core.claims import Claim, Entry
from app.core.clock import Manual
from app.core.errors import StoreError
from app.core.outcome import End, Fail
from app.lanes.answers import Claimed
from tests.support.wait import turns


@dataclass(slots=True)
class Lanes:
    """One shard or more; `calls` is what the runner did with claims, `errors` are raised by the next such call."""

    clock: Manual
    lease_seconds: float = 15.0
    waiting: dict[str, list[str]] = field(default_factory=dict)
    ready: list[str] = field(default_factory=list)
    tokens: dict[str, str] = field(default_factory=dict)
    signals: dict[str, str] = field(default_factory=dict)
    paused: str = ""
    moves: dict[str, str] = field(default_factory=dict)
    """Moves of chats that nobody works on."""
    late_seconds: float = 0.0
    """How long ago the leases of the next claims began."""
    calls: list[tuple[str, str, str]] = field(default_factory=list)
    errors: list[Exception] = field(default_factory=list)
    renewed: asyncio.Event = field(default_factory=asyncio.Event)
    most: int = 0
    """The most lanes claimed at once, control and notice lanes aside."""
    _fence: "itertools.count[int]" = field(default_factory=itertools.count)

    def put(self, lane: str, *texts: str) -> None:
        if not self.waiting.get(lane):
            self.ready.append(lane)
        self.waiting.setdefault(lane, []).extend(texts)

    def lose(self, lane: str) -> None:
        """Its lease ran out: another may hold it."""
        del self.tokens[lane]

    async def claim(self, shard: int, want: int, urgent: int, notices: int) -> Claimed:
        await turns()
        room = {"": want, "!": urgent, "?": notices}
        claims = []
        for lane in [] if self.paused else list(self.ready):
            kind = lane[0] if lane[0] in "!?" else ""
            if room[kind]:
                room[kind] -= 1
                self.ready.remove(lane)
                self.tokens[lane] = f"{next(self._fence)}-w"
                claims.append(self._claim(shard, lane))
        self.most = max(self.most, sum(lane[0] not in "!?" for lane in self.tokens))
        kinds = [lane[0] for lane in self.ready]
        plain = len(kinds) - kinds.count("!") - kinds.count("?")
        ready = 0 if self.paused else plain
        signals = {lane: signal for lane, signal in self.signals.items() if lane in self.tokens}
        signals = {lane: f"{signal} {self.tokens[lane]}" for lane, signal in signals.items()}
        return Claimed(
            claims, ready, 1, kinds.count("!"), kinds.count("?"), False, signals, self.paused, moves=self.moves
        )

    def _claim(self, shard: int, lane: str) -> Claim:
        entry = Entry(self.waiting[lane][0], 0, 0, 0, "", b"")
        until = self.clock.monotonic() + self.lease_seconds - self.late_seconds
        return Claim(shard, lane, self.tokens[lane], 1, [entry], b"", {}, {}, False, 0, until)

    async def renew(self, shard: int, claims: Iterable[Claim]) -> tuple[set[str], dict[str, str]]:
        await turns()
        self.renewed.set()
        if self.errors:
            raise self.errors.pop(0)
        return {c.token for c in claims if self.tokens.get(c.lane) != c.token}, {}

    async def complete(self, claim: Claim, end: End, raw_notice: str = "") -> tuple[bool, int]:
        if not await self._ends(claim, "complete", end.kind):
            return False, 0
        self.waiting[claim.lane].pop(0)
        if raw_notice:
            self.put("?" + claim.lane, raw_notice)
        self._back(claim.lane)
        return True, len(self.waiting[claim.lane])

    async def release(self, claim: Claim, delay_ms: int = 0, op: str = "") -> str:
        if not await self._ends(claim, "release", op):
            return "refused"
        self._back(claim.lane)
        return "ok"

    async def fail(self, claim: Claim, outcome: Fail) -> str:
        if not await self._ends(claim, "fail", outcome.reason):
            return "refused"
        self.waiting[claim.lane].pop(0)
        self._back(claim.lane)
        return "dead"

    def _back(self, lane: str) -> None:
        del self.tokens[lane]
        if self.waiting[lane]:
            self.ready.append(lane)

    async def _ends(self, claim: Claim, name: str, detail: str) -> bool:
        await turns()
        if self.errors:
            raise self.errors.pop(0)
        stands = self.tokens.get(claim.lane) == claim.token
        self.calls.append((name if stands else f"{name} refused", claim.entries[0].uids, detail))
        return stands


class Broken(StoreError):
    """What a broken store says."""
