"""Our whole model stack, as main.py puts it together, on a real Valkey, pointed at servers that we did not write."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from app.core.clock import Real
from app.core.connections import Connections
from app.core.redis import connect
from app.core.settings import load
from app.lanes.pipe import Pipe
from app.model.choose import choose
from tests.foreign.caller import Caller

BOT = 77


@pytest.fixture
async def caller(redis: Redis, valkey: str, tmp_path: Path) -> AsyncIterator[Callable[..., Caller]]:
    """Makes one who asks; settings are given by their names, as the environment would."""
    clock, stores = Real(), connect(f"unix://{valkey}")
    pipe = Pipe(stores.work, clock)
    running = asyncio.create_task(pipe.run())
    async with Connections(concurrency=100) as connections:

        def make(url: str, **more: Any) -> Caller:
            chosen = {"model_base_url": url, "model_name": "mock", "model_api_keys": "sk-one", "model_gap_seconds": 1}
            settings = load({name.upper(): str(value) for name, value in (chosen | more).items()}, tmp_path)
            return Caller(choose(settings, connections, clock, pipe, stores.work, BOT), clock)

        yield make
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await stores.close()
