"""llmock: a model server that breaks on demand, and judges how its client took it. It lives in .venv-llmock."""

from __future__ import annotations

import contextlib
import os
import subprocess
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import httpx
import pytest

from tests.foreign.caller import Caller
from tests.foreign.process import running
from tests.support.ports import free_ports

COMMAND = Path(os.environ.get("LLMOCK") or Path(__file__).parents[2] / ".venv-llmock/bin/llmock")

pytestmark = [
    pytest.mark.skipif(not COMMAND.exists(), reason="llmock is not there: `make foreign` sets up .venv-llmock"),
    pytest.mark.timeout(120),
]


class Judge:
    """A server at ``url`` that has watched its clients."""

    def __init__(self, port: int) -> None:
        self.root = f"http://127.0.0.1:{port}"
        self.url = f"{self.root}/v1"

    def report(self, *, strict: bool = False) -> tuple[int, str]:
        """Exit code and words of `llmock report`."""
        command = [str(COMMAND), "report", "--url", self.root, *(["--strict"] if strict else [])]
        done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)
        return done.returncode, done.stdout + done.stderr

    def fit(self, *, strict: bool = False) -> str:
        """Asserts that the client is judged fit; the words."""
        code, words = self.report(strict=strict)
        assert code == 0, words
        return words


@contextlib.asynccontextmanager
async def judge(folder: Path, *arguments: str) -> AsyncIterator[Judge]:
    (port,) = free_ports(1)
    found = Judge(port)
    command = [str(COMMAND), "serve", "--port", str(port), "--response-style", "echo", "--log-level", "warning"]
    async with running([*command, *arguments], f"{found.root}/health", folder):
        yield found


def questions(count: int) -> list[str]:
    return [f"question {number}: what is the way from one word to the next one" for number in range(count)]


def answers(asked: list[str]) -> list[str]:
    return [f"Hello! You said: {text}" for text in asked]


Callers = Callable[..., Caller]


@pytest.mark.parametrize("stream", ["off", "edit"])
async def test_a_server_that_is_well_is_answered_for_in_full(caller: Callers, tmp_path: Path, stream: str) -> None:
    async with judge(tmp_path) as server:
        asked = questions(20)
        assert await caller(server.url, stream=stream).ask_all(asked) == answers(asked)
        assert "20 call(s), 20 attempt(s)" in server.fit(strict=True)


@pytest.mark.parametrize("kind", ["disconnect", "truncate", "stall", "malformed"])
async def test_no_broken_stream_passes_for_a_full_answer(caller: Callers, tmp_path: Path, kind: str) -> None:
    async with judge(tmp_path, "--stream-fault", f"{kind}=0.3", "--stream-stall-seconds", "3") as server:
        asked, one = questions(40), caller(server.url)
        assert await one.ask_all(asked, at_once=20) == answers(asked)
        assert " 0 fault(s)" not in server.fit()


async def test_all_faults_at_once_are_lived_through(caller: Callers, tmp_path: Path) -> None:
    faults = [f"--stream-fault={kind}=0.08" for kind in ("disconnect", "truncate", "stall", "malformed")]
    errors = [f"--error-rate={status}=0.08" for status in (500, 502, 503)]
    async with judge(tmp_path, *faults, *errors, "--stream-stall-seconds", "3") as server:
        asked, one = questions(40), caller(server.url)
        assert await one.ask_all(asked, at_once=20) == answers(asked)
        server.fit()


@pytest.mark.parametrize("stream", ["off", "edit"])
async def test_a_rate_limit_is_waited_for_as_it_asks(caller: Callers, tmp_path: Path, stream: str) -> None:
    async with judge(tmp_path, "--rpm", "60") as server:
        asked, one = questions(66), caller(server.url, stream=stream)
        assert await one.ask_all(asked, at_once=4) == answers(asked)
        assert " 0 fault(s)" not in server.fit()


async def test_limits_of_its_own_keep_a_key_from_ever_being_refused(caller: Callers, tmp_path: Path) -> None:
    async with judge(tmp_path, "--rpm", "30") as server:
        asked = questions(60)
        one = caller(server.url, model_api_keys="sk-a;30r/min,sk-b;30r/min")
        assert await one.ask_all(asked) == answers(asked)
        assert " 0 fault(s)" in server.fit(strict=True)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 422])
async def test_what_no_repetition_heals_is_not_repeated(caller: Callers, tmp_path: Path, status: int) -> None:
    async with judge(tmp_path, "--error-rate", f"{status}=1") as server:
        await caller(server.url).refused("hello")
        assert "1 call(s), 1 attempt(s)" in server.fit()


async def test_a_prompt_that_is_too_long_is_known_as_such(caller: Callers, tmp_path: Path) -> None:
    async with judge(tmp_path, "--context-window", "50") as server:
        error = await caller(server.url).refused("word " * 400)
        assert type(error).__name__ == "PromptTooLong"
        assert "1 attempt(s)" in server.fit()


async def test_the_judge_sees_a_client_that_is_not_fit(tmp_path: Path) -> None:
    async with judge(tmp_path, "--rpm", "1") as server, httpx.AsyncClient(trust_env=False) as client:
        began = time.monotonic()
        body = {"model": "mock", "messages": [{"role": "user", "content": "hello"}]}
        for _ in range(3):
            await client.post(f"{server.url}/chat/completions", json=body)
        assert time.monotonic() - began < 30
        code, words = server.report()
        assert code == 1
        assert "retry_after_ignored" in words
