"""A bot that was put together: the loops of one process, what it knows of itself, and the order in which it stops."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field, replace
from typing import Any

import structlog

from app.chain.figures import Figures
from app.core.errors import StoreError
from app.ingress.polling import Polling
from app.lanes.hints import Hints
from app.lanes.pipe import Pipe
from app.lanes.presence import Presence
from app.ops.metrics import Metrics
from app.ops.recent import Recent
from app.ops.status import Local, Reader, text
from app.outbox.eyes import Eyes
from app.outbox.sender import Sender
from app.runner.leases import Leases
from app.runner.runner import Runner

RESERVE_SECONDS = 3.0  # of the drain: for giving up the poller's lease, the farewell, and closing what is embedded


@dataclass(slots=True, eq=False)
class Bot:
    """One process of a bot; ``roles``: ingress, worker, or both."""

    pipe: Pipe
    runner: Runner
    leases: Leases
    polling: Polling
    hints: Hints
    presence: Presence
    sender: Sender
    metrics: Metrics
    reader: Reader
    roles: frozenset[str]
    figures: Figures | None = None
    """What was used of the limits."""
    recent: Recent | None = None
    """The last errors that somebody was told of."""
    eyes: Eyes | None = None
    notes: list[str] = field(default_factory=list)
    """What else an operator should know, in plain sentences."""
    risks: list[str] = field(default_factory=list)
    """What Redis may forget."""
    began: float = field(default_factory=time.monotonic)

    def loops(self) -> list[Coroutine[Any, Any, Any]]:
        """Everything that runs side by side once the store was checked."""
        loops = [self.presence.run(), self.hints.run()]
        if "worker" in self.roles:
            loops += [self.runner.run(), self.leases.renew(), self.leases.watch()]
            if self.eyes:
                loops.append(self.eyes.run())
        if "ingress" in self.roles:
            loops += [self.polling.run()]
        return loops

    async def farewell(self, seconds: float, hurry: asyncio.Event) -> None:
        """Stop in this order: intake, claims, turns. The right to poll goes first, so that another process polls."""
        structlog.get_logger().info("stopping", live=len(self.runner.turns))
        with contextlib.suppress(TimeoutError, StoreError):
            async with asyncio.timeout(1.0):  # without Redis there is nothing to give up
                await self.polling.stop()
        await self.runner.drain(max(0.0, seconds - RESERVE_SECONDS), hurry)
        with contextlib.suppress(TimeoutError, StoreError):
            async with asyncio.timeout(0.5):
                await self.presence.end()

    async def status(self) -> str:
        """The text of /status."""
        others = max(0, len(self.runner.turns) - 1)  # but the turn that asks
        local = Local(time.monotonic() - self.began, others, self.runner.room, self.poll_age())
        shot = await self.reader.read(self.risks, local)
        figures = await self.figures.status() if self.figures else []
        errors = await self.recent.lines() if self.recent else []
        return text(replace(shot, live=max(0, shot.live - 1), figures=[*figures, *self.notes, *errors]))

    def poll_age(self) -> float | None:
        """Seconds since the last completed poll; None in a process that does not poll now."""
        return self.metrics.poll_age() if self.polling.leading else None

    def ready(self) -> dict[str, Callable[[], Awaitable[str]]]:
        """What /readyz asks; each answers "" when all is well."""

        async def redis() -> str:
            return "Redis does not answer" if self.pipe.down_since is not None else ""

        return {"redis": redis}
