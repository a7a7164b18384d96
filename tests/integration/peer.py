"""A real HTTP server whose every answer the test writes itself."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, cast

import msgspec

from tests.support.wire import Exchange, Wire


class Peer:
    """Answers each request with the next of ``script``; the last one stays."""

    def __init__(self, *script: Callable[[Exchange], None]) -> None:
        self.script = list(script)
        self.asked: list[Exchange] = []
        self.open: set[Wire] = set()
        self.connections = 0
        self.url = ""
        self.port = 0

    @property
    def bodies(self) -> list[dict[str, Any]]:
        return [msgspec.json.decode(exchange.body) for exchange in self.asked]

    def __call__(self, exchange: Exchange) -> None:
        self.asked.append(exchange)
        (self.script.pop(0) if len(self.script) > 1 else self.script[0])(exchange)

    def connect(self) -> Wire:
        peer = self

        class Counted(Wire):
            def connection_made(self, transport: asyncio.BaseTransport) -> None:
                self.transport = cast("asyncio.Transport", transport)  # uvloop's is none by class
                peer.connections += 1
                peer.open.add(self)

            def connection_lost(self, exc: Exception | None) -> None:
                super().connection_lost(exc)
                peer.open.discard(self)

        return Counted(self)


@asynccontextmanager
async def serving(
    *script: Callable[[Exchange], None], host: str = "127.0.0.1", tls: ssl.SSLContext | None = None
) -> AsyncIterator[Peer]:
    """A peer at ``peer.url``."""
    peer = Peer(*script)
    server = await asyncio.get_running_loop().create_server(peer.connect, host, 0, ssl=tls)
    peer.port = server.sockets[0].getsockname()[1]
    peer.url = f"{'https' if tls else 'http'}://{f'[{host}]' if ':' in host else host}:{peer.port}"
    try:
        yield peer
    finally:
        server.close()
        for wire in list(peer.open):
            wire.transport.abort()


def silent(_: Exchange) -> None:
    """Never answers."""


def cut(exchange: Exchange) -> None:
    """Ends the connection without a word."""
    exchange.cut()


def says(
    status: int, body: object, extra: bytes = b"", kind: bytes = b"application/json"
) -> Callable[[Exchange], None]:
    """Answers this; bytes go out as they are, the rest as JSON."""
    raw = body if isinstance(body, bytes) else msgspec.json.encode(body)
    return lambda exchange: exchange.reply(raw, status, kind, extra)


def half(body: object) -> Callable[[Exchange], None]:
    """Promises a body and breaks off in its middle."""
    raw = msgspec.json.encode(body)
    return lambda exchange: exchange.half(raw)


def writes(*packets: bytes, close: bool = False) -> Callable[[Exchange], None]:
    """Answers these bytes, whatever they are, and ends the connection or hears the next request."""

    def handler(exchange: Exchange) -> None:
        exchange.over = True
        for packet in packets:
            exchange.wire.write(packet)
        if close:
            exchange.wire.close()
        else:
            exchange.wire.next()

    return handler
