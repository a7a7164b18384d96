"""The connections of this process, under the models and the Bot API alike: our own where nothing stands between.

What goes through a proxy, or uploads a file, goes through an aiohttp session. Only this module knows aiohttp's errors;
they come out as the three kinds of core/exchange.py. aiohttp's ``trust_env`` stays off, since it costs two thread hops
a request: proxies are resolved once per URL.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextvars import ContextVar
from functools import lru_cache
from time import monotonic
from types import TracebackType
from typing import Protocol, Self

import aiohttp
from aiohttp.connector import Connection

from app.core.direct import KEEP_SECONDS, Direct
from app.core.exchange import Clocks, Failure, Gate, Late, Lost, Target, Unreached, resolve

MOST_BYTES = 64 << 20  # a getUpdates answer of 100 long updates is about 2 MB
_DNS_SECONDS = 60
_SPARE = 16  # connections besides the turns' own: the poll, commands, alarms


class Reply(Protocol):
    """The headers of an answer, and its body packet by packet (b"" at the end)."""

    @property
    def status(self) -> int: ...
    @property
    def raw_headers(self) -> Sequence[tuple[bytes, bytes]]: ...
    async def readany(self) -> bytes: ...
    def close(self) -> None: ...


_gate: ContextVar[Gate | None] = ContextVar("gate", default=None)
"""Of the request that this task makes through aiohttp, which passes nothing of ours on."""


class _Gated(aiohttp.ClientRequest):
    """Asks the gate when the connection is there, the proxy's tunnel too, and nothing is written yet."""

    async def send(self, conn: Connection) -> aiohttp.ClientResponse:
        if (gate := _gate.get()) is not None and (doubt := gate()) is not None:
            await doubt
        return await super().send(conn)


class Borrowed:
    """A reply of aiohttp's."""

    __slots__ = ("_response", "raw_headers", "status")

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._response = response
        self.status = response.status
        self.raw_headers = response.raw_headers

    async def readany(self) -> bytes:
        """What has come."""
        try:
            return await self._response.content.readany()
        except (aiohttp.ClientError, OSError) as error:
            raise failure(error) from None

    def close(self) -> None:
        """Done with it."""
        self._response.close()


class Body:
    """The body of an answer, packet by packet, already decompressed; closed early it takes the connection with it."""

    def __init__(self, reply: Reply, clocks: Clocks) -> None:
        self._reply = reply
        self._until = monotonic() + clocks.total

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        if monotonic() > self._until:
            raise Late("no whole answer in time")
        packet = await self._reply.readany()
        if not packet:
            raise StopAsyncIteration
        return packet

    async def whole(self, limit: int = MOST_BYTES) -> bytes:
        """Read to the end and close; more than ``limit`` bytes are Lost."""
        parts = []
        try:
            async for packet in self:
                parts.append(packet)
                limit -= len(packet)
                if limit < 0:
                    raise Lost("the answer is too long")
        finally:
            self._reply.close()
        return parts[0] if len(parts) == 1 else b"".join(parts)

    async def aclose(self) -> None:
        self._reply.close()


class Connections:
    """At most two connections for each of ``concurrency`` turns; no cookies, no redirects."""

    def __init__(self, concurrency: int = 500) -> None:
        self._limit = 2 * concurrency + _SPARE
        self._direct = Direct(self._limit)
        self._session: aiohttp.ClientSession | None = None
        self.target = lru_cache(maxsize=256)(resolve)

    @property
    def session(self) -> aiohttp.ClientSession:
        """aiohttp's session, made on first use inside the running loop."""
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(
                    limit=self._limit, keepalive_timeout=KEEP_SECONDS, ttl_dns_cache=_DNS_SECONDS
                ),
                cookie_jar=aiohttp.DummyCookieJar(),
                request_class=_Gated,
                skip_auto_headers=("Accept-Encoding", "User-Agent"),
            )
        return self._session

    async def open(
        self,
        method: str,
        target: Target,
        headers: Mapping[str, str],
        body: bytes | aiohttp.FormData | None,
        clocks: Clocks,
        gate: Gate | None = None,
    ) -> Reply:
        """Send a request and answer once the headers are here; whoever asked closes the reply. Raises Failure."""
        if target.proxy is None and (body is None or isinstance(body, bytes)):
            return await self._direct.open(method, target, headers, body or b"", clocks, gate)
        asked = _gate.set(gate)
        try:
            return await self._borrow(method, target, headers, body, clocks)
        finally:
            _gate.reset(asked)

    async def fetch(
        self,
        method: str,
        target: Target,
        headers: Mapping[str, str],
        body: bytes | aiohttp.FormData | None,
        clocks: Clocks,
    ) -> tuple[int, bytes]:
        """Send a request and read the whole answer: status and body."""
        reply = await self.open(method, target, headers, body, clocks)
        return reply.status, await Body(reply, clocks).whole()

    async def close(self) -> None:
        """Close every connection; requests under way fail."""
        await self._direct.close()
        if self._session is not None:
            await self._session.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def _borrow(
        self,
        method: str,
        target: Target,
        headers: Mapping[str, str],
        body: bytes | aiohttp.FormData | None,
        clocks: Clocks,
    ) -> Reply:
        if target.proxy_headers and target.url.scheme == "http":  # aiohttp shows them to the proxy only in a CONNECT
            headers = {**headers, **target.proxy_headers}
        try:
            response = await self.session.request(
                method,
                target.url,
                data=body,
                headers=headers,
                timeout=aiohttp.ClientTimeout(
                    total=None, connect=clocks.connect, sock_connect=clocks.connect, sock_read=clocks.first
                ),
                allow_redirects=False,
                proxy=target.proxy,
                proxy_headers=target.proxy_headers,
            )
        except (aiohttp.ClientError, OSError, RuntimeError, ValueError) as error:
            raise failure(error) from None
        if clocks.between != clocks.first and (connection := response.connection) and connection.protocol:
            connection.protocol.read_timeout = clocks.between
            connection.protocol.start_timeout()
        return Borrowed(response)


def failure(error: BaseException) -> Failure:
    """Which of the three kinds an error of aiohttp is, in words that hold no URL."""
    if isinstance(error, aiohttp.ClientConnectorError):
        return Unreached(f"no connection to {error.host}:{error.port}: {error.os_error.strerror or error.os_error}")
    if isinstance(error, aiohttp.ConnectionTimeoutError):
        return Unreached("no connection in time")
    if isinstance(error, aiohttp.ClientHttpProxyError):
        return Unreached(f"the proxy answered {error.status}")
    if isinstance(error, aiohttp.InvalidURL | RuntimeError | ValueError):
        return Unreached(f"not sent: {type(error).__name__}")
    if isinstance(error, TimeoutError):
        return Late("no answer in time")
    return Lost(f"the answer was lost: {type(error).__name__}")
