"""Errors become ends here. A failing model costs one polite sentence; everything else goes by `app/chain/over.py`."""

from __future__ import annotations

import re
import secrets
from dataclasses import replace
from typing import Protocol

from app.chain.compose import Handler
from app.chain.context import Context, Sorry
from app.chain.over import over
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
from app.core.updates import Address

LATER_MS = 5_000
# Some endpoints refuse a question that their filter does not like instead of ending the answer.
_FILTER = re.compile("content.?filter|content management policy|content policy", re.IGNORECASE)


class Outbox(Protocol):
    """What an apology needs."""

    async def answer(self, claim: Claim, address: Address, text: str) -> None: ...


class Boundary:
    """Turns exceptions into outcomes, and skips a chat that is gone."""

    def __init__(self, outbox: Outbox, clock: Clock, *, history_turns: int, history_tokens: int = 0) -> None:
        self._outbox = outbox
        self._clock = clock
        self._turns = history_turns
        self._tokens = history_tokens

    async def __call__(self, ctx: Context, inner: Handler) -> Outcome:
        dead = ctx.claim.chat.get("dead") if ctx.claim.chat else None
        if dead and ctx.claim.entries[0].at_ms <= _number(dead):
            return End("undeliverable")
        try:
            outcome = await inner(ctx)
        except (ModelError, Sorry) as error:
            outcome = await self._apologise(ctx, error)
        except Exception as error:  # noqa: BLE001  every error has its outcome, also those nobody thought of
            outcome = over(ctx.claim, error, self._clock)
        outcome = self._noted(ctx, outcome)
        if isinstance(outcome, End):
            if dead and "dead" not in dict(outcome.fields):
                outcome = replace(outcome, fields=(*outcome.fields, ("dead", "")))
            if ctx.keep_bad:
                outcome = replace(outcome, keep_bad=True)
        return outcome

    async def _apologise(self, ctx: Context, error: ModelError | Sorry) -> Outcome:
        claim = ctx.claim
        if "answer" in claim.journal:
            # The answer is there and only its sending ran out of time: a successor goes on with it.
            return Fail(type(error).__name__, op=claim.unsent()) if claim.sending else Back(LATER_MS, claim.unsent())
        error_id = secrets.token_hex(3)
        status = getattr(error, "status", None)
        ctx.log.warning("apologised", error=type(error).__name__, status=status, id=error_id)
        try:
            await self._outbox.answer(claim, ctx.address, words.apology(_sentence(error), error_id))
        except Exception as failure:  # noqa: BLE001  likewise
            return over(claim, failure, self._clock)
        return End("apologised")

    def _noted(self, ctx: Context, outcome: Outcome) -> Outcome:
        """The end with its session: a question that got no answer is noted as such."""
        if not isinstance(outcome, End) or outcome.session or not (ctx.question or ctx.changed):
            return outcome
        if ctx.question and outcome.kind == "apologised":
            ctx.session.add(
                ctx.ids,
                ctx.message.message_id,
                ctx.question,
                None,
                keep_turns=self._turns,
                keep_tokens=self._tokens,
            )
        elif not ctx.changed:
            return outcome
        return replace(outcome, session=ctx.session.dump())


def _sentence(error: ModelError | Sorry) -> str:
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


def _number(text: str) -> int:
    return int(text) if text.isdecimal() else 0
