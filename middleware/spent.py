"""At a limit: a spent quota is told once and then met with silence; with every key exhausted, questions are held.

Silence ends before the time that was told: whoever comes back then, and comes in vain, hears of it again.

A held question gives its lane back until a key returns, without an attempt and without asking in between; after
HOLD_MINUTES it gets one apology that names the time. Who was told is kept by the lanes (`tell`), not here.
"""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from math import ceil, isfinite

from app.chain.compose import Handler
from app.chain.context import Context
from app.core import measures, words
from app.core.claims import Claim
from app.core.clock import Clock
from app.core.errors import ModelExhausted, QuotaSpent
from app.core.outcome import Back, End, Outcome

SPREAD_SECONDS = 0.8  # those who wait do not all come back in one moment
LEAST_SECONDS = 0.2  # nor at once, should `until` be over already
LOOK_SECONDS = 15.0  # a key may be added or an endpoint heal before the time that was told; a look asks nobody
TICK_SECONDS = 1.2  # lanes that wait are looked at each second; who is early waits for the key in place
QUIET_SECONDS = 5.0  # a shorter wait is not worth a word,
SILENT_SECONDS = 15.0  # unless nothing was heard for as long as this
HOUR_SECONDS, DAY_SECONDS, MONTH_SECONDS = 3600, 86_400, 31 * 86_400

Tell = Callable[[Claim, str, str, int], Awaitable[bool]]
"""Tells a chat something, once for a mark: claim, text, mark, seconds."""


class Spent:
    """Turns QuotaSpent and ModelExhausted into outcomes; a question is held for ``hold_seconds`` (0: without end)."""

    def __init__(self, tell: Tell, clock: Clock, *, hold: bool, hold_seconds: float) -> None:
        self._tell = tell
        self._clock = clock
        self._hold = hold
        self._hold_seconds = hold_seconds

    async def __call__(self, ctx: Context, inner: Handler) -> Outcome:
        try:
            return await inner(ctx)
        except QuotaSpent as error:
            return await self._refuse(ctx, error)
        except ModelExhausted as error:
            return await (self._wait(ctx, error.until) if self._holds(ctx, error.until) else self._sorry(ctx, error))

    async def _refuse(self, ctx: Context, error: QuotaSpent) -> Outcome:
        now = self._clock.now()
        text = measures.spent(error.scope, error.limit, error.resets, now, error.left, error.rest)
        mark = f"quota:{error.scope}:{error.limit}:{ctx.user_id}"
        if error.left and not error.resets:  # this question is too long for any window: that is said of each
            mark += f":{ctx.ids}"
        told = await self._tell(ctx.claim, text, mark, _until(error.resets, now) if error.resets else HOUR_SECONDS)
        ctx.log.info("a quota is spent", scope=error.scope, limit=str(error.limit), left=error.left, told=told)
        return End("dropped: quota")

    def _holds(self, ctx: Context, until: float) -> bool:
        """Whether a key returns while the question may still be held."""
        if not self._hold:
            return False
        latest = ctx.claim.entries[0].at_ms / 1000 + self._hold_seconds
        return not self._hold_seconds or max(until, self._clock.now()) <= latest

    async def _wait(self, ctx: Context, until: float) -> Outcome:
        now = self._clock.now()
        wait = max(until - now, LEAST_SECONDS)
        if wait > QUIET_SECONDS or now + wait - ctx.claim.entries[0].at_ms / 1000 > SILENT_SECONDS:
            text = words.HELD(when=measures.when(until, now))
            await self._tell(ctx.claim, text, "held", ceil(self._hold_seconds) or DAY_SECONDS)
        early = min(LOOK_SECONDS, max(LEAST_SECONDS, wait - TICK_SECONDS))
        return Back(round((early + random.uniform(0, SPREAD_SECONDS)) * 1000))

    async def _sorry(self, ctx: Context, error: ModelExhausted) -> Outcome:
        now = self._clock.now()
        text = words.EXHAUSTED(when=measures.when(error.until, now))
        mark = f"exhausted:{ctx.user_id}:{error.until // 60:.0f}"  # with the time: another is told too
        told = await self._tell(ctx.claim, text, mark, _until(error.until, now))
        ctx.log.warning("every key is at its limit", until=error.until, told=told)
        return End("apologised" if told else "dropped: quota")


def _until(at: float, now: float) -> int:
    """Seconds for a mark that is over when people may come back, though Redis begins to count them a moment later."""
    return max(1, min(ceil(at - now) - 1, MONTH_SECONDS)) if isfinite(at) else HOUR_SECONDS
