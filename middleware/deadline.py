"""The one place where a turn's time ends. The runner cancels for lease, stop and drain only."""

from __future__ import annotations

import asyncio

from app.chain.compose import Handler
from app.chain.context import Context, Sorry
from app.core import words
from app.core.outcome import Outcome

CONTROL_SECONDS = 30.0  # an operator waits for the answer


class Deadline:
    """Ends a turn after ``seconds`` with an apology."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    async def __call__(self, ctx: Context, inner: Handler) -> Outcome:
        seconds = min(CONTROL_SECONDS, self._seconds) if ctx.control else self._seconds
        clock = asyncio.timeout(seconds)
        try:
            async with clock:
                return await inner(ctx)
        except TimeoutError:
            if not clock.expired():
                raise
            raise Sorry(words.SORRY_SLOW, "deadline") from None
