"""The judge of the chaos tests is judged: an honest bot comes out clean, and no single sin of a bot stays unseen."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from aiogram import Bot as OtherClient
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.exceptions import TelegramBadRequest, TelegramConflictError
from aiogram.types import LinkPreviewOptions, ReplyParameters

from tests.support.clean import clean, stains
from tests.support.scripted import serve
from tests.support.wait import until
from tests.support.world import World


@pytest.fixture
async def world() -> AsyncIterator[World]:
    world = World()
    await world.start()
    yield world
    await world.close()


@contextlib.asynccontextmanager
async def bot(world: World, sin: str = "") -> AsyncIterator[None]:
    task = asyncio.create_task(serve(world, sin))
    try:
        yield
    finally:
        task.cancel()
        await task


async def call(world: World, method: str, **body: Any) -> dict[str, Any]:
    url = f"{world.url}/bot{world.token}/{method}"
    async with aiohttp.ClientSession() as http, http.post(url, json=body) as response:
        answer: dict[str, Any] = await response.json(content_type=None)
        return answer


async def test_an_honest_bot_is_clean_in_private_chats_groups_and_topics(world: World) -> None:
    world.add(count=40, chats=6)
    world.add(count=20, chats=3, first=-100500)
    world.add(count=30, chats=2, first=-100900, topics=3)
    async with bot(world):
        await until(lambda: world.status()["ended"] == 90, what="90 answers")
    clean(world.verdict())
    assert world.latency("")["n"] == 90


SINS = {
    "lose": "unanswered",
    "mute": "unanswered",
    "double": "doubles",
    "swap": "order",
    "forgetful": "histories",
    "mixed": "histories",
    "parallel": "overlaps",
    "wrong message": "targets",
    "no such message": "targets",
    "garbled": "targets",
    "topicless": "targets",
    "parse_mode": "shape",
    "previews": "shape",
    "invented": "shape",
    "typed wrong": "shape",
    "unlimited": "shape",
    "kinds": "shape",
    "negative": "shape",
}


@pytest.mark.parametrize("sin", SINS)
async def test_the_world_sees_each_sin(world: World, sin: str) -> None:
    world.model(delay_ms=3)
    world.add(count=12, chats=1)
    world.add(count=12, chats=2, first=-100900, topics=3)
    async with bot(world, sin):
        await until(lambda: SINS[sin] == "unanswered" or SINS[sin] in stains(world.verdict()), what=sin)
        await until(lambda: SINS[sin] != "unanswered" or world.status()["polling"], what="the end of the batch")
    assert SINS[sin] in stains(world.verdict())


async def test_confirming_before_the_work_loses_what_a_kill_interrupts(world: World) -> None:
    world.add(count=10)
    await serve(world, "early", batches=1)
    async with bot(world):
        await until(lambda: world.status()["polling"], what="a bot that has nothing to do")
    assert world.verdict()["unanswered"] == 10


async def test_a_batch_that_was_only_handed_out_comes_again(world: World) -> None:
    world.add(count=10)
    await serve(world, "lose", batches=1)
    assert world.status()["confirmed"] == 0
    assert len((await call(world, "getUpdates", allowed_updates=["message"]))["result"]) == 1, "same offset, in haste"
    await until(lambda: world.telegram.polls._asked_at + 0.5 < asyncio.get_running_loop().time(), what="half a second")
    assert len((await call(world, "getUpdates", allowed_updates=["message"]))["result"]) == 10


async def test_an_impatient_bot_is_seen(world: World) -> None:
    world.add(count=2)
    world.fault(method="sendmessage", kind="flood", retry_after=1)
    async with bot(world, "impatient"):
        await until(lambda: world.verdict()["penalties"], what="a call in the penalty")
    assert stains(world.verdict())


async def test_of_two_long_polls_the_newcomer_wins(world: World) -> None:
    old = asyncio.create_task(call(world, "getUpdates", timeout=20, allowed_updates=["message"]))
    await until(lambda: world.status()["polling"])
    new = asyncio.create_task(call(world, "getUpdates", timeout=20, allowed_updates=["message"]))
    assert (await old)["error_code"] == 409
    world.say(5, "hello")
    assert len((await new)["result"]) == 1


@pytest.mark.parametrize("kind", ["page", "cut", "half", "broken", "wrong", "empty"])
async def test_a_fault_is_met_once_and_confirms_nothing(world: World, kind: str) -> None:
    world.say(5, "hello")
    world.fault(method="getupdates", kind=kind)
    with contextlib.suppress(aiohttp.ClientError, ValueError):
        answer = await call(world, "getUpdates", allowed_updates=["message"])
        assert not answer or not isinstance(answer.get("result"), list)
    assert world.status()["confirmed"] == 0
    assert world.status()["faults"] == {"getupdates": 1}
    async with bot(world):
        await until(lambda: world.status()["answered"] == 1)
    clean(world.verdict())


async def test_a_stream_holds_the_same_answer(world: World) -> None:
    world.say(5, "hello")
    messages = [{"role": "user", "content": "#0 hello"}]
    usage = {"include_usage": True}
    body = {"model": "m", "messages": messages, "max_tokens": 9, "stream": True, "stream_options": usage}
    headers = {"Authorization": f"Bearer {world.key}"}
    request = aiohttp.request("POST", f"{world.url}/v1/chat/completions", json=body, headers=headers)
    async with request as response:
        lines = (await response.text()).split("\n\n")
    assert lines[-2:] == ["data: [DONE]", ""]
    assert '"usage":{' in lines[-3]
    text = "".join(line.partition('"content":"')[2].partition('"')[0] for line in lines)
    assert text == world.ledger.answer(0, 1)


async def test_another_client_understands_every_answer(world: World) -> None:
    session = AiohttpSession(api=TelegramAPIServer.from_base(world.url))
    async with OtherClient(world.token, session=session) as client:
        assert (await client.get_me()).username == "lane_bot"
        world.say(-100777, "hello", topic=4)
        (update,) = await client.get_updates(timeout=0, allowed_updates=["message"])
        assert update.message is not None
        sent = await client.send_message(
            -100777,
            world.ledger.answer(0, 1),
            message_thread_id=4,
            reply_parameters=ReplyParameters(message_id=update.message.message_id, allow_sending_without_reply=True),
            link_preview_options=LinkPreviewOptions(is_disabled=True),
        )
        assert sent.reply_to_message is not None
        assert sent.reply_to_message.text == "#0 hello"
        with pytest.raises(TelegramBadRequest, match="message is too long"):
            await client.send_message(5, "x" * 4097)
        with pytest.raises(TelegramBadRequest, match="not modified"):
            await client.edit_message_text(sent.text or "", chat_id=-100777, message_id=sent.message_id)
        world.hook("https://example.org/hook")
        assert (await client.get_webhook_info()).url
        with pytest.raises(TelegramConflictError, match="webhook is active"):
            await client.get_updates(allowed_updates=["message"])
        assert (await client.get_chat_member(-100777, 7)).status == "member"
        assert (await client.get_chat(-100777)).id == -100777
