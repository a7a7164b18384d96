"""Who may use the bot: the users and chats of ALLOW_IDS; with none set, everyone."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable

from app.chain.compose import Handler
from app.chain.context import Context
from app.core import words
from app.core.outcome import End, Outcome

TELL_AGAIN_MS = 3_600_000
REMEMBERED = 10_000  # people told within that time; beyond it the oldest may be told again


class Access:
    """Lets in operators, allowed users, and everybody in allowed chats; tells others once an hour, in private only."""

    def __init__(self, allowed: Iterable[int], operators: Iterable[int]) -> None:
        self._allowed = frozenset(allowed)
        self._operators = frozenset(operators)
        self._told: OrderedDict[int, int] = OrderedDict()

    async def __call__(self, ctx: Context, inner: Handler) -> Outcome:
        if not self._allowed or self._may(ctx):
            return await inner(ctx)
        return End("dropped: access", notice=words.ACCESS() if ctx.private and self._is_news(ctx) else "")

    def _may(self, ctx: Context) -> bool:
        who = ctx.user_id
        return who in self._allowed or who in self._operators or ctx.message.chat.id in self._allowed

    def _is_news(self, ctx: Context) -> bool:
        at_ms = ctx.claim.entries[0].at_ms
        before = self._told.get(ctx.user_id)
        if before is not None and at_ms - before < TELL_AGAIN_MS:
            return False
        self._told[ctx.user_id] = at_ms
        self._told.move_to_end(ctx.user_id)
        if len(self._told) > REMEMBERED:
            self._told.popitem(last=False)
        return True
