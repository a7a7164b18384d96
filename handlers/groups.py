"""Groups: /mode, what the bot says when it is added, and what becomes of a chat that it is put out of.

Privacy mode is the usual reason why a bot is silent in a group: Telegram then shows it only what is addressed to it. It
is named wherever somebody could wonder: when the bot is added, and when it is to answer every message.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Protocol

from app.chain.compose import Handler
from app.chain.context import Context
from app.chain.over import over
from app.chain.say import Outbox, say
from app.core import words
from app.core.claims import Claim
from app.core.errors import TelegramError
from app.core.outcome import End, Outcome
from app.core.schema import Change
from app.core.updates import Address, Me, chat_of
from handlers.rights import Rights

MODES = ("mention", "always")
SEES_ALL = ("administrator", "creator")


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
            return await say(self._outbox, ctx.claim, ctx.address, words.MODE_PRIVATE())
        if not await self._rights.governs(ctx):
            return End("dropped: access")
        asked = ctx.args.lower()
        now = self._now(ctx.claim)
        if asked and asked not in MODES:
            return await say(self._outbox, ctx.claim, ctx.address, words.MODE_UNKNOWN(now=words.MODES[now]()))
        lines = [words.MODE_SET[asked](mention=self._mention) if asked else words.MODE_NOW(now=words.MODES[now]())]
        if (asked or now) == "always" and not await self._hears(ctx.message.chat.id):
            lines.append(words.PRIVACY_ALWAYS())
        return await say(self._outbox, ctx.claim, ctx.address, "\n\n".join(lines), (("mode", asked),) if asked else ())

    async def changed(self, claim: Claim, change: Change) -> Outcome:
        """What became of us in a chat: greet those who added us; of a chat that we cannot write to, answer nothing."""
        chat, was, now = change.chat, change.old_chat_member, change.new_chat_member
        self._rights.drop(chat.id)
        if str(chat.id) != chat_of(claim.lane):  # that of a chat which has moved here says nothing about this one
            return End("dropped: ignored")
        noted = tuple(_noted(claim, change))
        if was.there or not now.there or chat.type == "private" or not self._welcome(change):
            return End("dropped: noted", fields=noted)
        try:
            return await self._greet(claim, change, noted)
        except Exception as error:  # noqa: BLE001  every error has its outcome
            outcome = over(claim, error)
            return replace(outcome, fields=(*noted, *outcome.fields)) if isinstance(outcome, End) else outcome

    async def _greet(self, claim: Claim, change: Change, noted: tuple[tuple[str, str], ...]) -> Outcome:
        chat, now, mode = change.chat, change.new_chat_member, self._now(claim)
        lines = [words.GREETING[mode](name=self._me.first_name, mention=self._mention)]
        if now.status not in SEES_ALL and not await self._reads_all():
            lines.append((words.PRIVACY_ALWAYS if mode == "always" else words.PRIVACY_MENTION)())
        return await say(self._outbox, claim, Address(chat.id, forum=chat.is_forum), "\n\n".join(lines), noted)

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


def _noted(claim: Claim, change: Change) -> Iterator[tuple[str, str]]:
    """What becomes of the chat's fields."""
    was, now, moment = change.old_chat_member, change.new_chat_member, f"{change.date * 1000}.{claim.entries[0].uids}"
    if not now.there:
        yield "dead", moment
    elif not was.there:
        yield from (("dead", ""), ("refused", ""), ("back", moment))
    if now.mute != claim.chat.get("mute", ""):
        yield "mute", now.mute
