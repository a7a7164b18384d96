"""Ingress by long polling: stored before confirmed, and only one process of a bot polls.

The offset sent with a poll confirms what came before it, so it moves only after every shard has stored its part of the
batch. A restart polls without an offset: Telegram repeats what was not confirmed, and the lanes skip what they have.
No failure ends the loop silently or moves the offset.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import msgspec
import structlog

from app.core.clock import Clock
from app.core.errors import Conflict, Flooded, StoreError, StoreFull, TelegramError, Unauthorised, Unparsable
from app.core.updates import Incoming

ALLOWED = ["message", "edited_message"]  # said each time: Telegram remembers the list of whoever polled before
POLL_SECONDS = 30  # how long Telegram holds an empty poll
FIRST_DELAY_SECONDS, LAST_DELAY_SECONDS = 1.0, 15.0
CONFLICT_SECONDS = (3.0, 5.0)  # another poller or a webhook: calm, Telegram's own server needs some seconds
CONFLICT_ALARM_SECONDS = 60.0
FULL_SECONDS = 5.0  # Redis is out of memory: nothing is confirmed, look again this often
ASK_SECONDS = 1.0  # a process that was refused the lease asks again


class Batch(msgspec.Struct):
    """An answer of getUpdates; each update stays the bytes that Telegram sent."""

    ok: bool
    result: list[msgspec.Raw]


class Stored(Protocol):
    """Answer of `store`."""

    @property
    def ready(self) -> int: ...
    @property
    def statuses(self) -> list[str]: ...


class Lanes(Protocol):
    """The calls that the ingress makes."""

    worker: str

    def shard_of(self, lane: str) -> int: ...
    async def store(self, shard: int, updates: Sequence[Incoming]) -> Stored: ...
    async def lease(self, owner: str, seconds: float) -> bool: ...


class Telegram(Protocol):
    """The raw poll."""

    async def updates(self, offset: int, timeout_seconds: int, allowed: list[str]) -> bytes: ...
    async def fetch(self, method: str, params: dict[str, Any], timeout_seconds: float = ...) -> bytes: ...


class Watch(Protocol):
    """Who is told what the ingress did."""

    def polled(self) -> None: ...
    def stored(self, statuses: Sequence[str]) -> None: ...
    def unreadable(self) -> None: ...
    def failed(self, kind: str) -> None: ...


@dataclass(slots=True, eq=False)
class Polling:
    """Polls Telegram while it holds the poller's lease, and puts what comes into the lanes."""

    telegram: Telegram
    lanes: Lanes
    triage: Callable[[bytes], Incoming]
    clock: Clock
    watch: Watch
    hint: Callable[[Sequence[int]], None]
    """Told which shards other processes might want to look at."""
    lease_seconds: float
    kick: Callable[[int, int], None] = lambda shard, lanes: None
    """Told which shard has how many more ready lanes."""
    log: Any = field(default_factory=structlog.get_logger)
    leading: bool = False
    _task: asyncio.Task[None] | None = None
    _stopped: bool = False
    _unhooked: bool = False
    _offset: int = 0
    _delay: float = 0.0
    _conflict_since: float | None = None
    _alarmed: bool = False
    _decoder: msgspec.json.Decoder[Batch] = field(default_factory=lambda: msgspec.json.Decoder(Batch))

    async def run(self) -> None:
        """Poll until `stop`; ends by itself only with a token that Telegram refuses."""
        self._task = asyncio.current_task()
        try:
            await self._lead()
        except asyncio.CancelledError:
            if not self._stopped:
                raise

    async def stop(self) -> None:
        """Stop polling, and let another process poll at once."""
        self._stopped = True
        if self._task:
            self._task.cancel()
            await asyncio.wait([self._task])
        await self.lanes.lease(self.lanes.worker, 0)

    async def _lead(self) -> None:
        while True:
            if not await self._leased():
                await self.clock.sleep(ASK_SECONDS)
                continue
            self.leading = True
            self.log.info("this process polls Telegram")
            try:
                async with asyncio.TaskGroup() as group:
                    poller = group.create_task(self._poll())
                    await self._keep()
                    poller.cancel()
            finally:
                self.leading = False

    async def _leased(self) -> bool:
        """Take or renew the lease; a store that refuses is asked again."""
        while True:
            try:
                return await self.lanes.lease(self.lanes.worker, self.lease_seconds)
            except StoreError as error:
                self._unstored(error)
                await self.clock.sleep(FULL_SECONDS)

    def _unstored(self, error: StoreError) -> None:
        self.watch.failed("store")
        what = "out of memory" if isinstance(error, StoreFull) else str(error)
        self.log.error("updates stay with Telegram until Redis is mended", redis=what)

    async def _keep(self) -> None:
        """Renew the lease each third of it; returns when another process has it."""
        while True:
            await self.clock.sleep(self.lease_seconds / 3)
            if not await self._leased():
                self.log.warning("another process polls Telegram now")
                return

    async def _poll(self) -> None:
        self._offset = 0
        while True:
            try:
                body = await self.telegram.updates(self._offset, POLL_SECONDS, ALLOWED)
                updates = self._read(body)
            except Unauthorised:
                self.log.error("Telegram does not know this token; ask @BotFather for the right one")
                raise
            except Flooded as flood:
                self.watch.failed("429")
                await self.clock.sleep(flood.retry_after)
            except Conflict as conflict:
                await self._conflict(conflict)
            except (TelegramError, Unparsable) as error:
                self.watch.failed(type(error).__name__)
                await self._back_off(str(error) or type(error).__name__)
            else:
                self._conflict_since, self._alarmed = None, False
                self.watch.polled()
                if await self._store(updates):
                    self._delay = 0.0
                else:
                    await self._back_off("an update without a usable update_id")

    def _read(self, body: bytes) -> list[bytes]:
        try:
            batch = self._decoder.decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise Unparsable("getUpdates answered something that is not a list of updates") from error
        if not batch.ok:
            raise Unparsable("getUpdates answered ok=false")
        return [bytes(raw) for raw in batch.result]

    async def _store(self, updates: list[bytes]) -> bool:
        """Store a batch and let the next poll confirm it; False when nothing of it can be confirmed."""
        shards: dict[int, list[Incoming]] = {}
        last = -1
        for raw in updates:
            try:
                incoming = self.triage(raw)
            except Unparsable:
                self.watch.unreadable()  # without an id it can neither be stored nor confirmed; its neighbours can
                continue
            shards.setdefault(self.lanes.shard_of(incoming.lane), []).append(incoming)
            last = max(last, int(incoming.uid))
        if shards:
            await asyncio.gather(*(self._store_shard(shard, part) for shard, part in shards.items()))
            self.hint(tuple(shards))
            self._offset = last + 1
        return bool(shards) or not updates

    async def _store_shard(self, shard: int, updates: list[Incoming]) -> None:
        while True:
            try:
                stored = await self.lanes.store(shard, updates)
            except StoreError as error:
                self._unstored(error)
                await self.clock.sleep(FULL_SECONDS)
            else:
                self.watch.stored(stored.statuses)
                self.kick(shard, stored.ready)
                return

    async def _conflict(self, conflict: Conflict) -> None:
        """Telegram serves one getUpdates at a time and none beside a webhook."""
        now = self.clock.monotonic()
        self._conflict_since = self._conflict_since or now
        self.watch.failed("409")
        if "webhook" in conflict.description.lower() and not self._unhooked:
            return await self._unhook()
        if not self._alarmed and now - self._conflict_since >= CONFLICT_ALARM_SECONDS:
            self._alarmed = True
            self.log.error("no updates for a minute: run `lanekeeper check`", why=conflict.description)
        await self.clock.sleep(random.uniform(*CONFLICT_SECONDS))

    async def _unhook(self) -> None:
        """A webhook that nobody serves keeps updates from us: remove it, once; what waits stays with Telegram."""
        self._unhooked = True
        self.log.warning("a webhook was set for this bot; it is removed, since this process polls")
        try:
            await self.telegram.fetch("deleteWebhook", {})
        except TelegramError as error:
            await self._back_off(str(error))

    async def _back_off(self, why: str) -> None:
        self._delay = min(LAST_DELAY_SECONDS, self._delay * 2 or FIRST_DELAY_SECONDS)
        self.log.warning("the poll failed, again in a while", seconds=round(self._delay), why=why)
        await self.clock.sleep(self._delay * random.uniform(0.7, 1.3))
