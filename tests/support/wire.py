"""HTTP/1.1 as the fakes speak it. A handler gets an `Exchange` and decides what the wire shows: an answer, a stream,
half of it, a cut, silence.

One request of a connection is served at a time, in order; bytes that come meanwhile wait.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import cast

Handler = Callable[["Exchange"], None]

REASONS = {
    200: b"OK",
    400: b"Bad Request",
    401: b"Unauthorized",
    403: b"Forbidden",
    404: b"Not Found",
    409: b"Conflict",
}


class Exchange:
    """One request and the one answer it gets."""

    __slots__ = ("wire", "method", "path", "headers", "body", "lost", "over")

    def __init__(self, wire: Wire, method: str, path: str, headers: dict[bytes, bytes], body: bytes) -> None:
        self.wire, self.method, self.path, self.headers, self.body = wire, method, path, headers, body
        self.lost: Callable[[], None] | None = None
        """Called when the connection goes before the answer is complete."""
        self.over = False

    def reply(self, body: bytes, status: int = 200, kind: bytes = b"application/json", extra: bytes = b"") -> None:
        """Answers whole. `extra` are further header lines, each with its CRLF."""
        if self._finish():
            self.wire.write(head(status, kind, b"Content-Length: %d\r\n" % len(body), extra) + body)
            self.wire.next()

    def begin(self) -> None:
        """Opens a stream of server-sent events."""
        if not self.over:
            self.wire.write(
                head(200, b"text/event-stream", b"Transfer-Encoding: chunked\r\nCache-Control: no-cache\r\n")
            )

    def feed(self, data: bytes) -> None:
        """Sends one chunk of the open stream."""
        if not self.over:
            self.wire.write(b"%x\r\n%b\r\n" % (len(data), data))

    def end(self) -> None:
        """Closes the open stream as HTTP wants it; whether its content was complete is the caller's affair."""
        if self._finish():
            self.wire.write(b"0\r\n\r\n")
            self.wire.next()

    def cut(self) -> None:
        """Ends the connection with what has been written so far."""
        if self._finish():
            self.wire.close()

    def half(self, body: bytes) -> None:
        """Promises `body`, sends half of it, and ends the connection."""
        if self._finish():
            self.wire.write(
                head(200, b"application/json", b"Content-Length: %d\r\n" % len(body)) + body[: len(body) // 2]
            )
            self.wire.close()

    def drop(self) -> None:
        """The connection is gone: tells whoever waits for it."""
        if self._finish() and self.lost is not None:
            self.lost()

    def _finish(self) -> bool:
        first, self.over = not self.over, True
        return first


class Wire(asyncio.Protocol):
    """One connection."""

    __slots__ = ("handler", "transport", "buffer", "current", "last")

    def __init__(self, handler: Handler) -> None:
        self.handler = handler
        self.transport: asyncio.Transport
        self.buffer = b""
        self.current: Exchange | None = None
        self.last = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)  # uvloop's are not of that class

    def connection_lost(self, exc: Exception | None) -> None:
        current, self.current = self.current, None
        if current is not None:
            current.drop()

    def data_received(self, data: bytes) -> None:
        self.buffer = self.buffer + data if self.buffer else data
        self.pump()

    def write(self, data: bytes) -> None:
        if not self.transport.is_closing():
            self.transport.write(data)

    def close(self) -> None:
        self.current = None
        self.transport.close()

    def next(self) -> None:
        """The answer is out: the next request that waits on this connection, if any."""
        self.current = None
        if self.last:
            self.transport.close()
        elif self.buffer:
            asyncio.get_running_loop().call_soon(self.pump)

    def pump(self) -> None:
        while self.current is None and self.buffer and not self.transport.is_closing():
            exchange = self.take()
            if exchange is None:
                return
            self.current = exchange
            self.handler(exchange)

    def take(self) -> Exchange | None:
        """Cuts one whole request off the buffer; None while it is not all there."""
        end = self.buffer.find(b"\r\n\r\n")
        if end < 0:
            return None
        first, *lines = self.buffer[:end].split(b"\r\n")
        headers = {}
        for line in lines:
            name, _, value = line.partition(b":")
            headers[name.lower()] = value.strip()
        if b"chunked" in headers.get(b"transfer-encoding", b""):
            parsed = dechunk(self.buffer, end + 4)
            if parsed is None:
                return None
            body, stop = parsed
        else:
            stop = end + 4 + int(headers.get(b"content-length", b"0"))
            if len(self.buffer) < stop:
                return None
            body = self.buffer[end + 4 : stop]
        self.buffer = self.buffer[stop:]
        self.last = headers.get(b"connection", b"").lower() == b"close"
        method, path, _ = first.decode("ascii").split(" ")
        return Exchange(self, method, path, headers, body)


def head(status: int, kind: bytes, *lines: bytes) -> bytes:
    """The status line and headers of an answer."""
    reason = REASONS.get(status, b"Answer")
    return b"HTTP/1.1 %d %b\r\nContent-Type: %b\r\n%b\r\n" % (status, reason, kind, b"".join(lines))


def dechunk(buffer: bytes, at: int) -> tuple[bytes, int] | None:
    """Body and end of a chunked request that starts at `at`; None while it is not all there."""
    parts: list[bytes] = []
    while True:
        line = buffer.find(b"\r\n", at)
        if line < 0:
            return None
        size = int(buffer[at:line].split(b";")[0], 16)
        at = line + 2 + size + 2
        if len(buffer) < at:
            return None
        if size == 0:
            return b"".join(parts), at
        parts.append(buffer[line + 2 : at - 2])
