"""What no endpoint can have meant is not believed, wherever it stands, and a person who starts anew is not stuck."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from redis.asyncio import Redis

from app.core import keys
from app.core.clock import Manual
from app.model.asked import MOST_SECONDS
from app.model.health import BUSY, FAR_SECONDS, ILL, Health
from tests.support.clocked import Clocked

KEY = keys.health(1)
DAY = 86_400


@pytest.fixture
def clock() -> Manual:
    return Manual()


@pytest.fixture
def process(redis: Redis, clock: Manual) -> Callable[[], Health]:
    store = Clocked(redis, clock)
    return lambda: Health(store, KEY, clock)


async def left(health: Health, field: str = "ka") -> float:
    await health.refresh()
    return round(health.get(field).until - health.now)


@pytest.mark.parametrize("wait", [1e12, 1e300, float("inf"), 253_402_300_799.0])
async def test_no_key_rests_for_longer_than_the_longest_window(process: Callable[[], Health], wait: float) -> None:
    one, two = process(), process()
    assert await one.cool("ka", 0, "busy", wait, BUSY)
    assert await left(one) == MOST_SECONDS
    assert await left(two) == MOST_SECONDS
    await two.cool("ka", 0, "busy", wait, BUSY)
    assert await left(one) == MOST_SECONDS


async def stored(redis: Redis, clock: Manual, seconds: float, why: str = "busy") -> None:
    """As a process of an older release may have left it."""
    now = clock.now()
    await redis.hset(KEY, "ka", f"{(now + seconds) * 1000:.0f}:{now * 1000:.0f}:0:{why}:0:0")


@pytest.mark.parametrize("why", ["busy", "refused", "ill"])
@pytest.mark.parametrize("seconds", [40 * DAY, 1e10, 1e15])
async def test_an_end_beyond_all_windows_is_no_record(
    process: Callable[[], Health], redis: Redis, clock: Manual, seconds: float, why: str
) -> None:
    await stored(redis, clock, seconds, why)
    one = process()
    await one.refresh()
    assert one.get("ka").until == 0
    assert await one.admit("ka") == 0
    assert await one.probe("ka")
    assert await one.cool("ka", one.get("ka").gen, "busy", 5.0, BUSY)
    assert await left(process()) == 5


async def test_what_was_a_mistake_does_not_become_true_with_time(
    process: Callable[[], Health], redis: Redis, clock: Manual
) -> None:
    await stored(redis, clock, 40 * DAY)
    one = process()
    await one.cool("kb", 0, "busy", 5.0, BUSY)
    await clock.advance(20 * DAY)
    await one.refresh()
    assert one.get("ka").until == 0


async def test_a_month_is_believed(process: Callable[[], Health], redis: Redis, clock: Manual) -> None:
    await stored(redis, clock, 31 * DAY)
    assert await left(process()) == 31 * DAY


async def test_who_starts_or_reloads_heals_a_key_whose_return_is_far(
    process: Callable[[], Health], clock: Manual
) -> None:
    one, two = process(), process()
    await one.cool("ka", 0, "busy", 20 * DAY, BUSY)
    await one.cool("kb", 0, "busy", FAR_SECONDS, BUSY)
    await two.refresh()
    for field in ("ka", "kb", "kc"):
        await two.revive(field)
    assert await left(one) == 0
    assert [await one.admit("ka") == 0 for _ in range(3)] == [True, False, False], "gently"
    assert await left(one, "kb") == FAR_SECONDS, "what returns soon is left to return"
    assert await one.cool("ka", one.get("ka").gen, "busy", 20 * DAY, BUSY), "it costs one request to hear it again"
    await clock.advance(1)
    assert await left(two) == 20 * DAY - 1


async def test_a_reload_also_heals_what_only_this_process_was_told(redis: Redis, clock: Manual) -> None:
    store = Clocked(redis, clock)
    one = Health(store, KEY, clock)
    store.error = OSError("away")
    with pytest.raises(OSError, match="away"):
        await one.cool("ka", 0, "busy", 20 * DAY, BUSY)
    store.error = None
    assert await left(one) == 20 * DAY
    await one.revive("ka")
    assert one.get("ka").until == 0


async def test_an_endpoints_failures_before_it_is_ill_stay_counted(process: Callable[[], Health]) -> None:
    one = process()
    for field in ("ea", "eb", "ea", "eb"):
        await one.cool(field, 0, "ill", 0.0, ILL)
    assert one.get("ea").count == 2
