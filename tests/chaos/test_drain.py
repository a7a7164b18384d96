"""SIGTERM: out within 25 s with exit code 0, nothing lost, and no attempt counted for what was given back."""

from __future__ import annotations

import signal
import time

import pytest

from tests.chaos.conftest import Bots
from tests.support.remote import Remote

pytestmark = pytest.mark.chaos


async def test_sigterm_with_5000_waiting_ends_in_time_and_all_is_answered_after_a_restart(
    world: Remote, bots: Bots
) -> None:
    bot = await bots(concurrency=100, lease_seconds=5).start()
    world.model(delay_ms=3000)
    world.add(5000, chats=250)
    await world.reach(20, confirmed=4900)
    assert await bot.stop(25) < 25
    world.model(delay_ms=0)
    await bot.start()
    await world.reach(35, ended=5000)
    world.clean()


async def test_turns_that_do_not_end_in_time_are_given_back_without_counting(world: Remote, bots: Bots) -> None:
    bot = await bots(attempts=1, drain_seconds=1, concurrency=20).start()
    world.model(delay_ms=60_000)
    world.add(60, chats=30)
    await world.reach(running=20)
    assert await bot.stop(8) < 8
    world.model(delay_ms=0)
    started = time.monotonic()
    await bot.start()
    await world.reach(15, ended=60)
    assert time.monotonic() - started < 10, "its claims were not given back: they had to expire"
    world.clean()


async def test_turns_that_end_in_time_are_let_finish(world: Remote, bots: Bots) -> None:
    bot = await bots().start()
    world.model(delay_ms=1500)
    world.add(20, chats=20)
    await world.reach(running=20)
    await bot.stop(10)
    assert world.status["answered"] == 20
    world.clean()


async def test_a_second_signal_ends_at_once(world: Remote, bots: Bots) -> None:
    bot = await bots(drain_seconds=25).start()
    world.model(delay_ms=60_000)
    world.add(20, chats=20)
    await world.reach(running=20)
    polls = world.status["polls"]
    bot.signal(signal.SIGTERM)
    world.say(5000, "who is there?")
    bot.signal(signal.SIGINT)
    assert await bot.ended(3) == 0
    assert world.status["polls"] <= polls + 1
    world.model(delay_ms=0)
    await bot.start()
    await world.reach(20, ended=21)
    world.clean()


async def test_an_idle_bot_ends_in_five_seconds_on_ctrl_c(world: Remote, bots: Bots) -> None:
    bot = await bots().start()
    world.say(1000, "hello")
    await world.reach(ended=1)
    bot.signal(signal.SIGINT)
    assert await bot.ended(5) == 0


async def test_a_drain_hands_the_poll_over_at_once(world: Remote, bots: Bots) -> None:
    first = await bots(lease_seconds=15).start()
    await first.stop(5)
    started = time.monotonic()
    await bots(lease_seconds=15).start()
    assert time.monotonic() - started < 8, "the poller's lease was not given up"
