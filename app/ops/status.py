"""How the bot is: read from Redis in one pipeline, so any process and the command line tell the same.

`Reader.read` gives a `Snapshot`; `text` turns it into what /status and `lanekeeper status` show. No message text, and
chats only as ids of pauses.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import RedisError

from app.core import keys
from app.core.redis import translate

PER_SHARD = 8  # commands of `_ask_shard`


@dataclass(frozen=True, slots=True)
class Pause:
    """An active pause; ``scope`` "*" is the whole bot, ``until_ms`` 0 has no end (Unix ms)."""

    scope: str
    until_ms: int
    author: str
    reason: str


@dataclass(frozen=True, slots=True)
class Local:
    """What only the process that is asked knows; the command line has none of it."""

    uptime_seconds: float
    live: int
    room: int
    poll_age_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One look at the whole bot."""

    version: str
    model: str
    now_ms: int
    live: int
    """Conversations claimed by any process."""
    waiting: int
    """Conversations ready to run."""
    later: int
    """Conversations that wait for a time (a pace, a back-off)."""
    held: int
    """Conversations parked by the pause of their chat."""
    oldest_ms: int
    """Since the oldest waiting conversation became ready; 0 when none waits."""
    dead: int
    processes: int
    poller: bool
    pauses: Sequence[Pause] = ()
    risks: Sequence[str] = ()
    """What Redis may forget, in plain sentences."""
    local: Local | None = None
    figures: Sequence[str] = ()
    """Endpoints, keys and limits, in plain sentences."""


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads the state of one bot. Raises StoreError."""

    client: Redis
    bot: int
    shards: int
    version: str
    model: str

    async def read(self, risks: Sequence[str] = (), local: Local | None = None) -> Snapshot:
        """Everything in one round trip, and a second one while chats are paused."""
        pipe: Any = self.client.pipeline(transaction=False)
        pipe.time().zcard(keys.processes(self.bot)).exists(keys.poller(self.bot))
        for shard in range(self.shards):
            _ask_shard(pipe, keys.shard_prefix(self.bot, shard))
        try:
            (seconds, micros), processes, poller, *answers = await pipe.execute()
            shards = [_Shard(*answers[i : i + PER_SHARD]) for i in range(0, len(answers), PER_SHARD)]
            held = await self._held(shards)
        except (RedisError, OSError) as error:
            raise translate(error) from error
        now_us = seconds * 1_000_000 + micros
        ranks = [rank for shard in shards for _, rank in shard.oldest]
        pauses = {scope: record for shard in shards for scope, record in shard.pauses.items()}
        return Snapshot(
            version=self.version,
            model=self.model,
            now_ms=now_us // 1000,
            live=sum(shard.leases for shard in shards),
            waiting=sum(shard.ready + shard.urgent for shard in shards),
            later=sum(shard.sleeping for shard in shards),
            held=held,
            oldest_ms=max(0, round((now_us - min(ranks)) / 1000)) if ranks else 0,
            dead=sum(shard.dead for shard in shards),
            processes=processes,
            poller=bool(poller),
            pauses=sorted((_pause(s.decode(), r.decode()) for s, r in pauses.items()), key=lambda p: p.scope),
            risks=risks,
            local=local,
        )

    async def _held(self, shards: Sequence[_Shard]) -> int:
        pipe: Any = self.client.pipeline(transaction=False)
        for number, shard in enumerate(shards):
            for scope in shard.pauses:
                pipe.zcard(keys.shard_prefix(self.bot, number) + f"held:{scope.decode()}")
        return sum(await pipe.execute())


@dataclass(frozen=True, slots=True)
class _Shard:
    """The answers to `_ask_shard`, in its order."""

    ready: int
    urgent: int
    leases: int
    later: int
    dead: int
    oldest: list[tuple[bytes, float]]
    pauses: dict[bytes, bytes]
    resumed: list[bytes]

    @property
    def sleeping(self) -> int:
        """Lanes in `later`, which also holds the ends of pauses and of their cut-offs."""
        ends = {scope for scope, record in self.pauses.items() if not record.startswith(b"0|")}
        return max(0, self.later - len(ends | set(self.resumed)))


def _ask_shard(pipe: Any, prefix: str) -> None:
    for name in ("ready", "urgent", "leases", "later", "dead"):
        pipe.zcard(prefix + name)
    pipe.zrange(prefix + "ready", 0, 0, withscores=True).hgetall(prefix + "pause").hkeys(prefix + "resume")


def _pause(scope: str, record: str) -> Pause:
    until, _ver, _policy, _since, _hold, author, reason = record.split("|", 6)
    return Pause(scope, int(until), author, reason)


def text(shot: Snapshot) -> str:
    """The snapshot for people: plain lines, the important first."""
    lines = [f"Lanekeeper {shot.version}, {_up(shot.local)}{_several(shot.processes, 'process', 'processes')}"]
    lines += [_paused(pause, shot.now_ms) for pause in shot.pauses]
    lines += [_work(shot), _intake(shot), f"Model: {shot.model}", *shot.figures]
    if shot.dead:
        lines.append(f"Dead letters: {shot.dead}")
    lines += [f"Redis: {risk}" for risk in shot.risks] or ["Redis: keeps what it confirmed"]
    return "\n".join(lines)


def _up(local: Local | None) -> str:
    return f"up {span(local.uptime_seconds)}, " if local else ""


def _work(shot: Snapshot) -> str:
    line = f"Working on {shot.live}, waiting {_several(shot.waiting, 'conversation', 'conversations')}"
    if shot.waiting:
        line += f" (the oldest for {span(shot.oldest_ms / 1000)})"
    parts = [line]
    if shot.later:
        parts.append(f"{shot.later} later")
    if shot.held:
        parts.append(f"{shot.held} held by a pause")
    if shot.local:
        parts.append(f"this process: {shot.local.live} live, room for {shot.local.room}")
    return "; ".join(parts)


def _intake(shot: Snapshot) -> str:
    if not shot.poller:
        return "Telegram: nobody polls"
    age = shot.local.poll_age_seconds if shot.local else None
    if age is None or not math.isfinite(age):
        return "Telegram: polled"
    return f"Telegram: last asked {span(age)} ago"


def _paused(pause: Pause, now_ms: int) -> str:
    where = "Everything is" if pause.scope == "*" else f"Chat {pause.scope} is"
    until = f", {span((pause.until_ms - now_ms) / 1000)} left" if pause.until_ms else ""
    why = f": {pause.reason}" if pause.reason else ""
    return f"{where} paused by {pause.author or 'somebody'}{until}{why}"


def _several(count: int, one: str, many: str) -> str:
    return f"{count} {one if count == 1 else many}"


def span(seconds: float) -> str:
    """A length of time in its two largest units: "12 s", "3 min 5 s", "2 d 4 h"."""
    left = max(0, round(seconds))
    found = []
    for size, name in ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s")):
        if left >= size:
            found.append(f"{left // size} {name}")
            left %= size
    return " ".join(found[:2]) or "0 s"
