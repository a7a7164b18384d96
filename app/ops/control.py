"""Pause, resume and stop, for every process at once: the scripts are the gate, this file only tells every shard.

A pause of the whole bot goes to each shard under the same version (date of the command, update id). A
shard that missed it is seen in the answers of claims and set by whoever sees it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import structlog

from app.core.errors import StoreError
from app.core.updates import chat_of, renamed

EVERYWHERE = "*"
NEWEST = 2**53  # above every message id: those of a chat that moved mean nothing in its new place


async def nowhere(_: str) -> tuple[str, str]:
    """No chat ever moved."""
    return "", ""


class Lanes(Protocol):
    """The calls that control makes."""

    shards: int

    def shard_of(self, lane: str) -> int: ...
    async def hold(self, shard: int, scope: str, *, on: bool, ver: str, record: Sequence[Any]) -> bool: ...
    async def pauses(self, shard: int) -> set[str]: ...
    async def signal(self, lane: str, uid: str, mid: int, at_ms: int) -> tuple[str, str]: ...


class Turns(Protocol):
    """The live turns of this process."""

    def deliver(self, lane: str, what: str, token: str) -> None: ...


class Runner(Protocol):
    """The runner of this process."""

    @property
    def turns(self) -> Turns: ...
    def look(self) -> None: ...


class Hints(Protocol):
    """What other processes are told."""

    async def wake(self, shards: Sequence[int]) -> None: ...
    async def signal(self, what: str, lane: str, token: str) -> None: ...


@dataclass(frozen=True, slots=True)
class Standing:
    """The newest that any shard knows of the pause of the whole bot: on with its record, or off."""

    ver: tuple[int, int] = (0, 0)
    on: bool = False
    record: tuple[Any, ...] = (0, "", 0, "", "")


@dataclass(slots=True, eq=False)
class Control:
    """What operators and people do to lanes that run."""

    lanes: Lanes
    runner: Runner
    hints: Hints
    hold_ms: int
    """What a pause held longer than this is dropped at its end; 0 = never."""
    policy: str
    describe: Callable[[], Awaitable[str]] | None = None
    """Makes the text of /status."""
    origins: Callable[[str], Awaitable[tuple[str, str]]] = nowhere
    """The chat that is moving to this one, and the one that has: what is commanded here holds for the first too."""
    _star: Standing = field(default_factory=Standing)
    _repairs: set[asyncio.Task[Any]] = field(default_factory=set)

    async def pause(self, scope: str, until_ms: int, reason: str, author: str, ver: str) -> bool:
        """Pause a chat, a topic (`<chat>:t<topic>`) or with `*` the whole bot; False when a newer command is known."""
        record = (until_ms, self.policy, self.hold_ms, _word(author), _word(reason))
        return await self._both(scope, on=True, ver=ver, record=record)

    async def resume(self, scope: str, ver: str) -> bool:
        """End a pause; what it held is answered in order."""
        return await self._both(scope, on=False, ver=ver, record=(0, "", 0, "", ""))

    async def stop(self, lane: str, uid: str, mid: int, at_ms: int) -> str:
        """Stop the lane's turn: ok, head (it had not begun), idle (nothing runs) or dup."""
        what = await self._stop(lane, uid, mid, at_ms)
        moving, _ = await self.origins(chat_of(lane))
        if not moving:
            return what
        there = await self._stop(renamed(lane, moving), uid, NEWEST if mid else 0, at_ms)
        return there if what == "idle" else what

    async def _stop(self, lane: str, uid: str, mid: int, at_ms: int) -> str:
        what, token = await self.lanes.signal(lane, uid, mid, at_ms)
        if what == "ok":
            self.runner.turns.deliver(lane, "stop", token)
            await self.hints.signal("stop", lane, token)
        return what

    async def status(self) -> str:
        """How the bot is, as text."""
        return await self.describe() if self.describe else ""

    def paused(self) -> bool:
        """Whether the whole bot is paused, as this process last saw."""
        return self._star.on

    async def remaining(self, scope: str) -> set[str]:
        """The pauses that still hold in a scope, or in a part of it, whatever was resumed there."""
        if scope == EVERYWHERE:
            found = await asyncio.gather(*(self.lanes.pauses(shard) for shard in range(self.lanes.shards)))
            return set().union(*found)
        chat, _, topic = scope.partition(":")
        here = await self.lanes.pauses(self.lanes.shard_of(scope))
        within = set() if topic else {one for one in here if one.startswith(f"{chat}:")}
        return here & {EVERYWHERE, chat} | within

    def observe(self, shard: int, paused: str, resumed: str) -> None:
        """Learn from a claim's answer how a shard stands to the pause of the whole bot, and set it if it missed one."""
        seen = max(_standing(paused, on=True), _standing(resumed, on=False), key=lambda s: s.ver)
        if seen.ver > self._star.ver or (seen.ver == self._star.ver and not seen.on):
            self._star = seen
        elif seen.ver < self._star.ver and not self._repairs:
            task = asyncio.get_running_loop().create_task(self._repair(shard))
            self._repairs.add(task)
            task.add_done_callback(self._repairs.discard)

    async def _repair(self, shard: int) -> None:
        try:
            await self._tell(shard, EVERYWHERE, self._star)
        except StoreError as error:  # the next answer of that shard brings it up again
            structlog.get_logger().warning("a pause could not be carried to a shard", shard=shard, why=str(error))

    async def _both(self, scope: str, *, on: bool, ver: str, record: tuple[Any, ...]) -> bool:
        """In the place that was named, and in the chat that is on its way there."""
        done = await self._everywhere(scope, on=on, ver=ver, record=record)
        moving, _ = ("", "") if scope == EVERYWHERE else await self.origins(chat_of(scope))
        if moving:
            await self._everywhere(renamed(scope, moving), on=on, ver=ver, record=record)
        return done

    async def _everywhere(self, scope: str, *, on: bool, ver: str, record: tuple[Any, ...]) -> bool:
        standing = Standing(_number(ver), on, record)
        shards: Sequence[int] = (self.lanes.shard_of(scope),)
        if scope == EVERYWHERE:
            shards = range(self.lanes.shards)
            if standing.ver > self._star.ver:
                self._star = standing
        done = await asyncio.gather(*(self._tell(shard, scope, standing) for shard in shards))
        self.runner.look()
        await self.hints.wake(shards)
        return any(done)

    async def _tell(self, shard: int, scope: str, standing: Standing) -> bool:
        ver = f"{standing.ver[0]}.{standing.ver[1]}"
        return await self.lanes.hold(shard, scope, on=standing.on, ver=ver, record=standing.record)


def _word(text: str) -> str:
    """Fit for a field of a record."""
    return text.replace("|", "/").replace("\n", " ")[:200]


def _number(ver: str) -> tuple[int, int]:
    date, _, uid = ver.partition(".")
    return int(date), int(uid or 0)


def _standing(record: str, *, on: bool) -> Standing:
    """Read `until|ver|policy|since|hold|author|reason` of a pause, or `ver|cut-off` of its end."""
    if not record:
        return Standing()
    if not on:
        return Standing(_number(record.split("|", maxsplit=1)[0]))
    until, ver, policy, _, hold, author, reason = record.split("|", 6)
    return Standing(_number(ver), True, (int(until), policy, int(hold), author, reason))
