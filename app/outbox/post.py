"""One call on Telegram at a time: permitted, marked in the journal, made, noted; each part at most twice.

A part is journaled before it is sent: `mark` notes the operation, the send happens, `sent` or `complete` notes the
message id. Only a crash between the two can show a part twice. An answer of the Bot API is never ambiguous; a lost one
is, and then the journal decides: one more send, never a third. An edit may be repeated at will.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from app.core.claims import Claim
from app.core.clock import Clock
from app.core.errors import (
    Dead,
    Doubtful,
    Flooded,
    Forbidden,
    Held,
    Later,
    Lost,
    Migrated,
    Rejected,
    Stopped,
    TelegramError,
    TopicDead,
    Unsent,
    Unsure,
)
from app.core.updates import Address, chat_of
from app.outbox.markup import Part
from app.outbox.pacing import BURST, COMMANDS, Pace, Permits
from app.outbox.seams import Entities, Lanes, Mark, Meter, Sender
from app.outbox.window import Window

SLOW_SECONDS = 0.5  # a send that takes longer leaves the window: those that hang must not stop all others
REPEATS = 5  # certain failures of one call before the turn gives up for now
LONG_WAIT_MS = 2000  # an answer that has to wait longer gives its room back meanwhile
# ... a command's reply becomes a notice; a notice never waits here, since by then it may no longer be true
PATIENCE_MS = {"!": 1000, "?": 0}
GONE = ("chat not found", "not enough rights", "CHAT_WRITE")
UNASKED = "to be replied not found"
TOPIC_GONE = ("message thread not found", "TOPIC_CLOSED", "TOPIC_DELETED", UNASKED)
MISSING = ("message to edit not found", "message can't be edited", "MESSAGE_ID_INVALID")


@dataclass(slots=True, eq=False)
class Post:
    """Sends and edits, within the chat's pace, journaled."""

    lanes: Lanes
    sender: Sender
    permits: Permits
    pace: Pace
    clock: Clock
    meter: Meter
    report: Callable[[str, Exception | None], None]
    unimportant: Callable[..., Any] = lambda line, **fields: None
    """Takes what only a debug log should hold."""
    window: Window = field(default_factory=Window)
    on_move: Callable[[str, str], None] = lambda old, new: None
    """Told that a chat has another id."""

    async def send(self, claim: Claim, address: Address, number: int, part: Part, answer: str) -> Address:
        """Send one part, under one operation id until it may have happened; the address, which may have moved."""
        failures = 0
        while True:
            await self._granted(claim, address, number, answer)
            if standing(claim, number):
                return address
            try:
                await self.write(claim, address, number, part)
                return address
            except Doubtful:
                self.leave(claim)
                await self.clock.sleep(1.0)
            except TelegramError as error:
                address, failures = await self._after(claim, address, error, failures)

    async def write(self, claim: Claim, address: Address, number: int, part: Part) -> None:
        """The send that was granted, once. Raises TelegramError kinds; after Doubtful the next mark counts as another.

        The journal's new entry is the caller's to tell the lanes.
        """
        claim.sending = True
        slow = asyncio.get_running_loop().call_later(SLOW_SECONDS, self.leave, claim)
        try:
            message = await self._call("sendMessage", part, lambda text, marks: self.sender.send(address, text, marks))
        except TelegramError as error:
            claim.sending = False
            if isinstance(error, Doubtful):
                claim.op = ""
            raise
        finally:
            slow.cancel()
        claim.journal[f"m:{number}"] = str(message)
        claim.shows[number] = part
        claim.op, claim.sending, claim.shown = "", False, True

    async def edit(self, claim: Claim, address: Address, number: int, part: Part, answer: str) -> bool:
        """Finish a part's message; False when it is not there any more."""
        failures = 0
        while True:
            await self._granted(claim, address, number, answer, way="edit")
            try:
                await self.change(claim, address, number, part)
                return True
            except TelegramError as error:
                if isinstance(error, Rejected) and _any(MISSING, error):
                    return False
                address, failures = await self._after(claim, address, error, failures)

    async def change(self, claim: Claim, address: Address, number: int, part: Part) -> None:
        """The edit that was granted, once; raises TelegramError kinds."""
        message = standing(claim, number)
        claim.shows.pop(number, None)
        await self._call(
            "editMessageText", part, lambda text, marks: self.sender.edit(address.chat, message, text, marks)
        )
        claim.shows[number] = part
        claim.shown = True

    async def remove(self, claim: Claim, address: Address, number: int) -> None:
        """Take away a part's message, which the finished answer has no use for."""
        failures = 0
        while True:
            await self._granted(claim, address, number, "", way="edit")
            try:
                await self.sender.delete(address.chat, standing(claim, number))
                del claim.journal[f"m:{number}"]
                return
            except Rejected as error:  # what is left of it does less harm than an answer that never ends
                return self.report("a message that is no longer needed could not be deleted", error)
            except TelegramError as error:
                address, failures = await self._after(claim, address, error, failures)

    async def draft(self, claim: Claim, address: Address, draft_id: int, part: Part) -> None:
        """One frame of a draft, once, where a slot was granted; raises TelegramError kinds."""
        await self._call(
            "sendMessageDraft", part, lambda text, marks: self.sender.draft(address, draft_id, text, marks)
        )
        claim.shown = True

    async def spare(self, claim: Claim, address: Address, number: int = 0, way: str = "") -> Mark | None:
        """Ask for a slot that no answer needs now: for a part that begins ("grow"), more of it ("more"), or typing.

        None when the bot has none within a second.
        """
        if not await self.permits.spare():
            return None
        if number:
            claim.op = claim.op or self.lanes.operation()
            await self._enter(claim)
        # In a group typing leaves a beginning its slot, or the first words would wait behind it.
        burst = BURST if address.chat > 0 or number else BURST - 1
        first, op = number == 1 and not claim.shown, claim.op if number else ""
        gap, apart = self.pace.gap_ms(address.chat), self.pace.apart_ms()
        return await self.lanes.mark(claim, number, op, "", gap, burst, first=first, way=way, apart_ms=apart)

    def note(self, claim: Claim, number: int, done: str) -> None:
        """Tell the lanes that a part stands as it should, without waiting: whatever is asked next leaves after it."""
        claim.journal["done"] = done
        self.lanes.sent(claim, number, standing(claim, number), done).add_done_callback(self._look)

    async def noted(self, claim: Claim, number: int) -> None:
        """The same of one that may still grow, and it is in the journal."""
        await self.lanes.sent(claim, number, standing(claim, number))

    def _look(self, call: asyncio.Future[Any]) -> None:
        if not call.cancelled() and (error := call.exception()) and isinstance(error, Exception):
            self.report("a sent part could not be journaled", error)

    async def cool(self, claim: Claim, address: Address, flood: Flooded) -> None:
        """Keep the penalty where `mark` looks: with the lane's chat, also after the chat got another id."""
        for chat in {chat_of(claim.lane), str(address.chat)}:
            await self.lanes.cool(chat, round(flood.retry_after * 1000))

    async def _enter(self, claim: Claim) -> None:
        """Into the window, for as long as the turn does not wait; commands and notices need not."""
        if claim.on_end is None and claim.lane[0] not in "!?":
            await self.window.enter()
            claim.on_end = self.window.leave

    @staticmethod
    def leave(claim: Claim) -> None:
        """Out of the window before a wait: nothing is sent meanwhile."""
        if claim.on_end is not None:
            claim.on_end()
            claim.on_end = None

    async def _granted(self, claim: Claim, address: Address, number: int, answer: str, way: str = "") -> None:
        """Return when this part may be sent or edited now, or when it was sent before."""
        if not way:
            claim.op = claim.op or self.lanes.operation()
        command = claim.lane[0] == "!"
        burst = COMMANDS if command else BURST
        while True:
            if not way:
                await self._enter(claim)
            await self.permits.take(urgent=command)
            gap, first = self.pace.gap_ms(address.chat, command=command), number == 1 and not claim.shown
            apart = self.pace.apart_ms(command=command)
            mark = await self.lanes.mark(
                claim, number, claim.op, answer, gap, burst, first=first, way=way, apart_ms=apart
            )
            if mark.kind == "refused":
                raise Lost
            if mark.stop and not claim.shown:
                raise Stopped
            if mark.kind == "grant":
                return
            if mark.kind == "sent":
                claim.journal[f"m:{number}"] = str(mark.value)
                return
            if mark.kind == "hold":
                raise Held(claim.op)
            if mark.kind == "unsure":
                raise Unsure
            if mark.value > PATIENCE_MS.get(claim.lane[0], LONG_WAIT_MS):
                raise Later(mark.value, claim.op)
            self.leave(claim)
            await self.clock.sleep(mark.value / 1000)

    async def _after(self, claim: Claim, address: Address, error: TelegramError, failures: int) -> tuple[Address, int]:
        """What a call that was not made means: it may be made again when this returns, to the address it answers."""
        if isinstance(error, Flooded):
            await self.cool(claim, address, error)
            return address, _again(failures, error)
        if isinstance(error, Unsent | Doubtful):
            failures = _again(failures, error)
            self.leave(claim)
            await self.clock.sleep(min(4.0, 0.25 * 2**failures))
            return address, failures
        if isinstance(error, Migrated):
            self.on_move(str(address.chat), str(error.new_chat))
            return replace(address, chat=error.new_chat), failures
        if isinstance(error, Rejected) and _any(TOPIC_GONE, error):
            if UNASKED in error.description and address.reply and not address.strict:
                return replace(address, reply=None), _again(failures, error)  # not every server sends without it
            if not address.thread:
                raise TopicDead(error.description) from error
            return replace(address, thread=None, strict=True), failures  # a reply goes where its question stands now
        raise (Dead(error.description) if gone(error) else error) from error

    async def _call(self, method: str, part: Part, call: Callable[[str, Entities | None], Any]) -> Any:
        """Make it, measured; as plain text, once, when Telegram does not take the entities."""
        began, result = self.clock.monotonic(), "ok"
        try:
            try:
                return await call(part.text, part.entities or None)
            except Rejected as error:
                if not part.entities or "entit" not in error.description.lower():
                    raise
                self.report("Telegram does not take the entities of a text; it is sent plain", error)
                return await call(part.text, None)
        except TelegramError as error:
            result = type(error).__name__.lower()
            raise
        finally:
            self.meter.sent(method, result, self.clock.monotonic() - began if method == "sendMessage" else None)


def standing(claim: Claim, number: int) -> int:
    """The id of the message that shows a part; 0 if there is none, or none that is known for certain."""
    noted = claim.journal.get(f"m:{number}", "?")
    return int(noted) if noted[0] != "?" else 0


def gone(error: TelegramError) -> bool:
    """Whether the chat, or the right to write there, is gone."""
    return isinstance(error, Forbidden) or (isinstance(error, Rejected) and _any(GONE, error))


def _any(words: tuple[str, ...], error: TelegramError) -> bool:
    return any(word in error.description for word in words)


def _again(failures: int, error: TelegramError) -> int:
    if failures + 1 >= REPEATS:
        raise error
    return failures + 1
