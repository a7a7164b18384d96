"""Through a proxy, too, the last question comes when the connection is there and nothing is written yet."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from app.core.connections import Connections
from app.core.exchange import Clocks, Target, Unreached
from app.core.http import Client
from app.model.base import Prompt, whole
from app.model.openai import Endpoint
from tests.integration.peer import Peer, says, serving
from tests.integration.test_model import GOOD
from tests.support.ports import free_ports
from tests.support.wait import until

QUICK = Clocks(connect=2, first=2, between=2, total=4)
JSON = {"Content-Type": "application/json"}


class Withheld(Exception):
    pass


@pytest.fixture
async def proxy(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Peer]:
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    async with serving(says(200, b"by proxy")) as peer:
        monkeypatch.setenv("http_proxy", peer.url)
        yield peer


async def ask(connections: Connections, target: Target, gate: object) -> int:
    reply = await connections.open("POST", target, JSON, b"x", QUICK, gate)  # type: ignore[arg-type]
    while await reply.readany():
        pass
    return reply.status


async def test_the_last_question_comes_when_the_connection_is_there(proxy: Peer) -> None:
    seen: list[tuple[int, int]] = []

    async def doubt() -> None:
        await until(lambda: proxy.connections, what="the connection")
        seen.append((proxy.connections, len(proxy.asked)))

    async with Connections(2) as connections:
        target = connections.target("http://model.test/x")
        assert await ask(connections, target, doubt) == 200
        assert seen == [(1, 0)]
        assert await ask(connections, target, lambda: seen.append((proxy.connections, len(proxy.asked)))) == 200
        assert seen[1] == (1, 1)


async def test_what_is_kept_back_is_not_written(proxy: Peer) -> None:
    def refuse() -> None:
        raise Withheld

    async def doubt() -> None:
        raise Withheld

    async with Connections(2) as connections:
        target = connections.target("http://model.test/x")
        for gate in (refuse, doubt):
            with pytest.raises(Withheld):
                await ask(connections, target, gate)
        assert proxy.asked == []
        assert await ask(connections, target, None) == 200


async def test_without_a_connection_nobody_is_asked(proxy: Peer, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{free_ports(1)[0]}")
    async with Connections(2) as connections:
        with pytest.raises(Unreached):
            await ask(connections, connections.target("http://model.test/x"), lambda: asked.append(1))
    assert asked == []


async def test_each_request_has_its_own_last_question(proxy: Peer) -> None:
    asked: list[int] = []

    async with Connections(8) as connections:
        target = connections.target("http://model.test/x")
        gates = [lambda number=number: asked.append(number) for number in range(8)]
        await asyncio.gather(*(ask(connections, target, gate) for gate in gates))
        assert sorted(asked) == list(range(8))


async def test_a_model_tells_each_time_that_it_is_asked() -> None:
    asked: list[int] = []
    prompt = Prompt([{"role": "user", "content": "hi"}], on_asked=lambda: asked.append(len(peer.asked)))
    async with Connections(2) as connections, serving(says(500, b""), says(200, GOOD)) as peer:
        model = Endpoint(Client(connections), f"{peer.url}/v1", name="m", stream=False, clocks=QUICK)
        assert (await whole(model, prompt))[0] == "Hi!"
        assert asked == [0, 1]
