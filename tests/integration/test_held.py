"""A model at its limit, or asleep: what people are told, and that their questions are answered all the same."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from aiohttp import web

from simulator.client import Someone
from tests.integration.operated import KEY, TOKEN, telegram
from tests.support.demo import ADA, BOT_NAME, GRACE, HIKERS, LINUS, Demo
from tests.support.wait import until


@dataclass
class Model:
    """An endpoint whose one key has nothing left before ``opens`` (monotonic), or whose model loads until then."""

    status: int = 429
    opens: float = 0.0
    early: list[float] = field(default_factory=list)
    """Seconds before ``opens`` at which it was asked all the same."""
    asked: list[str] = field(default_factory=list)

    def close(self, seconds: float, status: int = 429) -> None:
        self.opens, self.status = time.monotonic() + seconds, status
        self.early, self.asked = [], []

    async def answer(self, request: web.Request) -> web.Response:
        question = str((await request.json())["messages"][-1]["content"])
        if (left := self.opens - time.monotonic()) > 0:
            self.early.append(left)
            if self.status == 503:
                return web.json_response({"error": "model is loading", "estimated_time": left}, status=503)
            wait = {"retry-after-ms": f"{left * 1000:.0f}"}
            return web.json_response({"error": {"message": "rate limit"}}, status=429, headers=wait)
        self.asked.append(question)
        message = {"role": "assistant", "content": f"Echo: {question}"}
        return web.json_response({"choices": [{"message": message, "finish_reason": "stop"}]})


@asynccontextmanager
async def limited(folder: Path, **settings: object) -> AsyncIterator[tuple[Model, Demo, str]]:
    """The model, the bot, and the address of the chat page."""
    model, app = Model(), web.Application()
    app.add_routes([web.post("/v1/chat/completions", model.answer)])
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
    try:
        async with telegram(folder) as simulator:
            bot = Demo(
                folder / "bot",
                telegram_bot_token=TOKEN,
                telegram_api_base_url=simulator.api_url,
                model_base_url=url,
                model_api_keys=KEY,
                model_name="echo",
                stream="off",
                merge_waiting="off",
                pace_chat_per_second=0,
                operator_ids=ADA,
                **settings,
            )
            try:
                await bot.start()
                yield model, bot, simulator.page_url
            finally:
                bot.close()
                assert KEY not in bot.log
    finally:
        await runner.cleanup()


async def test_questions_are_held_with_one_notice_and_answered_in_order_when_the_key_returns(tmp_path: Path) -> None:
    async with limited(tmp_path) as (model, _, url), Someone(url, LINUS) as linus, Someone(url, ADA) as ada:
        model.close(8)
        questions = [await linus.say(f"Question {n}") for n in range(3)]
        told = (await linus.answer(questions[0]))["text"]
        assert told.startswith("My language model has reached its limit. I keep your question and answer it in ")
        keys = (await ada.answer(await ada.say("/keys")))["text"]
        assert "at the endpoint's limit, back in " in keys
        assert KEY not in keys

        await linus.until(lambda: len(linus.answers(questions[2])) == 1, 20, "the last answer")
        assert time.monotonic() > model.opens
        assert model.asked == ["Question 0", "Question 1", "Question 2"]
        assert len(model.early) == 1, "the key was asked during its penalty"
        assert [len(linus.answers(question)) for question in questions] == [2, 1, 1]


async def test_who_would_have_to_wait_too_long_hears_at_once_when_to_ask_again(tmp_path: Path) -> None:
    async with limited(tmp_path, hold_minutes=1) as (model, bot, url), Someone(url, GRACE) as grace:
        model.close(120)
        told = (await grace.answer(await grace.say(f"{BOT_NAME} and now?", HIKERS)))["text"]
        assert told.startswith("Sorry, my language model has reached its limit; please ask again at ")
        assert told.endswith(" UTC.")
        silent = await grace.say(f"{BOT_NAME} and now?", HIKERS)
        await until(lambda: "dropped: quota" in bot.output, what="the end of the second question")
        assert "No limit is set" in (await grace.answer(await grace.say("/usage")))["text"]
        assert not grace.answers(silent)


async def test_a_model_that_is_waking_up_is_said_to_be_once(tmp_path: Path) -> None:
    async with limited(tmp_path) as (model, _, url), Someone(url, LINUS) as linus:
        model.close(4.5, status=503)
        question = await linus.say("Good morning")
        assert (await linus.answer(question))["text"] == "The model is waking up, about 5 seconds; then I answer."
        await linus.until(lambda: len(linus.answers(question)) == 2, 15, "the answer")
        assert linus.answers(question)[1]["text"] == "Echo: Good morning"
