"""/pause /resume /status /stop: they come through the control lane, ahead of everything, and take effect first.

Operators may do all of it; a group's admins may pause and resume their own group; /stop is anybody's.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Protocol

from app.chain.compose import Handler
from app.chain.context import Context
from app.chain.say import Outbox, say
from app.core import words
from app.core.clock import Clock
from app.core.orders import Order, read
from app.core.outcome import End, Outcome
from app.core.text import name
from app.core.updates import Scope, message_lane, scope_of, topic_of
from handlers.rights import Rights

EVERYWHERE = "*"
SHORT_SECONDS = 600  # the end of a pause shorter than this is said to the second


class Control(Protocol):
    """What acts on lanes, in every process."""

    async def pause(self, scope: str, until_ms: int, reason: str, author: str, ver: str) -> bool: ...
    async def resume(self, scope: str, ver: str) -> bool: ...
    async def stop(self, lane: str, uid: str, mid: int, at_ms: int) -> str: ...
    async def status(self) -> str: ...
    async def remaining(self, scope: str) -> set[str]: ...


class Operator:
    """Obeys those who may, refuses others kindly in private, and is silent towards them in groups."""

    def __init__(
        self, control: Control, outbox: Outbox, rights: Rights, clock: Clock, *, scope: Scope = "topic"
    ) -> None:
        self._control = control
        self._outbox = outbox
        self._rights = rights
        self._clock = clock
        self._scope: Scope = scope

    def routes(self) -> dict[str, Handler]:
        """Handlers by command."""
        return {"pause": self.pause, "resume": self.resume, "status": self.status, "stop": self.stop}

    async def pause(self, ctx: Context) -> Outcome:
        """Pause this chat or topic, or all of it."""
        order = read(ctx.args)
        if refusal := await self._refusal(ctx, order):
            return refusal
        if order.wrong:
            return await self._say(ctx, words.NO_TIME.format(given=order.wrong))
        until_ms = round((self._clock.now() + order.seconds) * 1000) if order.seconds else 0
        scope = EVERYWHERE if order.everywhere else scope_of(ctx.message, self._scope)
        done = await self._control.pause(scope, until_ms, order.reason, _author(ctx), _ver(ctx))
        return await self._say(
            ctx, _paused(self._place(ctx, order), until_ms, order) if _fresh(done, ctx) else words.OUTDATED
        )

    async def resume(self, ctx: Context) -> Outcome:
        """Go on here, or everywhere."""
        order = read(ctx.args)
        if refusal := await self._refusal(ctx, order):
            return refusal
        scope = EVERYWHERE if order.everywhere else scope_of(ctx.message, self._scope)
        done = await self._control.resume(scope, _ver(ctx))
        if not _fresh(done, ctx):
            return await self._say(ctx, words.OUTDATED)
        still = await self._control.remaining(scope) - {scope}
        return await self._say(ctx, _resumed(self._place(ctx, order), scope, still))

    async def status(self, ctx: Context) -> Outcome:
        """How the bot is."""
        if self._rights.operates(ctx):
            return await self._say(ctx, await self._control.status())
        return await self._refuse(ctx, words.NOT_YOURS())

    async def stop(self, ctx: Context) -> Outcome:
        """Stop the answer that this conversation waits for."""
        lane, entry = message_lane(ctx.message, self._scope), ctx.claim.entries[0]
        what = await self._control.stop(lane, entry.uids, ctx.message.message_id, entry.at_ms)
        return await self._say(ctx, (words.NOTHING_TO_STOP if what.startswith("idle") else words.STOPPED)())

    async def _refusal(self, ctx: Context, order: Order) -> Outcome | None:
        if self._rights.operates(ctx):
            return None
        if not await self._rights.administers(ctx):
            return await self._refuse(ctx, words.NOT_YOURS())
        # An admin hears why; it is no secret that somebody may.
        return await self._say(ctx, words.NOT_EVERYWHERE()) if order.everywhere else None

    async def _refuse(self, ctx: Context, text: str) -> Outcome:
        return await self._say(ctx, text) if ctx.private else End("dropped: access")

    def _place(self, ctx: Context, order: Order) -> str:
        if order.everywhere:
            return "everywhere"
        if topic_of(ctx.message):
            return "in this topic" if self._scope != "chat" else "in this chat, with all its topics"
        return "in this chat, with all its topics" if ctx.message.chat.is_forum else "in this chat"

    async def _say(self, ctx: Context, text: str) -> Outcome:
        return await say(self._outbox, ctx.claim, ctx.address, text)


def _ver(ctx: Context) -> str:
    """Orders commands about the same place: the later written one wins, whenever it arrives."""
    return f"{ctx.message.date}.{ctx.update.update_id}"


def _fresh(done: bool, ctx: Context) -> bool:
    """Whether the command is in force. Asked a second time, its own first try counts as a later command."""
    return done or ctx.claim.attempt > 1 or "answer" in ctx.claim.journal


def _paused(place: str, until_ms: int, order: Order) -> str:
    until = ""
    if until_ms:
        clock = "%H:%M:%S" if order.seconds < SHORT_SECONDS else "%H:%M"
        until = f" until {datetime.fromtimestamp(until_ms / 1000, UTC):%Y-%m-%d {clock}} UTC"
    reason = f" Reason: {order.reason}" if order.reason else ""
    again = "/resume all" if order.everywhere else "/resume"
    return f"I am paused {place}{until or f', until {again}'}.{reason}"


def _resumed(place: str, scope: str, still: set[str]) -> str:
    """What goes on, and the pauses of other scopes that hold on, each with what ends it."""
    topics = sorted(int(one.partition(":t")[2]) for one in still if one.startswith(f"{scope}:t"))
    held = []
    if EVERYWHERE in still:
        held.append("everywhere (an operator's /resume all ends that)")
    if ":" in scope and scope.partition(":")[0] in still:
        held.append("in this chat as a whole (/resume in its General topic ends that)")
    if topics:
        place = place.partition(",")[0]
        named = f"topic {topics[0]}" if len(topics) == 1 else f"topics {', '.join(map(str, topics))}"
        held.append(f"in {named} (/resume there ends that)")
    if scope == EVERYWHERE and still:
        count = "one chat or topic that was" if len(still) == 1 else f"{len(still)} chats or topics that were"
        held.append(f"in {count} paused by name (/resume there ends that, /status names them)")
    return f"I am resumed {place}" + (f", but still paused {' and '.join(held)}." if held else ".")


def _author(ctx: Context) -> str:
    """Who commands, for /status: a name and the id."""
    message = ctx.message
    speaker = message.sender_chat.title if message.sender_chat else message.from_ and message.from_.first_name
    return f"{name(speaker or '')} ({ctx.user_id})"
