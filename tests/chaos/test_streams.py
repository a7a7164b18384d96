"""Answers that grow in front of people: killed, stopped, flooded, and always finished in the message they began in."""

from __future__ import annotations

import time
from typing import Any

import pytest

from app.core import words
from tests.chaos.conftest import Bots
from tests.support.remote import Remote
from tests.support.wait import until

pytestmark = pytest.mark.chaos
SLOW = {"delay_ms": 100, "chunks": 40, "chunk_ms": 120}
"""An answer takes five seconds."""
IN_WINDOW = 4 * 3
"""A kill between the send of a beginning and its journal entry leaves it standing, and the answer comes beside it."""
STREAMED: dict[str, Any] = {"stream": "edit", "lease_seconds": 2}


async def finished(world: Remote, seconds: float = 20) -> None:
    await until(lambda: world.status["growing"] == 0, seconds=seconds, what="the end of every answer")


async def test_a_kill_in_the_middle_of_an_answer_is_repaired_in_the_same_message(world: Remote, bots: Bots) -> None:
    bot = await bots(**STREAMED).start()
    world.model(**SLOW)
    for chat in range(5):
        world.say(1000 + chat, "tell me")
    await until(lambda: world.status["calls"].get("editmessagetext", 0) >= 5, what="five answers that grow")
    bot.kill()
    await bot.start()
    await finished(world)
    sent = world.sent()
    assert len(sent) == 5, "each in the message that its predecessor began"
    assert all(message["call"] > 5 for message in sent)
    world.say(1000, "and then?")
    await world.reach(20, ended=6)
    await finished(world)
    world.clean()


async def test_a_restart_in_the_middle_of_an_answer_loses_nothing_of_it(world: Remote, bots: Bots) -> None:
    bot = await bots(**STREAMED, drain_seconds=1).start()
    world.model(**SLOW)
    for chat in range(5):
        world.say(1000 + chat, "tell me")
    await until(lambda: world.status["growing"] == 5, what="five answers that grow")
    await bot.stop()
    await bot.start()
    await finished(world)
    assert len(world.sent()) == 5, "each in the message that it began in"
    world.clean()


async def test_kills_at_any_moment_of_many_answers_leave_none_unfinished(world: Remote, bots: Bots) -> None:
    bot = await bots(**STREAMED, attempts=20).start()
    world.model(delay_ms=50, chunks=20, chunk_ms=100)
    world.add(120, chats=60, rate=20)
    for kill in range(4):
        await world.reach(30, handed=25 * (kill + 1))
        bot.kill()
        await bot.start()
    await world.reach(60, ended=120)
    await until(lambda: world.status["growing"] <= IN_WINDOW and not world.status["running"], what="the last ends")
    world.clean(doubles=IN_WINDOW, unfinished=IN_WINDOW, remarks=4)


async def test_a_stop_ends_the_models_call_within_a_second_and_keeps_what_was_said(world: Remote, bots: Bots) -> None:
    await bots(**STREAMED).start()
    world.model(**SLOW)
    world.say(1000, "tell me")
    await until(lambda: world.status["growing"] == 1, what="an answer that grows")
    began = time.monotonic()
    world.say(1000, "/stop")
    await until(lambda: world.status["running"] == 0, what="the end of the model's call")
    assert time.monotonic() - began < 1
    await finished(world, 3)
    text = next(message["text"] for message in world.sent(1000) if message["index"] == 0)
    assert text.endswith(words.STOPPED_HERE())
    world.say(1000, "go on")
    await world.reach(20, ended=2)
    await finished(world)
    world.clean()


async def test_the_stop_button_of_a_draft_ends_the_models_call_and_keeps_what_was_said(
    world: Remote, bots: Bots
) -> None:
    await bots(**STREAMED | {"stream": "draft"}).start()
    world.model(**SLOW)
    world.say(1000, "tell me")
    await world.reach(drafts=2)
    began = time.monotonic()
    world.do("press", chat=1000)
    await until(lambda: world.status["running"] == 0, what="the end of the model's call")
    assert time.monotonic() - began < 1
    await world.reach(5, ended=1)
    (message,) = world.sent(1000)
    assert message["text"].endswith(words.STOPPED_HERE())
    world.do("press", chat=1000)
    world.say(1000, "go on")
    await world.reach(20, ended=2)
    world.clean()
    assert not world.sent(1000)[-1]["text"].endswith(words.STOPPED_HERE()), "a press that comes late stops nothing else"


async def test_a_flood_on_an_edit_holds_its_chat_and_the_answer_is_finished(world: Remote, bots: Bots) -> None:
    await bots(**STREAMED).start()
    world.model(**SLOW)
    world.fault("editmessagetext", "flood", retry_after=4, chat=1000)
    for chat in range(3):
        world.say(1000 + chat, "tell me")
    await world.reach(20, ended=3)
    await finished(world)
    world.clean()
