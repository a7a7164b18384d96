"""The commands that anybody may give: /start /help /new, and the hint for those that do not exist."""

from __future__ import annotations

from app.chain.compose import Handler
from app.chain.context import Context
from app.chain.say import Outbox
from app.core import manual, words
from app.core.outcome import End, Outcome
from app.model.persona import Cast
from handlers.rights import Rights


class Commands:
    """Answers in the conversation's own order. ``name`` is the bot's, for the greeting that /start says.

    ``hears``: recordings are written down.
    """

    def __init__(self, outbox: Outbox, rights: Rights, *, cast: Cast, name: str, hears: bool = False) -> None:
        self._outbox = outbox
        self._rights = rights
        self._cast = cast
        self._name = name
        self._hears = hears

    def routes(self) -> dict[str, Handler]:
        """Handlers by command."""
        return {"start": self.start, "help": self.help, "new": self.new}

    async def start(self, ctx: Context) -> Outcome:
        """Say hello, as the persona of this chat does."""
        return await self._say(ctx, self._cast.of(ctx.claim.chat.get("persona", "")).hello(self._name))

    async def help(self, ctx: Context) -> Outcome:
        """Say what the bot can do; operators see their commands too, in private."""
        more = manual.HELP_OPERATOR if ctx.private and self._rights.operates(ctx) else ""
        return await self._say(ctx, manual.help_text(hears=self._hears) + more)

    async def new(self, ctx: Context) -> Outcome:
        """Forget what was said. This holds even if the reply cannot be delivered."""
        ctx.session.clear()
        ctx.changed = True
        await self._outbox.answer(ctx.claim, ctx.address, words.NEW())
        return End("answered", session=ctx.session.dump())

    async def hint(self, ctx: Context) -> Outcome:
        """An unknown command: a hint in private, silence in groups, where it may be meant for somebody else."""
        if not ctx.private:
            return End("dropped: ignored")
        return await self._say(ctx, words.HINT())

    async def _say(self, ctx: Context, text: str) -> Outcome:
        await self._outbox.answer(ctx.claim, ctx.address, text)
        return End("answered")
