"""One HTTP/1.1 connection on a socket of its own, parsed by httptools: one request at a time, kept alive between them.

All that belongs to one answer lives in its ``Reply`` and dies with it, so two answers can never merge; what a server
sends beyond its answer ends the connection. Nothing is ever sent twice. Deadlines are looked at by the pool's one
timer, because a timer per request costs as much as the request.
"""

from __future__ import annotations

import asyncio
import math
from time import monotonic
from typing import Any, Protocol, cast

import httptools

from app.core.exchange import Clocks, Failure, Late, Lost
from app.core.unzip import Unzip

HIGH_BYTES = 256 << 10  # what is read ahead of a slow reader before the socket is left to fill
HEAD_BYTES = 64 << 10  # what a server may send without any of it being body: headers, 1xx answers, trailers
_PACKET_BYTES = 64  # what one packet costs besides its content: a flood of chunks of one byte is bounded too


class Owner(Protocol):
    """Who keeps the connections."""

    def freed(self, wire: Wire) -> None: ...
    def gone(self, wire: Wire) -> None: ...


class Reply:
    """The answer to one request, as it comes: status and headers, then the body packet by packet."""

    __slots__ = (
        *("_between", "_body", "_error", "_lengthless", "_parser", "_paused", "_size", "_unseen", "_until", "_unzip"),
        *("_waiter", "_wire", "complete", "deadline", "keep", "raw_headers", "ready", "status"),
    )

    def __init__(self, wire: Wire, clocks: Clocks) -> None:
        now = monotonic()
        self._wire: Wire | None = wire
        self._parser: Any = httptools.HttpResponseParser(self)
        self._between = clocks.between
        self._until = now + clocks.total
        self.deadline = min(now + clocks.first, self._until)
        self.status = 0
        self.raw_headers: list[tuple[bytes, bytes]] = []
        self.ready = self.complete = self.keep = self._lengthless = self._paused = False
        self._body: list[bytes] = []
        self._size = self._unseen = 0
        self._error: Failure | None = None
        self._unzip: Unzip | None = None
        self._waiter: asyncio.Future[None] | None = None

    async def begun(self) -> None:
        """Wait for the status and the headers. Raises Failure."""
        while not self.ready:
            await self._wait()

    async def readany(self) -> bytes:
        """What has come; waits for something, b"" at the end. Raises Failure."""
        if self._unzip is None:
            return await self._packet()
        while True:
            if plain := self._unzip.take():
                return plain
            packet = await self._packet()
            if not packet:
                self._unzip.check()
                return b""
            self._unzip.give(packet)

    def close(self) -> None:
        """Done with it; before its end this closes the connection, so that the other side stops."""
        wire, self._wire = self._wire, None
        if wire is not None:
            self._parser = None  # holds us by our callbacks
            self.fail(Lost("closed by its reader"))
            wire.release(self.keep and not self._paused)

    @property
    def failed(self) -> bool:
        """Nothing more can come of it."""
        return self._error is not None

    def fail(self, error: Failure) -> None:
        """What has come so far is all there will be; no matter to an answer that is complete."""
        if self._error is None and not self.complete:
            self._error = error
            self._wake()

    def feed(self, data: bytes) -> None:
        """Bytes from the socket; complete and not ``keep`` or failed, the connection is of no more use."""
        self.deadline = min(monotonic() + self._between, self._until)
        self._unseen += len(data)
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            self.keep = False
            self.fail(Lost(f"the answer cannot be read: {type(error).__name__}"))
        if self._unseen > HEAD_BYTES:
            self.fail(Lost("the headers of the answer are too long"))

    def end(self) -> None:
        """The other side has said its last: a body without a length is complete by that."""
        if self._lengthless and self._error is None and not self.complete:
            self.complete = True
            self._wake()

    async def _packet(self) -> bytes:
        body = self._body
        while not body:
            if self.complete:
                return b""
            await self._wait()
        packet = body[0] if len(body) == 1 else b"".join(body)
        body.clear()
        self._size = 0
        if self._paused and self._wire is not None:
            self._paused = False
            self.deadline = min(monotonic() + self._between, self._until)
            self._wire.pause(False)
        return packet

    async def _wait(self) -> None:
        if self._error is not None:
            raise self._error
        self._waiter = asyncio.get_running_loop().create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    # httptools tells

    def on_message_begin(self) -> None:
        if self.complete:  # a second answer in the packet that ended ours is nobody's
            self.keep = False

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self.ready:  # else a trailer, or a second answer's
            self.raw_headers.append((name, value))

    def on_headers_complete(self) -> None:
        if self.ready:
            return
        status = self._parser.get_status_code()
        if status < 200:
            return
        if self._unseen > HEAD_BYTES and sum(len(name) + len(value) for name, value in self.raw_headers) > HEAD_BYTES:
            raise ValueError("too long")
        self._lengthless = True
        for name, value in self.raw_headers:
            if len(name) >= 14:  # so are the three that matter
                self._understand(name.lower(), value.lower())
        self.status = status
        self.ready = True
        self._wake()

    def _understand(self, name: bytes, value: bytes) -> None:
        """What a header says about the body; what cannot be undone is refused, never handed on as if it were plain."""
        if name == b"content-length":
            self._lengthless = False
        elif name == b"transfer-encoding":
            self._lengthless = False
            if value != b"chunked":
                raise ValueError("coding")
        elif name == b"content-encoding" and value != b"identity":
            if self._unzip is not None or value not in (b"gzip", b"x-gzip", b"deflate"):
                raise ValueError("coding")
            self._unzip = Unzip()

    def on_body(self, body: bytes) -> None:
        if self.complete:
            return
        self._unseen = 0
        self._body.append(body)
        self._size += len(body) + _PACKET_BYTES
        if self._size > HIGH_BYTES and not self._paused and self._wire is not None:
            self._paused = True
            self.deadline = math.inf  # it is we who do not read
            self._wire.pause(True)
        self._wake()

    def on_message_complete(self) -> None:
        if not self.ready:  # 100 or 103: the answer itself is still to come
            self.raw_headers.clear()
        elif not self.complete:
            self.keep = self._parser.should_keep_alive()
            self.complete = True
            self._wake()


