"""Alarms: what only a person can heal, told to each operator in a private chat, once in an hour for all processes."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Protocol

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from app.core import keys
from app.core.errors import TelegramError
from app.core.updates import Address

AGAIN_SECONDS = 3600


class Sender(Protocol):
    """Sends a text; raises TelegramError kinds."""

    async def send(self, address: Address, text: str) -> int: ...


@dataclass(slots=True, eq=False)
class Alarm:
    """Call it with a sentence; ``run`` must be running for anybody to hear it. An operator who cannot be reached is
    passed over: the log has it too."""

    client: Redis
    bot: int
    sender: Sender
    operators: Iterable[int]
    _raised: asyncio.Queue[str] = field(default_factory=asyncio.Queue)

    def __call__(self, text: str) -> None:
        """Raise it; nothing is waited for."""
        self._raised.put_nowait(text)

    async def run(self) -> None:
        """Tell, for as long as the process lives."""
        while True:
            text = await self._raised.get()
            if await self._first(text):
                structlog.get_logger().error(text)
                for operator in self.operators:
                    await self._tell(operator, text)

    async def _first(self, text: str) -> bool:
        """Whether nobody told this within the hour; when Redis does not answer, better twice than never."""
        mark = keys.alarm(self.bot, sha256(text.encode()).hexdigest()[:16])
        try:
            return bool(await self.client.set(mark, 1, nx=True, ex=AGAIN_SECONDS))
        except (RedisError, OSError):
            return True

    async def _tell(self, operator: int, text: str) -> None:
        try:
            await self.sender.send(Address(operator), text)
        except TelegramError as error:
            structlog.get_logger().warning("an operator was not told", operator=operator, why=error.description)
