"""Ingress by long polling: stored before confirmed, and only one process of a bot polls.

The offset sent with a poll confirms what came before it, so it moves only after every shard has stored its part of the
batch. A restart polls without an offset: Telegram repeats what was not confirmed, and the lanes skip what they have.
No failure ends the loop silently or moves the offset.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import structlog

from app.core.clock import Clock
from app.core.errors import Conflict, Flooded, StoreError, StoreFull, TelegramError, Unauthorised, Unparsable
from app.core.updates import Incoming, renamed
from app.ingress.batch import read

# Said each time: Telegram remembers the list of whoever polled before, and leaves out what is not named.
ALLOWED = ["message", "edited_message", "my_chat_member", "stopped_message_generation"]
POLL_SECONDS = 30  # how long Telegram holds an empty poll
FIRST_DELAY_SECONDS, LAST_DELAY_SECONDS = 1.0, 15.0
CONFLICT_SECONDS = (3.0, 5.0)  # another poller or a webhook: calm, Telegram's own server needs some seconds
CONFLICT_ALARM_SECONDS = 60.0
FULL_SECONDS = 5.0  # Redis stores nothing: nothing is confirmed, both are asked again this often
IDLE_SECONDS = (0.05, 1.0)  # between polls that were answered at once and brought nothing: at first, and at most
MOVES_MOST = 3  # how often a chat may have moved on
ASK_SECONDS = 1.0  # a process that was refused the lease asks again


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
    full: Callable[[Sequence[Incoming]], None] = lambda updates: None
    """Told what waits while Redis is out of memory."""
    leading: bool = False
    _task: asyncio.Task[None] | None = None
    _stopped: bool = False
    _unhooked: bool = False
    _offset: int = 0
    _delay: float = 0.0
    _idle: float = 0.0
    _is_full: bool = False
    _conflict_since: float | None = None
    _alarmed: bool = False

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
            began, offset = self.clock.monotonic(), self._offset
            updates = await self._ask(POLL_SECONDS)
            if updates is None:
                continue
            if not await self._store(updates):
                await self._back_off("an update without a usable update_id")
                continue
            self._delay = 0.0
            await self._rest(self.clock.monotonic() - began, idle=self._offset == offset)

    async def _ask(self, seconds: int) -> list[bytes] | None:
        """What waits at Telegram; None, after the pause that is due, when it could not be had."""
        try:
            updates = read(await self.telegram.updates(self._offset, seconds, ALLOWED))
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
            return updates
        return None

    async def _rest(self, took: float, *, idle: bool) -> None:
        """A server that says at once that there is nothing new would be asked thousands of times a second."""
        first, most = IDLE_SECONDS
        self._idle = min(most, self._idle * 2 or first) if idle and took < most else 0.0
        if self._idle > took:
            await self.clock.sleep(self._idle - took)

    async def _store(self, updates: list[bytes]) -> bool:
        """Store a batch and let the next poll confirm it; False when nothing of it can be confirmed."""
        known = self._sorted(updates)
        for _ in range(len(updates) - len(known)):
            self.watch.unreadable()  # without an id it can neither be stored nor confirmed; its neighbours can
        shards: dict[int, list[Incoming]] = {}
        for incoming in known:
            shards.setdefault(self.lanes.shard_of(incoming.lane), []).append(incoming)
        if shards:
            await self._insist(asyncio.gather(*(self._store_shard(shard, part) for shard, part in shards.items())))
            self.hint(tuple(shards))
            self._offset = max(incoming.uid for incoming in known) + 1
        return bool(known) or not updates

    def _sorted(self, updates: list[bytes]) -> list[Incoming]:
        """Those that have an id, sorted in."""
        found = []
        for raw in updates:
            with contextlib.suppress(Unparsable):
                found.append(self.triage(raw))
        return found

    async def _insist(self, storing: asyncio.Future[Any]) -> None:
        """Wait for the store. Meanwhile Telegram is polled on, unconfirmed: to be seen alive, and for a /pause."""
        self._is_full = False
        try:
            while not await self._soon(storing):
                updates = await self._ask(0)
                if updates is not None:
                    self._delay = 0.0
                    if self._is_full:
                        self.full(self._sorted(updates))
            await storing
        finally:
            if storing.cancel():  # it was not done: this poller has to end
                with contextlib.suppress(asyncio.CancelledError):
                    await storing

    async def _soon(self, storing: asyncio.Future[Any]) -> bool:
        """Whether it ends within the time after which one looks again."""
        nap = asyncio.ensure_future(self.clock.sleep(FULL_SECONDS))
        try:
            await asyncio.wait({storing, nap}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            nap.cancel()
        return storing.done()

    async def _store_shard(self, shard: int, updates: list[Incoming], moves: int = 0) -> None:
        while True:
            try:
                stored = await self.lanes.store(shard, updates)
            except StoreError as error:
                self._unstored(error)
                if isinstance(error, StoreFull):
                    self._is_full = True
                    self.full(updates)
                await self.clock.sleep(FULL_SECONDS)
            else:
                self.watch.stored(stored.statuses)
                self.kick(shard, stored.ready)
                return await self._follow(updates, stored.statuses, moves)

    async def _follow(self, updates: list[Incoming], statuses: Sequence[str], moves: int) -> None:
        """What came for a chat that has moved is stored in its new place, as older than anything written there."""
        shards: dict[int, list[Incoming]] = {}
        for update, status in zip(updates, statuses, strict=True):
            if status.startswith("to "):
                lane, kind = renamed(update.lane, status[3:]), update.kind.replace("e", "") or "m"
                there = replace(update, lane=lane, mid=0, kind=kind)
                shards.setdefault(self.lanes.shard_of(lane), []).append(there)
        if shards and moves == MOVES_MOST:
            self.log.error("a chat moves without end; its updates are left out", lanes=len(shards))
            return
        for shard, part in shards.items():
            await self._store_shard(shard, part, moves + 1)

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
