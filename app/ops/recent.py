"""The last errors that somebody was told of, with the id that the person was given; for /status, in every process.

Kinds only: what was written or answered stands nowhere here, nor does any exception's text.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from app.core import keys
from app.core.clock import Clock
from app.core.redis import translate
from app.ops.status import span

KEPT, SHOWN = 50, 5
KEPT_SECONDS = 7 * 86_400


@dataclass(slots=True, eq=False)
class Recent:
    """Call it with an id and a kind; nothing is waited for, and Redis being away costs no turn anything."""

    client: Redis
    bot: int
    clock: Clock
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    def __call__(self, error_id: str, kind: str) -> None:
        """Note an error."""
        line = f"{error_id}|{self.clock.now():.0f}|{kind}"
        task = asyncio.get_running_loop().create_task(self._keep(line))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def lines(self) -> list[str]:
        """The newest, one line each. Raises StoreError."""
        try:
            found: Any = await self.client.lrange(keys.errors(self.bot), 0, SHOWN - 1)
        except (RedisError, OSError) as error:
            raise translate(error) from error
        return [_line(one.decode(), self.clock.now()) for one in found]

    async def _keep(self, line: str) -> None:
        key = keys.errors(self.bot)
        pipe: Any = self.client.pipeline(transaction=False)
        pipe.lpush(key, line).ltrim(key, 0, KEPT - 1).expire(key, KEPT_SECONDS)
        try:
            await pipe.execute()
        except (RedisError, OSError) as error:
            structlog.get_logger().warning("an error could not be noted for /status", why=type(error).__name__)


def _line(noted: str, now: float) -> str:
    error_id, at, kind = noted.split("|", 2)
    return f"Error {error_id}: {kind}, {span(now - float(at))} ago"
