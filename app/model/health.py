"""What all processes know of the models' keys and endpoints: one hash in Redis, seen through a view.

Words: a *field* is a key (`k<label>`), a key and one model (`k<label>@<endpoint>`) or an endpoint (`e<label>`). It is
*cooled* until a time, then it *returns*: of a key 1 request at first, twice as many each second (`admit`); of an
endpoint one probe. Its *gen* tells a request that began before the last cooling from one after it.

No request may begin on a view older than ``FRESH_SECONDS``, so what one process was told, all obey within half a
second. While all is well a request asks Redis nothing but that view, which is fetched on demand and shared. All times
are Redis's: ``now`` is our estimate of its clock.
"""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from app.core.clock import Clock
from app.core.errors import StoreError
from app.core.script import Script, script
from app.model.asked import MOST_SECONDS

FRESH_SECONDS = 0.25
RETURN_SECONDS = 10  # 1, 2, 4 … requests a second; then a key that has returned is as any other
SHORTEST_SECONDS = 0.1  # an endpoint that asks for less would be asked in a hot loop
PROBE_SECONDS = 35.0  # longer than anybody waits for a first word
FAR_SECONDS = 3600.0  # whoever starts or reloads does not wait longer than this for a key to return
_BELIEVED_SECONDS = MOST_SECONDS + 86_400  # parts/record.lua says the same, and why
HERE = Path(__file__).parent / "scripts"


@dataclass(frozen=True, slots=True)
class Backoff:
    """How long to leave alone what names no time: `first` seconds, doubled up to `most`, after `tolerated` failures."""

    first: float
    most: float
    tolerated: int = 0


BUSY = Backoff(1, 60)
UNPAID = Backoff(3600, 86_400)
ILL = Backoff(5, 60, tolerated=2)
REFUSED_SECONDS = 86_400.0


@dataclass(frozen=True, slots=True)
class Record:
    """What stands in a field; ``until`` in Redis's Unix seconds, ``gen`` as it is sent back."""

    until: float
    gen: int
    count: int
    why: str


class Store(Protocol):
    """Script calls, as app/lanes/pipe.py answers them."""

    def call(self, script: Script, key: str, args: tuple[Any, ...], *, front: bool = False) -> asyncio.Future[Any]: ...


NOTHING = Record(0.0, 0, 0, "")


@dataclass(slots=True, eq=False)
class _Line:
    """Those who wait to be admitted to one key, and the time before which it is of no use to ask."""

    waiting: deque[asyncio.Future[float]] = field(default_factory=deque)
    shut: float = 0.0
    shut_for: int = 0
    """The gen of which that was said."""
    task: asyncio.Task[None] | None = None


