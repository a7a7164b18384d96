"""Keeps the leases of live turns, and cancels a turn before another worker may hold its lane.

The lease is counted on our own monotonic clock from *before* the request that granted or renewed it was sent.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

from app.core.claims import Claim
from app.core.clock import Clock
from app.core.errors import StoreError
from app.runner.turns import LOST, Turns


class Lanes(Protocol):
    """The calls that keep a lease."""

    lease_seconds: float

    async def renew(self, shard: int, claims: Iterable[Claim]) -> tuple[set[str], dict[str, str]]: ...


def margin(lease_seconds: float) -> float:
    """How long before its end a lease that was not renewed counts as lost."""
    return min(1.0, lease_seconds / 5)


@dataclass(slots=True, eq=False)
class Leases:
    """Renewal for all claims in one pipeline, and a watch on those that were not renewed."""

    lanes: Lanes
    turns: Turns
    clock: Clock
    report: Callable[[str, Exception | None], None]

    async def renew(self) -> None:
        """Lengthen all leases each third of one."""
        while True:
            await self.clock.sleep(self.lanes.lease_seconds / 3)
            before = self.clock.monotonic()
            by_shard: dict[int, list[Claim]] = {}
            for turn in self.turns:
                if turn.fate not in LOST:
                    by_shard.setdefault(turn.claim.shard, []).append(turn.claim)
            calls = [self.lanes.renew(shard, claims) for shard, claims in by_shard.items()]
            answers = await asyncio.gather(*calls, return_exceptions=True)
            for claims, answer in zip(by_shard.values(), answers, strict=True):
                if isinstance(answer, StoreError):
                    self.report("leases could not be renewed", answer)
                elif isinstance(answer, BaseException):
                    raise answer
                else:
                    refused, signals = answer
                    self._renewed(claims, refused, before + self.lanes.lease_seconds)
                    for lane, signal in signals.items():
                        self.turns.deliver(lane, *signal.split(" ", 1))

    def _renewed(self, claims: list[Claim], refused: set[str], until: float) -> None:
        for claim in claims:
            if claim.token not in refused:
                claim.lease_until = until
            elif turn := self.turns.live.get(claim.token):  # one that has just completed is refused too: it is not live
                self.turns.cancel(turn, "refused")

    async def watch(self) -> None:
        """Cancel what was not renewed by the end of its lease less min(1 s, a fifth)."""
        lease = self.lanes.lease_seconds
        while True:
            await self.clock.sleep(min(0.25, lease / 20))
            limit = self.clock.monotonic() + margin(lease)
            for turn in self.turns:
                if turn.claim.lease_until <= limit:
                    self.turns.cancel(turn, "lease")
