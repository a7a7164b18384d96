"""Redis is away for longer than a lease, or full, or a replica; a demo is killed: nothing twice, and back at once."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from redis.asyncio import Redis

from app.chain.bot import Bot as Process
from app.core.claims import Claim
from app.core.clock import Real
from app.core.outcome import End, Outcome
from app.core.redis import connect
from app.core.updates import Incoming
from app.lanes.lanes import Lanes
from app.lanes.pipe import Pipe
from app.runner.leases import Leases
from app.runner.runner import Runner
from tests.support.demo import ADA, GRACE, Demo, get
from tests.support.ports import free_ports
from tests.support.valkey import Valkey
from tests.support.wait import takes, until

LEASE_SECONDS = 1.0
ANSWER_SECONDS = 0.4  # what the pipe waits for an answer; shorter than a lease, so requests are repeated meanwhile


@pytest.fixture
def server() -> Iterator[Valkey]:
    server = Valkey().start()
    yield server
    with contextlib.suppress(ProcessLookupError):
        server.thaw()
    server.close()


class Worker:
    """A worker process's runner on real lanes; what it sends is only counted."""

    def __init__(self, lanes: Lanes, shown: Counter[str]) -> None:
        self.lanes, self.shown = lanes, shown
        self.runner = Runner(lanes, (0,), 8, Real(), lambda text, error: None, self.work)
        self.leases = Leases(lanes, self.runner.turns, Real(), lambda text, error: None)
        self.sending = 0
        self.free = asyncio.Event()
        """Telegram answers."""
        self.free.set()

    async def work(self, claim: Claim) -> Outcome:
        """A send within the journal, as the outbox makes it; a doubtful one may be repeated once."""
        op = self.lanes.operation()
        mark = await self.lanes.mark(claim, 1, op, "yes", 0, 3, first=True)
        if mark.kind == "grant":
            claim.op, claim.sending = op, True
            self.sending += 1
            await takes(0.05)
            await self.free.wait()
            self.shown[claim.entries[0].uids] += 1
            claim.sending, claim.shown = False, True
        return End("answered")


@contextlib.asynccontextmanager
async def worker(server: Valkey, shown: Counter[str]) -> AsyncIterator[Worker]:
    stores = connect(server.url, answer_seconds=ANSWER_SECONDS)
    pipe = Pipe(stores.work, Real())
    made = Worker(Lanes(pipe, Real(), 1, 1, f"w{id(stores):x}", LEASE_SECONDS), shown)
    loops = (pipe.run, made.runner.run, made.leases.renew, made.leases.watch)
    tasks = [asyncio.ensure_future(loop()) for loop in loops]
    try:
        yield made
        assert [task.exception() for task in tasks if task.done()] in ([], [None]), "a loop ended"
    finally:
        rest = [*tasks, *(turn.task for turn in made.runner.turns if turn.task), *made.runner._owed]
        for task in rest:
            task.cancel()
        await asyncio.wait(rest)
        await stores.close()


def written(count: int) -> list[Incoming]:
    return [Incoming(n, str(n), 9, 0, 0, n, "", "m", b"hello") for n in range(1, count + 1)]


@pytest.mark.parametrize("many", [1, 6, 30])
async def test_an_outage_longer_than_a_lease_shows_nothing_twice(server: Valkey, many: int) -> None:
    shown: Counter[str] = Counter()
    async with worker(server, shown) as one:
        stored = await one.lanes.store(0, written(many))
        one.runner.kick(0, stored.ready)
        await until(lambda: one.sending >= min(many, 8))
        server.freeze()
        began = time.monotonic()
        await until(lambda: time.monotonic() > began + 2.5 * LEASE_SECONDS, what="the leases to end")
        server.thaw()
        await until(lambda: len(shown) == many and not one.runner.turns.live, seconds=30)
        async with Redis(unix_socket_path=server.socket) as redis:
            await empty(redis)
    assert {uids: count for uids, count in shown.items() if count != 1} == {}


async def test_an_outage_that_begins_between_a_claim_and_an_end_shows_nothing_more_than_twice(server: Valkey) -> None:
    """The look reaches Redis before the ends, and finds leases that are over."""
    shown: Counter[str] = Counter()
    async with worker(server, shown) as one:
        one.free.clear()
        stored = await one.lanes.store(0, written(6))
        one.runner.kick(0, stored.ready)
        await until(lambda: one.sending == 6)
        server.freeze()
        began = time.monotonic()
        one.runner.look()
        await until(
            lambda: not one.runner._quiet.is_set() and not one.lanes.pipe._back and not one.lanes.pipe._front,
            what="the look to leave",
        )
        one.free.set()
        await until(lambda: time.monotonic() > began + 2.5 * LEASE_SECONDS, what="the leases to end")
        server.thaw()
        await until(lambda: len(shown) == 6 and not one.runner.turns.live, seconds=30)
        async with Redis(unix_socket_path=server.socket) as redis:
            await empty(redis)
    assert max(shown.values()) <= 2  # the named window: a claim may reach Redis before the end it overtakes


