"""Drafts: Telegram's own way to show a text that grows, in private chats, with a Stop button; not every server has it.

A draft is no message: it lives for 30 s and goes when a message comes, so the finished answer is sent like any other.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from app.core.claims import Claim
from app.core.errors import Rejected
from app.core.updates import Address

FRESH_SECONDS = 20.0  # a draft that stands still is shown again before Telegram lets it go
REMEMBERED = 1000  # chats without drafts


@dataclass(slots=True, eq=False)
class Drafts:
    """Knows where drafts were refused."""

    everywhere: bool = False
    """The server does not know the method."""
    chats: dict[int, None] = field(default_factory=dict)

    def serve(self, address: Address) -> bool:
        """Whether a draft may be tried there."""
        return address.chat > 0 and not self.everywhere and address.chat not in self.chats

    def refuse(self, address: Address, error: Rejected) -> None:
        """It was not taken there."""
        if "method not found" in error.description.lower():
            self.everywhere = True
            return
        self.chats[address.chat] = None
        if len(self.chats) > REMEMBERED:
            del self.chats[next(iter(self.chats))]


def draft_of(claim: Claim) -> int:
    """The id of a turn's draft, which its Stop button names: that of the message it answers."""
    return claim.entries[-1].mid or 1
