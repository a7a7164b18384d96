"""Script calls on a real Redis whose TIME is a clock that the test owns."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import RedisError

from app.core.clock import Clock
from app.core.redis import translate
from app.core.script import Script


class Clocked:
    """What app/lanes/pipe.py does, at once; ``asked`` counts the calls of each script."""

    def __init__(self, redis: Redis, clock: Clock) -> None:
        self.redis = redis
        self.clock = clock
        self.asked: Counter[str] = Counter()
        self.error: Exception | None = None
        """Raised by every call, if set."""
        self.before: Callable[[str], None] = lambda name: None
        """Told the script's name before it runs."""

    def call(self, script: Script, key: str, args: tuple[Any, ...], *, front: bool = False) -> asyncio.Future[Any]:
        return asyncio.ensure_future(self._run(script, key, args))

    async def _run(self, script: Script, key: str, args: tuple[Any, ...]) -> Any:
        self.asked[script.name] += 1
        self.before(script.name)
        if self.error is not None:
            raise self.error
        now = self.clock.now()
        time = f"{{'{int(now)}', '{int(now % 1 * 1_000_000)}'}}"
        try:
            return await self.redis.eval(script.text.replace("redis.call('TIME')", time), 1, key, *args)
        except RedisError as error:
            raise translate(error) from error
