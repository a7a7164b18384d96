"""Our own HTTP/1.1 client for the hot path: no proxy, no redirect, no cookie, a body of known length.

aiohttp's client costs 0.14 ms a request, which is more than everything else that an update costs; this one 0.02
(bench/http.py). It keeps what a library would: TLS with the system's certificates, happy eyeballs, a bound on
connections, all clocks. Proxies and uploads go through aiohttp (app/core/connections.py).
"""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections import deque
from collections.abc import Mapping
from time import monotonic

from app.core.dial import Dial, Origin
from app.core.exchange import Clocks, Gate, Target, Unreached
from app.core.wire import Reply, Wire

KEEP_SECONDS = 15.0  # below the idle limit of common front ends (60 to 75 s), so they rarely close under a request
TICK_SECONDS = 0.25  # how exact the clocks are
_CLOSE_STEPS = 50  # turns of the loop in which everything that was aborted has ended
_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")  # HEAD would be parsed as if its body were to come
_LINE = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+: [\t\x20-\x7e\xa0-\xff]*")
_OURS = {"host", "content-length", "transfer-encoding", "accept-encoding"}  # twice they would be an attack, or a lie


class Direct:
    """At most ``limit`` connections; who finds none free waits in line, within the clock for connecting.

    A connection that becomes free, or the place of one that ends, is handed to the first in line and to no one else,
    so nobody comes past them. While somebody waits, no connection is free.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._dial = Dial()
        self._wires: dict[Wire, Origin] = {}
        self._free: dict[Origin, list[Wire]] = {}
        self._promised = 0  # places of connections that are being made
        self._queue: deque[tuple[Origin, asyncio.Future[Wire | None]]] = deque()
        self._connecting: set[asyncio.Timeout] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._closed = False
        self._lines: dict[tuple[int, str], tuple[Mapping[str, str], bytes]] = {}

    def __repr__(self) -> str:
        free = sum(map(len, self._free.values()))
        return f"<Direct {len(self._wires) - free} busy, {free} free, {len(self._queue)} waiting>"

    async def open(
        self,
        method: str,
        target: Target,
        headers: Mapping[str, str],
        body: bytes,
        clocks: Clocks,
        gate: Gate | None = None,
    ) -> Reply:
        """Send a request and answer once the headers are here; whoever asked closes the reply. Raises Failure.

        ``headers`` are written out once for each object: it must not change afterwards.
        """
        lines = self._written(method, headers)
        length = b"" if not body and method == "GET" else b"Content-Length: %d\r\n" % len(body)
        request = b"".join((method.encode(), target.head, lines, length, b"\r\n", body))
        wire = self._idle(target.origin) or await self._connect(target.origin, clocks)
        if gate is not None:
            await self._pass(gate, wire)
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(TICK_SECONDS, self._tick)
        return await wire.ask(request, clocks)

    async def _pass(self, gate: Gate, wire: Wire) -> None:
        """The last moment before the request is written: whoever is not let through gives the connection back."""
        try:
            if (doubt := gate()) is not None:
                await doubt
                if not wire.usable:
                    raise Unreached("the connection was closed before the request")
        except BaseException:
            self._give_back(wire)
            raise

    async def close(self) -> None:
        """Close every connection; requests under way fail."""
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
        for clock in self._connecting:
            if not clock.expired():
                clock.reschedule(0)
        for wire in [*self._wires]:
            wire.break_off()
        for _ in range(_CLOSE_STEPS):
            await asyncio.sleep(0)
            if not self._wires and not self._connecting:
                break
        await self._dial.close()

    def _written(self, method: str, headers: Mapping[str, str]) -> bytes:
        known = self._lines.get((id(headers), method))
        if known is not None and known[0] is headers:
            return known[1]
        lines = [f"{name}: {value}" for name, value in headers.items() if name.lower() not in _OURS]
        if method not in _METHODS or not all(map(_LINE.fullmatch, lines)):
            raise Unreached("not a method or header that can be sent")
        if len(self._lines) >= 256:
            self._lines.clear()
        written = "".join(f"{line}\r\n" for line in lines).encode("latin-1")
        self._lines[id(headers), method] = (headers, written)
        return written

    def _idle(self, origin: Origin) -> Wire | None:
        free = self._free.get(origin)
        while free:
            wire = free.pop()
            if wire.usable:
                if wire.free_since > monotonic() - KEEP_SECONDS:
                    return wire
                wire.break_off()  # the loop stood still, and the timer with it
        return None

    async def _connect(self, origin: Origin, clocks: Clocks) -> Wire:
        if self._closed:
            raise Unreached("the connections are closed")
        try:
            async with asyncio.timeout(clocks.connect) as clock:
                self._connecting.add(clock)
                try:
                    while (wire := await self._turn(origin)) and not wire.usable:
                        pass  # it broke before we came to use it
                    return wire or await self._make(origin)
                finally:
                    self._connecting.discard(clock)
        except TimeoutError:
            raise Unreached("the connections are closed" if self._closed else "no connection in time") from None
        except (OSError, RuntimeError, ValueError) as error:
            words = getattr(error, "strerror", None) or error
            raise Unreached(f"no connection to {origin[1]}:{origin[2]}: {words}") from None

    async def _turn(self, origin: Origin) -> Wire | None:
        """A connection that has become free, or None: a place to make one in, which is promised."""
        if len(self._wires) + self._promised < self._limit:
            self._promised += 1
            return None
        waiter: asyncio.Future[Wire | None] = asyncio.get_running_loop().create_future()
        place = (origin, waiter)
        self._queue.append(place)
        self._make_room()
        try:
            return await waiter
        except asyncio.CancelledError:
            if not waiter.cancelled():
                self._give_back(waiter.result())
            with contextlib.suppress(ValueError):
                self._queue.remove(place)
            raise

    def _give_back(self, wire: Wire | None) -> None:
        if wire is None:
            self._promised -= 1
            self._hand_on()
        elif wire.usable:
            self.freed(wire)

    def _make_room(self) -> None:
        """Close the oldest connection that is kept for another origin; its place goes to the first in line."""
        for free in self._free.values():
            while free:
                wire = free.pop(0)
                if wire.usable:
                    wire.break_off()
                    return

    async def _make(self, origin: Origin) -> Wire:
        wire = Wire(self)
        try:
            await self._dial.connect(origin, lambda: wire)
            if not wire.usable:
                raise ConnectionResetError("closed at once")
            self._wires[wire] = origin
        except BaseException:
            wire.break_off()
            raise
        finally:
            self._promised -= 1
            self._hand_on()
        return wire

    def freed(self, wire: Wire) -> None:
        """A connection may be used again."""
        while self._queue and self._queue[0][1].done():
            self._queue.popleft()  # cancelled
        if self._queue:
            origin, waiter = self._queue[0]
            if origin != self._wires[wire]:
                wire.break_off()
                return
            self._queue.popleft()
            waiter.set_result(wire)
            return
        wire.free_since = monotonic()
        self._free.setdefault(self._wires[wire], []).append(wire)

    def gone(self, wire: Wire) -> None:
        """A connection has ended."""
        origin = self._wires.pop(wire, None)
        if origin is not None:
            with contextlib.suppress(ValueError, KeyError):
                self._free[origin].remove(wire)
            self._hand_on()

    def _hand_on(self) -> None:
        while self._queue and len(self._wires) + self._promised < self._limit:
            _, waiter = self._queue.popleft()
            if not waiter.done():
                self._promised += 1
                waiter.set_result(None)

    def _tick(self) -> None:
        """Look at every deadline; close what was free for too long."""
        now = monotonic()
        for wire in [*self._wires]:
            wire.look(now)
        for free in self._free.values():
            while free and free[0].free_since < now - KEEP_SECONDS:
                free.pop(0).break_off()
        self._timer = asyncio.get_running_loop().call_later(TICK_SECONDS, self._tick) if self._wires else None
