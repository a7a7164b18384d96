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
from app.core.schema import Change, Event, Message, parse, parse_change, parse_event
from app.core.tongue import ENGLISH, speaking, spoken_in
from app.core.updates import Me


@dataclass(frozen=True, slots=True)
class Dispatch:
    """``chain`` takes the turns of people, ``notices`` those of the notice lanes.

    ``changed`` takes what became of us, ``pressed`` the Stop button of a draft, ``moved`` the old and the new id of a
    chat. ``language`` is that of groups in which none was chosen.
    """

    chain: Handler
    notices: Callable[[Claim], Awaitable[Outcome]]
    me: Me
    changed: Callable[[Claim, Change], Awaitable[Outcome]] | None = None
    pressed: Callable[[Claim, Event], Awaitable[Outcome]] | None = None
    moved: Callable[[int, int], Awaitable[None]] | None = None
    language: str = ENGLISH

    async def __call__(self, claim: Claim) -> Outcome:
        try:
            if claim.lane[0] == "?":
                return await self.notices(claim)
            *before, update = [parse(entry.raw) for entry in claim.entries]
            if update.my_chat_member and self.changed:
                with speaking(spoken_in(claim.chat, None, self.language, private=False)):
                    return await self.changed(claim, parse_change(bytes(update.my_chat_member)))
            if update.stopped_message_generation and self.pressed:
                return await self.pressed(claim, parse_event(bytes(update.stopped_message_generation)))
            message = update.message or update.edited_message
            if message is None:
                return End("dropped: ignored")
            if self.moved and (message.migrate_to_chat_id or message.migrate_from_chat_id):
                here = message.chat.id
                await self.moved(message.migrate_from_chat_id or here, message.migrate_to_chat_id or here)
                return End("dropped: ignored")
            earlier = [said for each in before if (said := each.message or each.edited_message)] if before else ()
            with speaking(self._language(claim, message)):
                return await self.chain(Context(claim, update, message, self.me, earlier))
        except Unparsable:
            structlog.get_logger().warning("an update cannot be read", lane=claim.lane, update=claim.entries[0].uids)
            return Fail("unparsable", final=True)
        except Exception as error:  # noqa: BLE001  the last resort: whatever it was, this lane must go on
            return over(claim, error)

    def _language(self, claim: Claim, message: Message) -> str:
        author = message.from_
        code = author.language_code if author is not None else None
        return spoken_in(claim.chat, code, self.language, private=message.chat.type == "private")
