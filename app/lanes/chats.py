"""What is done to a whole chat: it is forgotten, or it moves to another id (docs/lanes.md).

A session is read and written here without a claim, and that is the only place: `erase` changes nothing unless what was
read still stands, and takes the token from whoever was given it.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from redis.exceptions import RedisError

from app.core import keys
from app.core.claims import Entry
from app.core.redis import translate
from app.core.updates import chat_of
from app.lanes.answers import entry, flat
from app.lanes.lanes import Lanes

MOVE_VER = "1.0"
"""The version of every hold for a move: one that ended is never begun again."""
CHAIN_MOST = 3  # a chat that moved may have moved on


class Forgotten(NamedTuple):
    """How many entries and dead letters went, and which running turns lost their claim: lane to token."""

    entries: int
    robbed: dict[str, str]


@dataclass(frozen=True, slots=True)
class Kept:
    """What a chat has in the store: entries that wait or are dead, and ``sessions`` by key (`session:`, `inherit:`)."""

    waiting: list[Entry]
    sessions: dict[str, bytes]


@dataclass(frozen=True, slots=True)
class Parcel:
    """What a chat that moved remembers: where it goes, sessions by key, settings."""

    to: str
    sessions: dict[str, bytes]
    fields: dict[str, str]


@dataclass(slots=True, eq=False)
class Chats:
    """The calls that change a whole chat; each may be repeated."""

    lanes: Lanes

    async def forget(self, scope: str, mid: int, *, moving: str = "") -> Forgotten:
        """Forget a chat, or one lane, as far as it is older than message ``mid``.

        ``moving``: a chat on its way here, whose parcel must not arrive any more.
        """
        answer = await self._ask("forget", scope, (scope, mid, moving))
        return Forgotten(answer[0], flat(answer[1]))

    async def kept(self, chat: str) -> Kept:
        """Everything of a chat in which a person's words can stand.

        Lanes are read before dead letters and sessions: what ends meanwhile is seen there.
        """
        client, prefix = self.lanes.pipe.client, self._prefix(chat)
        try:
            index: Any = await client.zrange(f"{prefix}lanes:{chat}", 0, -1)
            lanes = [chat, *(lane.decode() for lane in index)]
            names = [f"{kind}:{lane}" for lane in lanes for kind in ("session", "inherit")]
            asked: Any = client.pipeline(transaction=False)
            for lane in lanes:
                asked.lrange(f"{prefix}lane:{lane}", 0, -1)
            asked.hvals(f"{prefix}dead:{chat}").mget([prefix + name for name in names])
            *lists, letters, values = await asked.execute()
        except (RedisError, OSError) as error:
            raise translate(error) from error
        entries = (*itertools.chain(*lists), *(letter.partition(b"\n")[2] for letter in letters))
        return Kept(
            [entry(value) for value in entries],
            {name: value for name, value in zip(names, values, strict=True) if value},
        )

    async def erase(
        self, chat: str, uids: Sequence[str], sessions: Mapping[str, tuple[bytes, bytes]]
    ) -> Forgotten | None:
        """End the entries whose first ids these are, and replace sessions, (was, shall be) by key; all or nothing.

        None: a session is no longer what it was, so read it again.
        """
        named = f"|{'|'.join(uids)}|" if uids else ""
        triples = (word for key, (was, becomes) in sessions.items() for word in (key, was, becomes))
        answer, count, robbed = await self._ask("erase", chat, (chat, named, *triples))
        return Forgotten(count, flat(robbed)) if answer == b"ok" else None

    async def origins(self, chat: str) -> tuple[str, str]:
        """The chat that is moving to this one, and the one that has moved here before; "" for none."""
        client, key = self.lanes.pipe.client, f"{self._prefix(chat)}chat:{chat}"
        try:
            found: Any = await client.hmget(key, ["from", "was"])
        except (RedisError, OSError) as error:
            raise translate(error) from error
        moving, was = found
        return (moving or b"").decode(), (was or b"").decode()

    async def alias(self, chat: str) -> str:
        """The id that a chat has now: itself, if it never moved."""
        for _ in range(CHAIN_MOST):
            try:
                found: Any = await self.lanes.pipe.client.get(f"{self._prefix(chat)}moved:{chat}")
            except (RedisError, OSError) as error:
                raise translate(error) from error
            if found is None:
                break
            chat = found.decode()
        return chat

    async def hold(self, old: str, new: str, ms: int) -> None:
        """For so long nothing new of the new chat starts, so that the old one runs out first; once for a move."""
        record = (ms, "hold", 0, "", old)
        await self.lanes.hold(self.lanes.shard_of(new), f">{new}", on=True, ver=MOVE_VER, record=record)

    async def pause(self, old: str, new: str) -> None:
        """A pause of the old chat holds in the new one too, unless something newer was said there."""
        try:
            found: Any = await self.lanes.pipe.client.hget(f"{self._prefix(old)}pause", old)
        except (RedisError, OSError) as error:
            raise translate(error) from error
        if found is not None:
            until, ver, policy, _, hold, author, reason = found.decode().split("|", 6)
            record = (until, policy, hold, author, reason)
            await self.lanes.hold(self.lanes.shard_of(new), new, on=True, ver=ver, record=record)

    async def out(self, old: str, new: str) -> Parcel | None:
        """Close the old chat and take what it remembers; None while something of it still waits or runs."""
        answer = await self._ask("out", old, (old, new))
        if answer[0] != b"ok":
            return None
        fields = dict(_pairs(answer[2]))
        sessions = {name: value for name, value in fields.items() if name.startswith(("session:", "inherit:"))}
        chat = {name[5:]: value.decode() for name, value in fields.items() if name.startswith("chat:")}
        return Parcel(answer[1].decode(), sessions, chat)

    async def into(self, old: str, new: str, sessions: Mapping[str, bytes], fields: Mapping[str, str]) -> bool:
        """Give the new chat what the old one remembers, sessions by their new lane; False if it had come before."""
        args: list[Any] = [old, new, MOVE_VER, self.lanes.session_seconds]
        for lane, session in sessions.items():
            args += (f"inherit:{lane}", session)
        for name, value in fields.items():
            args += (f"chat:{name}", value)
        return bool(await self._ask("into", new, args) == b"ok")

    async def moved(self, old: str) -> None:
        """The parcel has arrived."""
        await self._ask("moved", old, (old,))

    async def _ask(self, name: str, scope: str, args: Sequence[Any]) -> Any:
        return await self.lanes.ask(name, self.lanes.shard_of(scope), args, front=True)

    def _prefix(self, chat: str) -> str:
        return keys.shard_prefix(self.lanes.bot, self.lanes.shard_of(chat_of(chat)))


def _pairs(flat: Sequence[bytes]) -> Iterator[tuple[str, bytes]]:
    for i in range(0, len(flat), 2):
        yield flat[i].decode(), flat[i + 1]
