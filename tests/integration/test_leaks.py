"""What is cancelled leaves nothing behind: no place in the pool, no socket at the server. On both ways to a model."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable

import pytest

from app.core.connections import Connections
from app.core.exchange import Clocks
from app.core.http import Client
from app.model.base import Prompt, whole
from app.model.openai import Endpoint
from tests.integration.peer import Peer, serving
from tests.support.wait import turns, until
from tests.support.wire import Exchange

ASK = Prompt([{"role": "user", "content": "hello"}])
WORD = b'data: {"choices":[{"delta":{"content":"Hi"},"finish_reason":null}]}\n\n'
END = b'data: {"choices":[{"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'
CLOCKS = Clocks(connect=60, first=60, between=60, total=120)
CONCURRENCY = 180  # 376 connections, whose two ends fit into the 1,024 files that a process may have open


class Valve:
    """A model server that begins each answer (every third stays silent) and ends none before it is opened."""

    def __init__(self) -> None:
        self.opened = False
        self.held: list[Exchange] = []

    def __call__(self, exchange: Exchange) -> None:
        if not self.opened and len(self.held) % 3 == 0:
            self.held.append(exchange)
            return
        exchange.begin()
        exchange.feed(WORD)
        if self.opened:
            self._end(exchange)
        else:
            self.held.append(exchange)

    def open(self) -> None:
        """Answer whatever waits, and what comes from now on at once."""
        self.opened = True
        for number, exchange in enumerate(self.held):
            if number % 3 == 0:
                exchange.begin()
                exchange.feed(WORD)
            self._end(exchange)

    def _end(self, exchange: Exchange) -> None:
        exchange.feed(END)
        exchange.end()


@pytest.fixture(params=["direct", "proxy"])
async def made(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Callable[[Peer], tuple[Connections, Endpoint]]]:
    """Connections and a model of the peer, reached straight or through itself as a proxy."""
    pools: list[Connections] = []

    def make(peer: Peer) -> tuple[Connections, Endpoint]:
        base = peer.url
        if request.param == "proxy":
            monkeypatch.setenv("http_proxy", peer.url)
            base = "http://model.test"
        pools.append(Connections(CONCURRENCY))
        return pools[0], Endpoint(Client(pools[0]), f"{base}/v1", name="m", clocks=CLOCKS, patience_seconds=0)

    yield make
    for pool in pools:
        await pool.close()


def busy(connections: Connections) -> int:
    """Requests that have a connection, or a place in the line, now."""
    direct = re.findall(r"(\d+) (?:busy|waiting)", repr(connections._direct))
    connector = connections.session.connector
    assert connector is not None
    return sum(map(int, direct)) + connections._direct._promised + len(connector._acquired) + len(connector._waiters)


async def test_cancelling_2000_of_4000_requests_leaks_no_connection(
    made: Callable[[Peer], tuple[Connections, Endpoint]],
) -> None:
    valve = Valve()
    async with serving(valve) as peer:
        connections, model = made(peer)
        tasks = [asyncio.create_task(whole(model, ASK)) for _ in range(4000)]
        await until(lambda: len(valve.held) == connections._limit, what="a full pool")
        for task in tasks[:500:2]:  # some have an answer half read, some wait for its first byte
            task.cancel()
        await turns(3)
        for task in tasks[3999:499:-2]:  # nearly all of them wait in line
            task.cancel()
        valve.open()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        assert sum(isinstance(result, asyncio.CancelledError) for result in results) == 2000
        assert sum(result == ("Hi", "stop", None) for result in results) == 2000
        await until(lambda: busy(connections) == 0, what=f"an idle pool, not {connections._direct!r}")
        assert len(peer.open) <= connections._limit
        assert await whole(model, ASK) == ("Hi", "stop", None)
        await connections.close()
        await until(lambda: not peer.open, what="all sockets closed at the server")


async def test_300_cancelled_streams_are_closed_upstream_within_a_second(
    made: Callable[[Peer], tuple[Connections, Endpoint]],
) -> None:
    valve = Valve()
    async with serving(valve) as peer:
        connections, model = made(peer)
        tasks = [asyncio.create_task(whole(model, ASK)) for _ in range(300)]
        await until(lambda: len(valve.held) == 300, what="300 answers begun")
        await turns(20)
        for task in tasks:
            task.cancel()
        await until(lambda: not peer.open, seconds=1, what="all sockets closed at the server")
        await asyncio.gather(*tasks, return_exceptions=True)
        assert busy(connections) == 0
