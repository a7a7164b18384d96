"""Redis dies and comes back: nothing confirmed is lost, no answer leaves without a right, and all resumes by itself."""

from __future__ import annotations

import pytest

from tests.chaos.conftest import Bots
from tests.support.remote import Remote
from tests.support.valkey import Valkey
from tests.support.wait import until

pytestmark = pytest.mark.chaos


@pytest.mark.parametrize("outage", [1.0, 5.0])
async def test_redis_killed_and_started_again_loses_nothing(
    world: Remote, bots: Bots, durable: Valkey, outage: float
) -> None:
    bot = await bots(lease_seconds=3).start()
    world.model(delay_ms=200)
    world.add(1500, chats=100, rate=150)
    await world.reach(ended=200)
    durable.kill()
    gone = world.status
    await world.reach(handed=gone["handed"])
    written = gone["inputs"] + int(outage * 150)
    await world.reach(outage + 5, inputs=written)
    held = world.status
    assert held["confirmed"] <= gone["confirmed"] + 200, "it confirmed what it could not store"
    assert bot.running, bot.tail()
    durable.start()
    await world.reach(30, ended=1500)
    world.clean(doubles=0)
    assert world.status["polls"] < 1500, "it polled in a hot loop"


async def test_redis_frozen_for_longer_than_the_leases_loses_and_doubles_nothing(
    world: Remote, bots: Bots, durable: Valkey
) -> None:
    await bots(lease_seconds=2).start()
    world.model(delay_ms=300)
    world.add(900, chats=100, rate=150)
    await world.reach(ended=100)
    durable.freeze()
    await world.reach(10, inputs=world.status["inputs"] + 600)
    durable.thaw()
    await world.reach(30, ended=900)
    world.clean()


async def test_no_redis_at_the_start_is_said_retried_and_nothing_is_confirmed(
    world: Remote, bots: Bots, durable: Valkey
) -> None:
    durable.kill()
    world.add(20, chats=5)
    bot = bots().launch()
    await until(lambda: "redis" in bot.log.lower() or not bot.running, seconds=30, what="a line about Redis")
    world.do("wait", seconds=3, polls=1 << 60)
    assert bot.running, bot.tail()
    assert "Traceback" not in bot.log
    assert len(bot.log.splitlines()) < 30, "it floods its log"
    assert world.status["confirmed"] == 0
    durable.start()
    await world.reach(30, ended=20)
    world.clean()


async def test_a_redis_address_where_nobody_listens_is_named_without_its_password(world: Remote, bots: Bots) -> None:
    bot = bots(redis_url="redis://:hunter2secret@127.0.0.1:9/0").launch()
    await until(lambda: "redis" in bot.log.lower() or not bot.running, seconds=30, what="a line about Redis")
    assert bot.running, bot.tail()
    assert "hunter2secret" not in bot.log
    assert "Traceback" not in bot.log
