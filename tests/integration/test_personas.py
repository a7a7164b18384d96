"""Personas of an owner's own: at start, and as far as the model."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from aiohttp import web

from tests.support.demo import LINUS, MARGARET, Demo, run

PIRATE = """
name = "Anne Bonny"
about = "A pirate"
greeting = "I am Anne; {name} is below deck."
system_prompt = "Be a pirate."
[[examples]]
question = "why?"
answer = "Because."
[parameters]
temperature = 1.5
max_tokens = 50
"""


@asynccontextmanager
async def recorder() -> AsyncIterator[tuple[list[dict[str, Any]], str]]:
    """What an endpoint was asked, and its address."""
    asked: list[dict[str, Any]] = []

    async def answer(request: web.Request) -> web.Response:
        asked.append(await request.json())
        message = {"role": "assistant", "content": "Arr"}
        return web.json_response({"choices": [{"message": message, "finish_reason": "stop"}]})

    app = web.Application()
    app.add_routes([web.post("/v1/chat/completions", answer)])
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield asked, f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
    finally:
        await runner.cleanup()


async def test_a_bad_file_stops_the_start_with_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "pirate.toml").write_text(PIRATE.replace("greeting", "gretting"))
    ran = await run(tmp_path / "bot", "run", personas_dir=tmp_path)
    assert ran.code == 78
    assert ran.refusals == ["lanekeeper: persona pirate.toml: there is no field `gretting`"]


async def test_a_chat_talks_with_the_persona_that_it_chose_and_no_other_chat_does(tmp_path: Path) -> None:
    (tmp_path / "pirate.toml").write_text(PIRATE)
    async with recorder() as (asked, url):
        bot = Demo(
            tmp_path / "bot",
            model_base_url=url,
            model_name="m",
            system_prompt="Be brief.",
            personas="pirate",
            personas_dir=tmp_path,
            pace_chat_per_second=0,
        )
        try:
            await bot.start()
            async with bot.someone(LINUS) as linus, bot.someone(MARGARET) as margaret:
                listed = (await linus.answer(await linus.say("/persona")))["text"]
                assert "pirate - Anne Bonny: A pirate" in listed
                assert "keeper" not in listed
                assert (await linus.answer(await linus.say("/persona pirate")))["text"].startswith("I am Anne; ")
                await linus.answer(await linus.say("Where to?"))
                await margaret.answer(await margaret.say("Hello"))
        finally:
            bot.close()
    pirate, plain = asked
    assert [said["content"] for said in pirate["messages"]] == ["Be a pirate.", "why?", "Because.", "Where to?"]
    assert (pirate["temperature"], pirate["max_tokens"]) == (1.5, 50)
    assert [said["content"] for said in plain["messages"]] == ["Be brief.", "Hello"]
    assert "temperature" not in plain
