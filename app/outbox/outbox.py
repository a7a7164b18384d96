"""The outbox: how an answer reaches its chat, at once or while it grows, and finishes there whatever happened before.

What a chat sees is a function of the journal: a part with a message id is edited to its final text, one without is
sent. So a successor continues where a turn was broken off, and asks for nothing twice.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from zlib import crc32

from app.core.claims import ANEW, Claim
from app.core.errors import Rejected
from app.core.updates import Address
from app.outbox.display import Display
from app.outbox.draft import Drafts
from app.outbox.grow import Growing
from app.outbox.markup import Part, literal, parts
from app.outbox.post import Post, standing
from app.outbox.share import Share
from app.outbox.signs import Typing


@dataclass(slots=True, eq=False)
class Outbox:
    """Shows answers. ``stream`` says how they grow: edit, draft or off."""

    post: Post
    stream: str = "off"
    drafts: Drafts = field(default_factory=Drafts)
    share: Share = field(init=False)

    def __post_init__(self) -> None:
        self.share = Share(self.post.clock)

    async def answer(self, claim: Claim, address: Address, text: str, *, markdown: bool = False) -> None:
        """Show a finished text as a reply, continuing where the journal stands; our own words are no ``markdown``.

        Raises TurnOver kinds when the turn ends early, TelegramError when it could not be sent for now.
        """
        text = claim.journal.setdefault("answer", text)
        made = (parts(text) if markdown else []) or literal(text)
        if not made:
            raise Rejected("nothing of the text is visible")
        surplus = _beyond(claim, len(made))
        finished = _finished(claim, made)
        for number, part in enumerate(made[finished:], finished + 1):
            at = number
            if claim.shows.get(number) != part:
                address, at = await self._part(claim, address, number, part, text)
                text = ""  # it is in the journal
            if number < len(made) or surplus:  # `complete` follows the last at once
                self.post.note(claim, at, _seal(made[:number]))
        for number in surplus:
            await self.post.remove(claim, address, number)

    async def _part(self, claim: Claim, address: Address, number: int, part: Part, answer: str) -> tuple[Address, int]:
        """One part, in the message that stands for it or in a new one; its number in the journal."""
        if standing(claim, number):
            if f"m:{number + ANEW}" not in claim.journal and await self.post.edit(claim, address, number, part, answer):
                return address, number
            number += ANEW
            if standing(claim, number):
                await self.post.edit(claim, address, number, part, answer)
                return address, number
        return await self.post.send(claim, address, number, part, answer), number

    def growing(self, claim: Claim, address: Address) -> Growing:
        """Show, for the block, that an answer is being written, and what of it there is; `answer` follows."""
        if self.stream == "off" or claim.lane[0] in "!?":
            return Growing(self.post, claim, address)
        drafts = self.drafts if self.stream == "draft" and self.drafts.serve(address) else None
        return Growing(self.post, claim, address, Display(self.post, claim, address, self.share, drafts))

    def typing(self, claim: Claim, address: Address) -> Typing:
        """Show that an answer is being written, for the block, if it takes longer than 0.7 s."""
        return Typing(self.post, claim, address)


def _finished(claim: Claim, made: list[Part]) -> int:
    """How many of the first parts stand as they should, by the journal: to edit them again would cost their slots."""
    done = claim.journal.get("done")
    if not done:
        return 0
    count = int(done.partition(":")[0])
    return count if count <= len(made) and done == _seal(made[:count]) else 0


def _seal(made: list[Part]) -> str:
    """What the journal says of the parts that are finished; it holds for no others."""
    return f"{len(made)}:{crc32(repr(made).encode()):x}"


def _beyond(claim: Claim, number: int) -> list[int]:
    """Parts with a message that the finished text does not reach."""
    found = [int(name[2:]) for name in claim.journal if name.startswith("m:")]
    return [part for part in found if part % ANEW > number and standing(claim, part)]
