"""What Redis holds of a bot that works: the ends of its turns, and its quotas as any process of the bot reads them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import redis
from redis.asyncio import Redis

from app.core import keys
from app.core.allowance import Limit
from app.core.script import Script
from app.model.ledger import Ledger, Line
from tests.support.valkey import Valkey
from tests.support.wait import until

BOT = 4242
SHARDS = 16
Charges = Sequence[tuple[str, tuple[Limit, ...]]]


class Audit:
    """Reads and changes nothing; `ends`, `calls` and `processes` hold the loop up, but only for a moment."""

    def __init__(self, server: Valkey, bot: int = BOT) -> None:
        self.socket, self.bot = server.socket, bot

    def ends(self) -> dict[str, int]:
        """How many turns ended in which way, so far, by all processes."""
        counts: dict[str, int] = {}
        with redis.Redis(unix_socket_path=self.socket) as client, client.pipeline(transaction=False) as pipe:
            for shard in range(SHARDS):
                pipe.hgetall(keys.shard_prefix(self.bot, shard) + "count")
            for found in pipe.execute():
                for kind, count in found.items():
                    counts[kind.decode()] = counts.get(kind.decode(), 0) + int(count)
        return counts

    def calls(self) -> int:
        """Scripts that this server ran in its life."""
        with redis.Redis(unix_socket_path=self.socket) as client:
            stats: dict[str, Any] = client.info("commandstats")
        return sum(int(stats.get(f"cmdstat_{name}", {}).get("calls", 0)) for name in ("eval", "evalsha"))

    def processes(self) -> int:
        """Processes that gave a sign of life in the last half minute."""
        with redis.Redis(unix_socket_path=self.socket) as client:
            return int(client.zcard(keys.processes(self.bot)))

    async def lines(self, charges: Charges) -> list[Line]:
        """The quotas as they stand."""
        async with Redis(unix_socket_path=self.socket) as client:
            return await Ledger(Plain(client), client, self.bot, seconds=60).usage(charges)

    async def all_ended(self, count: int, seconds: float) -> None:
        """Waits until so many turns have ended, in whatever way."""
        try:
            await until(lambda: sum(self.ends().values()) >= count, seconds=seconds, what=f"{count} ends")
        except AssertionError as late:
            raise AssertionError(f"{late}; there are {self.ends()}") from None


class Plain:
    """Runs a script at once: what the pipe is to the bot."""

    def __init__(self, client: Redis) -> None:
        self._client = client

    def call(self, script: Script, key: str, args: tuple[Any, ...], *, front: bool = False) -> asyncio.Future[Any]:
        return asyncio.ensure_future(self._client.eval(script.text, 1, key, *args))


class Sampler:
    """Looks at quotas again and again, in a thread of its own, and notes each moment at which one was exceeded."""

    def __init__(self, audit: Audit, charges: Charges) -> None:
        self._audit, self._charges = audit, charges
        self._over = False
        self._task: asyncio.Future[None] | None = None
        self.looks = 0
        self.broken: list[str] = []

    def start(self) -> None:
        self._task = asyncio.ensure_future(asyncio.to_thread(lambda: asyncio.run(self._run())))

    async def stop(self) -> None:
        """Ends the looking; an error of it is raised here."""
        self._over = True
        if self._task is not None:
            await self._task

    async def _run(self) -> None:
        async with Redis(unix_socket_path=self._audit.socket) as client:
            ledger = Ledger(Plain(client), client, self._audit.bot, seconds=60)

            async def look() -> bool:
                self._note(await ledger.usage(self._charges))
                return self._over

            await until(look, seconds=1500, what="the end of the looking")

    def _note(self, lines: list[Line]) -> None:
        self.looks += 1
        self.broken += [
            f"{line.scope}: {line.used} used and {line.held} held of {line.limit}"
            for line in lines
            if line.used + line.held > line.limit.amount or line.used < 0 or line.held < 0
        ]
