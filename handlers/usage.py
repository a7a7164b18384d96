"""/usage for everybody, /keys and /quota for operators: what was used of which limit, and a chat's own quota."""

from __future__ import annotations

import re
from typing import Protocol

from app.chain.compose import Handler
from app.chain.context import Context
from app.chain.say import Outbox, say
from app.core import words
from app.core.allowance import Limit, limits
from app.core.outcome import End, Outcome
from handlers.rights import Rights

_CHAT = re.compile(r"-?\d{1,18}\Z", re.ASCII)
_UNIT = re.compile(r"[rt]\s*/", re.IGNORECASE)  # a number before it belongs to it


class Figures(Protocol):
    """What was used, in words."""

    async def usage(self, user: int, chat: int) -> str: ...
    async def keys(self) -> str: ...


class Quotas(Protocol):
    """Keeps a chat's own quota: limits, () for none at all, None for that of the setting."""

    async def override(self, chat: int, limits: tuple[Limit, ...] | None) -> None: ...


class Usage:
    """Answers with figures; refuses others kindly in private, and is silent towards them in groups."""

    def __init__(self, outbox: Outbox, rights: Rights, figures: Figures, quotas: Quotas) -> None:
        self._outbox = outbox
        self._rights = rights
        self._figures = figures
        self._quotas = quotas

    def routes(self) -> dict[str, Handler]:
        """Handlers by command."""
        return {"usage": self.usage, "keys": self.keys, "quota": self.quota}

    async def usage(self, ctx: Context) -> Outcome:
        """What this person, this chat and everybody have used."""
        return await self._say(ctx, await self._figures.usage(ctx.user_id, ctx.message.chat.id))

    async def keys(self, ctx: Context) -> Outcome:
        """Every key and endpoint: its state, what it has used, and how long that will last."""
        if not self._rights.operates(ctx):
            return await self._refuse(ctx)
        return await self._say(ctx, await self._figures.keys())

    async def quota(self, ctx: Context) -> Outcome:
        """`/quota [chat id] 100000t/day,300r/hour`, or `off`, or `default`."""
        if not self._rights.operates(ctx):
            return await self._refuse(ctx)
        here = ctx.message.chat.id
        try:
            chat, wanted = read(ctx.args, here)
        except ValueError as error:
            return await self._say(ctx, f"{error}\n{words.QUOTA_HELP}".lstrip())
        await self._quotas.override(chat, wanted)
        return await self._say(ctx, _set("This chat" if chat == here else f"Chat {chat}", wanted))

    async def _refuse(self, ctx: Context) -> Outcome:
        return await self._say(ctx, words.NOT_YOURS()) if ctx.private else End("dropped: access")

    async def _say(self, ctx: Context, text: str) -> Outcome:
        return await say(self._outbox, ctx.claim, ctx.address, text)


def read(args: str, here: int) -> tuple[int, tuple[Limit, ...] | None]:
    """The chat that is meant and its quota; raises ValueError with a sentence, "" when nothing is given."""
    first, rest = [*args.split(None, 1), "", ""][:2]
    chat = here
    if _CHAT.match(first) and not (_UNIT.match(rest) and first.isdecimal()):
        chat, args = int(first), rest
    elif first.lower() == "here":
        args = rest
    wanted = "".join(args.split()).lower()
    if wanted == "off":
        return chat, ()
    if wanted == "default":
        return chat, None
    found = limits(wanted)
    if not found:
        raise ValueError("")
    return chat, found


def _set(place: str, wanted: tuple[Limit, ...] | None) -> str:
    if wanted is None:
        return f"{place} has the quota of the setting again."
    if not wanted:
        return f"{place} has no quota of its own now."
    return f"{place} may use {' and '.join(limit.words for limit in wanted)} now."
