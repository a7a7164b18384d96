"""Telegram's limits as numbers, and the bot-wide send budget.

Each limit holds in *any* second or minute, not on average: what may go out at once is taken off the rate. The budget of
a chat is checked by `mark` itself, in the chat's shard; this file only says how wide it is.
"""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass, field
from typing import Protocol

from app.core.clock import Clock
from app.core.errors import StoreError

BURST = 3  # answers that a quiet chat gets at once
COMMANDS = (
    2  # ... and replies to commands, on a budget of their own: a /pause is confirmed while answers wait for slots
)
COMMAND_GAP_MS = 60_000.0  # in a group, after those two
# Between any two messages, edits or drafts of a chat, as multiples of its gap in private: Telegram counts them as they
# arrive. Answers leave a little more room than commands, so that where both wait the command is next.
APART, APART_COMMAND = 1.1, 1.0
SPARE_SECONDS = 1.0  # what may be left out waits so long for a permit of the whole bot
FETCH = 3  # permits of the whole bot at once; each is asked for when somebody wants it, so none grows stale

Queue = deque[asyncio.Future[bool]]
"""Who waits for a permit, in the order they came."""


@dataclass(frozen=True, slots=True)
class Pace:
    """Milliseconds between sends; 0 switches a limit off."""

    everywhere_ms: float
    private_ms: float
    group_ms: float

    @classmethod
    def of(cls, per_second: float, chat_per_second: float, group_per_minute: float) -> Pace:
        """From the settings; in a group answers leave room for the three commands that any minute may hold."""
        at_once = max(1.0, min(FETCH, per_second // 8))
        return cls(
            1000 / (per_second - at_once if at_once > 1 else per_second) if per_second else 0.0,
            1000 / chat_per_second if chat_per_second else 0.0,
            60_000 / max(1.0, group_per_minute - BURST - COMMANDS - 1) if group_per_minute else 0.0,
        )

    def gap_ms(self, chat: int, *, command: bool = False) -> float:
        """Between sends of this chat; groups have negative ids."""
        gap = self.group_ms if chat < 0 else self.private_ms
        return COMMAND_GAP_MS if command and chat < 0 and gap else gap

    def apart_ms(self, *, command: bool = False) -> float:
        """Between two calls of a chat that people can read; others (typing) may come between."""
        return self.private_ms * (APART_COMMAND if command else APART)


class Budget(Protocol):
    """The call on the lanes that grants permits."""

    async def permit(self, wanted: int, gap_ms: float, burst: int, penalty_ms: int = 0) -> tuple[int, int]: ...


@dataclass(slots=True, eq=False)
class Permits:
    """Permits of the bot-wide budget, shared by all processes; one fetch at a time, who asked first gets first."""

    budget: Budget
    gap_ms: float
    clock: Clock
    _queue: Queue = field(default_factory=deque)
    _urgent: Queue = field(default_factory=deque)
    _spare: Queue = field(default_factory=deque)
    _fetching: asyncio.Task[None] | None = None
    _sparing: asyncio.Task[None] | None = None
    _burst: int = field(init=False)

    def __post_init__(self) -> None:
        self._burst = max(1, min(FETCH, round(100 / self.gap_ms))) if self.gap_ms else 1

    async def take(self, *, urgent: bool = False) -> None:
        """Wait for the right to make one call; commands before answers. Raises StoreError."""
        if not self.gap_ms:
            return
        waiter = asyncio.get_running_loop().create_future()
        (self._urgent if urgent else self._queue).append(waiter)
        if self._fetching is None:
            self._fetching = asyncio.get_running_loop().create_task(self._fetch())
        await waiter

    async def spare(self) -> bool:
        """Ask for what may be left out (typing): not for long, after all answers, and leaving one for the next."""
        if not self.gap_ms:
            return True
        waiter: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._spare.append(waiter)
        if self._sparing is None:
            self._sparing = asyncio.get_running_loop().create_task(self._fetch_spare())
        timer = self.clock.later(SPARE_SECONDS, lambda: None if waiter.done() else waiter.set_result(False))
        try:
            return await waiter
        finally:
            timer.cancel()

    async def _fetch(self) -> None:
        try:
            while wanted := len(self._urgent) + len(self._queue):
                granted, wait_ms = await self.budget.permit(min(wanted, self._burst), self.gap_ms, self._burst)
                self._give(granted, self._urgent, self._queue)
                if not granted:
                    await self.clock.sleep(wait_ms / 1000)
        except StoreError as error:
            self._fail(error, self._urgent, self._queue)
        finally:
            self._fetching = None

    async def _fetch_spare(self) -> None:
        try:
            while self._spare:
                granted, wait_ms = 0, self.gap_ms
                if not self._queue and not self._urgent:
                    granted, wait_ms = await self.budget.permit(1, self.gap_ms, max(1, self._burst - 1))
                self._give(granted, self._spare)
                if not granted:
                    await self.clock.sleep(wait_ms / 1000)
        except StoreError as error:
            self._fail(error, self._spare)
        finally:
            self._sparing = None

    @staticmethod
    def _give(granted: int, *queues: Queue) -> None:
        for queue in queues:
            while queue and (granted or queue[0].done()):
                waiter = queue.popleft()
                if not waiter.done():  # who asked may have gone
                    waiter.set_result(True)
                    granted -= 1

    @staticmethod
    def _fail(error: StoreError, *queues: Queue) -> None:
        for queue in queues:
            for waiter in queue:
                if not waiter.done():
                    waiter.set_exception(error)
            queue.clear()
