"""/privacy says what is kept, for how long and who sees it; /forget deletes it at once, without asking back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from app.chain.compose import Handler
from app.chain.context import Context
from app.chain.say import Outbox, say
from app.core import words
from app.core.outcome import Outcome
from handlers.rights import Rights


class Forgetting(Protocol):
    """Deletes what is older than message ``mid``: of a whole chat, or of one member of it."""

    async def chat(self, chat: int, mid: int) -> object: ...
    async def member(self, chat: int, member: int, mid: int) -> object: ...


class Privacy:
    """Both run on the control lane, ahead of what waits. ``hosts``: where questions go, none for the offline model."""

    def __init__(
        self, outbox: Outbox, rights: Rights, forget: Forgetting, *, hosts: Sequence[str], turns: int, days: float
    ) -> None:
        self._outbox = outbox
        self._rights = rights
        self._forget = forget
        self._hosts = tuple(dict.fromkeys(hosts))
        self._turns = turns
        self._days = days

    def routes(self) -> dict[str, Handler]:
        """Handlers by command."""
        return {"privacy": self.privacy, "forget": self.forget}

    async def privacy(self, ctx: Context) -> Outcome:
        """What is kept, where, for how long, and who sees it."""
        return await self._say(ctx, words.privacy(self._hosts, self._turns, self._days, private=ctx.private))

    async def forget(self, ctx: Context) -> Outcome:
        """Everything of the chat for those who govern it; for another member of a group, what is theirs."""
        chat, mid = ctx.message.chat.id, ctx.message.message_id
        if await self._rights.governs(ctx):
            await self._forget.chat(chat, mid)
            return await self._say(ctx, (words.FORGOTTEN if ctx.private else words.FORGOTTEN_GROUP)())
        await self._forget.member(chat, ctx.user_id, mid)
        return await self._say(ctx, words.FORGOTTEN_MEMBER())

    async def _say(self, ctx: Context, text: str) -> Outcome:
        return await say(self._outbox, ctx.claim, ctx.address, text)
