"""A model that says how long it loads: it is waited for and that is told, or nobody waits in vain."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from redis.asyncio import Redis

from app.core import keys
from app.core.clock import Manual
from app.core.errors import ModelDown
from app.model.base import Prompt, whole
from app.model.failover import Failover
from app.model.health import Health
from app.model.keypool import KeyPool
from app.model.retries import Fate, Passing
from tests.support.clocked import Clocked
from tests.support.wait import until
from tests.unit.model.provider import ASK, Books, Provider, bare

K = "sk-of-this-test"


def loads(seconds: float) -> Passing:
    return Passing(ModelDown("503 loading"), seconds, loading=True, fate=Fate.REFUSED)


class World:
    """Two endpoints, and a person who hears what is said of loading."""

    def __init__(self, redis: Redis) -> None:
        self.clock = Manual()
        self.told: list[float] = []
        store = Clocked(redis, self.clock)
        health: Any = Health(store, keys.health(1), self.clock)
        self.first, self.second = Provider(self.clock, "a"), Provider(self.clock, "b", "http://b.test/v1")
        self.pools = [KeyPool(p, [bare(K)], health, Books(), self.clock) for p in (self.first, self.second)]  # type: ignore[arg-type]
        self.health = health

    async def _told(self, seconds: float) -> None:
        self.told.append(seconds)

    def ask(self, *pools: KeyPool) -> asyncio.Task[Any]:
        model = Failover(pools, self.health, self.clock)
        return asyncio.create_task(whole(model, Prompt(ASK.messages, on_loading=self._told)))


@pytest.fixture
def world(redis: Redis) -> World:
    return World(redis)


@pytest.mark.parametrize("estimate", [20.0, 58.0])
async def test_a_person_is_told_of_a_model_that_loads_and_it_is_waited_for(world: World, estimate: float) -> None:
    world.first.answers[K] = loads(estimate)
    task = world.ask(world.pools[0])
    await until(lambda: world.clock.sleeping, what="the wait for the model")
    assert world.told == [estimate], "as it was estimated"
    world.first.answers.clear()
    await world.clock.advance(estimate)
    assert (await task)[0] == "Hi!"
    assert world.first.clocks_given[-1] is None, "its first word may take as long as ever"


@pytest.mark.parametrize("estimate", [61.0, 300.0, 1e30])
async def test_a_model_that_loads_for_longer_than_anybody_waits_is_told_at_once(world: World, estimate: float) -> None:
    world.first.answers[K] = loads(estimate)
    with pytest.raises(ModelDown):
        await world.ask(world.pools[0])
    assert world.clock.monotonic() == 0
    assert world.told == [], "nobody is promised an answer"


@pytest.mark.parametrize("estimate", [20.0, 300.0])
async def test_where_another_can_answer_a_model_that_loads_is_not_waited_for(world: World, estimate: float) -> None:
    world.first.answers[K] = loads(estimate)
    assert (await world.ask(*world.pools))[0] == "Hi!"
    assert len(world.second.asked) == 1
    assert world.clock.monotonic() == 0
    assert world.told == []
