"""The pages, asked over HTTP."""

import asyncio
import signal
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import httpx
import pytest

from app.core.errors import SettingsError
from app.ops.metrics import Metrics
from app.ops.web import Pages, Ready


@asynccontextmanager
async def _pages(age: float | None = 1.0, ready: Mapping[str, Ready] | None = None) -> AsyncIterator[httpx.AsyncClient]:
    pages = Pages(Metrics("9"), poll_age=lambda: age, ready=ready or {})
    await pages.start("127.0.0.1", 0)
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{pages.port}", trust_env=False) as client:
        yield client
    await pages.close()


@pytest.mark.parametrize("age, status", [(0.0, 200), (89.9, 200), (90.0, 503), (float("inf"), 503), (None, 200)])
async def test_health_is_the_age_of_the_last_completed_poll(age: float | None, status: int) -> None:
    async with _pages(age) as client:
        answer = await client.get("/healthz")
    assert answer.status_code == status
    assert answer.json()["ok"] is (status == 200)


async def test_health_tells_the_age() -> None:
    async with _pages(12.34) as client:
        assert (await client.get("/healthz")).json() == {"ok": True, "polling": True, "poll_age_seconds": 12.3}


async def test_ready_only_when_nothing_is_missing_and_says_what_is() -> None:
    async def fine() -> str:
        return ""

    async def down() -> str:
        return "Redis is not reachable"

    async def broken() -> str:
        raise RuntimeError("odd")

    async with _pages(ready={"redis": fine}) as client:
        assert (await client.get("/readyz")).json() == {"ready": True, "missing": {}}
    async with _pages(ready={"redis": down, "polling": fine, "model": broken}) as client:
        answer = await client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["missing"] == {"redis": "Redis is not reachable", "model": "RuntimeError: odd"}


async def test_figures_and_front_page() -> None:
    async with _pages() as client:
        figures, front = await client.get("/metrics"), await client.get("/")
    assert figures.headers["content-type"].startswith("text/plain")
    assert 'lanekeeper_info{version="9"} 1.0' in figures.text
    assert all(f'href="{page}"' in front.text for page in ("/healthz", "/readyz", "/metrics"))


async def test_a_chosen_port_that_is_taken_is_one_line_and_a_default_one_moves_on() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        pages = Pages(Metrics(), poll_age=lambda: 0, ready={})
        with pytest.raises(SettingsError, match=f"WEB_PORT={port}: another program listens there"):
            await pages.start("127.0.0.1", port)
        await pages.start("127.0.0.1", port, fixed=False)
        assert port < pages.port <= port + 50
        await pages.close()


async def test_an_address_that_is_not_ours_is_one_line() -> None:
    with pytest.raises(SettingsError, match=r"WEB_HOST=192\.0\.2\.1"):
        await Pages(Metrics(), poll_age=lambda: 0, ready={}).start("192.0.2.1", 0)


async def test_signals_stay_with_the_process_that_has_the_pages() -> None:
    before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
    async with _pages() as client:
        await client.get("/")
        assert (signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)) == before


async def test_closing_ends_within_seconds_even_while_a_client_stays() -> None:
    pages = Pages(Metrics(), poll_age=lambda: 0, ready={})
    await pages.start("127.0.0.1", 0)
    _, writer = await asyncio.open_connection("127.0.0.1", pages.port)
    writer.write(b"GET / HTTP/1.1\r\n")
    await asyncio.wait_for(pages.close(), 5)
    writer.close()
