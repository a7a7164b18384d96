"""A flood in one chat is that chat's affair: another's answers come as fast as without it."""

from __future__ import annotations

import pytest

from tests.chaos.conftest import Bots
from tests.support.remote import Remote

pytestmark = [pytest.mark.chaos, pytest.mark.alone]

FLOOR_SECONDS = 0.2
"""A p99 below this is noise on a shared machine; a flood that costs others their turn costs seconds."""


async def quiet(world: Remote, label: str, count: int = 160) -> float:
    """p99 of questions of quiet chats, from the moment that Telegram handed them out."""
    world.add(count, chats=20, first=9000, rate=40, label=label)
    await world.answered(label, count, 25)
    return world.latency(label)["p99"]


async def flooded(world: Remote, bots: Bots, flood: int) -> None:
    await bots(concurrency=32).start()
    world.model(delay_ms=50)
    await quiet(world, "warm", 40)
    alone = await quiet(world, "alone")
    world.add(flood, chats=1, first=-100500, label="flood")
    beside = await quiet(world, "beside")
    assert world.latency("flood")["n"] < flood, "the flood was over before it was measured"
    assert beside <= 2 * max(alone, FLOOR_SECONDS), f"p99 {alone:.3f} s alone, {beside:.3f} s beside a flood"


async def test_a_flood_of_2000_in_one_chat_delays_no_other(world: Remote, bots: Bots) -> None:
    await flooded(world, bots, 2000)
    world.model(delay_ms=0)
    await world.reach(30, ended=2360)
    world.clean()


@pytest.mark.soak
@pytest.mark.timeout(300)
async def test_a_flood_of_10000_in_one_chat_delays_no_other(world: Remote, bots: Bots) -> None:
    await flooded(world, bots, 10_000)
    world.model(delay_ms=0)
    await world.reach(200, ended=10_360)
    world.clean()


async def test_busy_lanes_fill_the_room_and_take_turns(world: Remote, bots: Bots) -> None:
    """With less room than lanes, each lane gets its turn: no chat waits for another's backlog to end."""
    await bots(concurrency=4).start()
    world.model(delay_ms=20)
    world.add(400, chats=4, label="busy")
    await world.reach(handed=400)
    late = [world.say(7000 + chat, "may I?", label="late") for chat in range(8)]
    await world.answered("late", len(late), 10)
    assert world.latency("late")["max"] < 2, "it waited for more than a few turns of the busy ones"
    assert world.latency("busy")["n"] < 400, "the busy lanes were over before it was measured"
    await world.reach(20, ended=408)
    world.clean()
