"""Gives back a turn that runs when a pause reaches it, as long as nothing of its answer was shown.

The scripts are the gate: while paused nothing is claimed and no first part is granted. This only ends the waiting.
"""

from __future__ import annotations

import asyncio

from app.chain.compose import Handler
from app.chain.context import Context
from app.core.claims import Claim
from app.core.outcome import Back, Outcome


class Pause:
    """Cancels what runs inside, and only that, when the claim is told to hold."""

    async def __call__(self, ctx: Context, inner: Handler) -> Outcome:
        claim = ctx.claim
        if claim.lane[0] == "!":
            return await inner(ctx)
        if claim.held and not _seen(claim):
            return Back(op=claim.unsent())
        task = asyncio.current_task()
        assert task is not None
        before, asked = task.cancelling(), False

        def hold() -> None:
            nonlocal asked
            # A send on its way may have happened; `mark` stops what comes after it.
            if not asked and not claim.sending and not _seen(claim):
                asked = True
                task.cancel()

        claim.on_hold = hold
        try:
            return await inner(ctx)
        except asyncio.CancelledError:
            # Somebody else may have cancelled us as well: that goes on.
            if not asked or task.cancelling() > before + 1:
                raise
            return Back(op=claim.unsent())
        finally:
            claim.on_hold = None
            if asked:
                task.uncancel()


def _seen(claim: Claim) -> bool:
    return claim.shown or claim.journal.get("m:1", "?")[0] != "?"
