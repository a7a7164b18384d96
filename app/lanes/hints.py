"""Hints between processes, by pub/sub: a shard has work, a turn is to stop.

They may be lost; the sorted sets are the truth, and are looked at each second.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from redis.asyncio import Redis
from redis.exceptions import RedisError

from app.core import keys
from app.core.clock import Clock

AGAIN_SECONDS = 1.0


@dataclass(slots=True, eq=False)
class Hints:
    """Tells other processes, and passes on what they tell."""

    client: Redis
    """A client of its own: it waits."""
    bot: int
    clock: Clock
    on_wake: Callable[[int], None] = lambda shard: None
    on_signal: Callable[[str, str, str], None] = lambda lane, what, token: None
    """Told lane, `stop` or `hold`, token."""
    alone: bool = True
    """No other process lives, so nothing is published for them."""
    _telling: set[asyncio.Task[None]] = field(default_factory=set)

    async def run(self) -> None:
        """Listen for as long as the process lives; a lost connection is only a delay."""
        wake = keys.wake(self.bot).encode()
        while True:
            try:
                async with self.client.pubsub() as channel:
                    await channel.subscribe(keys.wake(self.bot), keys.signals(self.bot))
                    while True:
                        message = await channel.get_message(ignore_subscribe_messages=True, timeout=None)
                        if message is None:
                            continue
                        words = message["data"].decode().split()
                        if message["channel"] == wake:
                            for shard in words:
                                self.on_wake(int(shard))
                        elif len(words) == 3:
                            self.on_signal(words[1], words[0], words[2])
            except (RedisError, OSError, ValueError):
                await self.clock.sleep(AGAIN_SECONDS)

    def tell(self, shards: Iterable[int]) -> None:
        """Say that these shards have work, without waiting for it to be said."""
        if not self.alone:
            task = asyncio.get_running_loop().create_task(self.wake(shards))
            self._telling.add(task)
            task.add_done_callback(self._telling.discard)

    async def wake(self, shards: Iterable[int]) -> None:
        """Say that these shards have work."""
        if not self.alone:
            await self._publish(keys.wake(self.bot), " ".join(map(str, shards)))

    async def signal(self, what: str, lane: str, token: str) -> None:
        """Say that a turn is to stop or to give back."""
        await self._publish(keys.signals(self.bot), f"{what} {lane} {token}")

    async def _publish(self, channel: str, text: str) -> None:
        try:
            await self.client.publish(channel, text)
        except (RedisError, OSError):
            return  # a hint only: the round of a second finds what it would have told
