"""The Stop button that Telegram shows below a draft: as /stop, but for exactly the answer that it stands below."""

from __future__ import annotations

from typing import Protocol

from app.core.claims import Claim
from app.core.outcome import End, Outcome
from app.core.schema import Event, Message
from app.core.updates import Scope, message_lane


class Control(Protocol):
    """What stops a turn, in whichever process it runs."""

    async def stop(self, lane: str, uid: str, mid: int, at_ms: int) -> str: ...


class Button:
    """Stops the turn whose draft it was; nothing is said, for the person sees it end."""

    def __init__(self, control: Control, *, scope: Scope = "topic") -> None:
        self._control = control
        self._scope: Scope = scope

    async def __call__(self, claim: Claim, event: Event) -> Outcome:
        entry = claim.entries[0]
        if event.chat is None or event.draft_id <= 0:
            return End("dropped: ignored")
        thread = event.message_thread_id
        place = Message(event.chat, message_thread_id=thread, is_topic_message=thread is not None)
        # A draft's id is that of the message it answers, so a press that comes late stops no later answer.
        await self._control.stop(message_lane(place, self._scope), entry.uids, event.draft_id + 1, entry.at_ms)
        return End("answered")
