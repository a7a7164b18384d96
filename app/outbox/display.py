"""What a chat shows of an answer that grows: the growing text of a message, or a draft, one call at a time.

Each look takes the whole text so far and makes one call at most: for the first part that does not stand as it should.
It never takes the slot of an answer and waits for nothing; none of its failures reaches the turn but those that end it.
"""

from __future__ import annotations

from dataclasses import replace

from app.core.claims import Claim
from app.core.errors import (
    Dead,
    Doubtful,
    Flooded,
    Held,
    Lost,
    Migrated,
    Rejected,
    Stopped,
    TelegramError,
    Unsure,
)
from app.core.updates import Address
from app.outbox.draft import FRESH_SECONDS, Drafts, draft_of
from app.outbox.markup import Part, parts
from app.outbox.post import Post, gone, standing
from app.outbox.seams import Mark
from app.outbox.share import Share
from app.outbox.split import LIMIT, units

# Between calls. A chat takes one a second; a little more leaves room for the finished answer. Each step makes it
# longer, for what has grown for a while is read from its beginning, and nobody knows how many edits Telegram bears.
PRIVATE_SECONDS, GROUP_SECONDS = 1.25, 3.0
WIDER, WIDEST = 1.1, 2.0  # each time, and in all
FLOODED = 2.0  # with each 429, whatever it is by then
LONGEST_SECONDS = 30.0
LOOK_SECONDS = 0.5  # where nothing new was there
GOES_ON = " …"
_LONGEST_WORD = 40
# What joins or follows other characters: joiner, selectors, letters of flags, skin tones.
_JOINED = "".join(map(chr, (0x200D, *range(0xFE00, 0xFE10), *range(0x1F1E6, 0x1F200), *range(0x1F3FB, 0x1F400))))


class Display:
    """Shows a text that grows. ``writing``: a call is under way; ``done``: the rest is left to the finished answer."""

    __slots__ = (
        *("_address", "_claim", "_drafts", "_framed", "_gap", "_post", "_seen", "_share", "_widest"),
        *("done", "writing"),
    )

    def __init__(self, post: Post, claim: Claim, address: Address, share: Share, drafts: Drafts | None) -> None:
        self._post, self._claim, self._address = post, claim, address
        self._share, self._drafts = share, drafts
        self._gap = PRIVATE_SECONDS if address.chat > 0 else GROUP_SECONDS
        self._widest = WIDEST * self._gap
        self._seen, self._framed = "", 0.0
        self.writing = self.done = False

    async def show(self, said: str) -> float:
        """Show what is not shown yet; the seconds until the next look. Raises TurnOver kinds and StoreError."""
        text = settled(said)
        if not text or (text == self._seen and not self._stale()):
            return LOOK_SECONDS
        made = await self._share.take(lambda: parts(text))
        for number, part in enumerate(made, 1):
            last = number == len(made)
            draft = last and self._drafts is not None
            wanted = going_on(part) if last and not draft else part
            if draft or self._claim.shows.get(number) != wanted:
                wait = await self._put(0 if draft else number, wanted)
                if wait is not None:
                    return wait
                if last:
                    self._seen = self._claim.visible = text
                wait, self._gap = self._gap, max(self._gap, min(WIDER * self._gap, self._widest))
                return wait
        self._seen = self._claim.visible = text
        return LOOK_SECONDS

    def _stale(self) -> bool:
        """Whether Telegram will soon let the draft go."""
        return self._drafts is not None and self._post.clock.monotonic() - self._framed > FRESH_SECONDS

    async def _put(self, number: int, part: Part) -> float | None:
        """Show a part (0: a draft) now: None, or if that could not be, the seconds to wait."""
        claim = self._claim
        fresh = number > 0 and not standing(claim, number)
        if fresh and f"m:{number}" in claim.journal:
            self.done = True  # perhaps it was sent before: the one send that is left belongs to the finished answer
            return self._gap
        mark = await self._post.spare(claim, self._address, number if fresh else 0, "grow" if fresh else "more")
        claim.stop = claim.stop or (mark is not None and mark.stop)
        if mark is None or mark.kind != "grant" or (claim.stop and not claim.shown):
            self._post.leave(claim)
            return self._refused(mark, number)
        self.writing = True
        try:
            return await self._write(number, part, fresh=fresh)
        finally:
            self.writing = False
            self._post.leave(claim)

    def _refused(self, mark: Mark | None, number: int) -> float:
        """No slot now; raises TurnOver kinds where there never will be one."""
        if mark is None:
            return self._gap
        if mark.kind == "wait":
            return mark.value / 1000
        if mark.kind == "sent":
            self._claim.journal[f"m:{number}"] = str(mark.value)
            return self._gap
        if mark.kind == "refused":
            raise Lost
        if mark.kind == "hold":
            raise Held(self._claim.op)
        raise Unsure if mark.kind == "unsure" else Stopped

    async def _write(self, number: int, part: Part, *, fresh: bool) -> float | None:
        """The call that was granted; None when it was made."""
        claim, address, post = self._claim, self._address, self._post
        try:
            if not number:
                await post.draft(claim, address, draft_of(claim), part)
                self._framed = post.clock.monotonic()
            elif fresh:
                await post.write(claim, address, number, part)
            else:
                await post.change(claim, address, number, part)
        except Flooded as flood:
            await post.cool(claim, address, flood)
            self._gap = min(FLOODED * self._gap, LONGEST_SECONDS)
            return max(self._gap, flood.retry_after)
        except TelegramError as error:
            self._failed(error, number, fresh=fresh)
            return self._gap
        if fresh:
            await post.noted(claim, number)
        return None

    def _failed(self, error: TelegramError, number: int, *, fresh: bool) -> None:
        """What is refused or doubtful is left to the finished answer; what may pass is tried again."""
        self._post.unimportant("an answer could not be shown while it grows", why=type(error).__name__)
        if gone(error):
            raise Dead(error.description) from error
        if isinstance(error, Migrated):
            self._address = replace(self._address, chat=error.new_chat)
        elif isinstance(error, Rejected) and not number and self._drafts is not None:
            self._drafts.refuse(self._address, error)
            self._drafts = None
        elif isinstance(error, Rejected) or (isinstance(error, Doubtful) and fresh):
            self.done = True


def going_on(part: Part) -> Part:
    """A part to which more will come."""
    longer = part.text + GOES_ON
    return replace(part, text=longer) if units(longer) <= LIMIT else part


def settled(text: str) -> str:
    """Without a last word that may not be whole yet, nor half of a composed character."""
    start = max(0, len(text) - _LONGEST_WORD)
    at = max(text.rfind(" ", start), text.rfind("\n", start))
    return text[: at + 1].rstrip() or text.rstrip(_JOINED)
