"""A message that begins with the ignore prefix is never answered: people may talk past the bot.

New messages of this kind never come here, triage ends them; this is for an edit that takes a question back.
"""

from __future__ import annotations

from app.chain.compose import Handler
from app.chain.context import Context
from app.core.outcome import End, Outcome
from app.core.schema import Message
from app.core.text import ignored
from app.core.triage import command_of


class Prefix:
    """Drops what begins with ``prefix`` ("": nothing does) or `/ignore`, perhaps after the bot's mention.

    An edit commands nothing: one that makes a command of a question only takes it back.
    """

    def __init__(self, prefix: str, username: str = "") -> None:
        self._prefix = prefix
        self._username = username

    async def __call__(self, ctx: Context, inner: Handler) -> Outcome:
        meant = [one for one in ctx.messages if not self._ignores(one)]
        if not meant:
            return End("dropped: ignored")
        if len(meant) < len(ctx.messages):
            ctx.only(meant)
        return await inner(ctx)

    def _ignores(self, message: Message) -> bool:
        if ignored(message.text or message.caption or "", self._prefix, self._username):
            return True
        return message.edit_date is not None and command_of(message) is not None
