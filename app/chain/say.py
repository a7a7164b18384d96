"""The reply to a command: where the chat's pace has no room for it now it becomes a notice, and the command is done."""

from __future__ import annotations

from typing import Protocol

from app.core.claims import Claim
from app.core.errors import Later
from app.core.outcome import End
from app.core.updates import Address


class Outbox(Protocol):
    """What a reply needs."""

    async def answer(self, claim: Claim, address: Address, text: str) -> None: ...


async def say(
    outbox: Outbox, claim: Claim, address: Address, text: str, fields: tuple[tuple[str, str], ...] = ()
) -> End:
    """Reply, and end the turn; ``fields`` are what the chat keeps of it."""
    try:
        await outbox.answer(claim, address, text)
    except Later:
        return End("answered", fields=fields, notice=text)
    return End("answered", fields=fields)
