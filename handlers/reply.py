"""The answer to a question: prompt, model, outbox, session.

How a question reaches the model, with what came with it, is told in question.py. What could not be read of a message
is said below its answer, or alone where nothing else is left of it.
"""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from time import perf_counter
from typing import Protocol

from app.chain.context import Context, Sorry
from app.core import unread, words
from app.core.claims import Claim
from app.core.clock import Clock
from app.core.errors import Later, ModelBlind, ModelCut, ModelError, PromptTooLong, QuotaSpent, Stopped, StoreError
from app.core.outcome import End, Outcome
from app.core.tokens import LEAST_ANSWER, conversation, tokens
from app.core.updates import Address
from app.media.found import Unheard, Unusable
from app.model.base import Message as Said
from app.model.base import Model, Prompt, Usage, whole
from app.model.persona import Cast
from app.model.retries import uncut
from app.sessions.session import Session, Turn
from handlers.media import Reader, again, reading
from handlers.question import PICTURES, anew, corrected, edits, front, question, speechless

MOST_ASIDES = 2
LOADING_SECONDS = 3.0  # a model that takes longer to load is worth a word
LOADING_TOLD_SECONDS = 3600

Tell = Callable[[Claim, str, str, int], Awaitable[bool]]
"""Tells a chat something in the middle of a turn, once for a mark: claim, text, mark, seconds."""


class Growing(Protocol):
    """Shows an answer while it grows. A /stop ends the block early: ``stopped``, and ``kept`` is what it has shown."""

    stopped: bool

    @property
    def kept(self) -> str: ...
    def add(self, text: str) -> None: ...
    def anew(self) -> None: ...


class Outbox(Protocol):
    """What an answer needs."""

    async def answer(self, claim: Claim, address: Address, text: str, *, markdown: bool = False) -> None: ...
    def growing(self, claim: Claim, address: Address) -> AbstractAsyncContextManager[Growing]: ...
    def typing(self, claim: Claim, address: Address) -> AbstractAsyncContextManager[None]: ...


class Meter(Protocol):
    """Counts what the model was asked."""

    def asked(self, result: str, seconds: float, prompt_tokens: int = 0, answer_tokens: int = 0) -> None: ...


