"""What one process was told, all obey; a penalty ends when it was said to, and what returns is not overrun."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from redis.asyncio import Redis

from app.core import keys
from app.core.clock import Manual, settle
from app.core.errors import StoreDown, StoreFull
from app.model.asked import MOST_SECONDS
from app.model.health import BUSY, FRESH_SECONDS, ILL, UNPAID, Health
from tests.support.clocked import Clocked
from tests.support.wait import turns

KEY = keys.health(1)


@pytest.fixture
def clock() -> Manual:
    return Manual()


@pytest.fixture
def store(redis: Redis, clock: Manual) -> Clocked:
    return Clocked(redis, clock)


@pytest.fixture
def process(store: Clocked, clock: Manual) -> Callable[[], Health]:
    return lambda: Health(store, KEY, clock)


async def busy(health: Health, wait: float = 0.0, field: str = "ka") -> bool:
    return await health.cool(field, health.get(field).gen, "busy", wait, BUSY)


async def left(health: Health, field: str = "ka") -> float:
    await health.refresh()
    return round(health.get(field).until - health.now, 3)


async def test_a_named_time_is_obeyed_to_the_second_in_every_process(
    process: Callable[[], Health], clock: Manual
) -> None:
    one, two = process(), process()
    assert await busy(one, 7.5)
    assert await left(two) == 7.5
    await clock.advance(7.4)
    assert await left(two) == 0.1
    await clock.advance(0.1)
    assert await left(two) <= 0


async def test_without_a_time_the_pauses_double_to_a_minute_whoever_was_told(
    process: Callable[[], Health], clock: Manual
) -> None:
    processes = [process(), process()]
    pauses = []
    for number in range(8):
        health = processes[number % 2]
        await health.refresh()
        assert await busy(health)
        pauses.append(await left(health))
        await clock.advance(pauses[-1])
    assert pauses == [1, 2, 4, 8, 16, 32, 60, 60]


async def test_a_success_lets_the_pauses_begin_anew(process: Callable[[], Health], clock: Manual) -> None:
    health = process()
    await busy(health)
    await clock.advance(1)
    await busy(health)
    await clock.advance(2)
    await health.well("ka", health.get("ka").gen, spared=True)
    assert health.get("ka").count == 0
    assert await busy(health)
    assert await left(health) == 1


async def test_a_success_from_before_the_refusal_says_nothing(process: Callable[[], Health]) -> None:
    health = process()
    before = health.get("ka").gen
    await busy(health)
    await health.well("ka", before, spared=True)
    assert health.get("ka").count == 1
    assert await left(health) == 1


async def test_a_burst_of_refusals_counts_once_but_the_latest_time_holds(
    process: Callable[[], Health], clock: Manual
) -> None:
    one, two = process(), process()
    news = [await busy(health) for health in (one, two) for _ in range(1)]
    news += [await one.cool("ka", 0, "busy", 0.0, BUSY) for _ in range(50)]
    assert news == [True] + [False] * 51
    assert await left(two) == 1
    await two.cool("ka", 0, "busy", 5.0, BUSY)
    await one.cool("ka", 0, "busy", 3.0, BUSY)
    assert await left(one) == 5


async def test_a_view_is_fetched_on_demand_shared_and_never_while_idle(
    process: Callable[[], Health], store: Clocked, clock: Manual
) -> None:
    health = process()
    await asyncio.gather(*(health.refresh() for _ in range(300)))
    assert store.asked["health"] == 1
    await clock.advance(60)
    assert store.asked["health"] == 1
    for _ in range(100):
        if not health.fresh:
            await health.refresh()
        await clock.advance(0.01)
    assert store.asked["health"] <= 1 + 1 / FRESH_SECONDS + 1
    assert set(store.asked) == {"health"}


async def test_what_this_process_was_told_counts_before_redis_knows(
    process: Callable[[], Health], store: Clocked
) -> None:
    health = process()
    await health.refresh()
    told = asyncio.create_task(busy(health, 3))
    await turns()
    assert health.get("ka").until - health.now == pytest.approx(3, abs=0.01)
    assert await told


async def test_a_refusal_that_redis_does_not_note_is_obeyed_here_and_said(store: Clocked, clock: Manual) -> None:
    said: list[str] = []
    health = Health(store, KEY, clock, said.append)
    store.error = StoreFull("full")
    assert not await busy(health, 3)
    store.error = None
    assert await left(health) == 3
    assert len(said) == 1
    await clock.advance(3.5)
    assert await left(health) < 0


async def test_a_view_that_cannot_be_had_is_an_error_for_all_who_wait(
    process: Callable[[], Health], store: Clocked
) -> None:
    health = process()
    store.error = StoreDown("away")
    results = await asyncio.gather(*(health.refresh() for _ in range(5)), return_exceptions=True)
    assert all(isinstance(result, StoreDown) for result in results)
    store.error = None
    await health.refresh()
    assert health.fresh


async def test_who_is_cancelled_takes_the_view_from_nobody(process: Callable[[], Health]) -> None:
    health = process()
    first, second = (asyncio.create_task(health.refresh()) for _ in range(2))
    await turns()
    first.cancel()
    await second
    assert health.fresh


async def test_a_key_that_returns_gets_one_request_then_twice_as_many_each_second(
    process: Callable[[], Health], clock: Manual
) -> None:
    processes = [process(), process()]
    await busy(processes[0], 5)
    await clock.advance(5)
    admitted = []
    for _ in range(5):
        waits = await asyncio.gather(*(processes[number % 2].admit("ka") for number in range(100)))
        admitted.append(sum(wait == 0 for wait in waits))
        assert all(0 < wait <= 10 for wait in waits if wait)
        await clock.advance(1)
    assert admitted == [1, 2, 4, 8, 16]
    assert processes[0].returning("ka")
    await clock.advance(5)
    assert not processes[0].returning("ka")


async def test_those_who_wait_for_a_returning_key_come_back_in_groups(
    process: Callable[[], Health], clock: Manual, store: Clocked
) -> None:
    health = process()
    await busy(health, 5)
    await clock.advance(5)
    waits = sorted(await asyncio.gather(*(health.admit("ka") for _ in range(15))))
    assert [round(wait) for wait in waits] == [0, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 3, 3, 3, 3]
    assert store.asked["health_admit"] <= 2
    assert await health.admit("ka") > 0
    assert store.asked["health_admit"] <= 2, "it is known that nobody is admitted now"


async def test_a_late_straggler_without_a_time_changes_nothing(process: Callable[[], Health], clock: Manual) -> None:
    health = process()
    await busy(health, 5)
    await clock.advance(20)
    await health.cool("ka", 0, "busy", 0.0, BUSY)
    await health.refresh()
    assert not health.returning("ka")
    assert health.get("ka").until < health.now


async def test_the_failures_of_two_endpoints_are_counted_apart(process: Callable[[], Health]) -> None:
    health = process()
    for _ in range(2):
        for field in ("ea", "eb"):
            await health.cool(field, 0, "ill", 0.0, ILL)
    assert [health.get(field).count for field in ("ea", "eb")] == [2, 2]


async def test_a_new_refusal_ends_the_return(process: Callable[[], Health], clock: Manual) -> None:
    health = process()
    await busy(health, 5)
    await clock.advance(8)
    await health.refresh()
    await busy(health, 4)
    assert await left(health) == 4
    assert not health.returning("ka")
    await clock.advance(4)
    assert [await health.admit("ka") == 0 for _ in range(3)] == [True, False, False]


async def test_a_key_without_money_rests_for_hours_and_is_news_once(
    process: Callable[[], Health], clock: Manual
) -> None:
    one, two = process(), process()
    await busy(one, 30)
    assert await one.cool("ka", 0, "unpaid", 0.0, UNPAID)
    assert not await two.cool("ka", 0, "unpaid", 0.0, UNPAID)
    assert await left(two) == 3600
    await clock.advance(3600)
    await two.refresh()
    assert await two.cool("ka", two.get("ka").gen, "unpaid", 0.0, UNPAID)
    assert await left(two) == 7200


async def test_a_straggler_does_not_soften_what_a_person_must_heal(process: Callable[[], Health]) -> None:
    health = process()
    assert await health.cool("ka", 0, "refused", 86_400, BUSY)
    await health.cool("ka", 0, "busy", 2.0, BUSY)
    assert health.get("ka").why == "refused"
    assert await left(health) == 86_400


async def test_a_key_that_a_person_healed_returns_gently(process: Callable[[], Health], clock: Manual) -> None:
    health = process()
    await health.cool("ka", 0, "refused", 86_400, BUSY)
    await busy(health, 60, "kb")
    for field in ("ka", "kb", "kc"):
        await health.revive(field)
    assert await left(health) == 0
    assert health.returning("ka")
    assert await left(health, "kb") == 60


async def test_an_endpoint_is_ill_after_some_failures_in_a_row_and_tried_by_one(
    process: Callable[[], Health], clock: Manual
) -> None:
    one, two = process(), process()

    async def fails(health: Health) -> float:
        await health.cool("ea", health.get("ea").gen, "ill", 0.0, ILL)
        return max(0.0, await left(health, "ea"))

    assert [await fails(health) for health in (one, two)] == [0, 0]
    await one.well("ea", one.get("ea").gen, spared=False)
    await two.refresh()
    assert [await fails(health) for health in (two, one, two)] == [0, 0, 5]
    await clock.advance(4)
    assert not await one.probe("ea")
    await clock.advance(1)
    assert [await health.probe("ea") for health in (two, one, two, one)] == [True, False, False, False]
    assert await fails(two) == 10
    await clock.advance(10)
    await one.refresh()
    assert await one.probe("ea")
    await one.well("ea", one.get("ea").gen, spared=False)
    await clock.advance(0.3)
    await two.refresh()
    assert two.get("ea").until == 0


async def test_a_probe_that_is_never_heard_of_again_is_followed_by_another(
    process: Callable[[], Health], clock: Manual
) -> None:
    health = process()
    for _ in range(3):
        await health.cool("ea", 0, "ill", 0.0, ILL)
    await clock.advance(5)
    assert await health.probe("ea")
    await clock.advance(36)
    assert await health.probe("ea")


async def test_redis_has_its_own_clock(redis: Redis, clock: Manual) -> None:
    theirs = Manual(clock.now() - 500)
    health = Health(Clocked(redis, theirs), KEY, clock)
    await busy(health, 5)
    assert await left(health) == 5
    assert health.now == pytest.approx(theirs.now(), abs=0.01)


async def test_a_record_that_cannot_be_read_is_no_record(
    process: Callable[[], Health], redis: Redis, clock: Manual
) -> None:
    await redis.hset(KEY, mapping={"ka": "nonsense", "kb": "1:2:x:busy:0:0"})
    health = process()
    await health.refresh()
    assert health.get("ka").until == 0
    assert await busy(health, 2)
    assert await left(health) == 2


async def test_nothing_stays_for_ever(process: Callable[[], Health], redis: Redis, clock: Manual) -> None:
    health = process()
    await busy(health, 2, "kgone")
    assert await redis.pttl(KEY) > MOST_SECONDS * 1000, "longer than any penalty"
    await clock.advance(86_400 + 10)
    await busy(health, 2, "ka")
    assert await redis.hkeys(KEY) == [b"ka"]
    await settle()
