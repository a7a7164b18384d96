"""What people wrote, made safe for the model: hidden characters and the bot's own mention go, emoji as set."""

from __future__ import annotations

import re

from app.chain.compose import Handler
from app.chain.context import Context
from app.chain.say import Outbox
from app.core import words
from app.core.outcome import End, Outcome
from app.core.text import Emoji, blank, clean, emoji


class Sanitise:
    """Cleans ``text`` and ``args``; a text of which nothing is left gets one kind sentence, if it was meant for us."""

    def __init__(self, outbox: Outbox, username: str, *, emoji: Emoji = "keep") -> None:
        self._outbox = outbox
        self._mention = re.compile(rf"(?<![\w@/])@{re.escape(username)}\b[ \t]*[,:]?[ \t]*", re.IGNORECASE)
        self._emoji: Emoji = emoji

    async def __call__(self, ctx: Context, inner: Handler) -> Outcome:
        if not ctx.text:
            return await inner(ctx)
        ctx.reword(self._clean)
        if ctx.args:
            ctx.args = clean(ctx.args)
        if blank(ctx.text):
            ctx.text = ""
        # A bare mention may point at another message.
        if ctx.text or ctx.edit or ctx.media or ctx.points:
            return await inner(ctx)
        if not ctx.meant:
            return End("dropped: ignored")  # a picture among people is no question
        await self._outbox.answer(ctx.claim, ctx.address, words.EMPTY())
        return End("answered")

    def _clean(self, text: str) -> str:
        text = emoji(clean(text), self._emoji)
        if "@" in text and self._mention.search(text):
            text = self._mention.sub("", text).strip()
        return text
