"""The window: how many turns may stand between a send and its journal entry, where a crash shows an answer twice.

It opens slowly. A process that has just begun may be one that dies again and again, and then each death costs as many
doubles as stood in the window; one that has worked for a while has earned a wide one. A full window makes sends wait:
at a round trip of 100 ms to Telegram even two let 20 a second through, ten 100, and Telegram allows a bot 30.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

FIRST, MOST = 2, 48
STEP = 32  # turns that passed for each place more


@dataclass(slots=True, eq=False)
class Window:
    """Places for turns that send; first come, first served."""

    width: int = FIRST
    _passed: int = 0
    _places: asyncio.Semaphore = field(init=False)

    def __post_init__(self) -> None:
        self._places = asyncio.Semaphore(self.width)

    async def enter(self) -> None:
        """Wait for a place."""
        await self._places.acquire()

    def leave(self) -> None:
        """Give a place back; once for each `enter`."""
        self._places.release()
        self._passed += 1
        if self._passed % STEP == 0 and self.width < MOST:
            self.width += 1
            self._places.release()
