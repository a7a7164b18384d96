"""The lanes as a process has them, on a real server."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from app.core.clock import Real
from app.core.redis import connect
from app.lanes.lanes import Lanes
from app.lanes.pipe import Pipe


@pytest.fixture
async def lanes(valkey: str) -> AsyncIterator[Lanes]:
    """Sixteen empty shards."""
    stores = connect(f"unix://{valkey}")
    await stores.work.flushall()
    pipe = Pipe(stores.work, Real())
    running = asyncio.create_task(pipe.run())
    yield Lanes(pipe, Real(), bot=1, shards=16, worker="w")
    running.cancel()
    await stores.close()
