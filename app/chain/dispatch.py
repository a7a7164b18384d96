"""From a claim to its outcome: read the update, build the context, run the onion. Raises nothing but CancelledError."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import structlog

from app.chain.compose import Handler
from app.chain.context import Context
from app.chain.over import over
from app.core.claims import Claim
from app.core.errors import Unparsable
from app.core.outcome import End, Fail, Outcome
from app.core.schema import parse
from app.core.updates import Me


@dataclass(frozen=True, slots=True)
class Dispatch:
    """``chain`` takes the turns of people, ``notices`` those of the notice lanes."""

    chain: Handler
    notices: Callable[[Claim], Awaitable[Outcome]]
    me: Me

    async def __call__(self, claim: Claim) -> Outcome:
        try:
            if claim.lane[0] == "?":
                return await self.notices(claim)
            update = parse(claim.entries[0].raw)
            message = update.message or update.edited_message
            if message is None:
                return End("dropped: ignored")
            return await self.chain(Context(claim, update, message, self.me))
        except Unparsable:
            structlog.get_logger().warning("an update cannot be read", lane=claim.lane, update=claim.entries[0].uids)
            return Fail("unparsable", final=True)
        except Exception as error:  # noqa: BLE001  the last resort: whatever it was, this lane must go on
            return over(claim, error)
