"""Keys change while the real bot runs: by their file and by a hangup, without a restart and without a word of them."""

from __future__ import annotations

import json
import re
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from aiohttp import web
from redis.asyncio import Redis

from tests.support.demo import ADA, Demo, get
from tests.support.ports import free_ports
from tests.support.wait import turns, until

OLD, NEW, BAD = "sk-old-hunter2-1111", "sk-new-hunter2-2222", "sk-bad-hunter2-3333"
AGAIN = "the keys were read again"
KEPT = "the old ones stay"


@dataclass(eq=False)
class Counting:
    """A model server that takes any key, and notes with which each question came."""

    keys: list[str] = field(default_factory=list)
    url: str = ""

    async def answer(self, request: web.Request) -> web.Response:
        self.keys.append(request.headers.get("Authorization", "").removeprefix("Bearer "))
        message = {"role": "assistant", "content": "well"}
        return web.json_response({"choices": [{"message": message, "finish_reason": "stop"}]})


@pytest.fixture
async def model() -> AsyncIterator[Counting]:
    model, app = Counting(), web.Application()
    app.add_routes([web.post("/v1/chat/completions", model.answer)])
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    model.url = f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
    yield model
    await runner.cleanup()


@asynccontextmanager
async def running(folder: Path, model: Counting, **settings: object) -> AsyncIterator[Demo]:
    """The bot; no key may ever stand in its log."""
    unhurried = {"pace_chat_per_second": 0, "user_messages_per_minute": 0}
    demo = Demo(folder, model_base_url=model.url, model_name="m", **unhurried, **settings)
    try:
        yield await demo.start()
    finally:
        demo.close()
        assert "hunter2" not in demo.log


async def ask(demo: Demo, model: Counting) -> str:
    """The key with which a question reaches the model."""
    model.keys.clear()
    async with demo.someone(ADA) as ada:
        await ada.answer(await ada.say("How are you?"))
    (key,) = model.keys
    return key


async def told(demo: Demo, words: str, times: int = 1) -> None:
    await until(lambda: demo.log.count(words) >= times, seconds=15, what=f"{times} x {words!r} in the log")


async def test_a_changed_file_of_keys_is_used_without_a_restart(tmp_path: Path, model: Counting) -> None:
    (tmp_path / "keys").write_text(f"{OLD}\n")
    async with running(tmp_path, model, model_api_keys_file="keys") as demo:
        pid = demo.pid
        assert await ask(demo, model) == OLD
        (tmp_path / "keys").write_text(f"{BAD}; 5x/h\n")
        await told(demo, KEPT)
        assert await ask(demo, model) == OLD
        (tmp_path / "keys").write_text(f"{NEW} ; 5r/h\n{OLD}\n")
        await told(demo, AGAIN)
        assert await ask(demo, model) == NEW
        assert (demo.pid, demo.running) == (pid, True)


async def test_a_hangup_reads_the_keys_of_dotenv_anew(tmp_path: Path, model: Counting) -> None:
    others = [{"name": "n", "keys": BAD}, {"keys": BAD}]
    (tmp_path / ".env").write_text(f"MODEL_API_KEYS={OLD}\n")
    async with running(tmp_path, model) as demo:
        pid = demo.pid
        assert await ask(demo, model) == OLD
        (tmp_path / ".env").write_text(f"MODEL_API_KEYS={NEW}\nMODEL_FALLBACKS='{json.dumps(others)}'\n")
        demo.signal(signal.SIGHUP)
        await told(demo, f"{KEPT}: MODEL_FALLBACKS: entry 2: needs base_url or name")
        assert await ask(demo, model) == OLD
        (tmp_path / ".env").write_text(f"MODEL_API_KEYS={NEW}\n")
        demo.signal(signal.SIGHUP)
        await told(demo, AGAIN)
        assert await ask(demo, model) == NEW
        assert (demo.pid, demo.running) == (pid, True)


