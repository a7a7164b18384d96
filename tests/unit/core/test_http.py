"""The model's client is httpx's, without what httpx does twice."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import httpx

from app.core.connections import Connections
from app.core.exchange import Clocks
from app.core.http import Client


class Asked(Exception):
    """What reached the connections."""

    def __init__(self, headers: Mapping[str, str], body: bytes | None) -> None:
        super().__init__("asked")
        self.headers = headers
        self.body = body


class Line:
    """Takes a request and goes no further."""

    def target(self, url: str) -> str:
        return url

    async def open(
        self, method: str, target: object, headers: Mapping[str, str], body: bytes | None, clocks: Clocks, gate: object
    ) -> Any:
        raise Asked(headers, body)


async def asked(client: Client, headers: httpx.Headers, body: bytes) -> Asked:
    try:
        await client.call("POST", client.place("http://model/v1"), headers, body, Clocks())
    except Asked as found:
        return found
    raise AssertionError("nothing was asked")


async def test_headers_that_stay_the_same_are_handed_on_as_they_are() -> None:
    client, headers = Client(cast("Connections", Line())), httpx.Headers({"authorization": "Bearer sk"})
    body = b"{}"
    for _ in range(2):
        found = await asked(client, headers, body)
        assert found.headers is headers, "so they are written out once"
        assert found.body is body, "and the body is not put together again"


async def test_a_hook_sees_the_request_and_may_change_it() -> None:
    client, headers = Client(cast("Connections", Line())), httpx.Headers({"authorization": "Bearer sk"})

    async def sign(request: httpx.Request) -> None:
        request.headers["x-signed"] = "yes"

    client.event_hooks = {"request": [sign]}
    found = await asked(client, headers, b"{}")
    assert found.headers["x-signed"] == "yes"
    assert found.body == b"{}"
    assert "x-signed" not in headers
