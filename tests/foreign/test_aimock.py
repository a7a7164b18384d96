"""aimock: a model server of fixtures and chaos, on node. `make foreign` brings it where npm is."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.core.errors import KeyUnpaid
from app.model.base import Prompt, Usage, whole
from tests.foreign.caller import Caller
from tests.foreign.process import running
from tests.support.ports import free_ports

HERE = Path(__file__).parent / "aimock"
SCRIPT = HERE / "node_modules/@copilotkit/aimock/dist/cli.js"
NODE = shutil.which("node") or ""

pytestmark = [
    pytest.mark.skipif(
        not (NODE and SCRIPT.exists()), reason="aimock is not there: it needs node, npm, `make foreign`"
    ),
    pytest.mark.timeout(120),
]
Callers = Callable[..., Caller]


class Mock:
    """A server at ``url`` that keeps a journal of every request."""

    def __init__(self, port: int) -> None:
        self.root = f"http://127.0.0.1:{port}"
        self.url = f"{self.root}/v1"

    async def journal(self) -> list[dict[str, Any]]:
        async with httpx.AsyncClient(trust_env=False) as client:
            found: list[dict[str, Any]] = (await client.get(f"{self.root}/__aimock/journal")).json()
            return [entry for entry in found if entry["path"] == "/v1/chat/completions"]

    async def statuses(self) -> list[int]:
        return [entry["response"]["status"] for entry in await self.journal()]


@contextlib.asynccontextmanager
async def mock(folder: Path, *arguments: str) -> AsyncIterator[Mock]:
    (port,) = free_ports(1)
    found = Mock(port)
    command = [NODE, str(SCRIPT), "--port", str(port), "--fixtures", str(HERE / "fixtures.json"), "--log-level", "warn"]
    async with running([*command, *arguments], f"{found.root}/health", folder):
        yield found


@pytest.mark.parametrize("stream", ["off", "edit"])
async def test_a_fixture_is_read_whole_with_its_usage(caller: Callers, tmp_path: Path, stream: str) -> None:
    async with mock(tmp_path) as server:
        prompt = Prompt([{"role": "user", "content": "plain"}], turn="1")
        text, finish, usage = await whole(caller(server.url, stream=stream).models.model, prompt)
        assert (text, finish) == ("Hello from a fixture, 😀 grüße.", "stop")
        assert isinstance(usage, Usage)
        assert usage.prompt > 0
        assert usage.completion > 0


async def test_a_busy_key_is_left_alone_for_as_long_as_it_asks(caller: Callers, tmp_path: Path) -> None:
    async with mock(tmp_path) as server:
        assert await caller(server.url).ask("busy") == "Now I can."
        refused, answered = await server.journal()
        assert (refused["response"]["status"], answered["response"]["status"]) == (429, 200)
        assert answered["timestamp"] - refused["timestamp"] >= 1000


async def test_the_next_key_is_asked_at_once(caller: Callers, tmp_path: Path) -> None:
    async with mock(tmp_path) as server:
        assert await caller(server.url, model_api_keys="sk-one,sk-two").ask("busy") == "Now I can."
        refused, answered = await server.journal()
        assert (refused["response"]["status"], answered["response"]["status"]) == (429, 200)
        assert answered["timestamp"] - refused["timestamp"] < 900


async def test_an_empty_purse_is_told_from_a_busy_key(caller: Callers, tmp_path: Path) -> None:
    async with mock(tmp_path) as server:
        assert isinstance(await caller(server.url).refused("broke"), KeyUnpaid)
        assert await server.statuses() == [429]


async def test_a_server_that_is_ill_for_a_moment_is_asked_again(caller: Callers, tmp_path: Path) -> None:
    async with mock(tmp_path) as server:
        assert await caller(server.url).ask("ill") == "Well again."
        assert await server.statuses() == [503, 200]


@pytest.mark.parametrize("question", ["short", "drop"])
async def test_a_stream_that_breaks_off_is_known_as_cut(caller: Callers, tmp_path: Path, question: str) -> None:
    async with mock(tmp_path) as server:
        one = caller(server.url)
        assert await one.ask(question) == "This answer is whole."
        assert one.heard["ModelCut"] == 1
        assert len(await server.journal()) == 2


@pytest.mark.parametrize("question, why, said", [("long", "length", "Half of it"), ("filtered", "content_filter", "")])
async def test_why_an_answer_ended_is_passed_on(
    caller: Callers, tmp_path: Path, question: str, why: str, said: str
) -> None:
    async with mock(tmp_path) as server:
        prompt = Prompt([{"role": "user", "content": question}], turn="1")
        text, finish, _ = await whole(caller(server.url).models.model, prompt)
        assert (text, finish) == (said, why)


async def test_chaos_of_every_kind_is_lived_through(caller: Callers, tmp_path: Path) -> None:
    chaos = ("--chaos-drop", "0.15", "--chaos-malformed", "0.1", "--chaos-disconnect", "0.15")
    async with mock(tmp_path, *chaos) as server:
        answers = await caller(server.url).ask_all([f"plain {number}" for number in range(40)])
        assert set(answers) == {"Hello from a fixture, 😀 grüße."}
        assert len(await server.journal()) > 40


async def test_rate_limits_at_random_are_waited_for(caller: Callers, tmp_path: Path) -> None:
    async with mock(tmp_path, "--chaos-ratelimit", "0.2") as server:
        answers = await caller(server.url, model_api_keys="sk-one,sk-two,sk-three").ask_all(["plain"] * 10, at_once=2)
        assert set(answers) == {"Hello from a fixture, 😀 grüße."}