class Health:
    """The view of one process; ``report`` is told when Redis would not note a failure."""

    def __init__(self, store: Store, key: str, clock: Clock, report: Callable[[str], None] = lambda line: None) -> None:
        self._store = store
        self._key = key
        self._clock = clock
        self._report = report
        self._records: dict[str, Record] = {}
        self._told: dict[str, Record] = {}  # what this process was told and Redis has not confirmed yet
        self._lines: dict[str, _Line] = {}
        self._offset = clock.now() - clock.monotonic()
        self._seen = float("-inf")
        self._fetch: asyncio.Future[None] | None = None

    def __repr__(self) -> str:
        return f"<Health {len(self._records)} noted>"

    @property
    def fresh(self) -> bool:
        """Whether a request may begin on this view."""
        return self._clock.monotonic() - self._seen <= FRESH_SECONDS

    @property
    def now(self) -> float:
        """Unix seconds by Redis's clock."""
        return self._clock.monotonic() + self._offset

    async def refresh(self) -> None:
        """Wait for a view that is no older than this call, or than FRESH_SECONDS."""
        asked = self._clock.monotonic()
        while not self.fresh and self._seen < asked:
            if self._fetch is None or self._fetch.done():  # to wait for what is done gives nobody else a turn
                self._fetch = asyncio.ensure_future(self._look())
                self._fetch.add_done_callback(self._looked)
            await asyncio.shield(self._fetch)

    def get(self, field: str) -> Record:
        """What is known; cooled at once when this process was told so."""
        record = self._records.get(field, NOTHING)
        told = self._told.get(field, NOTHING)
        return told if told.until > record.until else record

    def returning(self, field: str) -> bool:
        """Whether a key has returned so lately that requests on it must be admitted."""
        return 0.0 <= self.now - self.get(field).until < RETURN_SECONDS

    async def admit(self, field: str) -> float:
        """0 when a request may begin on a key that returns; else the seconds after which to ask again."""
        line = self._lines.setdefault(field, _Line())
        if line.shut > self.now and line.shut_for == self.get(field).gen:
            return line.shut - self.now
        place: asyncio.Future[float] = asyncio.get_running_loop().create_future()
        line.waiting.append(place)
        if line.task is None:
            line.task = asyncio.create_task(self._admit(field, line))
        return await place

    async def cool(self, field: str, gen: int, why: str, wait: float, backoff: Backoff) -> bool:
        """Note a failure of a request that began at ``gen``; ``wait`` seconds were asked for (0: none named).

        True when this is news: the first that was heard of it anywhere.
        """
        if wait > 0:
            wait = min(max(wait, SHORTEST_SECONDS), MOST_SECONDS)
        if wait > 0 or not backoff.tolerated:
            self._told[field] = Record(self.now + (wait or backoff.first), gen, 0, why)
        ms = (round(seconds * 1000) for seconds in (wait, backoff.first, backoff.most))
        try:
            answer = await self._call("health_cool", field, gen, why, *ms, backoff.tolerated)
        except StoreError as error:
            self._report(f"a failing key or endpoint was not noted in Redis: {error}")
            return False
        self._note(field, answer[0])
        return bool(answer[1])

    async def well(self, field: str, gen: int, *, spared: bool) -> None:
        """Note that a request that began at ``gen`` was answered; ``spared``: a key, which returns gradually."""
        await self._heal("health_well", field, gen, RETURN_SECONDS if spared else 0)

    async def revive(self, field: str) -> None:
        """A person may have healed this key: let it return, unless it is only busy and returns soon anyway.

        Whoever starts or reloads has changed something (a plan, a clock, this program), and it costs one request.
        """
        if self.get(field).until > self.now:
            await self._heal("health_revive", field, round(FAR_SECONDS * 1000))

    async def probe(self, field: str) -> bool:
        """Whether the caller is the one that tries this endpoint."""
        return bool(await self._call("health_probe", field, round(PROBE_SECONDS * 1000)))

    async def _heal(self, name: str, field: str, *args: int) -> None:
        try:
            answer = await self._call(name, field, *args)
        except StoreError as error:
            self._report(f"a healthy key or endpoint was not noted in Redis: {error}")
        else:
            self._note(field, answer)

    async def _call(self, name: str, *args: Any) -> Any:
        return await self._store.call(script(HERE, name), self._key, args, front=True)

    async def _look(self) -> None:
        sent = self._clock.monotonic()
        now, *rest = await self._call("health")
        came, redis = self._clock.monotonic(), int(now) / 1000
        # Redis read its clock between these two: keep the best estimate that fits both.
        self._offset = min(max(self._offset, redis - came), redis - sent)
        self._records = {
            name.decode(): record
            for name, text in zip(rest[::2], rest[1::2], strict=True)
            if (record := _read(text, redis)) is not None
        }
        if self._told:
            self._told = {name: told for name, told in self._told.items() if told.until > self.now}
        self._seen = sent

    def _looked(self, fetch: asyncio.Future[None]) -> None:
        if self._fetch is fetch:
            self._fetch = None
        if not fetch.cancelled():
            fetch.exception()  # those who wait for it raise it; when all have gone, nobody does

    def _note(self, field: str, text: bytes) -> None:
        """What a script answers is newer than the view."""
        record = _read(text, self.now)
        if record is None:
            self._records.pop(field, None)
        else:
            self._records[field] = record
        self._told.pop(field, None)

    async def _admit(self, field: str, line: _Line) -> None:
        """One call at a time for all who wait; they are admitted in the order in which they came."""
        try:
            while line.waiting:
                places = [place for place in line.waiting if not place.done()]
                line.waiting.clear()
                if places:
                    await self._ask(field, line, places)
        finally:
            line.task = None

    async def _ask(self, field: str, line: _Line, places: list[asyncio.Future[float]]) -> None:
        gen = self.get(field).gen
        try:
            granted, wait_ms, more = await self._call("health_admit", field, len(places), RETURN_SECONDS)
        except StoreError as error:
            for place in places:
                if not place.done():
                    place.set_exception(error)
            return
        if granted < len(places):
            line.shut, line.shut_for = self.now + wait_ms / 1000, gen
        for number, place in enumerate(places, -granted):
            if not place.done():
                # each second twice as many: so they come back in groups, and not all in each second
                place.set_result(0.0 if number < 0 else wait_ms / 1000 + math.floor(math.log2(1 + number / more)))


def _read(text: bytes, now: float) -> Record | None:
    """A record; None for what no process can have meant."""
    parts = text.split(b":")
    if len(parts) != 6 or not all(part.isdigit() and len(part) < 20 for part in (parts[0], parts[1], parts[2])):
        return None
    until = int(parts[0]) / 1000
    return Record(until, int(parts[1]), int(parts[2]), parts[3].decode()) if until - now <= _BELIEVED_SECONDS else None