@pytest.mark.parametrize("many", [6, 16])
async def test_an_outage_longer_than_a_lease_shows_nothing_more_than_twice_where_two_work(
    server: Valkey, many: int
) -> None:
    shown: Counter[str] = Counter()
    async with worker(server, shown) as one, worker(server, shown) as two:
        stored = await one.lanes.store(0, written(many))
        for each in (one, two):
            each.runner.kick(0, stored.ready)
        await until(lambda: one.sending + two.sending >= min(many, 8))
        server.freeze()
        began = time.monotonic()
        await until(lambda: time.monotonic() > began + 2.5 * LEASE_SECONDS, what="the leases to end")
        server.thaw()
        await until(lambda: len(shown) == many and not one.runner.turns.live and not two.runner.turns.live, seconds=30)
        async with Redis(unix_socket_path=server.socket) as redis:
            await empty(redis)
    assert max(shown.values()) <= 2  # the named window: a claim may reach Redis before the end it overtakes


async def empty(redis: Redis) -> None:
    async def gone() -> bool:
        return not await redis.keys("*:lane:*")

    await until(gone, what="all lanes to be empty")


@pytest.mark.alone
async def test_a_drain_while_redis_is_frozen_ends_within_its_seconds(server: Valkey) -> None:
    shown: Counter[str] = Counter()
    async with worker(server, shown) as one:
        stored = await one.lanes.store(0, written(8))
        one.runner.kick(0, stored.ready)
        await until(lambda: one.sending)
        server.freeze()
        began = time.monotonic()
        await one.runner.drain(2.0, asyncio.Event())
        assert time.monotonic() - began <= 2.2


async def test_a_store_that_only_reads_counts_as_down_until_it_writes_again(server: Valkey) -> None:
    none = cast(Any, None)
    async with worker(server, Counter()) as one, Redis(unix_socket_path=server.socket) as redis:
        ready = Process(
            one.lanes.pipe, one.runner, one.leases, none, none, none, none, none, none, frozenset()
        ).ready()["redis"]
        await one.lanes.presence(30)
        assert await ready() == ""
        await redis.replicaof("127.0.0.1", "9")
        beat = asyncio.ensure_future(one.lanes.presence(30))

        async def down() -> bool:
            return "Redis" in await ready()

        async def well() -> bool:
            return await ready() == ""

        await until(down)
        assert not beat.done()
        await redis.replicaof("NO", "ONE")
        assert await asyncio.wait_for(beat, 5) >= 1
        await until(well)


async def test_readyz_of_the_command_tells_of_a_redis_that_only_reads(tmp_path: Path, server: Valkey) -> None:
    port = free_ports(1)[0]
    demo = Demo(tmp_path, web_port=port, redis_url=server.url)
    try:
        await demo.start()
        url = f"http://127.0.0.1:{port}/readyz"
        await until(lambda: get(url)[0] == 200)
        async with Redis(unix_socket_path=server.socket) as redis:
            await redis.replicaof("127.0.0.1", "9")
            await until(lambda: get(url)[0] == 503, seconds=30)
            await redis.replicaof("NO", "ONE")
        await until(lambda: get(url)[0] == 200, seconds=30)
        assert demo.running
    finally:
        demo.close()


async def test_a_full_redis_ends_no_process_and_it_stops_in_time(tmp_path: Path, server: Valkey) -> None:
    async with Redis(unix_socket_path=server.socket) as redis:
        demo = Demo(tmp_path, redis_url=server.url, drain_seconds=5, lease_seconds=3)
        try:
            await demo.start()
            await redis.config_set("maxmemory", 1)
            async with demo.someone(ADA) as ada:
                question = await ada.say("Hello")
                await until(lambda: "out of memory" in demo.output, seconds=30, what="a word about the memory")
                assert demo.running, demo.tail()
                await redis.config_set("maxmemory", 0)
                await ada.answer(question, 12)
            await redis.config_set("maxmemory", 1)
            assert await demo.stop(8) <= 6
        finally:
            await redis.config_set("maxmemory", 0)
            demo.close()


@pytest.mark.alone
async def test_a_killed_demo_answers_again_within_three_seconds_of_its_start(tmp_path: Path) -> None:
    demo = Demo(tmp_path)
    try:
        await demo.start()
        async with demo.someone(ADA) as ada, demo.someone(GRACE) as grace:
            await ada.answer(await ada.say("Hello"))
            await grace.say("Tell me a long story")
            demo.kill()
        await demo.start()
        began = time.monotonic()
        async with demo.someone(ADA) as ada, demo.someone(GRACE) as grace:
            await ada.answer(await ada.say("Are you back?"), 3)
            [asked] = [m for m in await grace.read() if m["text"] == "Tell me a long story"]
            await grace.until(lambda: bool(grace.answers(asked)), 3, "the answer that was on its way")
            assert time.monotonic() - began <= 3
            assert len(grace.answers(asked)) == 1
    finally:
        demo.close()
