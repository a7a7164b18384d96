"""Time as a value that is passed in, so that tests own it."""

from __future__ import annotations

import asyncio
import heapq
import time
from collections.abc import Callable
from typing import Protocol


class Timer(Protocol):
    """A call that is due; it may be called off until then."""

    def cancel(self) -> object: ...


class Clock(Protocol):
    """What the parts that wait ask for; all in seconds."""

    def now(self) -> float:
        """Unix time."""
        ...

    def monotonic(self) -> float:
        """Never goes back; only differences mean something."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait; a value of 0 or less only lets others run."""
        ...

    def later(self, seconds: float, call: Callable[[], object]) -> Timer:
        """Call at that time, without a task that waits for it."""
        ...


class Real:
    """The clock of the machine."""

    def now(self) -> float:
        return time.time()

    def monotonic(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(max(0.0, seconds))

    def later(self, seconds: float, call: Callable[[], object]) -> Timer:
        return asyncio.get_running_loop().call_later(seconds, call)


class Manual:
    """A clock that moves only when told; sleepers wake in the order of their times."""

    def __init__(self, now: float = 1_700_000_000.0) -> None:
        self._start = now
        self._passed = 0.0
        self._order = 0
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []

    def now(self) -> float:
        return self._start + self._passed

    def monotonic(self) -> float:
        return self._passed

    async def sleep(self, seconds: float) -> None:
        await (self._due(seconds) if seconds > 0 else asyncio.sleep(0))

    def later(self, seconds: float, call: Callable[[], object]) -> Timer:
        future = self._due(seconds)
        future.add_done_callback(lambda due: None if due.cancelled() else call())
        return future

    def _due(self, seconds: float) -> asyncio.Future[None]:
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._order += 1
        heapq.heappush(self._sleepers, (self._passed + seconds, self._order, future))
        return future

    @property
    def sleeping(self) -> int:
        """How many wait now."""
        return sum(not future.done() for _, _, future in self._sleepers)

    async def advance(self, seconds: float) -> None:
        """Move on, waking each sleeper at its own time and letting it run before the next wakes."""
        end = self._passed + seconds
        while self._sleepers and self._sleepers[0][0] <= end:
            at, _, future = heapq.heappop(self._sleepers)
            self._passed = max(self._passed, at)
            if not future.done():
                future.set_result(None)
                await settle()
        self._passed = end
        await settle()


async def settle(rounds: int = 10) -> None:
    """Let everything that is ready run."""
    for _ in range(rounds):
        await asyncio.sleep(0)
