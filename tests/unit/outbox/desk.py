"""An outbox at a clock of the test's own: its marks in memory or by the real scripts, its phone in the test's hand."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from app.core.claims import Claim, Entry
from app.core.clock import Manual
from app.core.errors import Doubtful, Flooded, Rejected
from app.core.updates import Address
from app.lanes.answers import Marked
from app.outbox.outbox import Outbox
from app.outbox.pacing import Pace, Permits
from app.outbox.post import Post
from app.outbox.seams import Entities
from app.outbox.window import MOST, Window
from tests.support.shard import BOT, START_MS, Shard
from tests.support.wait import turns

BUDGET = f"lk:{{{BOT}.pace}}:out"
ENDLESS_MS = 10**9


@dataclass
class Phone:
    """Telegram: notes when which chat was written to; `ends` are the next results: errors, or futures to wait for.

    `calls` is everything in order, (when, what, text); `stands` what the chat shows. If it is `strict`, a call before
    the end of a 429 is one of the bot's `sins` (for one chat).
    """

    clock: Manual
    heard: list[tuple[float, int]] = field(default_factory=list)
    typed: list[float] = field(default_factory=list)
    ends: deque[Exception | asyncio.Future[None]] = field(default_factory=deque)
    flood: Exception | None = None
    calls: list[tuple[float, str, str]] = field(default_factory=list)
    stands: dict[int, str] = field(default_factory=dict)
    replies: list[int | None] = field(default_factory=list)
    drafted: list[tuple[float, int, str]] = field(default_factory=list)
    plain: bool = False
    """Refuses entities."""
    draftless: Exception | None = None
    strict: bool = False
    silent_until: float = 0.0
    sins: list[str] = field(default_factory=list)
    perhaps: list[tuple[str, str]] = field(default_factory=list)
    """Calls that were carried out, or may have been as far as the bot can know."""
    killed: Callable[[], bool] = lambda: False
    """Whether a call is carried out whose caller dies."""

    async def send(self, address: Address, text: str, entities: Entities | None = None) -> int:
        self.heard.append((self.clock.monotonic(), address.chat))
        message = len(self.heard)
        self.replies.append(address.reply)
        await self._take("send", text, entities, lambda: self.stands.update({message: text}))
        return message

    async def edit(self, chat: int, message_id: int, text: str, entities: Entities | None = None) -> None:
        def put() -> None:
            if message_id not in self.stands:
                raise Rejected("Bad Request: message to edit not found")
            self.stands[message_id] = text

        await self._take("edit", text, entities, put)

    async def draft(self, address: Address, draft_id: int, text: str, entities: Entities | None = None) -> None:
        if self.draftless:
            raise self.draftless
        await self._take("draft", text, entities, lambda: self.drafted.append((self.clock.monotonic(), draft_id, text)))

    async def delete(self, chat: int, message_id: int) -> None:
        await self._take("delete", "", None, lambda: self.stands.pop(message_id))

    async def typing(self, address: Address) -> None:
        await turns()
        if self.flood:
            raise self.flood
        self.typed.append(self.clock.monotonic())

    async def _take(self, what: str, text: str, entities: Entities | None, put: Callable[[], object]) -> None:
        now = self.clock.monotonic()
        if now < self.silent_until - 1e-3:
            self.sins.append(f"{what} at {now}, in a penalty until {self.silent_until}")
        self.calls.append((now, what, text))
        try:
            await turns(2)
        except asyncio.CancelledError:
            self.perhaps.append((what, text))
            if self.killed():
                self.clock.later(0.2, put)  # by then its caller may have gone on
            raise
        if self.plain and entities:
            raise Rejected("Bad Request: can't parse entities: no such type")
        end = self.ends.popleft() if self.ends else None
        if self.strict and isinstance(end, Flooded):
            self.silent_until = self.clock.monotonic() + end.retry_after
        if isinstance(end, Exception) and not (isinstance(end, Doubtful) and end.description == "done"):
            if isinstance(end, Doubtful):
                self.perhaps.append((what, text))
            raise end
        self.perhaps.append((what, text))
        if isinstance(end, asyncio.Future):
            await end
        put()
        if isinstance(end, Exception):
            raise end

    def times(self, chat: int) -> list[float]:
        return [at for at, whom in self.heard if whom == chat]

    def made(self, what: str) -> list[str]:
        """The texts of such calls."""
        return [text for _, kind, text in self.calls if kind == what]


@dataclass
class Grants:
    """Marks that are always granted; `cooled` notes penalties."""

    marks: int = 0
    cooled: list[tuple[str, int]] = field(default_factory=list)
    answers: deque[Marked | Exception] = field(default_factory=deque)

    def operation(self) -> str:
        return "op"

    async def mark(self, claim: Claim, *rest: Any, first: bool, way: str = "", apart_ms: float = 0.0) -> Marked:
        self.marks += 1
        await turns(2)
        answer = self.answers.popleft() if self.answers else Marked("grant")
        if isinstance(answer, Exception):
            raise answer
        return answer

    def sent(self, claim: Claim, part: int, message_id: int, done: str = "") -> asyncio.Future[Any]:
        told: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        told.set_result("ok")
        return told

    async def cool(self, chat: int | str, ms: int) -> None:
        self.cooled.append((str(chat), ms))

    async def permit(self, wanted: int, gap_ms: float, burst: int, penalty_ms: int = 0) -> tuple[int, int]:
        await turns()
        return wanted, 0


@dataclass
class Scripts(Grants):
    """The same by the real scripts, at the clock's time."""

    shard: Shard = field(kw_only=True)
    clock: Manual = field(kw_only=True)
    operations: int = 0

    def ask(self, name: str, *args: Any, **given: Any) -> Any:
        self.shard.now_ms = START_MS + round(self.clock.monotonic() * 1000)
        return self.shard.ask(name, *args, **given)

    def operation(self) -> str:
        self.operations += 1
        return f"w{self.operations:x}"

    async def mark(self, claim: Claim, *rest: Any, first: bool, way: str = "", apart_ms: float = 0.0) -> Marked:
        part, op, answer, gap_ms, burst = rest
        await turns()
        pace = (f"{gap_ms:.0f}", burst, "1" if first else "", way, f"{apart_ms:.0f}")
        args = (claim.lane, claim.token, part, op, answer, *pace)
        kind, value, stop = self.ask("mark", *args)
        return Marked(kind.decode(), int(value), bool(stop))

    def sent(self, claim: Claim, part: int, message_id: int, done: str = "") -> asyncio.Future[Any]:
        self.ask("sent", claim.lane, claim.token, part, message_id, done)
        return super().sent(claim, part, message_id)

    async def cool(self, chat: int | str, ms: int) -> None:
        self.ask("cool", chat, ms)

    async def permit(self, wanted: int, gap_ms: float, burst: int, penalty_ms: int = 0) -> tuple[int, int]:
        await turns()
        granted, wait = self.ask("permit", wanted, f"{gap_ms:.3f}", burst, penalty_ms, key=BUDGET)
        return granted, wait


