"""`lanekeeper check`: why would the bot be silent? In plain words, and without a secret in any of them."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
import pytest

from simulator.server import Simulator
from tests.integration.operated import KEY, TOKEN, endpoint, telegram
from tests.support.demo import Ran, run
from tests.support.wait import until

NOWHERE = "127.0.0.1:9"  # the discard port, on which nobody listens here


@pytest.fixture
async def simulator(tmp_path: Path) -> AsyncIterator[Simulator]:
    async with telegram(tmp_path) as simulator:
        yield simulator


async def check(folder: Path, **settings: object) -> Ran:
    """Runs it; whatever it finds, it says it in lines of a mark and words, without traceback or secret."""
    said = await run(folder / "check", "check", **settings)
    whole = said.out + said.err
    for secret in (TOKEN.partition(":")[2], KEY, "hunter2", "Traceback"):
        assert secret not in whole
    assert [line for line in said.lines if line.split()[0] not in {"ok", "warn", "fail"}] == []
    assert said.code == int(any(line.startswith("fail") for line in said.lines))
    assert not (folder / "check" / "data").exists(), "it changes nothing"
    return said


def failures(said: Ran) -> list[str]:
    return [line.removeprefix("fail").strip() for line in said.lines if line.startswith("fail")]


def connected(simulator: Simulator) -> dict[str, object]:
    return {"telegram_bot_token": TOKEN, "telegram_api_base_url": simulator.api_url}


async def test_with_nothing_set_all_is_embedded_and_well(tmp_path: Path) -> None:
    said = await check(tmp_path)
    assert said.code == 0
    for words in ("embedded Valkey", "simulator", "offline model"):
        assert words in said.out


async def test_all_is_well(tmp_path: Path, simulator: Simulator) -> None:
    async with endpoint() as (_, url):
        more = {"allow_ids": "1001", "operator_ids": "1001"}
        said = await check(
            tmp_path, model_base_url=url, model_api_keys=KEY, model_name="echo", **connected(simulator), **more
        )
    assert [line for line in said.lines if not line.startswith("ok ")] == []
    assert "this is @lanekeeper_bot" in said.out
    assert "nobody else polls with this token" in said.out
    assert re.search(r"model echo at 127.0.0.1, key …test \([0-9a-f]{6}\): answers", said.out)


async def test_a_token_that_telegram_does_not_know(tmp_path: Path, simulator: Simulator) -> None:
    wrong = connected(simulator) | {"telegram_bot_token": "424242:hunter2"}
    [words] = failures(await check(tmp_path, **wrong))
    assert words == "Telegram does not know TELEGRAM_BOT_TOKEN: copy it again from @BotFather"


async def test_a_telegram_that_is_not_there(tmp_path: Path) -> None:
    [words] = failures(await check(tmp_path, telegram_bot_token=TOKEN, telegram_api_base_url=f"http://{NOWHERE}"))
    assert words.startswith("Telegram: ")


async def test_a_webhook_that_is_set(tmp_path: Path, simulator: Simulator) -> None:
    simulator.world.bots[simulator.world.main].webhook = "https://bots.example.org/hook"
    [words] = failures(await check(tmp_path, **connected(simulator)))
    assert words == "a webhook is set (at bots.example.org): polling gets nothing until it is removed"


async def test_a_second_poller(tmp_path: Path, simulator: Simulator) -> None:
    polls = 0

    async def poll() -> None:
        nonlocal polls
        async with aiohttp.ClientSession() as http:
            while True:
                body = {"timeout": 30, "offset": polls}  # another offset each time, or the simulator waits 3 s
                polls += 1
                async with http.post(f"{simulator.api_url}/bot{TOKEN}/getUpdates", json=body) as answer:
                    await answer.read()

    other = asyncio.create_task(poll())
    await until(lambda: polls, what="the other's first poll")
    try:
        [words] = failures(await check(tmp_path, **connected(simulator)))
    finally:
        other.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await other
    assert words == "another program polls with this token: stop it, or get a new token"


async def test_a_redis_that_is_not_there(tmp_path: Path) -> None:
    [words] = failures(await check(tmp_path, redis_url=f"redis://:hunter2@{NOWHERE}"))
    assert words.startswith("Redis: ")
    assert NOWHERE.partition(":")[0] in words


@pytest.mark.parametrize("required", [False, True])
async def test_a_redis_that_keeps_nothing(tmp_path: Path, redis: object, valkey: str, required: bool) -> None:
    durability = "require" if required else "warn"
    said = await check(tmp_path, redis_url=f"unix://{valkey}", redis_durability=durability)
    assert said.code == int(required)
    assert f"{'fail' if required else 'warn'}  Redis: nothing is kept on disk" in said.out


async def test_a_model_that_is_not_there(tmp_path: Path) -> None:
    said = await check(tmp_path, model_base_url=f"http://{NOWHERE}/v1", model_api_keys=KEY, model_name="echo")
    [words] = failures(said)
    assert words.startswith("model echo at 127.0.0.1, key …test (")
    assert said.seconds < 20


@pytest.mark.parametrize("name", ["echo", None])
async def test_a_model_that_refuses_a_key_says_which(tmp_path: Path, name: str | None) -> None:
    async with endpoint() as (model, url):
        model.status = 401
        settings = {"model_base_url": url, "model_api_keys": "sk-hunter2-7777", "model_name": name}
        [words] = failures(await check(tmp_path, **settings))
    assert "key …7777 (" in words
    assert "the endpoint refuses this key" in words
    assert "MODEL_NAME" not in words


async def test_each_of_two_endpoints_on_one_host_says_which_of_its_keys_is_refused(tmp_path: Path) -> None:
    async with endpoint() as (model, url), endpoint() as (_, other):
        model.status = 401
        more = [{"base_url": other, "keys": f"{KEY},sk-hunter2-8888"}]
        given = {"model_base_url": url, "model_api_keys": "sk-hunter2-7777", "model_name": "echo"}
        said = await check(tmp_path, **given, model_fallbacks=json.dumps(more))
    ports = [urlsplit(one).port for one in (url, other)]
    lines = [line for line in said.lines if "model echo" in line]
    assert [(line[:4], re.findall(r"at 127.0.0.1:(\d+), key …(\w{4})", line)) for line in lines] == [
        ("warn", [(str(ports[0]), "7777")]),
        ("ok  ", [(str(ports[1]), KEY[-4:])]),
        ("warn", [(str(ports[1]), "8888")]),
    ]


async def test_what_is_set_and_cannot_be_meant_is_one_line_each(tmp_path: Path) -> None:
    said = await check(tmp_path, model_api_keys="sk-hunter2", quota_user="50t/day")
    first, second = [line for line in said.lines if line.startswith("warn")][:2]
    assert first.endswith("MODEL_API_KEYS is set but MODEL_BASE_URL is not: no key is used, the offline model answers")
    assert "QUOTA_USER: no question fits into 50 tokens a day, the shortest takes " in second
