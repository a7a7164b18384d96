"""Our own HTTP/1.1 client for the hot path: no proxy, no redirect, no cookie, a body of known length.

aiohttp's client costs 0.14 ms a request, which is more than everything else that an update costs; this one 0.02
(bench/http.py). It keeps what a library would: TLS with the system's certificates, happy eyeballs, a bound on
connections, all clocks. Proxies and uploads go through aiohttp (app/core/connections.py).
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections import deque
from collections.abc import Mapping
from time import monotonic
from typing import Any

import aiohappyeyeballs

from app.core.exchange import Clocks, Target, Unreached
from app.core.wire import Reply, Wire

KEEP_SECONDS = 15.0  # below the idle limit of common front ends (60 to 75 s), so they rarely close under a request
TICK_SECONDS = 0.25  # how exact the clocks are
DNS_SECONDS = 60.0
EYEBALLS_SECONDS = 0.25  # RFC 8305: how long the first address may take before the next is tried beside it

Origin = tuple[str, str, int]


class Direct:
    """At most ``limit`` connections; who finds none free waits, within the clock for connecting."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._free: dict[Origin, list[Wire]] = {}
        self._origins: dict[Wire, Origin] = {}
        self._busy: set[Wire] = set()
        self._opening = 0
        self._queue: deque[asyncio.Future[None]] = deque()
        self._names: dict[tuple[str, int], tuple[float, list[Any]]] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._tls: ssl.SSLContext | None = None
        self._heads: dict[tuple[int, str], tuple[Mapping[str, str], bytes]] = {}

    def __repr__(self) -> str:
        free = sum(map(len, self._free.values()))
        return f"<Direct {len(self._busy)} busy, {free} free, {len(self._queue)} waiting>"

    async def open(self, method: str, target: Target, headers: Mapping[str, str], body: bytes, clocks: Clocks) -> Reply:
        """Send a request and answer once the headers are here; whoever asked closes the reply. Raises Failure."""
        request = self._request(method, target, headers, body)
        wire = self._idle(target.origin) or await self._connect(target.origin, clocks)
        self._busy.add(wire)
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(TICK_SECONDS, self._tick)
        return await wire.ask(request, clocks)

    async def close(self) -> None:
        """Close every connection; requests under way fail."""
        if self._timer is not None:
            self._timer.cancel()
        for wire in [*self._origins]:
            wire.break_off()
        await asyncio.sleep(0)

    def _request(self, method: str, target: Target, headers: Mapping[str, str], body: bytes) -> bytes:
        known = self._heads.get((id(headers), method))
        if known is None or known[0] is not headers:  # callers keep their headers, so they are written out once
            lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
            if lines.count("\n") != len(headers):
                raise Unreached("a header holds a line break")
            known = self._heads[id(headers), method] = (headers, lines.encode("latin-1"))
            if len(self._heads) > 256:
                self._heads.clear()
        length = b"" if method == "GET" and not body else b"Content-Length: %d\r\n" % len(body)
        return b"".join((method.encode(), target.head, known[1], length, b"\r\n", body))

    def _idle(self, origin: Origin) -> Wire | None:
        free = self._free.get(origin)
        while free:
            wire = free.pop()
            if wire.usable:
                return wire
        return None

    async def _connect(self, origin: Origin, clocks: Clocks) -> Wire:
        try:
            async with asyncio.timeout(clocks.connect):
                while len(self._origins) + self._opening >= self._limit and not self._make_room():
                    await self._turn()
                    if wire := self._idle(origin):
                        return wire
                self._opening += 1
                try:
                    return await self._dial(origin)
                finally:
                    self._opening -= 1
        except TimeoutError:
            raise Unreached("no connection in time") from None
        except (OSError, ssl.CertificateError) as error:
            self._names.pop(origin[1:], None)
            raise Unreached(f"no connection to {origin[1]}:{origin[2]}: {error.strerror or error}") from None

    async def _turn(self) -> None:
        waiter = asyncio.get_running_loop().create_future()
        self._queue.append(waiter)
        try:
            await waiter
        except asyncio.CancelledError:
            if waiter.done() and not waiter.cancelled():
                self._next()
            raise
        finally:
            with contextlib.suppress(ValueError):
                self._queue.remove(waiter)

    def _make_room(self) -> bool:
        """Close a connection that is kept for another origin."""
        for free in self._free.values():
            if free:
                wire = free.pop(0)
                wire.break_off()
                self._origins.pop(wire, None)
                return True
        return False

    async def _dial(self, origin: Origin) -> Wire:
        scheme, host, port = origin
        loop = asyncio.get_running_loop()
        infos = await self._addresses(host, port)
        sock = await aiohappyeyeballs.start_connection(
            infos, happy_eyeballs_delay=EYEBALLS_SECONDS, interleave=1, loop=loop
        )
        try:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            tls = self._context() if scheme == "https" else None
            _, wire = await loop.create_connection(
                lambda: Wire(self._done), sock=sock, ssl=tls, server_hostname=host if tls else None
            )
        except BaseException:
            sock.close()
            raise
        self._origins[wire] = origin
        return wire

    async def _addresses(self, host: str, port: int) -> list[Any]:
        known = self._names.get((host, port))
        if known is not None and known[0] > monotonic():
            return known[1]
        infos = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
        self._names[host, port] = (monotonic() + DNS_SECONDS, list(infos))
        return list(infos)

    def _context(self) -> ssl.SSLContext:
        if self._tls is None:
            self._tls = ssl.create_default_context()
            self._tls.set_alpn_protocols(["http/1.1"])
        return self._tls

    def _done(self, wire: Wire) -> None:
        """A wire is free again, or broken."""
        self._busy.discard(wire)
        if wire.usable:
            wire.free_since = monotonic()
            self._free.setdefault(self._origins[wire], []).append(wire)
        elif (origin := self._origins.pop(wire, None)) is not None and wire in self._free.get(origin, ()):
            self._free[origin].remove(wire)
        self._next()

    def _next(self) -> None:
        while self._queue:
            waiter = self._queue.popleft()
            if not waiter.done():
                waiter.set_result(None)
                return

    def _tick(self) -> None:
        """Look at every deadline; close what was free for too long."""
        now = monotonic()
        for wire in [wire for wire in self._busy if wire.deadline < now and not wire.complete]:
            wire.expire()
        for free in self._free.values():
            while free and free[0].free_since < now - KEEP_SECONDS:
                free.pop(0).break_off()
        again = self._busy or any(self._free.values())
        self._timer = asyncio.get_running_loop().call_later(TICK_SECONDS, self._tick) if again else None
