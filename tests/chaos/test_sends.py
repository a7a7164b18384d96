"""Telegram refuses, floods, breaks off: an answer is repeated only if surely not sent, and at most twice ever."""

from __future__ import annotations

from typing import Any

import pytest

from tests.chaos.conftest import Bots
from tests.support.remote import Remote

pytestmark = pytest.mark.chaos

SURELY_NOT_SENT: list[dict[str, Any]] = [
    {"kind": "status", "status": 500},
    {"kind": "status", "status": 502, "description": "Bad Gateway"},
    {"kind": "flood", "retry_after": 2},
]
PERHAPS_SENT: list[dict[str, Any]] = [{"kind": "cut"}, {"kind": "half"}, {"kind": "page", "status": 502}]


async def test_an_answer_that_was_surely_not_sent_is_sent_once(world: Remote, bots: Bots) -> None:
    await bots().start()
    for place, fault in enumerate(SURELY_NOT_SENT):
        world.fault("sendmessage", chat=1000 + place, times=2 if fault["kind"] == "status" else 1, **fault)
        world.say(1000 + place, "hello")
        world.say(1000 + place, "again")
    await world.reach(20, ended=2 * len(SURELY_NOT_SENT))
    world.clean()


async def test_a_429_holds_its_chat_only(world: Remote, bots: Bots) -> None:
    await bots().start()
    world.fault("sendmessage", "flood", chat=1000, retry_after=5)
    world.say(1000, "hello", label="held")
    world.add(40, chats=20, first=2000, label="others")
    await world.answered("others", 40, 4)
    assert world.latency("held")["n"] == 0
    await world.reach(10, ended=41)
    world.clean()


async def test_a_doubtful_send_is_repeated_once_at_most(world: Remote, bots: Bots) -> None:
    await bots().start()
    for place, fault in enumerate(PERHAPS_SENT):
        world.fault("sendmessage", chat=1000 + place, done=True, **fault)
        world.say(1000 + place, "it arrives, but its receipt does not")
        world.fault("sendmessage", chat=2000 + place, **fault)
        world.say(2000 + place, "it does not arrive")
    await world.reach(20, ended=2 * len(PERHAPS_SENT))
    world.clean(doubles=len(PERHAPS_SENT))


async def test_two_doubtful_sends_are_the_end_and_it_is_said(world: Remote, bots: Bots) -> None:
    await bots().start()
    world.fault("sendmessage", "cut", chat=1000, times=2, text="call=")
    index = world.say(1000, "hello")
    await world.replied(index, 20)
    world.say(1000, "again")
    await world.reach(10, ended=2)
    assert world.look(index)["replies"] == []
    world.clean(apologies=1)


async def test_who_blocks_the_bot_costs_no_further_model_calls(world: Remote, bots: Bots) -> None:
    bot = await bots().start()
    world.do("block", chat=1000)
    for _ in range(10):
        world.say(1000, "hello")
    world.add(20, chats=10, first=2000)
    await world.reach(15, ended=20)
    await bot.stop()
    assert world.verdict["model_calls"] <= 20 + 3
    assert world.verdict["unanswered"] == 10
