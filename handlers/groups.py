"""Groups: /mode, what the bot says when it is added, and what becomes of a chat that it is put out of.

Privacy mode is the usual reason why a bot is silent in a group: Telegram then shows it only what is addressed to it. It
is named wherever somebody could wonder: when the bot is added, and when it is to answer every message.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from app.chain.compose import Handler
from app.chain.context import Context
from app.chain.over import over
from app.core import words
from app.core.claims import Claim
from app.core.errors import Later, TelegramError
from app.core.outcome import End, Outcome
from app.core.schema import Change
from app.core.updates import Address, Me
from handlers.rights import Rights

MODES = ("mention", "always")
SEES_ALL = ("administrator", "creator")


class Outbox(Protocol):
    """What a reply needs."""

    async def answer(self, claim: Claim, address: Address, text: str) -> None: ...


class Telegram(Protocol):
    """Who we are now, and what we are in a chat."""

    async def me(self) -> Me: ...
    async def status_of(self, chat: int, user: int) -> str: ...


class Groups:
    """Sets a group's mode, and greets; ``allowed`` are the users and chats that may use the bot, empty for everyone."""

    def __init__(
        self, outbox: Outbox, rights: Rights, telegram: Telegram, me: Me, *, mode: str, allowed: Iterable[int] = ()
    ) -> None:
        self._outbox = outbox
        self._rights = rights
        self._telegram = telegram
        self._me = me
        self._mode = mode
        self._allowed = frozenset(allowed)

    def routes(self) -> dict[str, Handler]:
        """Handlers by command."""
        return {"mode": self.mode}

    async def mode(self, ctx: Context) -> Outcome:
        """`/mode` says how the bot is spoken to here, `/mode always` sets it."""
        if ctx.private:
            return await self._say(ctx.claim, ctx.address, words.MODE_PRIVATE())
        if not await self._rights.governs(ctx):
            return End("dropped: access")
        asked = ctx.args.lower()
        now = self._now(ctx.claim)
        if asked and asked not in MODES:
            return await self._say(ctx.claim, ctx.address, words.MODE_UNKNOWN(now=words.MODES[now]()))
        lines = [words.MODE_SET[asked](mention=self._mention) if asked else words.MODE_NOW(now=words.MODES[now]())]
        if (asked or now) == "always" and not await self._hears(ctx.message.chat.id):
            lines.append(words.PRIVACY_ALWAYS())
        return await self._say(ctx.claim, ctx.address, "\n\n".join(lines), (("mode", asked),) if asked else ())

    async def changed(self, claim: Claim, change: Change) -> Outcome:
        """What became of us in a chat: greet those who added us; of a chat that we cannot write to, answer nothing."""
        try:
            return await self._changed(claim, change)
        except Exception as error:  # noqa: BLE001  every error has its outcome
            return over(claim, error)

    async def _changed(self, claim: Claim, change: Change) -> Outcome:
        chat, was, now = change.chat, change.old_chat_member, change.new_chat_member
        moment = f"{change.date * 1000}.{claim.entries[0].uids}"
        self._rights.drop(chat.id)
        if not now.there:
            return End("dropped: noted", fields=(("dead", moment),))
        alive = (("dead", ""), ("refused", ""), ("back", moment)) if not was.there else ()
        if was.there or chat.type == "private" or not self._welcome(change):
            return End("dropped: noted", fields=alive)
        mode = self._now(claim)
        lines = [words.GREETING[mode](name=self._me.first_name, mention=self._mention)]
        if now.status not in SEES_ALL and not await self._reads_all():
            lines.append((words.PRIVACY_ALWAYS if mode == "always" else words.PRIVACY_MENTION)())
        return await self._say(claim, Address(chat.id, forum=chat.is_forum), "\n\n".join(lines), alive)

    def _now(self, claim: Claim) -> str:
        """The mode of the claim's chat."""
        mode = claim.chat.get("mode", "")
        return mode if mode in MODES else self._mode

    @property
    def _mention(self) -> str:
        return f"@{self._me.username}"

    def _welcome(self, change: Change) -> bool:
        """Whether those who added us may use us: to others a greeting would promise what is not kept."""
        return not self._allowed or change.chat.id in self._allowed or change.from_.id in self._allowed

    async def _hears(self, chat: int) -> bool:
        """Whether Telegram shows us everything in this group: an admin sees all, whatever the privacy mode."""
        try:
            return await self._reads_all() or await self._telegram.status_of(chat, self._me.id) in SEES_ALL
        except TelegramError:
            return True  # nobody is warned of what is not known

    async def _reads_all(self) -> bool:
        """Whether privacy mode is off now; it may have been switched since the start."""
        return (await self._telegram.me()).can_read_all_group_messages

    async def _say(
        self, claim: Claim, address: Address, text: str, fields: tuple[tuple[str, str], ...] = ()
    ) -> Outcome:
        """Say it; a chat whose pace has no room for it now gets it as a notice, and what was asked for is done."""
        try:
            await self._outbox.answer(claim, address, text)
        except Later:
            return End("answered", fields=fields, notice=text)
        return End("answered", fields=fields)