async def test_the_page_of_figures_follows_the_keys_and_shows_none_of_them(tmp_path: Path, model: Counting) -> None:
    (port,) = free_ports(1)
    (tmp_path / "keys").write_text(f"{OLD};300r/h")
    (tmp_path / "others").write_text(json.dumps([{"name": "n", "keys": BAD}]))
    files = {"model_api_keys_file": "keys", "model_fallbacks_file": "others"}
    async with running(tmp_path, model, web_port=port, quota_bot="1000000t/mo", **files) as demo:
        await ask(demo, model)

        def page() -> str:
            status, text = get(f"http://127.0.0.1:{port}/metrics")
            assert status == 200
            assert "hunter2" not in text
            return text

        text = page()
        at = r'endpoint="127.0.0.1",key="…1111 \([0-9a-f]{6}\)",model="m"'
        assert re.search(rf'lanekeeper_key_state{{{at},state="ready"}} 1\.0', text)
        assert re.search(rf"lanekeeper_key_back_seconds{{{at}}} 0\.0", text)
        assert re.search(
            r'lanekeeper_key_requests_total{endpoint="127.0.0.1",key="…1111 [^"]*",result="ok"} 1\.0', text
        )
        assert 'lanekeeper_endpoint_state{endpoint="127.0.0.1",model="n",state="ready"} 1.0' in text
        own = r'key="…1111 [^"]*",scope="key",unit="requests",window="hour"'
        assert re.search(rf"lanekeeper_limit{{{own}}} 300\.0", text)
        await until(lambda: re.search(rf"lanekeeper_limit_used{{{own}}} 1\.0", page()), what="the use of the key")
        assert re.search(r'lanekeeper_limit_used{key="",scope="bot",unit="tokens",window="month"} [1-9]', page())
        (tmp_path / "keys").write_text(NEW)
        await told(demo, AGAIN)
        text = page()
        assert 'key="…2222 (' in text
        assert not re.search(r'lanekeeper_key_state{[^}]*"…1111', text)


def heeds(demo: Demo) -> bool:
    """Whether the process would survive a hangup."""
    caught = re.search(r"^SigCgt:\s*(\w+)$", Path(f"/proc/{demo.pid}/status").read_text(), re.MULTILINE)
    return bool(caught and int(caught[1], 16) >> (signal.SIGHUP - 1) & 1)


async def test_a_hangup_before_the_first_line_of_the_log_kills_nobody_and_is_remembered(
    tmp_path: Path, model: Counting
) -> None:
    demo = Demo(tmp_path, model_base_url=model.url, model_name="m", model_api_keys=OLD)
    try:
        demo.launch()
        await until(lambda: heeds(demo), what="a process that heeds hangups")
        assert demo.log == "", "it heeds them only when much has been done already"
        demo.signal(signal.SIGHUP)
        await demo.ready()
        await told(demo, AGAIN)
        assert demo.log.count(AGAIN) == 1
    finally:
        demo.close()


async def test_a_hangup_while_redis_is_away_kills_nobody_and_is_obeyed_when_it_is_back(
    tmp_path: Path, model: Counting, redis: Redis
) -> None:
    (tmp_path / ".env").write_text(f"MODEL_API_KEYS={OLD}\n")
    place = tmp_path / "redis.sock"
    demo = Demo(tmp_path, model_base_url=model.url, model_name="m", redis_url=f"unix://{place}")
    try:
        demo.launch()
        await told(demo, "Redis")
        (tmp_path / ".env").write_text(f"MODEL_API_KEYS={NEW}\n")
        for _ in range(3):
            demo.signal(signal.SIGHUP)
        await until(lambda: heeds(demo) and demo.running, what="the process to live on")
        place.symlink_to(redis.connection_pool.connection_kwargs["path"])
        await demo.ready()
        await told(demo, AGAIN)
        assert await ask(demo, model) == NEW
    finally:
        demo.close()


async def test_of_a_storm_of_hangups_the_last_is_obeyed_and_few_are_said(tmp_path: Path, model: Counting) -> None:
    (tmp_path / ".env").write_text(f"MODEL_API_KEYS={OLD}\n")
    async with running(tmp_path, model) as demo:
        for _ in range(400):
            demo.signal(signal.SIGHUP)
            await turns(1)
        await told(demo, AGAIN)
        (tmp_path / ".env").write_text(f"MODEL_API_KEYS={NEW};5r/h,{BAD}\n")
        demo.signal(signal.SIGHUP)
        await told(demo, f"{AGAIN}: 2")
        assert await ask(demo, model) == NEW
        assert demo.log.count(AGAIN) <= 4


async def test_hangups_kill_nobody_who_is_stopping(tmp_path: Path, model: Counting) -> None:
    async with running(tmp_path, model) as demo:
        demo.signal(signal.SIGTERM)

        def over() -> bool:
            if demo.running:
                demo.signal(signal.SIGHUP)
            return not demo.running

        await until(over, seconds=15, what="the end")
        assert demo.code == 0


async def test_a_hangup_never_takes_the_last_key_away(tmp_path: Path, model: Counting) -> None:
    (tmp_path / ".env").write_text(f"MODEL_API_KEYS={OLD}\n")
    async with running(tmp_path, model) as demo:
        (tmp_path / ".env").write_text("MODEL_API_KEYS=\n")
        demo.signal(signal.SIGHUP)
        await told(demo, f"{KEPT}: no key is set any more for 127.0.0.1")
        assert AGAIN not in demo.log
        assert await ask(demo, model) == OLD
