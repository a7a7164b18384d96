"""A Telegram and a store in the test's hand, and a poller between them at the test's own clock."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter, deque
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from app.core.clock import Manual
from app.core.triage import Policy, triage
from app.core.updates import Incoming
from app.ingress.polling import Polling
from app.lanes.answers import Stored
from tests.support.wait import turns
from tests.unit.fakes import ME, update

LEASE_SECONDS = 15.0


def batch(*raws: bytes) -> bytes:
    """An answer of getUpdates."""
    return b'{"ok":true,"result":[%s]}' % b",".join(raws)


def written(*uids: int) -> bytes:
    """An answer with a message for each update id, each in a chat of its own."""
    return batch(*(update(uid=uid, chat={"id": uid, "type": "private", "first_name": "Ann"}) for uid in uids))


@dataclass
class Telegram:
    """Answers long polls as scripted, one each, then holds the next; a short one gets a glance, or nothing.

    `asked` are the offsets and when they came.
    """

    clock: Manual
    answers: deque[bytes | Exception] = field(default_factory=deque)
    glances: deque[bytes | Exception] = field(default_factory=deque)
    asked: list[tuple[float, int]] = field(default_factory=list)
    forms: list[tuple[int, list[str]]] = field(default_factory=list)
    held: int = 0
    called: list[str] = field(default_factory=list)
    refusal: Exception | None = None
    hold_seconds: float = 0.0
    """How long an answer to a long poll takes."""

    async def fetch(self, method: str, params: dict[str, Any], timeout_seconds: float = 20.0) -> bytes:
        self.called.append(method)
        await turns()
        if self.refusal:
            raise self.refusal
        return b'{"ok":true,"result":true}'

    async def updates(self, offset: int, timeout_seconds: int, allowed: list[str]) -> bytes:
        self.asked.append((self.clock.monotonic(), offset))
        self.forms.append((timeout_seconds, allowed))
        await turns()
        if timeout_seconds and not self.answers:
            self.held += 1
            try:
                await asyncio.Event().wait()
            finally:
                self.held -= 1
        if not timeout_seconds and not self.glances:
            return batch()
        if timeout_seconds:
            await self.clock.sleep(self.hold_seconds)
        answer = (self.answers if timeout_seconds else self.glances).popleft()
        if isinstance(answer, Exception):
            raise answer
        return answer

    @property
    def offsets(self) -> list[int]:
        return [offset for _, offset in self.asked]


@dataclass
class Lanes:
    """Two shards; `refusals` are raised by the next stores of a shard, `lease_answers` given by the next leases."""

    worker: str = "w"
    stored: list[tuple[int, list[int]]] = field(default_factory=list)
    refusals: dict[int, deque[Exception]] = field(default_factory=lambda: {0: deque(), 1: deque()})
    lease_answers: deque[bool | Exception] = field(default_factory=deque)
    leases: list[float] = field(default_factory=list)
    held: asyncio.Event | None = None
    """Stores of shard 0 wait for it."""
    moved: dict[str, str] = field(default_factory=dict)
    """Chats that have another id."""
    rows: list[Incoming] = field(default_factory=list)

    def shard_of(self, lane: str) -> int:
        return int(lane.lstrip("x")) % 2

    async def store(self, shard: int, updates: Sequence[Incoming]) -> Stored:
        await turns()
        if shard == 0 and self.held:
            await self.held.wait()
        if self.refusals[shard]:
            raise self.refusals[shard].popleft()
        statuses = [f"to {self.moved[u.lane]}" if u.lane in self.moved else "ok" for u in updates]
        here = [u for u, status in zip(updates, statuses, strict=True) if status == "ok"]
        self.stored.append((shard, [u.uid for u in here]))
        self.rows += here
        return Stored(len(here), statuses)

    async def lease(self, owner: str, seconds: float) -> bool:
        await turns()
        self.leases.append(seconds)
        answer = self.lease_answers.popleft() if self.lease_answers else seconds > 0
        if isinstance(answer, Exception):
            raise answer
        return answer

    @property
    def uids(self) -> list[int]:
        return sorted(uid for _, uids in self.stored for uid in uids)


@dataclass
class Watch:
    """Counts what the ingress tells."""

    kinds: Counter[str] = field(default_factory=Counter)
    polls: int = 0
    bad: int = 0

    def polled(self) -> None:
        self.polls += 1

    def stored(self, statuses: Sequence[str]) -> None:
        self.kinds.update(statuses)

    def unreadable(self) -> None:
        self.bad += 1

    def failed(self, kind: str) -> None:
        self.kinds[kind] += 1


@dataclass
class Log:
    """Keeps what is said at each level."""

    said: list[tuple[str, str]] = field(default_factory=list)

    def info(self, event: str, **fields: Any) -> None:
        self.said.append(("info", event))

    def warning(self, event: str, **fields: Any) -> None:
        self.said.append(("warning", event))

    def error(self, event: str, **fields: Any) -> None:
        self.said.append(("error", event))

    @property
    def errors(self) -> list[str]:
        return [event for level, event in self.said if level == "error"]


class Ingress:
    """A poller with all that it talks to."""

    def __init__(self, *answers: bytes | Exception) -> None:
        self.clock = Manual()
        self.telegram = Telegram(self.clock, deque(answers))
        self.lanes, self.watch, self.log = Lanes(), Watch(), Log()
        self.hints: list[tuple[int, ...]] = []
        self.kicks: list[tuple[int, int]] = []
        self.unstored: list[list[int]] = []
        self.polling = Polling(
            self.telegram,
            self.lanes,
            lambda raw: triage(raw, ME, Policy()),
            self.clock,
            self.watch,
            lambda shards: self.hints.append(tuple(shards)),
            LEASE_SECONDS,
            lambda shard, lanes: self.kicks.append((shard, lanes)),
            self.log,
            lambda updates: self.unstored.append([update.uid for update in updates]),
        )

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[asyncio.Task[None]]:
        task = asyncio.get_running_loop().create_task(self.polling.run())
        await turns(40)
        try:
            yield task
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def age(self, seconds: float, step: float = 0.25) -> None:
        """Let time pass."""
        end = self.clock.monotonic() + seconds
        while self.clock.monotonic() < end - 1e-9:
            await self.clock.advance(min(step, end - self.clock.monotonic()))
            await turns(30)


def raw(**fields: Any) -> bytes:
    """An update as given."""
    return msgspec.json.encode(fields)
