"""Errors become ends here. A failing model costs one polite sentence; everything else goes by `app/chain/over.py`."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

from app.chain.compose import Handler
from app.chain.context import Context, Sorry
from app.chain.over import GONE, gone, over
from app.core import words
from app.core.claims import Claim
from app.core.clock import Clock
from app.core.errors import (
    KeyRefused,
    KeysTooSmall,
    KeyUnpaid,
    ModelBusy,
    ModelDown,
    ModelError,
    ModelRefused,
    PromptTooLong,
)
from app.core.outcome import Back, End, Fail, Outcome
from app.core.tongue import Sentence
from app.core.updates import Address

LATER_MS = 5_000
# Some endpoints refuse a question that their filter does not like instead of ending the answer.
_FILTER = re.compile("content.?filter|content management policy|content policy", re.IGNORECASE)


class Outbox(Protocol):
    """What an apology needs."""

    async def answer(self, claim: Claim, address: Address, text: str, *, markdown: bool = False) -> None: ...


class Boundary:
    """Turns exceptions into outcomes, and skips a chat in which we cannot speak.

    ``note`` takes the id and the kind of an error.
    """

    def __init__(
        self,
        outbox: Outbox,
        clock: Clock,
        note: Callable[[str, str], None] = lambda error_id, kind: None,
        *,
        history_turns: int,
        history_tokens: int = 0,
    ) -> None:
        self._outbox = outbox
        self._clock = clock
        self._note = note
        self._turns = history_turns
        self._tokens = history_tokens

    async def __call__(self, ctx: Context, inner: Handler) -> Outcome:
        dead = [name for name in GONE if name in ctx.claim.chat]
        if (dead and gone(ctx.claim)) or self._mute(ctx):
            return End("undeliverable")
        try:
            outcome = await inner(ctx)
        except (ModelError, Sorry) as error:
            outcome = await self._apologise(ctx, error)
        except Exception as error:  # noqa: BLE001  every error has its outcome, also those nobody thought of
            outcome = self._traced(ctx, over(ctx.claim, error, self._clock), error)
        outcome = self._noted(ctx, outcome)
        if isinstance(outcome, End):
            dead += ["mute"] if "mute" in ctx.claim.chat and ctx.claim.shown else []
            over_now = tuple((name, "") for name in dead if name not in dict(outcome.fields))
            if over_now:
                outcome = replace(outcome, fields=(*outcome.fields, *over_now))
            if ctx.keep_bad:
                outcome = replace(outcome, keep_bad=True)
        return outcome

    def _mute(self, ctx: Context) -> bool:
        """Whether we may only listen here, so that no answer is worth its price; what is commanded is done."""
        until = ctx.claim.chat.get("mute", "")
        return until.isdecimal() and not ctx.command and (int(until) == 0 or self._clock.now() < int(until))

    async def _apologise(self, ctx: Context, error: ModelError | Sorry) -> Outcome:
        claim = ctx.claim
        if "answer" in claim.journal:
            # The answer is there and only its sending ran out of time: a successor goes on with it.
            return Fail(type(error).__name__, op=claim.unsent()) if claim.sending else Back(LATER_MS, claim.unsent())
        error_id, said = self._trace(ctx, error), claim.visible
        text = words.with_lines(said, [words.CUT()]) if said else words.apology(_sentence(error), error_id)
        try:
            await self._outbox.answer(claim, ctx.address, text, markdown=bool(said))
        except Exception as failure:  # noqa: BLE001  likewise
            return over(claim, failure, self._clock)
        return End("answered" if said else "apologised")

    def _traced(self, ctx: Context, outcome: Outcome, error: Exception) -> Outcome:
        """What the person is told of an error carries the id that finds it."""
        if not isinstance(outcome, End) or not outcome.notice:
            return outcome
        return replace(outcome, notice=words.traceable(outcome.notice, self._trace(ctx, error)))

    def _trace(self, ctx: Context, error: Exception) -> str:
        """Note an error for operators, in the log and for /status: six hex digits, its kind, never its text."""
        error_id, status = secrets.token_hex(3), getattr(error, "status", None)
        kind = type(error).__name__
        ctx.log.warning("apologised", error=kind, status=status, id=error_id)
        self._note(error_id, f"{kind} {status}" if status else kind)
        return error_id

    def _noted(self, ctx: Context, outcome: Outcome) -> Outcome:
        """The end with its session: a question without an answer, or with half of one, is noted as such."""
        if not isinstance(outcome, End) or outcome.session or not (ctx.question or ctx.changed):
            return outcome
        if ctx.question and outcome.kind in ("apologised", "answered"):
            ctx.session.add(
                ctx.ids,
                ctx.message.message_id,
                ctx.question,
                (ctx.claim.visible or None) if outcome.kind == "answered" else None,
                keep_turns=self._turns,
                keep_tokens=self._tokens,
                by=ctx.asker,
                shown=ctx.claim.messages(),
                files=ctx.given.files,
                said=ctx.said,
            )
        elif not ctx.changed:
            return outcome
        return replace(outcome, session=ctx.session.dump())


def _sentence(error: ModelError | Sorry) -> Sentence:
    if isinstance(error, Sorry):
        return error.sentence
    if isinstance(error, (ModelDown, KeyRefused, KeyUnpaid)):
        return words.SORRY_DOWN
    if isinstance(error, PromptTooLong):
        return words.SORRY_LONG
    if isinstance(error, KeysTooSmall):
        return words.SORRY_SMALL
    if isinstance(error, ModelRefused) and _FILTER.search(error.reason):
        return words.SORRY_FILTERED
    return words.SORRY_BUSY if isinstance(error, ModelBusy) else words.SORRY_FAILED
