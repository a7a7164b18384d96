"""Telegram's limits as numbers, and the bot-wide send budget, fetched for several sends at once.

The budget of a chat is checked by `mark` itself, in the chat's shard; this file only says how wide it is.
"""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass, field
from typing import Protocol

from app.core.clock import Clock
from app.core.errors import StoreError

BURST = 3  # sends that a quiet chat may make at once
COMMANDS = 2  # ... and commands beyond that: a /pause is confirmed also while an answer waits for its slot
REFILL, FETCH = 4, 8  # permits kept for answers; fetched at a time
FRESH_SECONDS = 1.0  # a permit is worth nothing later: the budget has moved on


@dataclass(frozen=True, slots=True)
class Pace:
    """Milliseconds between sends; 0 switches a limit off."""

    everywhere_ms: float
    private_ms: float
    group_ms: float

    @classmethod
    def of(cls, per_second: float, chat_per_second: float, group_per_minute: float) -> Pace:
        """From the settings. What a group may send at once is taken off its minute, so no 60 s hold more."""
        return cls(
            1000 / per_second if per_second else 0.0,
            1000 / chat_per_second if chat_per_second else 0.0,
            60_000 / max(1.0, group_per_minute - BURST - COMMANDS) if group_per_minute else 0.0,
        )

    def gap_ms(self, chat: int) -> float:
        """Between sends of this chat; groups have negative ids."""
        return self.group_ms if chat < 0 else self.private_ms


class Budget(Protocol):
    """The call on the lanes that grants permits."""

    async def permit(self, wanted: int, gap_ms: float, burst: int, penalty_ms: int = 0) -> tuple[int, int]: ...


@dataclass(slots=True, eq=False)
class Permits:
    """Permits of the bot-wide budget, shared by all processes; one fetch at a time, who asked first gets first."""

    budget: Budget
    gap_ms: float
    clock: Clock
    _stock: int = 0
    _until: float = 0.0
    _queue: deque[asyncio.Future[None]] = field(default_factory=deque)
    _urgent: deque[asyncio.Future[None]] = field(default_factory=deque)
    _fetching: asyncio.Task[None] | None = None
    _burst: int = field(init=False)

    def __post_init__(self) -> None:
        self._burst = max(1, min(FETCH, round(250 / self.gap_ms))) if self.gap_ms else 1

    async def take(self, *, urgent: bool = False) -> None:
        """Wait for the right to make one call; commands before answers. Raises StoreError."""
        if not self.gap_ms or self.spare(keep=0):
            return
        waiter = asyncio.get_running_loop().create_future()
        (self._urgent if urgent else self._queue).append(waiter)
        if self._fetching is None:
            self._fetching = asyncio.get_running_loop().create_task(self._fetch())
        await waiter

    def spare(self, keep: int = REFILL) -> bool:
        """Take a permit if one is at hand, beyond those kept for answers; what may be left out asks this way."""
        if not self.gap_ms:
            return True
        if self._stock > keep and self.clock.monotonic() < self._until and not self._queue and not self._urgent:
            self._stock -= 1
            return True
        return False

    async def _fetch(self) -> None:
        try:
            while self._queue or self._urgent:
                asked = self.clock.monotonic()
                granted, wait_ms = await self.budget.permit(min(FETCH, self._burst), self.gap_ms, self._burst)
                self._stock, self._until = granted, asked + FRESH_SECONDS
                self._give()
                if not granted:
                    await self.clock.sleep(wait_ms / 1000)
        except StoreError as error:
            for waiter in (*self._urgent, *self._queue):
                if not waiter.done():
                    waiter.set_exception(error)
        finally:
            self._fetching = None

    def _give(self) -> None:
        for queue in (self._urgent, self._queue):
            while queue and self._stock:
                waiter = queue.popleft()
                if not waiter.done():  # who asked may have gone
                    waiter.set_result(None)
                    self._stock -= 1
