"""Redis dies and comes back: nothing confirmed is lost, no answer leaves without a right, and all resumes by itself."""

from __future__ import annotations

import itertools

import msgspec
import pytest
from redis import Redis

from tests.chaos.conftest import Bots
from tests.support.demo import get
from tests.support.ports import free_ports
from tests.support.remote import Remote
from tests.support.valkey import Valkey
from tests.support.wait import until

pytestmark = pytest.mark.chaos


@pytest.mark.parametrize("outage", [pytest.param(1.0, marks=pytest.mark.soak), 5.0])
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


async def test_telegram_is_polled_on_while_redis_is_away_and_nothing_is_confirmed(
    world: Remote, bots: Bots, durable: Valkey
) -> None:
    port = free_ports(1)[0]
    bot = await bots(web_port=port).start()
    await until(lambda: world.status["polling"], what="a poll that waits")
    durable.kill()
    world.add(3, chats=3)
    held = await world.reach(handed=3)
    await world.reach(20, polled=held["polled"] + 2)
    assert world.status["confirmed"] == held["confirmed"]
    code, age = get(f"http://127.0.0.1:{port}/healthz")
    assert code == 200, age
    assert msgspec.json.decode(age)["poll_age_seconds"] < 7
    polls = [poll["at"] for poll in world.do("polls") if poll["at"] > world.look(0)["handed"]]
    assert all(later - earlier > 3 for earlier, later in itertools.pairwise(polls)), "it polls in haste"
    durable.start()
    await world.reach(15, ended=3)
    assert bot.running, bot.tail()
    world.clean()


async def test_an_operators_pause_is_obeyed_while_redis_is_full_and_confirmed_later(
    world: Remote, bots: Bots, durable: Valkey
) -> None:
    bot = await bots(operator_ids=900).start()
    world.model(delay_ms=200)
    world.add(200, chats=1)
    await world.reach(confirmed=200, ended=3)
    with Redis(unix_socket_path=durable.socket) as redis:
        redis.config_set("maxmemory", 1)
        stranger = world.say(901, "/pause all", user=901)
        await world.reach(polls=world.status["polls"] + 1)
        assert world.look(stranger)["said"] == []
        await world.reach(ended=world.status["ended"] + 3)
        command = world.say(900, "/pause all", user=900)
        await until(lambda: "pause holds" in bot.log, seconds=10, what="the pause")
        await world.reach(polls=world.status["polls"] + 1)  # what was claimed just before may begin
        await until(lambda: not world.status["running"], seconds=5, what="the end of what runs")
        asked = len(world.do("started"))
        await world.reach(polls=world.status["polls"] + 1)
        assert len(world.do("started")) == asked, "it went on after the pause"
        redis.config_set("maxmemory", 0)
    await world.replied(command, 15, "paused everywhere")
    assert len(world.do("started")) == asked
    world.model(delay_ms=0)
    resume = world.say(900, "/resume all", user=900)
    await world.replied(resume, 10, "resumed")
    await world.reach(20, ended=200)
    world.clean(remarks=1)  # whose answer the pause took back is told so
