"""Telegram's limits as numbers, and the bot-wide send budget, fetched for several sends at once.

The budget of a chat is checked by `mark` itself, in the chat's shard; this file only says how wide it is.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from app.core.clock import Clock

BURST = 3  # sends that a quiet chat may make at once
REFILL, FETCH = 4, 8  # fetch more permits when fewer than this are left; so many at a time
FRESH_SECONDS = 1.0  # a permit is worth nothing later: the budget has moved on


@dataclass(frozen=True, slots=True)
class Pace:
    """Milliseconds between sends; 0 switches a limit off."""

    everywhere_ms: float
    private_ms: float
    group_ms: float

    @classmethod
    def of(cls, per_second: float, chat_per_second: float, group_per_minute: float) -> Pace:
        """From the settings. A group's burst is taken off its minute, so no 60 s ever hold more than the limit."""
        return cls(
            1000 / per_second if per_second else 0.0,
            1000 / chat_per_second if chat_per_second else 0.0,
            60_000 / max(1.0, group_per_minute - BURST) if group_per_minute else 0.0,
        )

    def gap_ms(self, chat: int) -> float:
        """Between sends of this chat; groups have negative ids."""
        return self.group_ms if chat < 0 else self.private_ms


class Budget(Protocol):
    """The call on the lanes that grants permits."""

    async def permit(self, wanted: int, gap_ms: float, burst: int, penalty_ms: int = 0) -> tuple[int, int]: ...


@dataclass(slots=True, eq=False)
class Permits:
    """Permits of the bot-wide budget, shared by all processes."""

    budget: Budget
    gap_ms: float
    clock: Clock
    _stock: int = 0
    _until: float = 0.0
    _burst: int = field(init=False)

    def __post_init__(self) -> None:
        self._burst = max(1, min(FETCH, round(250 / self.gap_ms))) if self.gap_ms else 1

    async def take(self) -> None:
        """Wait for the right to make one call."""
        while self.gap_ms:
            if self._stock and self.clock.monotonic() < self._until:
                self._stock -= 1
                return
            asked = self.clock.monotonic()
            granted, wait_ms = await self.budget.permit(min(FETCH, self._burst), self.gap_ms, self._burst)
            if granted:
                self._stock, self._until = granted - 1, asked + FRESH_SECONDS
                return
            await self.clock.sleep(wait_ms / 1000)
