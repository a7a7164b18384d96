"""Several processes on one Redis: one that dies is covered by the others; one that sleeps and wakes harms nobody."""

from __future__ import annotations

import signal

import pytest
from redis import Redis

from tests.chaos.conftest import Bots
from tests.support.bot import Bot
from tests.support.remote import Remote
from tests.support.valkey import Valkey
from tests.support.wait import until

pytestmark = pytest.mark.chaos

DOUBLES = 8
"""Of one kill; two a kill is the promise on average, which test_kills.py holds over ten."""


async def pair(bots: Bots, durable: Valkey, **settings: object) -> tuple[Bot, Bot]:
    """A process that polls and a second that does not."""
    first = await bots(lease_seconds=3, attempts=20, **settings).start()
    second = bots(lease_seconds=3, attempts=20, **settings).launch()
    with Redis(unix_socket_path=durable.socket) as redis:

        def living() -> bool:
            assert second.running, second.tail()
            return bool(redis.zcard("lk:{4242}:processes") == 2)

        await until(living, seconds=30, what="two live processes")
    return first, second


@pytest.mark.parametrize("victim", ["poller", "worker"])
async def test_one_of_two_killed_loses_nothing(world: Remote, bots: Bots, durable: Valkey, victim: str) -> None:
    first, second = await pair(bots, durable)
    world.model(delay_ms=300)
    world.add(1200, chats=100, rate=150)
    await world.reach(ended=200)
    (first if victim == "poller" else second).kill()
    await world.reach(30, ended=1200)
    world.clean(doubles=DOUBLES)
    assert world.latency("")["max"] < 20, "a dead worker's lanes run again within 20 s"


async def test_a_zombie_that_wakes_after_its_lease_says_nothing_twice(
    world: Remote, bots: Bots, durable: Valkey
) -> None:
    first, _ = await pair(bots, durable)
    world.model(delay_ms=1000)
    world.add(60, chats=60)
    await world.reach(running=30)
    first.signal(signal.SIGSTOP)
    await world.reach(25, ended=60)
    first.signal(signal.SIGCONT)
    world.add(40, chats=20, first=5000)
    await world.reach(20, ended=100)
    verdict = world.verdict
    assert verdict["doubles"] == 0, verdict
    world.clean(overlaps=60)


async def test_five_processes_started_and_stopped_under_load_keep_every_promise(world: Remote, bots: Bots) -> None:
    world.model(delay_ms=100)
    running = [await bots(lease_seconds=5).start()]
    world.add(1500, chats=60, rate=120)
    for _ in range(4):
        running.append(bots(lease_seconds=5).launch())
        await world.reach(ended=world.status["ended"] + 120)
        await running.pop(0).stop(10)
        assert running[0].running, running[0].tail()
    await world.reach(30, ended=1500)
    world.clean()


async def test_intake_and_work_may_be_two_processes(world: Remote, bots: Bots) -> None:
    worker = bots(lease_seconds=3).launch("run", "--role", "worker")
    intake = bots(lease_seconds=3).launch("run", "--role", "ingress")
    world.add(250, chats=40, rate=100)
    await world.reach(20, ended=160)
    worker.kill()
    worker.launch("run", "--role", "worker")
    await world.reach(20, ended=250)
    assert intake.running, intake.tail()
    world.clean(doubles=DOUBLES)


async def test_one_poller_at_a_time(world: Remote, bots: Bots, durable: Valkey) -> None:
    await pair(bots, durable)
    world.add(50, chats=10, rate=50)
    await world.reach(ended=50)
    assert world.status["conflicts"] == 0
    world.clean()
