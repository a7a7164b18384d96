"""One message goes the whole way, many times: each question is answered once, in order, with its chat's history."""

from __future__ import annotations

import pytest

from tests.chaos.conftest import Bots
from tests.support.bot import SETTINGS
from tests.support.remote import Remote

pytestmark = pytest.mark.chaos


async def test_600_questions_of_60_chats_are_answered_once_in_order_with_exact_histories(
    world: Remote, bots: Bots
) -> None:
    bot = await bots(log_level="debug").start()
    world.add(300, chats=40)
    world.add(150, chats=10, first=-100500)
    world.add(150, chats=10, first=-100900, topics=3)
    await world.reach(30, ended=600)
    world.clean()
    assert {"help", "new", "forget"} <= set(world.status["menu"])
    assert await bot.stop(5) < 5
    assert world.status["confirmed"] == 600


async def test_streamed_answers_with_default_settings_are_the_same(world: Remote, bots: Bots) -> None:
    defaults = dict.fromkeys(SETTINGS.keys() - {"MERGE_WAITING"})  # the world waits for an answer to each question
    await bots(**defaults | {"web_port": 0, "group_mode": "always", "history_turns": 5}).start()
    world.model(chunk_ms=5)
    world.add(15, chats=1, length=20)
    world.add(40, chats=20, first=2000, length=20)
    await world.reach(30, ended=55)
    world.clean()


@pytest.mark.soak
async def test_5000_questions_of_500_chats_are_answered_once_in_order_with_exact_histories(
    world: Remote, bots: Bots
) -> None:
    await bots().start()
    world.add(3500, chats=350)
    world.add(1500, chats=150, first=-100500)
    await world.reach(120, ended=5000)
    world.clean()