class Reply:
    """Asks the model, as the persona that the chat has chosen, and sends what it says."""

    def __init__(
        self,
        model: Model,
        outbox: Outbox,
        meter: Meter,
        tell: Tell,
        clock: Clock,
        reader: Reader | None = None,
        *,
        cast: Cast,
        history_turns: int,
        history_tokens: int,
    ) -> None:
        self._model = model
        self._outbox = outbox
        self._meter = meter
        self._tell = tell
        self._clock = clock
        self._reader = reader
        self._cast = cast
        self._turns = history_turns
        self._tokens = history_tokens

    async def __call__(self, ctx: Context) -> Outcome:
        session, replaced = self._session(ctx), None
        if edits(ctx, session):
            replaced = session.last()
            if replaced is None or ctx.message.message_id not in replaced.mids:
                return End("dropped: ignored")
            session.turns.pop()
            ctx.edit = True
        history, trimmed = session.history(self._turns, self._tokens)
        try:
            if replaced is not None and replaced.said:
                return await self._corrected(ctx, replaced, history, trimmed=trimmed)
            async with reading(ctx, self._reader, self._outbox) as ctx.given:
                if (sorry := ctx.given.sorry) and not ctx.text and not (ctx.given.own or ctx.given.replied):
                    raise Unusable(sorry[0])
                ctx.question, ctx.asked = question(ctx, history)
                if replaced is not None:
                    if replaced.question == ctx.question and replaced.answer is not None:
                        return End("dropped: ignored")  # also changes that nobody sees are told, as a link's preview
                    ctx.claim.takes_over(replaced.shown)
                return await self._answer(ctx, history, trimmed=trimmed)
        except Unusable as error:
            ctx.question = ""
            await self._outbox.answer(ctx.claim, ctx.address, error.sentence())
            return End("answered")
        except Unheard as error:
            ctx.log.warning("a recording was not written down", why=str(error))
            raise Sorry(unread.SORRY, str(error)) from None

    async def retry(self, ctx: Context) -> Outcome:
        """Ask the last question anew: the new answer replies to it too, and is what the conversation knows of it."""
        session = self._session(ctx)
        last = session.last()
        if last is None:
            await self._outbox.answer(ctx.claim, ctx.address, words.NOTHING_TO_RETRY())
            return End("answered")
        session.turns.pop()
        history, trimmed = session.history(self._turns, self._tokens)
        ctx.question, ctx.address = last.question, replace(ctx.address, reply=last.mid or ctx.address.reply)
        try:
            async with again(ctx, last.files, self._reader, self._outbox) as ctx.given:
                ctx.asked = anew(last.question, ctx.given)
                return await self._answer(ctx, history, last, trimmed=trimmed)
        except Exception:
            ctx.question = ""  # the answer that there was stays
            session.turns.append(last)
            raise

    async def _corrected(self, ctx: Context, last: Turn, history: list[Said], *, trimmed: bool) -> Outcome:
        """One of several messages that asked together was edited: the others are asked again with it."""
        edited, words = ctx.message.message_id, ctx.text
        ctx.says([(mid, words if mid == edited else before) for mid, before in last.said])
        ctx.question = corrected(last.question, last.said, ctx.said)
        if ctx.question == last.question and last.answer is not None:
            return End("dropped: ignored")
        ctx.address = replace(ctx.address, reply=last.mid or ctx.address.reply)
        async with again(ctx, last.files, self._reader, self._outbox) as ctx.given:
            ctx.asked = anew(ctx.question, ctx.given)
            ctx.claim.takes_over(last.shown)
            return await self._answer(ctx, history, last, trimmed=trimmed)

    def _session(self, ctx: Context) -> Session:
        """The conversation, which begins afresh with another persona."""
        session, chosen = ctx.session, ctx.claim.chat.get("persona", "")
        if session.speaker != chosen:  # chosen in another topic, or by another member
            session.clear()
            session.speaker = chosen
        return session

    async def _answer(self, ctx: Context, history: list[Said], last: Turn | None = None, *, trimmed: bool) -> Outcome:
        """Ask, unless that was done before; show it; note it as the answer, of an earlier turn if that is given."""
        if (text := ctx.claim.journal.get("answer")) is None:
            text = await self._text(ctx, history, trimmed=trimmed)
        await self._outbox.answer(ctx.claim, ctx.address, text, markdown=not words.is_apology(text))
        return self._end(ctx, text, last)

    async def _text(self, ctx: Context, history: list[Said], *, trimmed: bool) -> str:
        """The model's answer with our last lines; what does not fit is asked once more with a shorter history."""
        if ctx.claim.stop and ctx.claim.shown:  # what its predecessor has shown is the answer
            raise Stopped
        text, finish, why = "", "", words.TRIMMED
        async with self._outbox.growing(ctx.claim, ctx.address) as growing:
            try:
                text, finish = await self._ask(ctx, history, growing)
            except (PromptTooLong, QuotaSpent) as error:
                shorter = self._shorter(ctx, history, error)
                if shorter is None:
                    raise
                history, trimmed = shorter, True
                why = words.TRIMMED_LIMIT if isinstance(error, QuotaSpent) else why
                text, finish = await self._ask(ctx, history, growing)
                ctx.session.shorten(len(history) // 2)
        if growing.stopped:
            text, finish = growing.kept, "stopped"
            if not text.strip():
                raise Stopped
        if not text.strip():
            raise Sorry(_EMPTY.get(finish, words.SORRY_EMPTY), "empty answer")
        told = ctx.session.told_trim or not trimmed
        lines = [line() for line in (_FINISH.get(finish), None if told else why) if line]
        return words.with_lines(text, [*map(unread.aside, ctx.given.own.sorry[:MOST_ASIDES]), *lines])

    def _shorter(self, ctx: Context, history: list[Said], error: PromptTooLong | QuotaSpent) -> list[Said] | None:
        """At most half of a history, and no more than a quota has left; None when nothing can be left out."""
        room = conversation(history) / 2
        if isinstance(error, QuotaSpent):
            if not error.left:
                return None
            room = min(room, error.left - LEAST_ANSWER - self._prompt(ctx, []).tokens)
        return _later(history, room) if history else None

    async def _ask(self, ctx: Context, history: list[Said], growing: Growing) -> tuple[str, str]:
        """Text and finish; a model that sees no pictures is asked without them, if there is more than they."""
        try:
            return await self._asked(ctx, history, growing)
        except ModelBlind as error:
            ctx.log.info("the model sees no pictures", status=error.status)
            if speechless(ctx):
                raise Unusable(unread.NO_SIGHT) from None
            ctx.given, ctx.asked = ctx.given.blind(), f"{ctx.asked}\n\n{PICTURES}"
            return await self._asked(ctx, history, growing)

    async def _asked(self, ctx: Context, history: list[Said], growing: Growing) -> tuple[str, str]:
        """Text and finish; what it cost is noted in the session."""
        prompt = self._prompt(ctx, history)
        usage: Usage | None = None
        try:
            text, finish, usage = await uncut(
                lambda: self._whole(prompt, growing), self._clock, lambda: bool(ctx.claim.visible)
            )
        except ModelCut as cut:
            if not cut.text.strip():
                raise
            text, finish = cut.text, "cut"
        if usage is not None:
            ctx.session.tokens += usage.prompt + usage.completion
        elif text.strip():
            ctx.session.tokens += tokens(text) + prompt.tokens
        return text, finish

    def _prompt(self, ctx: Context, history: list[Said]) -> Prompt:
        persona = self._cast.of(ctx.claim.chat.get("persona", ""))
        messages = [*front(ctx, persona), *history, Said(role="user", content=ctx.asked or ctx.question)]
        return Prompt(
            messages,
            user=str(ctx.user_id),
            chat=str(ctx.message.chat.id),
            turn=ctx.ids,
            examples=len(persona.examples),
            images=ctx.given.images,
            max_tokens=persona.max_tokens,
            params=persona.params,
            on_loading=lambda seconds: self._loading(ctx, seconds),
        )

    async def _loading(self, ctx: Context, seconds: float) -> None:
        """The person hears once what takes so long."""
        if seconds <= LOADING_SECONDS:
            return
        text = words.LOADING(math.ceil(seconds))
        try:
            await self._tell(ctx.claim, text, f"loading{ctx.ids}", LOADING_TOLD_SECONDS)
        except StoreError as error:  # the answer matters more
            ctx.log.warning("nobody was told that the model loads", why=str(error))

    async def _whole(self, prompt: Prompt, growing: Growing) -> tuple[str, str, Usage | None]:
        """Ask, and count how it went."""
        began, result, usage = perf_counter(), "cancelled", None
        growing.anew()
        try:
            answer = await whole(self._model, prompt, growing.add)
            result, usage = "ok", answer[2]
            return answer
        except (ModelError, QuotaSpent, Later) as error:
            result = type(error).__name__.removeprefix("Model").lower()
            raise
        finally:
            tokens = (usage.prompt, usage.completion) if usage else (0, 0)
            self._meter.asked(result, perf_counter() - began, *tokens)

    def _end(self, ctx: Context, text: str, last: Turn | None) -> End:
        """Our own lines are said to the person, but are no part of the conversation."""
        session = ctx.session
        answer, lines = words.bare(text)
        sorry = words.is_apology(text)
        if any(line.says(said) for line in (words.TRIMMED, words.TRIMMED_LIMIT) for said in lines):
            session.told_trim = True
        session.add(
            ctx.ids,
            last.mid if last else ctx.message.message_id,
            ctx.question,
            None if sorry else answer,
            keep_turns=self._turns,
            keep_tokens=self._tokens,
            by=last.by if last else ctx.asker,  # whoever asks it again: /forget goes by whose words they are
            shown=ctx.claim.messages(),
            files=ctx.given.files,
            said=ctx.said if last is None or ctx.edit else last.said,
        )
        return End("apologised" if sorry else "answered", session=session.dump())


_FINISH = {"length": words.LENGTH, "content_filter": words.FILTERED, "cut": words.CUT, "stopped": words.STOPPED_HERE}
_EMPTY = {"length": words.SORRY_LENGTH, "content_filter": words.SORRY_FILTERED}


def _later(history: list[Said], room: float) -> list[Said]:
    """The later turns, at most ``room`` tokens of them and without at least the first."""
    for start in range(len(history) - 2, -1, -2):
        room -= conversation(history[start : start + 2])
        if room < 0:
            return history[start + 2 :]
    return history[2:]
