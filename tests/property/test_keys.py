"""Which key is asked, under random limits, clocks and processes: never one in penalty, always the first that may be."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from redis.asyncio import Redis

from app.core import keys
from app.core.clock import Manual
from app.core.errors import ModelBusy, ModelExhausted
from app.model.base import Chunk
from app.model.health import FRESH_SECONDS, RETURN_SECONDS, Health
from app.model.keypool import KeyPool
from tests.support.clocked import Clocked
from tests.support.wait import until
from tests.unit.model.provider import ASK, HI, Books, Provider, keys_of

SECRETS = ("sk-0", "sk-1", "sk-2")
PROCESSES = 2
LATEST_SECONDS = 0.5

waits = st.sampled_from([7.0, 2.5, 61.0, 1.0, 0.3, 0.02, 0.0])
keys_ = st.sampled_from([0, 0, 0, 1, 1, 2])
processes = st.integers(0, PROCESSES - 1)
steps = st.one_of(
    st.tuples(st.just("limit"), keys_, waits),  # from now on this key says 429, and for how long
    st.tuples(st.just("free"), keys_, st.just(0.0)),
    st.tuples(st.just("ask"), processes, st.integers(1, 6)),
    st.tuples(st.just("late"), processes, st.just(0.0)),  # a request that waits for a connection until "go"
    st.tuples(st.just("go"), st.just(0), st.just(0.0)),
    st.tuples(st.just("pass"), st.just(0), st.sampled_from([0.6, 0.26, 0.6, 1.0, 0.2, 3.0, 11.0, 70.0])),
)


class World:
    """What is promised, said by the simplest means: what each key was told, by whom, and when."""

    def __init__(self, redis: Redis) -> None:
        self.clock = Manual()
        self.store = Clocked(redis, self.clock)
        self.provider = Provider(self.clock)
        self.limited: dict[str, float] = {}
        self.told: dict[str, tuple[float, float]] = {}
        """When the key's penalty was first told, and the earliest time at which it is over."""
        self.pools = [self._pool() for _ in range(PROCESSES)]
        self.late: list[asyncio.Task[str]] = []
        self.waiting = 0
        self.room = asyncio.Event()
        self.provider.answers = dict.fromkeys(SECRETS, self._answer)

    def _pool(self) -> KeyPool:
        health = Health(self.store, keys.health(1), self.clock)
        return KeyPool(self.provider, keys_of(*SECRETS), health, Books(), self.clock)  # type: ignore[arg-type]

    def _answer(self, secret: str, _: Any) -> Chunk | ModelBusy:
        now = self.clock.monotonic()
        first, over = self.told.get(secret, (0.0, 0.0))
        if now < over - 1e-3:
            assert now - first <= LATEST_SECONDS, f"{secret} asked {now - first:.2f} s after it was told to wait"
        if secret not in self.limited:
            return HI
        wait = self.limited[secret]
        if wait:
            self.told[secret] = (first if now < over else now, max(over, now + wait))
        return ModelBusy(wait)

    async def ask(self, number: int) -> str:
        try:
            return "".join([chunk.text async for chunk in self.pools[number].stream(ASK)])
        except ModelExhausted as error:
            return "exhausted" if error.until > self.clock.now() else "told a time that is past"

    async def step(self, what: str, which: int, much: Any) -> None:
        if what == "limit":
            self.limited[SECRETS[which]] = much
        elif what == "free":
            self.limited.pop(SECRETS[which], None)
        elif what == "ask":
            said = await asyncio.gather(*(self.ask(which) for _ in range(much)))
            assert set(said) <= {"Hi!", "exhausted"}
        elif what == "pass":
            await self.clock.advance(much)
        elif what == "late":
            await self._wait_for_a_connection(which)
        else:
            await self.go()

    async def _wait_for_a_connection(self, number: int) -> None:
        """One more request that was allowed, and has no connection yet."""
        room, before = self.room, self.waiting

        async def pause(_: str) -> None:
            self.waiting += 1
            await room.wait()

        self.provider.pause = pause
        task = asyncio.create_task(self.ask(number))
        await until(lambda: self.waiting > before or task.done(), what="a wait for a connection")
        self.provider.pause = None
        self.late.append(task)

    async def go(self) -> None:
        self.room.set()
        await asyncio.gather(*self.late)
        self.late, self.room = [], asyncio.Event()

    async def never_stuck(self) -> None:
        """Once nothing is limited and every penalty is over, everybody is answered by the primary."""
        await self.go()
        self.limited = {}
        await self.clock.advance(61 + RETURN_SECONDS + FRESH_SECONDS)
        self.provider.asked = []
        for number in range(PROCESSES):
            assert [await self.ask(number) for _ in range(3)] == ["Hi!"] * 3
        assert set(self.provider.secrets) == {SECRETS[0]}


@pytest.fixture
def run(valkey: str) -> Callable[[list[Any]], None]:
    async def all_of(taken: list[Any]) -> None:
        async with Redis(unix_socket_path=valkey) as redis:
            await redis.flushall()
            world = World(redis)
            for step in taken:
                await world.step(*step)
            await world.never_stuck()

    return lambda taken: asyncio.run(all_of(taken))


@example([("ask", 0, 1), ("limit", 0, 7.0), ("ask", 1, 1), ("pass", 0, 0.6), ("ask", 0, 1)])
@example([("late", 0, 0.0), ("limit", 0, 7.0), ("ask", 1, 1), ("pass", 0, 0.6), ("go", 0, 0.0)])
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(steps, min_size=5, max_size=40))
def test_no_key_is_asked_in_its_penalty_and_nobody_is_stuck(run: Callable[[list[Any]], None], taken: list[Any]) -> None:
    run(taken)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(keys_, st.sampled_from([5.0, 20.0, 90.0])), min_size=1, max_size=3), processes)
def test_the_first_key_that_may_be_asked_is_asked(valkey: str, limited: list[tuple[int, float]], who: int) -> None:
    async def check() -> None:
        async with Redis(unix_socket_path=valkey) as redis:
            await redis.flushall()
            world = World(redis)
            for number, wait in limited:
                world.limited[SECRETS[number]] = wait
            ends = {secret: world.limited.get(secret, 0.0) for secret in SECRETS}
            await world.ask(0)
            told = {secret: over for secret, (_, over) in world.told.items()}
            assert all(told[secret] == pytest.approx(ends[secret]) for secret in told)
            world.limited = {}
            for _ in range(30):
                await world.clock.advance(4.0)
                now, before = world.clock.monotonic(), len(world.provider.asked)
                expected = next((s for s in SECRETS if told.get(s, 0.0) <= now), None)
                said = await world.ask(who)
                assert world.provider.secrets[before:] == ([expected] if expected else [])
                assert said == ("Hi!" if expected else "exhausted")

    asyncio.run(check())
