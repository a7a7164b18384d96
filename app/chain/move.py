"""A group that became a supergroup has another id: what was said there, its settings, pause and quota go with it.

What still waits in the old chat is answered first, while the new one is held, though for no longer than a minute. Each
step may be repeated, by anybody: a process that dies in the middle leaves a note, which claims report.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import structlog

from app.core.clock import Clock
from app.core.errors import CorruptSession, StoreError
from app.core.updates import renamed
from app.lanes.chats import Chats
from app.sessions.session import load

HOLD_MS = 60_000
STANDING = frozenset({"dead", "refused", "back", "mute"})  # what became of us in the old chat is not so in the new
FIRST_DELAY_SECONDS, LAST_DELAY_SECONDS = 0.25, 4.0  # below the age at which claims report a move as left alone


async def nothing(old: int, new: int) -> None:
    """The quotas of a bot that has none."""


@dataclass(slots=True, eq=False)
class Mover:
    """Carries moves through, each as a task of its own. ``quota`` takes a chat's own limits along."""

    chats: Chats
    clock: Clock
    kick: Callable[[int], None]
    """Told the shard in which lanes became ready."""
    quota: Callable[[int, int], Awaitable[None]] = nothing
    _moving: dict[str, asyncio.Task[None]] = field(default_factory=dict)

    async def begin(self, old: int, new: int) -> None:
        """The news came: what has to be done before its turn may end, so that the move is not forgotten."""
        if str(old) not in self._moving:
            if await self.chats.alias(str(old)) == str(old):
                await self._hold(str(old), str(new))
                await self.chats.out(str(old), str(new))
            self.go(str(old), str(new))

    def go(self, old: str, new: str) -> None:
        """Carry a move through from wherever it stands."""
        if old not in self._moving and new:
            task = asyncio.get_running_loop().create_task(self._carry(old, new))
            self._moving[old] = task
            task.add_done_callback(lambda _: self._moving.pop(old))

    async def _carry(self, old: str, new: str) -> None:
        delay, log = FIRST_DELAY_SECONDS, structlog.get_logger().bind(old=old, new=new)
        while True:
            try:
                if await self._step(old, new):
                    log.info("a chat has moved")
                    return
            except StoreError as error:
                log.warning("a chat could not be moved for now", why=str(error))
            await self.clock.sleep(delay)
            delay = min(LAST_DELAY_SECONDS, delay * 2)

    async def _step(self, old: str, new: str) -> bool:
        """Once through all that can be done; False while the old chat runs out."""
        if await self.chats.alias(old) == old:
            await self._hold(old, new)
        parcel = await self.chats.out(old, new)
        if parcel is None:
            return False
        to = await self.chats.alias(parcel.to)
        await self.quota(int(old), int(to))
        fields = {name: value for name, value in parcel.fields.items() if name not in STANDING}
        await self.chats.into(old, to, _inherits(parcel.sessions, to), fields)
        await self.chats.moved(old)
        self.kick(self.chats.lanes.shard_of(to))
        return True

    async def _hold(self, old: str, new: str) -> None:
        await self.chats.hold(old, new, HOLD_MS)
        await self.chats.pause(old, new)


def _inherits(sessions: dict[str, bytes], to: str) -> dict[str, bytes]:
    """Sessions by their new lanes; what a lane had inherited itself stands before its own."""
    lanes = {key.partition(":")[2] for key in sessions}
    return {renamed(lane, to): _whole(sessions, lane) for lane in sorted(lanes)}


def _whole(sessions: dict[str, bytes], lane: str) -> bytes:
    own, inherited = (sessions.get(f"{kind}:{lane}", b"") for kind in ("session", "inherit"))
    if not own or not inherited:
        return own or inherited
    try:
        session = load(own)
        session.precede(load(inherited))
    except CorruptSession:
        return own
    return session.dump()
