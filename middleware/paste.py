"""A text too long for one message comes as several: its first piece waits for the rest and is merged with it.

Apps cut such a text themselves and send the pieces one after another, so they may come in different batches. The wait
is a turn given back: it costs no room and no attempt.
"""

from __future__ import annotations

from collections import OrderedDict

from app.chain.compose import Handler
from app.chain.context import Context
from app.core.clock import Clock
from app.core.outcome import Back, Outcome

PIECE = 2500  # characters: an app cuts at 4,096 units, or at a better place before that
WAIT_MS = 1500
FRESH_SECONDS = 5.0  # of what is older, the rest waits beside it
REMEMBERED = 1000  # messages that have waited


class Paste:
    """Gives a turn back, once, whose last message is so long that it may go on in the next, where both are merged."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._waited: OrderedDict[str, None] = OrderedDict()

    async def __call__(self, ctx: Context, inner: Handler) -> Outcome:
        claim, last = ctx.claim, ctx.claim.entries[-1]
        merged = last.group.startswith("t") and claim.attempt == 1 and not claim.journal
        fresh = abs(self._clock.now() - last.at_ms / 1000) < FRESH_SECONDS
        if not merged or not fresh or len(ctx.message.text or "") < PIECE or last.uids in self._waited:
            return await inner(ctx)
        self._waited[last.uids] = None
        if len(self._waited) > REMEMBERED:
            self._waited.popitem(last=False)
        return Back(WAIT_MS)
