"""The share of the process that growing texts may cost: hundreds of them must not keep the event loop from answers.

Rendering is work without a pause, some milliseconds for a long text. Each waits its turn, so that all together take a
fifth of the time; then texts grow in larger steps, and nothing else changes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter
from typing import TypeVar

from app.core.clock import Clock

MOST = 0.2
_WEIGHT = 0.1  # of the newest in the average

T = TypeVar("T")


@dataclass(slots=True, eq=False)
class Share:
    """Turns at rendering, first come, first served."""

    clock: Clock
    _cost: float = 0.002
    """Seconds that one takes, on average."""
    _free: float = 0.0
    """When the next may begin."""

    async def take(self, work: Callable[[], T]) -> T:
        """Do it when its turn has come."""
        now = self.clock.monotonic()
        start = max(now, self._free)
        self._free = start + self._cost / MOST
        if start > now:
            await self.clock.sleep(start - now)
        began = perf_counter()
        done = work()
        self._cost += _WEIGHT * (perf_counter() - began - self._cost)
        return done
