"""Memory follows CONCURRENCY, not the backlog."""

from __future__ import annotations

import pytest

from tests.chaos.conftest import Bots
from tests.support.remote import Remote

pytestmark = pytest.mark.chaos

PEAK_MB = 120


async def test_memory_stays_small_with_4000_waiting(world: Remote, bots: Bots) -> None:
    bot = await bots(concurrency=256).start()
    world.model(delay_ms=5000)
    world.add(4000, chats=1000)
    await world.reach(20, confirmed=3900, running=256)
    assert bot.memory_mb() <= PEAK_MB
    world.model(delay_ms=0)
    await world.reach(30, ended=4000)
    world.clean()
    assert bot.memory_mb() <= PEAK_MB
    assert world.status["peak"] <= 256


@pytest.mark.soak
@pytest.mark.timeout(300)
async def test_memory_stays_small_and_flat_with_50000_waiting(world: Remote, bots: Bots) -> None:
    bot = await bots(concurrency=256).start()
    world.model(delay_ms=2000)
    world.add(10_000, chats=5000)
    await world.reach(60, confirmed=9900)
    early = bot.memory_mb()
    world.add(40_000, chats=5000)
    await world.reach(120, confirmed=49_900)
    assert bot.memory_mb() <= PEAK_MB
    assert bot.memory_mb() <= early + 10, "it grows with what waits"
    assert world.status["peak"] <= 256