class Meter:
    def sent(self, method: str, result: str, seconds: float | None = None) -> None:
        """Counts nothing."""


def office(lanes: Grants, phone: Phone, pace: Pace | None = None, window: int = MOST, stream: str = "off") -> Outbox:
    """An outbox; without a pace nothing is limited."""
    pace = pace or Pace(0, 0, 0)
    permits = Permits(lanes, pace.everywhere_ms, phone.clock)
    report: Callable[[str, Exception | None], None] = lambda line, error: None  # noqa: E731
    return Outbox(Post(lanes, phone, permits, pace, phone.clock, Meter(), report, window=Window(window)), stream)


def places(outbox: Outbox) -> int:
    """How many places of its window are free."""
    return outbox.post.window._places._value


def claim(lane: str, token: str = "1-w") -> Claim:
    return Claim(0, lane, token, 1, [Entry("1", 0, 0, 1, "", b"")], b"", {}, {}, False, 0, 0.0)


async def age(clock: Manual, seconds: float, step: float = 0.05, until: Callable[[], object] = lambda: False) -> None:
    """Let time pass in small steps, so that what wakes can sleep again; ends early when ``until`` is true."""
    end = clock.monotonic() + seconds
    while clock.monotonic() < end - 1e-9 and not until():
        await turns(15)
        await clock.advance(min(step, end - clock.monotonic()))
    await turns(15)


def densest(times: list[float], seconds: float) -> int:
    """The most that happened within any so many seconds, the first moment included and the last not."""
    return max((sum(at <= other < at + seconds - 1e-6 for other in times) for at in times), default=0)
