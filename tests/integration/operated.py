"""A bot whose Telegram and whose model stand in the test's own process, so that the test can bend both."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

from aiohttp import web
from redis.asyncio import Redis

from app.core.valkey import running
from simulator import people, wire
from simulator.client import Someone
from simulator.server import Simulator
from simulator.world import copy
from tests.support.demo import Demo

TOKEN = "424242:a-secret-of-the-test"
KEY = "sk-another-secret-of-the-test"


@dataclass(eq=False)
class Model:
    """An endpoint that repeats the question; one with "slow" in it is not answered before `free` is set."""

    status: int = 200
    free: asyncio.Event = field(default_factory=asyncio.Event)
    asked: list[str] = field(default_factory=list)
    dropped: list[str] = field(default_factory=list)
    """Questions whose connection the bot closed before the answer."""

    async def answer(self, request: web.Request) -> web.Response:
        question = str((await request.json())["messages"][-1]["content"])
        self.asked.append(question)
        if self.status != 200 or request.headers.get("Authorization") != f"Bearer {KEY}":
            return web.json_response({"error": {"message": "Incorrect API key provided"}}, status=self.status)
        if "slow" in question:
            try:
                await self.free.wait()
            except asyncio.CancelledError:
                self.dropped.append(question)
                raise
        message = {"role": "assistant", "content": f"Echo: {question}"}
        return web.json_response({"choices": [{"message": message, "finish_reason": "stop"}]})

    async def listed(self, request: web.Request) -> web.Response:
        if self.status != 200:
            return web.json_response({"error": {"message": "Incorrect API key provided"}}, status=self.status)
        return web.json_response({"data": [{"id": "echo"}]})


@asynccontextmanager
async def endpoint() -> AsyncIterator[tuple[Model, str]]:
    """The model and its base URL."""
    model, app = Model(), web.Application()
    app.add_routes([web.post("/v1/chat/completions", model.answer), web.get("/v1/models", model.listed)])
    runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield model, f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def telegram(folder: Path, *, reads_all: bool = True) -> AsyncIterator[Simulator]:
    """A Bot API server that knows `TOKEN`, without flood limits; ``reads_all``: the bot's privacy mode is off."""
    simulator = Simulator(folder / "telegram", 0, TOKEN, strict=False, reads_all=reads_all)
    await simulator.start()
    try:
        yield simulator
    finally:
        await simulator.close()


@dataclass(eq=False)
class Operated:
    """The bot, its Telegram and its model."""

    bot: Demo
    simulator: Simulator
    model: Model

    def someone(self, person: int) -> Someone:
        return Someone(self.simulator.page_url, person)

    def deliver(self, person: int, key: str, words: str, late: int = 0, **more: Any) -> tuple[str, int]:
        """Lets the bot hear a message as no page can write it: so many seconds old, with more fields. Chat and id."""
        world = self.simulator.world
        with mock.patch.object(world, "hear"):
            message = people.say(world, person, key, words)
        bot = world.bots[world.main]
        told = wire.message(world, copy(message, date=message.date - late)) | more
        world.notify(bot, "message", lambda: told)
        return key, message.id


@asynccontextmanager
async def operated(folder: Path, *, reads_all: bool = True, **settings: object) -> AsyncIterator[Operated]:
    """All three, running."""
    async with telegram(folder, reads_all=reads_all) as simulator, endpoint() as (model, url):
        given = {"telegram_bot_token": TOKEN, "telegram_api_base_url": simulator.api_url}
        asked = {"model_base_url": url, "model_api_keys": KEY, "model_name": "echo"}
        unhurried = {"pace_chat_per_second": 0, "pace_group_per_minute": 0, "user_messages_per_minute": 0}
        bot = Demo(folder / "bot", **{**given, **asked, **unhurried, **settings})
        try:
            yield Operated(await bot.start(), simulator, model)
        finally:
            bot.close()
            assert TOKEN.partition(":")[2] not in bot.log
            assert KEY not in bot.log


async def kept(folder: Path) -> dict[str, str]:
    """Everything that stands in the Redis of the bot in this folder, by key."""
    found = {}
    async with Redis.from_url(running(folder / "data")) as client:
        read: dict[bytes, Any] = {
            b"string": client.get,
            b"hash": client.hgetall,
            b"list": lambda key: client.lrange(key, 0, -1),
            b"zset": lambda key: client.zrange(key, 0, -1),
            b"stream": client.xrange,
        }
        async for key in client.scan_iter("*"):
            kind: Any = await client.type(key)
            found[key.decode()] = str(await read[kind](key))
    return found
