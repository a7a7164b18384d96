"""The outbox: how an answer reaches its chat, each part at most twice and without a fault exactly once.

A part is journaled before it is sent: `mark` notes the operation, the send happens, `sent` or `complete` notes the
message id. Only a crash between the two can show a part twice. An answer of the Bot API is never ambiguous; a lost one
is, and then the journal decides: one more send, never a third.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from types import TracebackType
from typing import Any, Protocol

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
    StoreError,
    TelegramError,
    Unsent,
    Unsure,
)
from app.core.updates import Address, chat_of
from app.outbox.pacing import BURST, COMMANDS, Pace, Permits
from app.outbox.split import split
from app.outbox.window import Window

SLOW_SECONDS = 0.5  # a send that takes longer leaves the window: those that hang must not stop all others
REPEATS = 5  # certain failures of one send before the turn gives up for now
LONG_WAIT_MS = 2000  # an answer that has to wait longer gives its room back meanwhile
# ... a command's reply becomes a notice; a notice never waits here, since by then it may no longer be true
PATIENCE_MS = {"!": 1000, "?": 0}
TYPING_AFTER_SECONDS, TYPING_EVERY_SECONDS = 0.7, 4.5  # Telegram shows it for five seconds
GONE = (
    "chat not found",
    "message thread not found",
    "TOPIC_CLOSED",
    "TOPIC_DELETED",
    "not enough rights",
    "CHAT_WRITE",
)


class Mark(Protocol):
    """Answer of `mark`."""

    @property
    def kind(self) -> str: ...
    @property
    def value(self) -> int: ...
    @property
    def stop(self) -> bool: ...


class Lanes(Protocol):
    """The calls that the outbox makes."""

    def operation(self) -> str: ...
    async def mark(
        self, claim: Claim, part: int, op: str, answer: str, gap_ms: float, burst: int, *, first: bool
    ) -> Mark: ...
    def sent(self, claim: Claim, part: int, message_id: int) -> asyncio.Future[Any]: ...
    async def cool(self, chat: int | str, ms: int) -> None: ...


class Meter(Protocol):
    """Counts what was sent."""

    def sent(self, method: str, result: str, seconds: float | None = None) -> None: ...


class Sender(Protocol):
    """The calls on Telegram that the outbox makes."""

    async def send(self, address: Address, text: str) -> int: ...
    async def typing(self, address: Address) -> None: ...


@dataclass(slots=True, eq=False)
class Outbox:
    """Sends answers in parts, within the chat's pace, journaled."""

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

    async def answer(self, claim: Claim, address: Address, text: str) -> None:
        """Send a finished text as a reply, continuing where the journal stands.

        Raises TurnOver kinds when the turn ends early, TelegramError when it could not be sent for now.
        """
        text = claim.journal.setdefault("answer", text)
        parts = split(text)
        for number, part in enumerate(parts, 1):
            if claim.journal.get(f"m:{number}", "?").startswith("?"):
                address = await self._part(claim, address, number, part, text if number == 1 else "")
                if number < len(parts):
                    self._watch(self.lanes.sent(claim, number, int(claim.journal[f"m:{number}"])))

    async def _enter(self, claim: Claim) -> None:
        """Into the window, for as long as the turn does not wait; commands and notices need not."""
        if claim.on_end is None and claim.lane[0] not in "!?":
            await self.window.enter()
            claim.on_end = self.window.leave

    @staticmethod
    def _leave(claim: Claim) -> None:
        """Out of the window before a wait: nothing is sent meanwhile."""
        if claim.on_end is not None:
            claim.on_end()
            claim.on_end = None

    async def _part(self, claim: Claim, address: Address, number: int, part: str, answer: str) -> Address:
        """Send one part, under one operation id until it may have happened."""
        failures = 0
        while True:
            await self._granted(claim, address, number, answer)
            if claim.journal.get(f"m:{number}", "?")[0] != "?":
                return address
            claim.sending = True
            slow = asyncio.get_running_loop().call_later(SLOW_SECONDS, self._leave, claim)
            try:
                message = await self._send(address, part)
            except Doubtful:
                claim.op = ""  # the next mark counts as another send of this part
                claim.sending = False
                self._leave(claim)
                await self.clock.sleep(1.0)
            except Flooded as flood:
                claim.sending = False
                await self._cool(claim, address, flood)
                failures = self._again(failures, flood)
            except Unsent as error:
                claim.sending = False
                failures = self._again(failures, error)
                self._leave(claim)
                await self.clock.sleep(min(4.0, 0.25 * 2**failures))
            except Migrated as moved:
                claim.sending = False
                address = replace(address, chat=moved.new_chat)
            except Forbidden as error:
                claim.sending = False
                raise Dead(error.description) from error
            except Rejected as error:
                claim.sending = False
                if any(word in error.description for word in GONE):
                    raise Dead(error.description) from error
                raise
            else:
                claim.journal[f"m:{number}"] = str(message)
                claim.op, claim.sending, claim.shown = "", False, True
                return address
            finally:
                slow.cancel()

    async def _granted(self, claim: Claim, address: Address, number: int, answer: str) -> None:
        """Return when this part may be sent now, or when it was sent before."""
        claim.op = claim.op or self.lanes.operation()
        command = claim.lane[0] == "!"
        burst = COMMANDS if command else BURST
        while True:
            await self._enter(claim)
            await self.permits.take(urgent=command)
            gap, first = self.pace.gap_ms(address.chat, command=command), number == 1 and not claim.shown
            mark = await self.lanes.mark(claim, number, claim.op, answer, gap, burst, first=first)
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
            self._leave(claim)
            await self.clock.sleep(mark.value / 1000)

    async def _send(self, address: Address, part: str) -> int:
        began, result = self.clock.monotonic(), "ok"
        try:
            return await self.sender.send(address, part)
        except TelegramError as error:
            result = type(error).__name__.lower()
            raise
        finally:
            self.meter.sent("sendMessage", result, self.clock.monotonic() - began)

    async def _cool(self, claim: Claim, address: Address, flood: Flooded) -> None:
        """Keep the penalty where `mark` looks: with the lane's chat, also after the chat got another id."""
        for chat in {chat_of(claim.lane), str(address.chat)}:
            await self.lanes.cool(chat, round(flood.retry_after * 1000))

    @staticmethod
    def _again(failures: int, error: TelegramError) -> int:
        if failures + 1 >= REPEATS:
            raise error
        return failures + 1

    def _watch(self, call: asyncio.Future[Any]) -> None:
        """`sent` is not awaited, for the next `mark` leaves with it; a failure of it must not go unseen."""
        call.add_done_callback(self._look)

    def _look(self, call: asyncio.Future[Any]) -> None:
        if not call.cancelled() and (error := call.exception()) and isinstance(error, Exception):
            self.report("a sent part could not be journaled", error)

    def typing(self, claim: Claim, address: Address) -> Typing:
        """Show that an answer is being written, for the block, if it takes longer than 0.7 s."""
        return Typing(self, claim, address)

    async def show_typing(self, claim: Claim, address: Address) -> None:
        """Show typing once, if the chat's pace has room for it beside an answer."""
        if not await self.permits.spare():
            return
        mark = await self.lanes.mark(claim, 0, "", "", self.pace.gap_ms(address.chat), BURST, first=False)
        if mark.kind == "grant":
            try:
                await self.sender.typing(address)
            except Flooded as flood:
                await self._cool(claim, address, flood)


class Typing:
    """Typing in a chat: a timer, and a task only once it fires."""

    __slots__ = ("_address", "_claim", "_outbox", "_task", "_timer")

    def __init__(self, outbox: Outbox, claim: Claim, address: Address) -> None:
        self._outbox, self._claim, self._address = outbox, claim, address
        self._task: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None

    async def __aenter__(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(TYPING_AFTER_SECONDS, self._begin)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._timer:
            self._timer.cancel()
        if self._task:
            self._task.cancel()
            await asyncio.wait([self._task])

    def _begin(self) -> None:
        self._task = asyncio.get_running_loop().create_task(self._keep())

    async def _keep(self) -> None:
        while True:
            try:
                await self._outbox.show_typing(self._claim, self._address)
            except (TelegramError, StoreError) as error:
                self._outbox.unimportant("typing could not be shown", why=type(error).__name__)
            await self._outbox.clock.sleep(TYPING_EVERY_SECONDS)
