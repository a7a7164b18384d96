"""httpx over our connections, for everything that talks with models: the only module that imports httpx.

httpx's own pool walks all its connections on every request (8 to 20 ms of CPU at 256 in flight), so the transport is
ours. Three habits keep the rest cheap, and ``Client.call`` has them: a ready ``httpx.URL`` and an own ``Request``, the
body iterated raw, no cookie jar. Errors come out as ``connections.Failure``, not as httpx's.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import httpx

from app.core.connections import Body, Connections, Reply
from app.core.exchange import Clocks, Gate, Target

Headers = httpx.Headers
Response = httpx.Response
Place = tuple[httpx.URL, Target]

_HTTP11 = {"http_version": b"HTTP/1.1"}


class Packets(Body, httpx.AsyncByteStream):
    """The body of an answer as httpx's stream."""


class Transport(httpx.AsyncBaseTransport):
    """httpx's seam; a request may carry its ``Clocks``, ``Target`` and ``Gate`` as extensions of these names."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        extensions = request.extensions
        target = extensions.get("target") or self._connections.target(str(request.url))
        clocks = extensions.get("clocks") or Clocks()
        headers = extensions.get("plain") or request.headers
        body = extensions.get("body") or await request.aread() or None
        gate = extensions.get("gate")
        response = await self._connections.open(request.method, target, headers, body, clocks, gate)
        return httpx.Response(
            response.status, headers=_headers_of(response), stream=Packets(response, clocks), extensions=_HTTP11
        )

    async def aclose(self) -> None:
        """Whoever made the connections closes them."""


def _headers_of(reply: Reply) -> Sequence[tuple[bytes, bytes]]:
    """The body is decompressed already, so httpx must not be told of any compression."""
    if not any(name.lower() == b"content-encoding" for name, _ in reply.raw_headers):
        return reply.raw_headers
    return [pair for pair in reply.raw_headers if pair[0].lower() not in (b"content-encoding", b"content-length")]


class NoCookies(httpx.Cookies):
    """Neither keeps nor sends; httpx asks its jar on every answer."""

    def extract_cookies(self, response: httpx.Response) -> None:
        """Nothing is kept."""

    def set_cookie_header(self, request: httpx.Request) -> None:
        """Nothing is sent."""


_NO_COOKIES = NoCookies()


class Client(httpx.AsyncClient):
    """httpx's client without cookies, over ``connections`` or, in tests, over any transport of httpx."""

    def __init__(self, connections: Connections, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._connections = connections
        super().__init__(transport=transport or Transport(connections))

    @property
    def cookies(self) -> httpx.Cookies:
        """Always empty."""
        return _NO_COOKIES

    @cookies.setter
    def cookies(self, cookies: Any) -> None:
        """Not kept."""

    def place(self, url: str) -> Place:
        """A URL in both libraries' forms, to be made once."""
        return httpx.URL(url), self._connections.target(url)

    async def call(
        self,
        method: str,
        place: Place,
        headers: httpx.Headers,
        body: bytes,
        clocks: Clocks,
        gate: Gate | None = None,
    ) -> httpx.Response:
        """Send; answers once the headers are here. Iterate ``body_of`` the response and ``aclose`` that.

        Goes straight to the transport (0.035 ms less than ``send``) unless an event hook wants to see it.
        """
        hooked = any(self.event_hooks.values())
        extensions = {"target": place[1], "clocks": clocks, "gate": gate, "timeout": {}}
        if not hooked:
            extensions |= {"plain": headers, "body": body}  # the same headers at each call, so written out once
        stream = httpx.ByteStream(body)
        request = httpx.Request(method, place[0], headers=headers, stream=stream, extensions=extensions)
        return await (self.send(request, stream=True) if hooked else self._transport.handle_async_request(request))


def body_of(response: httpx.Response) -> httpx.AsyncByteStream:
    """The body as it arrives; cheaper than ``aiter_raw``, which adds generators for each packet."""
    assert isinstance(response.stream, httpx.AsyncByteStream)
    return response.stream
