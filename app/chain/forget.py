"""/forget: everything of a chat, or only what one member of a group said there. Nothing of it is left in the store.

The lanes end what waits and drop what is kept; a member's turns are cut out of shared sessions here, which are put back
only if nobody wrote to them meanwhile. Whoever was about to answer something forgotten, or knows it, loses the claim.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from app.core.errors import CorruptSession, Later, StoreDown, Unparsable
from app.core.schema import parse
from app.core.updates import author_of
from app.lanes.chats import Chats, Forgotten
from app.sessions.session import load

EVERYTHING = 2**53  # above every message id: the ids of a chat that moved mean nothing in the new one
TRIES = 50  # each fails only because somebody's turn ended in that millisecond
MOVING_MS = 1000


class Turns(Protocol):
    """The live turns of this process."""

    def deliver(self, lane: str, what: str, token: str) -> None: ...


class Hints(Protocol):
    """What other processes are told."""

    async def wake(self, shards: list[int]) -> None: ...
    async def signal(self, what: str, lane: str, token: str) -> None: ...


class Runner(Protocol):
    """The runner of this process."""

    @property
    def turns(self) -> Turns: ...
    def kick(self, shard: int, lanes: int = 1) -> None: ...


@dataclass(slots=True, eq=False)
class Forget:
    """Forgets, in the chat and in the one that it was before. Each call may be repeated."""

    chats: Chats
    runner: Runner
    hints: Hints

    async def chat(self, chat: int, mid: int) -> int:
        """Forget all of a chat that is older than message ``mid``, its settings too; how many updates went."""
        moving, was = await self.chats.origins(str(chat))
        count = await self._told(str(chat), await self.chats.forget(str(chat), mid, moving=moving))
        for old in {moving, was} - {""}:
            count += await self._told(old, await self.chats.forget(old, EVERYTHING))
        return count

    async def member(self, chat: int, member: int, mid: int) -> int:
        """Forget what a member of a chat said there before message ``mid``; how many updates went.

        Raises Later while a parcel with the sessions of the chat is on its way.
        """
        moving, was = await self.chats.origins(str(chat))
        if moving and await self.chats.alias(moving) != moving:
            raise Later(MOVING_MS)
        count = await self._member(str(chat), member, mid)
        for old in {moving, was} - {""}:
            count += await self._member(old, member, EVERYTHING)
        return count

    async def _member(self, chat: str, member: int, mid: int) -> int:
        """Until nothing is found: what waited when it was looked for may have become part of a session since."""
        count = 0
        for _ in range(TRIES):
            kept = await self.chats.kept(chat)
            uids = [
                entry.uids.partition("+")[0]
                for entry in kept.waiting
                if entry.mid < mid and _author(entry.raw) == member
            ]
            sessions = {}
            for key, value in kept.sessions.items():
                if (becomes := _without(value, member, mid)) != value:
                    sessions[key] = (value, becomes)
            if not uids and not sessions:
                return count
            if (done := await self.chats.erase(chat, uids, sessions)) is not None:
                count += await self._told(chat, done)
        raise StoreDown("the sessions of a chat change faster than they can be read")

    async def _told(self, chat: str, done: Forgotten) -> int:
        """Whoever worked on it stops now; their claims are gone already."""
        for lane, token in done.robbed.items():
            self.runner.turns.deliver(lane, "stop", token)
            await self.hints.signal("stop", lane, token)
        shard = self.chats.lanes.shard_of(chat)
        self.runner.kick(shard, len(done.robbed))
        await self.hints.wake([shard])
        return done.entries


def _author(raw: bytes) -> int:
    """Who wrote a waiting update; 0 where that cannot be read."""
    try:
        update = parse(raw)
    except Unparsable:
        return 0
    message = update.message or update.edited_message
    return author_of(message) if message is not None else 0


def _without(value: bytes, member: int, mid: int) -> bytes:
    """A session without what a member said; b"" if nothing else is in it, or if nobody can read whose it is."""
    try:
        session = load(value)
    except CorruptSession:
        return b""
    if not session.without(member, mid):
        return value
    return session.dump() if session.turns else b""
