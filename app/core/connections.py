"""The connections of this process: one aiohttp session, kept alive, under the models and the Bot API alike.

Only this module knows aiohttp's errors; they come out as three kinds,

    Failure
    ├─ Unreached    nothing was written: DNS, connect, TLS, proxy
    ├─ Late         a clock ran out; the request may have been read
    └─ Lost         the connection ended before the whole answer was here; likewise

without the URL (Telegram's holds the token) and without a cause that would print it.
aiohttp's ``trust_env`` stays off, since it costs two thread hops a request: proxies are resolved here, once per URL.
"""

from __future__ import annotations

import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from time import monotonic
from types import TracebackType
from typing import Self

import aiohttp
from yarl import URL

from app.core.errors import Error, SettingsError

KEEP_SECONDS = 15.0  # below the idle limit of common front ends (60 to 75 s), so they rarely close under a request
MOST_BYTES = 64 << 20  # a getUpdates answer of 100 long updates is about 2 MB
_DNS_SECONDS = 60
_SPARE = 16  # connections besides the turns' own: the poll, commands, alarms


class Failure(Error):
    """An HTTP request without a whole answer."""


class Unreached(Failure):
    """Nothing was written, so nothing was done."""


class Late(Failure):
    """A clock ran out; what was asked may have been done."""


class Lost(Failure):
    """The connection ended before the whole answer was here; what was asked may have been done."""


@dataclass(frozen=True, slots=True)
class Clocks:
    """How long one request may take, in seconds: to connect, to the first byte, between two packets, in all.

    ``total`` is looked at with each packet of the body, so it may be overrun by one ``between``: a timer of its own
    would cost 10 us a request.
    """

    connect: float = 5.0
    first: float = 20.0
    between: float = 20.0
    total: float = 60.0
    timers: aiohttp.ClientTimeout = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        timers = aiohttp.ClientTimeout(
            total=None, connect=self.connect, sock_connect=self.connect, sock_read=self.first
        )
        object.__setattr__(self, "timers", timers)


@dataclass(frozen=True, slots=True, repr=False)
class Target:
    """A URL made ready once: parsed, with the proxy that the environment names for it."""

    url: URL
    proxy: str | None = None
    proxy_headers: dict[str, str] | None = None

    def __repr__(self) -> str:
        return f"<Target {self.url.host}>"


class Body:
    """The body of an answer, packet by packet, already decompressed; closed early it takes the connection with it."""

    def __init__(self, response: aiohttp.ClientResponse, clocks: Clocks) -> None:
        self._response = response
        self._read = response.content.readany
        self._until = monotonic() + clocks.total

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        if monotonic() > self._until:
            raise Late("no whole answer in time")
        try:
            packet = await self._read()
        except (aiohttp.ClientError, OSError) as error:
            raise failure(error) from None
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
            self._response.close()
        return parts[0] if len(parts) == 1 else b"".join(parts)

    async def aclose(self) -> None:
        self._response.close()


class Connections:
    """At most two connections for each of ``concurrency`` turns; no cookies, no redirects."""

    def __init__(self, concurrency: int = 500) -> None:
        self._limit = 2 * concurrency + _SPARE
        self._session: aiohttp.ClientSession | None = None
        self.target = lru_cache(maxsize=256)(resolve)

    @property
    def session(self) -> aiohttp.ClientSession:
        """The session, made on first use inside the running loop."""
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(
                    limit=self._limit, keepalive_timeout=KEEP_SECONDS, ttl_dns_cache=_DNS_SECONDS
                ),
                cookie_jar=aiohttp.DummyCookieJar(),
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
    ) -> aiohttp.ClientResponse:
        """Send a request and answer once the headers are here; whoever asked closes the response."""
        try:
            response = await self.session.request(
                method,
                target.url,
                data=body,
                headers=headers,
                timeout=clocks.timers,
                allow_redirects=False,
                proxy=target.proxy,
                proxy_headers=target.proxy_headers,
            )
        except (aiohttp.ClientError, OSError, RuntimeError, ValueError) as error:
            raise failure(error) from None
        if clocks.between != clocks.first and (connection := response.connection) and connection.protocol:
            connection.protocol.read_timeout = clocks.between
            connection.protocol.start_timeout()
        return response

    async def fetch(
        self,
        method: str,
        target: Target,
        headers: Mapping[str, str],
        body: bytes | aiohttp.FormData | None,
        clocks: Clocks,
    ) -> tuple[int, bytes]:
        """Send a request and read the whole answer: status and body."""
        response = await self.open(method, target, headers, body, clocks)
        return response.status, await Body(response, clocks).whole()

    async def close(self) -> None:
        """Close every connection; requests under way fail."""
        if self._session is not None:
            await self._session.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()


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


def resolve(url: str) -> Target:
    """Parse a URL and find its proxy in HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY."""
    target = URL(url)
    host = target.host
    if target.scheme not in ("http", "https") or not host:
        raise SettingsError([f"not an http address: {target.scheme or 'no scheme'}://{host or 'no host'}"])
    proxies = urllib.request.getproxies()
    proxy = proxies.get(target.scheme) or proxies.get("all")
    if not proxy or urllib.request.proxy_bypass(host):
        return Target(target)
    via = URL(proxy if "://" in proxy else f"http://{proxy}")
    if via.scheme not in ("http", "https"):
        raise SettingsError([f"a proxy of kind {via.scheme} is not supported, only http and https (for {host})"])
    login = {"Proxy-Authorization": aiohttp.encode_basic_auth(via.user, via.password or "")} if via.user else None
    return Target(target, str(via.with_user(None)), login)
