"""Who may command: operators everywhere, a group's admins in their group, everybody in their own private chat."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from typing import Protocol

from app.chain.context import Context
from app.core.clock import Clock
from app.core.errors import Forbidden, Rejected

ADMIN_SECONDS = 60.0
ADMINS_REMEMBERED = 1000


class Admins(Protocol):
    """Asks Telegram what somebody is in a chat: creator, administrator, member …"""

    async def status_of(self, chat: int, user: int) -> str: ...


class Rights:
    """Knows operators, and asks Telegram for a group's admins at most once a minute for each person."""

    def __init__(self, admins: Admins, clock: Clock, operators: Iterable[int]) -> None:
        self._admins = admins
        self._clock = clock
        self._operators = frozenset(operators)
        self._known: OrderedDict[tuple[int, int], tuple[float, bool]] = OrderedDict()

    def operates(self, ctx: Context) -> bool:
        """Whether an operator speaks."""
        return ctx.user_id in self._operators

    async def governs(self, ctx: Context) -> bool:
        """Whether an operator speaks, an admin of this group, or the person whose private chat it is."""
        return self.operates(ctx) or ctx.private or await self.administers(ctx)

    async def administers(self, ctx: Context) -> bool:
        """Whether an admin of this group speaks."""
        if ctx.private:
            return False
        chat, user = ctx.message.chat.id, ctx.user_id
        if user == chat:
            return True  # an anonymous admin speaks as the group itself
        now = self._clock.monotonic()
        known = self._known.get((chat, user))
        if known is None or now - known[0] >= ADMIN_SECONDS:
            known = self._known[chat, user] = (now, await self._ask(chat, user))
            self._known.move_to_end((chat, user))
            if len(self._known) > ADMINS_REMEMBERED:
                self._known.popitem(last=False)
        return known[1]

    def drop(self, chat: int) -> None:
        """Ask anew who governs a chat: what we are in it has changed, and so may what Telegram tells us."""
        for known in [one for one in self._known if one[0] == chat]:
            del self._known[known]

    async def _ask(self, chat: int, user: int) -> bool:
        try:
            return await self._admins.status_of(chat, user) in {"creator", "administrator"}
        except (Rejected, Forbidden):
            return False
