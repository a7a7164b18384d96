"""One HTTP/1.1 connection on a socket of its own, parsed by httptools: one request at a time, kept alive between them.

A *wire* is free, waits for headers, streams a body, or is broken. It never sends anything twice. Deadlines are looked
at by the pool's one timer, because a timer per request costs as much as the request.
"""

from __future__ import annotations

import asyncio
import math
import zlib
from collections.abc import Callable
from time import monotonic
from typing import Any, cast

import httptools

from app.core.exchange import Clocks, Failure, Late, Lost

HIGH_BYTES = 256 << 10  # what is read ahead of a slow reader before the socket is left to fill
_GZIP_OR_ZLIB = 47  # zlib's word for "look at the header"


class Reply:
    """The headers of an answer, and its body packet by packet."""

    __slots__ = ("_wire", "raw_headers", "status")

    def __init__(self, wire: Wire, status: int, headers: list[tuple[bytes, bytes]]) -> None:
        self._wire: Wire | None = wire
        self.status = status
        self.raw_headers = headers

    async def readany(self) -> bytes:
        """What has come; waits for something, b"" at the end. Raises Failure."""
        return await self._wire.read() if self._wire else b""

    def close(self) -> None:
        """Done with it; before its end this closes the connection, so that the other side stops."""
        wire, self._wire = self._wire, None
        if wire is not None:
            wire.release()


class Wire(asyncio.Protocol):
    """The protocol object of one connection; ``done`` is told when it is free again or broken."""

    __slots__ = (
        *("_body", "_clocks", "_done", "_error", "_headers", "_keep", "_lengthless", "_parser", "_paused", "_reading"),
        *("_size", "_surplus", "_transport", "_unzip", "_waiter", "complete", "deadline", "free_since", "usable"),
    )

    def __init__(self, done: Callable[[Wire], None]) -> None:
        self._done = done
        self._transport: asyncio.Transport | None = None
        self._parser: Any = None
        self.usable = False
        self.deadline = 0.0
        self.free_since = 0.0
        self.complete = True
        self._waiter: asyncio.Future[None] | None = None
        self._reset()

    def _reset(self) -> None:
        self._headers: list[tuple[bytes, bytes]] = []
        self._body: list[bytes] = []
        self._size = 0
        self._error: Failure | None = None
        self._reading = self._keep = self._paused = self._lengthless = self._surplus = False
        self._unzip: Any = None

    async def ask(self, request: bytes, clocks: Clocks) -> Reply:
        """Write a whole request and wait for the headers of its answer; raises Failure. Cancelled, it closes."""
        self._reset()
        self._clocks = clocks
        self.complete = False
        self._parser = httptools.HttpResponseParser(self)
        self.deadline = monotonic() + clocks.first
        assert self._transport is not None
        self._transport.write(request)
        try:
            while not self._reading:
                await self._wait()
        except BaseException:
            self.release()
            raise
        return Reply(self, self._parser.get_status_code(), self._headers)

    async def read(self) -> bytes:
        """The next packets of the body, joined; b"" at its end."""
        while not self._body:
            if self.complete and self._error is None:
                return b""
            await self._wait()
        body = self._body
        packet = body[0] if len(body) == 1 else b"".join(body)
        body.clear()
        self._size = 0
        if self._paused and self._transport is not None:
            self._paused = False
            self.deadline = monotonic() + self._clocks.between
            self._transport.resume_reading()
        return packet

    def release(self) -> None:
        """The reader has gone: keep the connection if its answer was read to the end, else close it."""
        self._waiter = None
        if not (self.complete and self._keep and self._error is None and self.usable):
            self.break_off()
        self._done(self)

    def break_off(self) -> None:
        """Close at once."""
        self.usable = False
        if self._transport is not None:
            self._transport.abort()

    def expire(self) -> None:
        """The pool's timer found the deadline past."""
        self._fail(Late("no answer in time"))
        self.break_off()

    async def _wait(self) -> None:
        if self._error is not None:
            raise self._error
        self._waiter = asyncio.get_running_loop().create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None
        if self._error is not None and not self._body:
            raise self._error

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _fail(self, error: Failure) -> None:
        if self._error is None and not self.complete:
            self._error = error
        self._wake()

    # asyncio tells

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is none by inheritance
        self.usable = True

    def data_received(self, data: bytes) -> None:
        if self.complete:  # nobody asked anything: the other side is out of step
            self.break_off()
            return
        self.deadline = monotonic() + self._clocks.between
        try:
            self._parser.feed_data(data)
            if self._surplus:
                self.break_off()
        except (httptools.HttpParserError, zlib.error) as error:
            self._fail(Lost(f"the answer cannot be read: {type(error).__name__}"))
            self.break_off()

    def eof_received(self) -> bool:
        if self._reading and self._lengthless and not self.complete:
            self.complete = True  # a body without a length ends with the connection
            self._wake()
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self.usable = False
        self._fail(Lost("the connection was closed" if exc is None else f"the answer was lost: {type(exc).__name__}"))
        if self._waiter is None and self.complete:
            self._done(self)

    # httptools tells

    def on_message_begin(self) -> None:
        self._surplus = self.complete  # a second answer in the packet that ended ours is nobody's

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self._surplus:
            self._headers.append((name, value))

    def on_headers_complete(self) -> None:
        if self._surplus or self._parser.get_status_code() < 200:
            return
        names = {name.lower(): value for name, value in self._headers}
        coding = names.get(b"content-encoding", b"identity").lower()
        if coding in (b"gzip", b"x-gzip", b"deflate"):
            self._unzip = zlib.decompressobj(_GZIP_OR_ZLIB)
        elif coding != b"identity":
            self._fail(Lost("the answer has a compression that nobody asked for"))
        self._lengthless = b"content-length" not in names and b"transfer-encoding" not in names
        self._reading = True
        self._wake()

    def on_body(self, body: bytes) -> None:
        if self._surplus:
            return
        packet = self._unzip.decompress(body) if self._unzip is not None else body
        if packet:
            self._body.append(packet)
            self._size += len(packet)
            if self._size > HIGH_BYTES and not self._paused and self._transport is not None:
                self._paused = True
                self.deadline = math.inf  # it is we who do not read
                self._transport.pause_reading()
            self._wake()

    def on_message_complete(self) -> None:
        if self._surplus:
            return
        if not self._reading:  # 100 or 103: the answer itself is still to come
            self._headers = []
            return
        self._keep = self._parser.should_keep_alive()
        self.complete = True
        self._wake()
