"""What the outbox asks of others: the lanes' journal and pace, Telegram, and who counts what was sent."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, Protocol

from app.core.claims import Claim
from app.core.updates import Address

Entities = Sequence[dict[str, Any]]


class Mark(Protocol):
    """Answer of `mark`."""

    @property
    def kind(self) -> str: ...
    @property
    def value(self) -> int: ...
    @property
    def stop(self) -> bool: ...


class Lanes(Protocol):
    """The calls on the lanes."""

    def operation(self) -> str: ...
    async def mark(
        self,
        claim: Claim,
        part: int,
        op: str,
        answer: str,
        gap_ms: float,
        burst: int,
        *,
        first: bool,
        way: str = "",
        apart_ms: float = 0.0,
    ) -> Mark: ...
    def sent(self, claim: Claim, part: int, message_id: int, done: str = "") -> asyncio.Future[Any]: ...
    async def cool(self, chat: int | str, ms: int) -> None: ...


class Meter(Protocol):
    """Counts what was sent."""

    def sent(self, method: str, result: str, seconds: float | None = None) -> None: ...


class Sender(Protocol):
    """The calls on Telegram."""

    async def send(self, address: Address, text: str, entities: Entities | None = None) -> int: ...
    async def edit(self, chat: int, message_id: int, text: str, entities: Entities | None = None) -> None: ...
    async def draft(self, address: Address, draft_id: int, text: str, entities: Entities | None = None) -> None: ...
    async def delete(self, chat: int, message_id: int) -> None: ...
    async def typing(self, address: Address) -> None: ...
