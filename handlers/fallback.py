"""What nobody here can read: one kind sentence, once per album; edits and all else pass in silence."""

from __future__ import annotations

from collections import OrderedDict

from app.chain.context import Context
from app.chain.say import Outbox
from app.core import unread
from app.core.outcome import End, Outcome

ALBUMS = 1000  # remembered as told; an album arrives as one message per picture


class Fallback:
    """Answers messages without words."""

    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox
        self._albums: OrderedDict[str, str] = OrderedDict()

    async def __call__(self, ctx: Context) -> Outcome:
        if ctx.edit or not ctx.media or not ctx.meant or self._told(ctx.message.media_group_id, ctx.ids):
            return End("dropped: ignored")
        await self._outbox.answer(ctx.claim, ctx.address, unread.KIND())
        return End("answered")

    def _told(self, album: str | None, ids: str) -> bool:
        """Whether another message of this album was answered; one that comes a second time is not another."""
        if album is None:
            return False
        first = self._albums.setdefault(album, ids)
        if len(self._albums) > ALBUMS:
            self._albums.popitem(last=False)
        return first != ids
