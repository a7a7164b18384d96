"""SIGKILL at any moment: nothing is lost, nothing changes its order, and few answers are shown twice."""

from __future__ import annotations

import asyncio
import random

import pytest

from tests.chaos.conftest import Bots
from tests.support.bot import Bot
from tests.support.remote import Remote
from tests.support.wait import until

pytestmark = pytest.mark.chaos

RATE = 150
DOUBLES_A_KILL = 2
"""Two kills in the window of one answer leave the bot unsure of it: no third send, an apology, no memory of it."""


async def pass_by(seconds: float) -> None:
    """The moment at which a random kill falls."""
    end = asyncio.get_running_loop().time() + seconds
    await until(lambda: asyncio.get_running_loop().time() >= end, seconds=seconds + 5, what="the moment of the kill")


async def torment(bot: Bot, kills: int, seed: int) -> None:
    """Kills and restarts: each second time only after the successor has begun to poll, so that both halves are hit."""
    draw = random.Random(seed)
    for number in range(kills):
        if number % 2 == 0:
            await bot.start()
            await pass_by(draw.uniform(0.1, 1.0))
        else:
            bot.launch()
            await pass_by(draw.uniform(0.3, 2.5))
        bot.kill()
    await bot.start()


@pytest.mark.parametrize("seed", [11])
async def test_ten_sigkills_at_150_updates_a_second_lose_nothing(world: Remote, bots: Bots, seed: int) -> None:
    bot = bots(lease_seconds=3, attempts=50)
    world.model(delay_ms=100)
    world.add(2500, chats=100, rate=RATE, seed=seed)
    await torment(bot, 10, seed)
    await world.reach(30, ended=2500)
    world.clean(doubles=10 * DOUBLES_A_KILL, remarks=10)


@pytest.mark.soak
@pytest.mark.timeout(600)
@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_thirty_sigkills_with_slow_answers_lose_nothing(world: Remote, bots: Bots, seed: int) -> None:
    bot = bots(lease_seconds=3, attempts=100)
    world.model(delay_ms=400)
    world.add(9000, chats=300, rate=RATE, seed=seed)
    await torment(bot, 30, seed)
    await world.reach(120, ended=9000)
    world.clean(doubles=30 * DOUBLES_A_KILL, remarks=30, apologies=3)


async def test_a_kill_costs_no_attempt_of_those_who_waited(world: Remote, bots: Bots) -> None:
    """With one attempt each, only the turns that ran may die of it; what waited behind them must not."""
    bot = bots(lease_seconds=3, attempts=1, concurrency=8)
    world.do("slow", text="stuck", delay_ms=60_000)
    stuck = [world.say(1000 + chat, "stuck") for chat in range(8)]
    await bot.start()
    await world.reach(running=8)
    world.add(80, chats=40)
    await world.reach(handed=88)
    bot.kill()
    await bot.start()
    await world.reach(25, ended=88)
    world.clean(apologies=8)
    assert all(len(world.look(index)["said"]) == 1 for index in stuck)


async def test_poison_becomes_a_dead_letter_after_its_attempts_and_the_lane_goes_on(world: Remote, bots: Bots) -> None:
    bot = bots(lease_seconds=2, attempts=2)
    world.do("slow", text="poison", delay_ms=120_000)
    poison = world.say(1000, "poison")
    behind = world.say(1000, "and now?")
    for attempt in (1, 2):
        await bot.start()
        await until(lambda n=attempt: world.look(poison)["calls"] == n, seconds=30, what=f"attempt {attempt}")  # type: ignore[misc]
        bot.kill()
    await bot.start()
    other = world.say(2000, "hello")
    await world.replied(poison, 15)
    await world.reach(ended=3)
    assert len(world.look(poison)["said"]) == 1
    assert world.look(poison)["calls"] == 2, "a third try would kill a third time"
    assert world.look(behind)["replies"]
    assert world.look(other)["replies"]
    world.clean(apologies=1)
