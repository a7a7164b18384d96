"""A message that begins with the ignore prefix is never answered: people may talk past the bot."""

from __future__ import annotations

from app.chain.compose import Handler
from app.chain.context import Context
from app.core.outcome import End, Outcome


class Prefix:
    """Drops what begins with ``prefix`` ("" drops nothing)."""

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix

    async def __call__(self, ctx: Context, inner: Handler) -> Outcome:
        if self._prefix and ctx.text.lstrip().startswith(self._prefix):
            return End("dropped: ignored")
        return await inner(ctx)
