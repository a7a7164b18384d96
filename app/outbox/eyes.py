"""👀 on what waits in a busy conversation, so that people see that they were heard.

A busy conversation is one whose turn runs; once a second a few of those that run for long are looked at, so the cost
does not grow with what waits. It has the lowest priority of all calls: it is made only where one more slot stays free,
and left out for whatever reason it cannot be made.
"""

from __future__ import annotations

import random
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Protocol

from app.core.claims import Claim
from app.core.clock import Clock
from app.core.errors import Flooded, Rejected, StoreError, TelegramError
from app.core.updates import chat_of
from app.outbox.pacing import BURST, Pace

EYES = "👀"
WAITED_MS = 3000  # by dates that are cut to whole seconds: 2 s at least
MOST_PER_MINUTE = 10  # in a chat
ROUND_SECONDS = 1.0
LOOKS = 8  # at conversations, in a round
REFUSED_REMEMBERED = 1000  # chats that allow no such reaction


class Lanes(Protocol):
    """The calls on the lanes."""

    async def glance(self, lane: str, waited_ms: int, most: int, gap_ms: float, burst: int) -> int: ...
    async def cool(self, chat: int | str, ms: int) -> None: ...


class Permits(Protocol):
    """The bot-wide budget."""

    async def spare(self) -> bool: ...


class Sender(Protocol):
    """The call on Telegram."""

    async def react(self, chat: int, message_id: int, emoji: str) -> None: ...


@dataclass(slots=True, eq=False)
class Eyes:
    """Looks at what waits while ``live`` turns run."""

    lanes: Lanes
    sender: Sender
    permits: Permits
    pace: Pace
    clock: Clock
    live: Callable[[], Iterable[Claim]]
    unimportant: Callable[..., Any] = lambda line, **fields: None
    """Takes what only a debug log should hold."""
    _refused: OrderedDict[str, None] = field(default_factory=OrderedDict)

    async def run(self) -> None:
        """Look, for as long as the process lives."""
        while True:
            await self.clock.sleep(ROUND_SECONDS)
            for claim in self._busy():
                await self._look(claim.lane)

    def _busy(self) -> list[Claim]:
        """A few of the conversations whose turn is about a message of some time ago, picked by chance."""
        since = self.clock.now() * 1000 - WAITED_MS
        busy = [
            claim
            for claim in self.live()
            if claim.lane[0] not in "!?"
            and claim.entries[0].at_ms <= since
            and chat_of(claim.lane) not in self._refused
        ]
        return random.sample(busy, LOOKS) if len(busy) > LOOKS else busy

    async def _look(self, lane: str) -> None:
        chat = chat_of(lane)
        try:
            number = int(chat)
            gap_ms = self.pace.gap_ms(number)
            while message := await self.lanes.glance(lane, WAITED_MS, MOST_PER_MINUTE, gap_ms, BURST):
                if not await self.permits.spare():
                    return
                await self.sender.react(number, message, EYES)
        except Flooded as flood:
            await self._cool(chat, flood)
        except Rejected as error:
            self._refuse(chat, error)
        except (TelegramError, StoreError, ValueError) as error:
            self.unimportant("what waits could not be marked", why=type(error).__name__)

    async def _cool(self, chat: str, flood: Flooded) -> None:
        try:
            await self.lanes.cool(chat, round(flood.retry_after * 1000))
        except StoreError as error:
            self.unimportant("a penalty could not be noted", why=type(error).__name__)

    def _refuse(self, chat: str, error: Rejected) -> None:
        """Some chats allow no reaction, or not this one; some servers know none. A message may be gone, that is all."""
        self.unimportant("what waits could not be marked", why=error.description)
        if "REACTION" in error.description.upper() or "method" in error.description.lower():
            self._refused[chat] = None
            if len(self._refused) > REFUSED_REMEMBERED:
                self._refused.popitem(last=False)
