"""Outermost: one log line and one measurement for every turn, whatever happens to it."""

from __future__ import annotations

from time import perf_counter
from typing import Any, Protocol

import structlog

from app.chain.compose import Handler
from app.chain.context import Context
from app.core.outcome import Back, End, Fail, Outcome


class Meter(Protocol):
    """Takes the measurement; counters are bound beforehand."""

    def turn(self, end: str, seconds: float) -> None: ...
    def waited(self, seconds: float) -> None: ...


class Observe:
    """Says how each turn ended, never what was said in it; with a ``level`` above info no line is made."""

    def __init__(self, meter: Meter, *, level: str = "info", log: Any = None) -> None:
        self._meter = meter
        self._says = level.lower() in ("debug", "info")
        self._log = log or structlog.get_logger()

    async def __call__(self, ctx: Context, inner: Handler) -> Outcome:
        start = perf_counter()
        end = "cancelled"
        try:
            outcome = await inner(ctx)
            end = _end(outcome)
            return outcome
        finally:
            seconds = perf_counter() - start
            self._meter.turn(end, seconds)
            if ctx.claim.attempt == 1:
                self._meter.waited(max(0.0, (ctx.claim.t0_ms - ctx.claim.entries[0].at_ms) / 1000))
            if self._says:
                claim = ctx.claim
                ms = round(seconds * 1000, 1)
                self._log.info("turn", update=ctx.ids, lane=claim.lane, attempt=claim.attempt, end=end, ms=ms)


def _end(outcome: Outcome) -> str:
    if isinstance(outcome, End):
        return outcome.kind
    if isinstance(outcome, Back):
        return "back"
    return "failed" if isinstance(outcome, Fail) else "gone"
