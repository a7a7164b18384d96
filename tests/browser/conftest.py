"""A real browser on the simulator's page, and a small scripted bot that answers over the Bot API.

Every page is watched: whatever it says on the console or asks of another origin fails its test at the end.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import httpx
import pytest
from playwright.async_api import Browser, Page, async_playwright, expect

from simulator.server import Simulator

CHROMIUM = Path("/usr/bin/chromium")
TOKEN = "4242:browser"
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
COMMANDS = {"start": "Say hello", "help": "What I can do", "new": "Begin a new conversation"}
Json = dict[str, Any]
Open = Callable[..., Awaitable[Page]]

expect.set_options(timeout=6_000)


def pytest_runtest_setup() -> None:
    """Without a browser all of these tests skip with one line between them; in CI that is an error."""
    if not CHROMIUM.exists():
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(
            f"no browser at {CHROMIUM}: apt-get install chromium"
        )


class Bot:
    """Answers what is said to it privately, mentions it or is a command; `free` cleared, it types until it is set."""

    def __init__(self, api_url: str, token: str) -> None:
        self.free = asyncio.Event()
        self.free.set()
        self._http = httpx.AsyncClient(base_url=f"{api_url}/bot{token}/", timeout=30, trust_env=False)
        self._running: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self.name = (await self.call("getMe"))["username"]
        menu = [{"command": name, "description": about} for name, about in COMMANDS.items()]
        await self.call("setMyCommands", commands=menu)
        self._running = asyncio.create_task(self._run())
        return self

    async def leave(self) -> None:
        """Answers no more; what it has heard waits for who asks with getUpdates."""
        if self._running is not None:
            self._running.cancel()
            await asyncio.gather(self._running, return_exceptions=True)

    async def __aexit__(self, *_: object) -> None:
        await self.leave()
        await self._http.aclose()

    async def call(self, method: str, **given: Any) -> Any:
        answer = (await self._http.post(method, json=given)).json()
        assert answer["ok"], answer
        return answer["result"]

    async def _run(self) -> None:
        offset = 0
        while True:
            for update in await self.call("getUpdates", offset=offset, timeout=20):
                offset = update["update_id"] + 1
                if "message" in update:
                    await self._answer(update["message"])

    async def _answer(self, message: Json) -> None:
        text = message.get("text", "")
        private = message["chat"]["type"] == "private"
        if not (private or f"@{self.name}" in text or text.startswith("/")):
            return
        place: Json = {"chat_id": message["chat"]["id"]}
        if message.get("is_topic_message"):
            place["message_thread_id"] = message["message_thread_id"]
        await self.call("sendChatAction", action="typing", **place)
        await self.free.wait()
        said = f"You said: {text}"
        await self.call("sendMessage", text=said, reply_parameters={"message_id": message["message_id"]}, **place)


@dataclass
class Watch:
    """What pages did that they should not: words on the console, requests to elsewhere."""

    origin: str
    console: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)

    def over(self, page: Page) -> Page:
        page.on("console", lambda message: self.console.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: self.console.append(f"error: {error}"))
        page.on("request", lambda request: self._asked(request.url))
        return page

    def _asked(self, url: str) -> None:
        if not url.removeprefix("blob:").startswith(self.origin):  # a blob is memory of the page
            self.foreign.append(url)


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield chromium
        await chromium.close()


@pytest.fixture
async def simulator(tmp_path: Path) -> AsyncIterator[Simulator]:
    simulator = Simulator(tmp_path, 0, TOKEN, strict=False)
    await simulator.start()
    yield simulator
    await simulator.close()


@pytest.fixture
async def bot(simulator: Simulator) -> AsyncIterator[Bot]:
    async with Bot(simulator.api_url, TOKEN) as bot:
        yield bot


@pytest.fixture
def watch(simulator: Simulator) -> Watch:
    return Watch(simulator.page_url)


@pytest.fixture
async def open_page(browser: Browser, simulator: Simulator, watch: Watch) -> AsyncIterator[Open]:
    """`await open_page(hash="", **context)`: a new visitor's page, watched; contexts are Playwright's options."""
    async with AsyncExitStack() as visitors:

        async def visit(place: str = "", **context: Any) -> Page:
            visitor = await browser.new_context(**({"viewport": {"width": 1280, "height": 800}} | context))
            visitors.push_async_callback(visitor.close)
            page = watch.over(await visitor.new_page())
            await page.goto(f"{simulator.page_url}/{place}")
            return page

        yield visit
    assert watch.console == []
    assert watch.foreign == []
