"""One word stops the bot within a second, in one chat or everywhere, for as long as it takes; nothing is forgotten."""

from __future__ import annotations

import pytest

from tests.chaos.conftest import Bots
from tests.support.remote import Remote

pytestmark = [pytest.mark.chaos, pytest.mark.alone]

OPERATOR = 900


async def command(world: Remote, text: str, words: str, chat: int = OPERATOR) -> float:
    """Says a command, which must be confirmed in its chat within a second; when it was said."""
    index = world.say(chat, text, user=OPERATOR)
    await world.replied(index, 5, words)
    seen = world.look(index)
    took = seen["said"][0][0] - seen["added"]
    assert took < 1, f"{text} was confirmed after {took:.2f} s"
    return float(seen["added"])


def answers(world: Remote, chat: int, since: float) -> list[int]:
    """The questions of a chat that were answered after a moment; 0 = of every chat."""
    return [message["index"] for message in world.sent(chat, since) if message["index"] >= 0]


@pytest.mark.parametrize("chat", [OPERATOR, pytest.param(-100500, marks=pytest.mark.soak)])
async def test_pause_in_a_deep_lane_holds_within_a_second_and_survives_a_kill(
    world: Remote, bots: Bots, chat: int
) -> None:
    bot = await bots(operator_ids=OPERATOR, lease_seconds=2).start()
    world.model(delay_ms=200)
    world.add(300, chats=1, first=chat)
    await world.reach(handed=300, ended=5)
    said = await command(world, "/pause", "paused", chat)
    world.add(100, chats=10, first=3000, rate=40, label="others")
    await world.answered("others", 100, 15)
    assert answers(world, chat, said + 1) == [], "answers of a paused chat"
    bot.kill()
    await bot.start()
    world.add(20, chats=10, first=4000, label="after the kill")
    await world.answered("after the kill", 20, 15)
    assert answers(world, chat, said + 1) == [], "answers of a paused chat after a kill"
    world.model(delay_ms=0)
    await command(world, "/resume", "resumed", chat)
    await world.reach(20, ended=420)
    world.clean(remarks=1)  # the notice to the question that ran when the pause came


async def test_pause_all_holds_everywhere_within_a_second_and_survives_a_kill(world: Remote, bots: Bots) -> None:
    bot = await bots(operator_ids=OPERATOR, lease_seconds=2, concurrency=16).start()
    world.model(delay_ms=100)
    world.add(400, chats=40)
    await world.reach(handed=400, ended=20)
    said = await command(world, "/pause all", "paused")
    world.say(1000, "still there?", label="noticed")
    await world.answered("noticed", 1)
    await command(world, "/status", "")
    bot.kill()
    await bot.start()
    for _ in range(3):
        await command(world, "/status", "")
    assert answers(world, 0, said + 1) == []
    assert world.do("started", since=said + 1) == [], "model calls while paused"
    world.model(delay_ms=0)
    await command(world, "/resume all", "resumed")
    await world.reach(20, answered=401)
    world.clean(remarks=1 + 16)  # and to those that ran when the pause came


async def test_a_pause_is_obeyed_while_a_flood_comes_in(world: Remote, bots: Bots) -> None:
    await bots(operator_ids=OPERATOR).start()
    world.model(delay_ms=50)
    world.add(3000, chats=30, rate=1000)
    await world.reach(handed=500)
    said = await command(world, "/pause all", "paused")
    await world.reach(handed=3001)
    assert answers(world, 0, said + 1) == []
    world.model(delay_ms=0)
    await command(world, "/resume all", "resumed")
    await world.reach(30, answered=3000)
    world.clean(remarks=30)


async def test_strangers_pause_nothing(world: Remote, bots: Bots) -> None:
    await bots(operator_ids=OPERATOR).start()
    index = world.say(1000, "/pause all")
    await world.replied(index)
    world.say(1000, "hello")
    await world.reach(answered=1)
    world.clean()