class Wire(asyncio.Protocol):
    """The protocol object of one connection."""

    __slots__ = ("_owner", "_reply", "_transport", "free_since", "usable")

    def __init__(self, owner: Owner) -> None:
        self._owner = owner
        self._transport: asyncio.Transport | None = None
        self._reply: Reply | None = None
        self.usable = False
        self.free_since = 0.0

    async def ask(self, request: bytes, clocks: Clocks) -> Reply:
        """Write a whole request and wait for the headers of its answer; raises Failure. Cancelled, it closes."""
        assert self._transport is not None
        assert self._reply is None
        reply = self._reply = Reply(self, clocks)
        self._transport.write(request)
        try:
            await reply.begun()
        except BaseException:
            reply.close()
            raise
        return reply

    def release(self, keep: bool) -> None:
        """The reader has gone."""
        self._reply = None
        if keep and self.usable:
            self._owner.freed(self)
        else:
            self.break_off()

    def break_off(self) -> None:
        """Close at once."""
        self.usable = False
        if self._transport is not None:
            self._transport.abort()

    def pause(self, paused: bool) -> None:
        """Leave what comes to the socket's buffer, so that the other side must wait; or read on."""
        if self.usable and self._transport is not None:
            (self._transport.pause_reading if paused else self._transport.resume_reading)()

    def look(self, now: float) -> None:
        """The pool's timer: a deadline that is past ends the connection."""
        reply = self._reply
        if reply is not None and reply.deadline < now and not reply.complete:
            reply.fail(Late("no answer in time"))
            self.break_off()

    # asyncio tells

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is none by inheritance
        self.usable = True

    def data_received(self, data: bytes) -> None:
        reply = self._reply
        if reply is None or reply.complete or reply.failed:  # nobody asked: the other side is out of step
            self.break_off()
            return
        reply.feed(data)
        if reply.failed:
            self.break_off()

    def eof_received(self) -> bool:
        self.usable = False
        if self._reply is not None:
            self._reply.end()
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self.usable = False
        if self._reply is not None:
            why = "the connection was closed" if exc is None else f"the answer was lost: {type(exc).__name__}"
            self._reply.fail(Lost(why))
        self._owner.gone(self)
