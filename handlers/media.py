"""What people send besides words: what the model can be given is a question, of all else the person is told."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from typing import Protocol

from app.chain.compose import Handler
from app.chain.context import Context
from app.core.claims import Claim
from app.core.outcome import Outcome
from app.core.schema import Message, elsewhere, media_of
from app.core.updates import Address
from app.media.found import NOTHING, Asker, Found, Given
from app.media.reader import KINDS
from app.media.sheet import SPOKEN

SHOWN_AGAIN = 2  # further questions with which a picture is shown, unless they reply to its answer
Reading = AsyncIterator[Given]


class Typing(Protocol):
    """Shows that somebody is at work."""

    def typing(self, claim: Claim, address: Address) -> AbstractAsyncContextManager[None]: ...


class Reader(Protocol):
    """Reads what messages carry besides words, for the block; raises Unheard."""

    def reading(
        self, own: Sequence[Message], replied: Sequence[Message], asker: Asker, *, known: bool = False
    ) -> AbstractAsyncContextManager[Given]: ...
    def again(self, files: Sequence[tuple[str, str, str]], asker: Asker) -> AbstractAsyncContextManager[Given]: ...


class Media:
    """Takes messages without words. ``hears``: recordings are written down, so in a group they are words."""

    def __init__(self, reply: Handler, fallback: Handler, *, hears: bool) -> None:
        self._reply = reply
        self._fallback = fallback
        self._hears = hears

    async def __call__(self, ctx: Context) -> Outcome:
        kinds = {media_of(message) for message in ctx.messages} & KINDS
        meant = ctx.meant or (self._hears and bool(kinds & SPOKEN))
        # Of an edit without words nobody wants to hear: a live location is one with every step.
        if ctx.edit or not kinds or not meant:
            return await self._fallback(ctx)
        return await self._reply(ctx)


@asynccontextmanager
async def reading(ctx: Context, reader: Reader | None, outbox: Typing) -> Reading:
    """What came with a question, and with what it replies to, for the block; else the pictures that it may be about."""
    own = [message for message in ctx.messages if media_of(message)]
    reply = ctx.message.reply_to_message
    if reply is None:
        reply = elsewhere(ctx.message)
    replied = [reply] if reply is not None and media_of(reply) and not _heard(ctx, reply) else []
    if reader is None or not (own or replied):
        async with again(ctx, (), reader, outbox) as given:
            yield given
        return
    known = "answer" in ctx.claim.journal
    async with _at_work(ctx, reader.reading(own, replied, _asker(ctx), known=known), outbox) as given:
        yield given


@asynccontextmanager
async def again(ctx: Context, files: Sequence[tuple[str, str, str]], reader: Reader | None, outbox: Typing) -> Reading:
    """What came with an earlier question, for the block; if nothing did, the pictures that it may be about."""
    pictures = [] if files else _pictures(ctx)
    if reader is None or not (files or pictures) or "answer" in ctx.claim.journal:
        yield NOTHING
        return
    async with _at_work(ctx, reader.again(files or pictures, _asker(ctx)), outbox) as given:
        yield Given(replied=Found(images=given.images)) if pictures else given


@asynccontextmanager
async def _at_work(ctx: Context, found: AbstractAsyncContextManager[Given], outbox: Typing) -> Reading:
    """Show that somebody is at work until it was read, and hold it for the block."""
    async with AsyncExitStack() as stack:
        async with outbox.typing(ctx.claim, ctx.address):
            given = await stack.enter_async_context(found)
        yield given


def _asker(ctx: Context) -> Asker:
    return Asker(str(ctx.user_id), str(ctx.message.chat.id), ctx.ids)


def _pictures(ctx: Context) -> list[tuple[str, str, str]]:
    """Those of the question whose answer is replied to, or of one that the same person asked just before."""
    reply, turns = ctx.message.reply_to_message, ctx.session.turns
    if ctx.message.external_reply:
        near = []
    elif reply is None:
        near = [turn for turn in turns[-SHOWN_AGAIN:] if turn.by == ctx.asker]
    else:
        near = [turn for turn in turns if reply.message_id in turn.shown]
    found = ([file for file in turn.files if file[0] == "photo"] for turn in reversed(near))
    return next(filter(None, found), [])


def _heard(ctx: Context, reply: Message) -> bool:
    """Whether a recording was written down already: it stands in the conversation."""
    known = (turn.mid for turn in ctx.session.turns if turn.mid)
    return media_of(reply) in SPOKEN and reply.message_id in known
