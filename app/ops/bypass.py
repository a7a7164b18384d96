"""The way around the lanes for an operator's /pause: a Redis out of memory stores no update, but it holds a pause.

The command itself stays with Telegram. Once there is room it is stored like any other, and confirmed.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import structlog

from app.core.clock import Clock
from app.core.errors import StoreError
from app.core.orders import read
from app.core.schema import Message, parse
from app.core.triage import command_of
from app.core.updates import Incoming, Scope, author_of, scope_of
from app.ops.control import EVERYWHERE

REMEMBERED = 100  # commands; as many as one poll shows


class Control(Protocol):
    """What pauses, in every process."""

    async def pause(self, scope: str, until_ms: int, reason: str, author: str, ver: str) -> bool: ...


@dataclass(slots=True, eq=False)
class Bypass:
    """Pauses at once what operators ask to be paused; nobody's rights here depend on asking Telegram."""

    control: Control
    operators: frozenset[int]
    scope: Scope
    clock: Clock
    _obeyed: deque[int] = field(default_factory=lambda: deque(maxlen=REMEMBERED))
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    def obey(self, updates: Sequence[Incoming]) -> None:
        """Look for such commands among updates that could not be stored; each is obeyed once."""
        for update in updates:
            if update.uid in self._obeyed or (command := self._command(update)) is None:
                continue
            self._obeyed.append(update.uid)
            task = asyncio.get_running_loop().create_task(self._pause(update.uid, *command))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def _command(self, update: Incoming) -> tuple[Message, str] | None:
        """Message and arguments of an operator's /pause that is not stale."""
        if update.kind != "c" or update.by_ms < self.clock.now() * 1000:
            return None
        message = parse(update.raw).message
        if message is None or author_of(message) not in self.operators:
            return None
        name, _, args = command_of(message) or ("", "", "")
        return (message, args) if name == "pause" else None

    async def _pause(self, uid: int, message: Message, args: str) -> None:
        order, log = read(args), structlog.get_logger()
        if order.wrong:
            return  # the command itself says so once it can be stored
        scope = EVERYWHERE if order.everywhere else scope_of(message, self.scope)
        until_ms = round((self.clock.now() + order.seconds) * 1000) if order.seconds else 0
        author, ver = str(author_of(message)), f"{message.date}.{uid}"
        try:
            await self.control.pause(scope, until_ms, order.reason, author, ver)
        except StoreError as error:
            self._obeyed.remove(uid)
            log.warning("a pause could not be held yet", update=uid, why=str(error))
        else:
            log.warning("an operator's pause holds although Redis is out of memory", update=uid, scope=scope)
