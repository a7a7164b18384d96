"""Counts what comes of limits: questions for which no quota or key had room, and those that are held."""

from __future__ import annotations

from typing import Protocol

from app.chain.compose import Handler, Middleware
from app.chain.context import Context
from app.core.errors import ModelExhausted, QuotaSpent
from app.core.outcome import Back, Outcome


class Meter(Protocol):
    """Takes the counts."""

    def spent(self, scope: str) -> None: ...
    def held(self) -> None: ...


class Tally:
    """Around the layer that makes outcomes of limits: sees what went into it and what came out."""

    def __init__(self, layer: Middleware, meter: Meter) -> None:
        self._layer = layer
        self._meter = meter

    async def __call__(self, ctx: Context, inner: Handler) -> Outcome:
        exhausted = False

        async def seen(ctx: Context) -> Outcome:
            nonlocal exhausted
            try:
                return await inner(ctx)
            except QuotaSpent as error:
                self._meter.spent(error.scope)
                raise
            except ModelExhausted:
                exhausted = True
                self._meter.spent("keys")
                raise

        outcome = await self._layer(ctx, seen)
        if exhausted and isinstance(outcome, Back):
            self._meter.held()
        return outcome
