"""The manual clock: time passes only when a test says so."""

import asyncio

from app.core.clock import Manual, settle


async def test_sleepers_wake_in_the_order_of_their_times() -> None:
    clock, woken = Manual(), []

    async def sleeper(seconds: float) -> None:
        await clock.sleep(seconds)
        woken.append((seconds, clock.monotonic()))

    tasks = [asyncio.create_task(sleeper(seconds)) for seconds in (3, 1, 2)]
    await settle()
    assert clock.sleeping == 3
    await clock.advance(2.5)
    assert woken == [(1, 1), (2, 2)]
    await clock.advance(1)
    assert woken[-1] == (3, 3)
    await asyncio.gather(*tasks)


async def test_who_sleeps_again_is_woken_within_the_same_advance() -> None:
    clock, ticks = Manual(now=100.0), []

    async def ticker() -> None:
        while True:
            await clock.sleep(1)
            ticks.append(clock.now())

    task = asyncio.create_task(ticker())
    await settle()
    await clock.advance(3)
    assert ticks == [101, 102, 103]
    task.cancel()
    await settle()
    assert clock.sleeping == 0
