"""Polls that fail, in every way: the offset stays, the loop goes on; only a refused token ends it, loudly."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from tests.chaos.conftest import Bots
from tests.support.remote import Remote
from tests.support.wait import until

pytestmark = pytest.mark.chaos

FAULTS: list[dict[str, Any]] = [
    {"kind": "status", "status": 500},
    {"kind": "status", "status": 502, "description": "Bad Gateway"},
    {"kind": "page", "status": 504},
    {"kind": "cut"},
    {"kind": "half"},
    {"kind": "broken"},
    {"kind": "empty"},
    {"kind": "wrong"},
    {"kind": "wrong", "description": '{"ok":true,"result":[1,2]}'},
    {"kind": "wrong", "description": '{"ok":true,"result":[{}]}'},
    {"kind": "wrong", "description": '{"ok":"yes","result":[]}'},
    {"kind": "wrong", "description": "[]"},
    {"kind": "wrong", "description": '"\\ud800"'},
    {"kind": "wrong", "description": '{"ok":false}'},
    {"kind": "status", "status": 409, "description": "Conflict: terminated by other getUpdates request"},
    {"kind": "flood", "retry_after": 2},
]


@pytest.mark.parametrize("half", [0, 1])
async def test_no_failure_of_a_poll_moves_the_offset_or_ends_the_loop(world: Remote, bots: Bots, half: int) -> None:
    bot = await bots().start()
    faults = FAULTS[half::2]
    for number, fault in enumerate(faults, 1):
        world.fault("getupdates", **fault)
        world.say(1000, "this wakes the poll that waits")
        await until(lambda n=number: world.status["faults"].get("getupdates") == n, what=f"{fault}")  # type: ignore[misc]
        world.say(1001, "this waits for the loop to go on")
        await world.reach(10, ended=2 * number)
        assert bot.running, bot.tail()
    polls = world.do("polls")
    for failed, after in itertools.pairwise(polls):
        if "fault" in failed:
            assert after["offset"] == failed["offset"], f"{failed} moved the offset"
    assert len(polls) < 8 * len(faults), "it polls in a hot loop"
    world.clean()


async def test_failures_in_a_row_back_off(world: Remote, bots: Bots) -> None:
    await bots().start()
    world.fault("getupdates", "status", times=3, status=502)
    world.say(1000, "hello")
    await world.reach(15, ended=1)
    world.say(1000, "again")
    await world.reach(15, ended=2)
    failed = [poll["at"] for poll in world.do("polls") if "fault" in poll]
    assert failed[1] - failed[0] >= 0.5
    assert failed[2] - failed[1] >= 1
    world.clean()


async def test_a_flood_of_429_is_waited_out_to_the_second(world: Remote, bots: Bots) -> None:
    await bots().start()
    world.fault("getupdates", "flood", retry_after=3)
    world.say(1000, "hello")
    world.say(1000, "again")
    await world.reach(15, ended=2)
    world.clean()


async def test_a_token_that_telegram_revokes_ends_the_bot_loudly(world: Remote, bots: Bots) -> None:
    bot = await bots().start()
    world.fault("getupdates", "status", status=401, description="Unauthorized", times=1000)
    world.say(1000, "hello")
    assert await bot.ended(10) not in (0, None)
    assert any(
        "token" in line.lower() and ("error" in line.lower() or "critical" in line.lower())
        for line in bot.log.splitlines()
    ), bot.tail()


async def test_a_token_that_telegram_never_knew_ends_the_bot_at_once(world: Remote, bots: Bots) -> None:
    bot = bots(telegram_bot_token="4242:AAunknownunknownunknownunknownunkno").launch()
    assert await bot.ended(10) not in (0, None)
    assert "token" in bot.log.lower()
    assert "AAunknown" not in bot.log
    assert "Traceback" not in bot.log


async def test_a_webhook_that_is_set_is_calmly_waited_for(world: Remote, bots: Bots) -> None:
    world.do("hook", url="https://example.org/hook")
    bot = bots().launch()
    world.say(1000, "hello")
    await until(lambda: world.status["conflicts"] >= 2 or not world.status["webhook"], seconds=30, what="two polls")
    assert bot.running, bot.tail()
    assert world.status["polls"] < 6
    world.do("hook", url="")
    await world.reach(15, ended=1)
    world.clean()


@pytest.mark.soak
@pytest.mark.timeout(240)
async def test_a_poll_that_is_never_answered_is_given_up(world: Remote, bots: Bots) -> None:
    await bots().start()
    world.fault("getupdates", "hang")
    world.say(1000, "this wakes the poll that waits")
    world.say(1000, "this waits behind a silent poll")
    await world.reach(150, ended=2)
    world.clean()
