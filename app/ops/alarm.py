"""Alarms: what only a person can heal, told to each operator in a private chat, once in an hour for all processes.

While nobody can be reached it is tried some times more; then whoever raises it next begins anew.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Protocol

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from app.core import keys
from app.core.clock import Clock, Real
from app.core.errors import TelegramError
from app.core.updates import Address

AGAIN_SECONDS = 3600
PAUSES_SECONDS = (0, 15, 60, 300, 1200)  # before each try
_SPARE_SECONDS = 60  # a mark outlives the pause by this: should the process end meanwhile, another may tell it soon


class Sender(Protocol):
    """Sends a text; raises TelegramError kinds."""

    async def send(self, address: Address, text: str) -> int: ...


@dataclass(slots=True, eq=False)
class Alarm:
    """Call it with a sentence; ``run`` must be running for anybody to hear it. It is told when one operator has heard
    it; the others are passed over. The log has it in any case."""

    client: Redis
    bot: int
    sender: Sender
    operators: Collection[int]
    clock: Clock = field(default_factory=Real)
    _raised: asyncio.Queue[str] = field(default_factory=asyncio.Queue)
    _telling: set[str] = field(default_factory=set)

    def __call__(self, text: str) -> None:
        """Raise it; nothing is waited for."""
        self._raised.put_nowait(text)

    async def run(self) -> None:
        """Tell, for as long as the process lives."""
        async with asyncio.TaskGroup() as group:
            while True:
                text = await self._raised.get()
                if text not in self._telling:
                    self._telling.add(text)
                    group.create_task(self._raise(text))

    async def _raise(self, text: str) -> None:
        try:
            mark = keys.alarm(self.bot, sha256(text.encode()).hexdigest()[:16])
            if await self._first(mark):
                structlog.get_logger().error(text)
                await self._persist(mark, text)
        finally:
            self._telling.discard(text)

    async def _persist(self, mark: str, text: str) -> None:
        """Try until an operator has heard it, and mark it as told only then."""
        for pause in PAUSES_SECONDS:
            await self._keep(mark, pause + _SPARE_SECONDS)
            await self.clock.sleep(pause)
            if not self.operators or any([await self._told(operator, text) for operator in self.operators]):
                await self._keep(mark, AGAIN_SECONDS)
                return

    async def _first(self, mark: str) -> bool:
        """Whether nobody told it within the hour, or tries to; when Redis does not answer, better twice than never."""
        try:
            return bool(await self.client.set(mark, 1, nx=True, ex=_SPARE_SECONDS))
        except (RedisError, OSError):
            return True

    async def _keep(self, mark: str, seconds: int) -> None:
        try:
            await self.client.set(mark, 1, ex=seconds)
        except (RedisError, OSError) as error:
            structlog.get_logger().warning("an alarm may be told twice", why=str(error))

    async def _told(self, operator: int, text: str) -> bool:
        try:
            await self.sender.send(Address(operator), text)
        except TelegramError as error:
            structlog.get_logger().warning("an operator was not told", operator=operator, why=error.description)
            return False
        return True
