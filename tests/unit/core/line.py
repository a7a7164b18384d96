"""A wire of app/core/wire.py without a socket, and answers to feed it."""

from __future__ import annotations

import asyncio
from typing import Any, cast

from app.core.exchange import Clocks
from app.core.wire import Reply, Wire
from tests.support.wait import turns

CLOCKS = Clocks(connect=1, first=10, between=5, total=60)
OK = b"HTTP/1.1 200 OK\r\n"


class Line:
    """Transport and owner of one wire."""

    def __init__(self) -> None:
        self.wire = Wire(self)
        self.sent: list[bytes] = []
        self.aborted = self.lost = self.paused = False
        self.freed_wires: list[Wire] = []
        self.wire.connection_made(cast(Any, self))

    def write(self, data: bytes) -> None:
        self.sent.append(data)

    def abort(self) -> None:
        if not self.aborted:
            self.aborted = True
            asyncio.get_running_loop().call_soon(self.wire.connection_lost, None)

    def pause_reading(self) -> None:
        self.paused = True

    def resume_reading(self) -> None:
        self.paused = False

    def freed(self, wire: Wire) -> None:
        self.freed_wires.append(wire)

    def gone(self, wire: Wire) -> None:
        self.lost = True

    def feed(self, *packets: bytes) -> None:
        for packet in packets:
            if packet and not self.aborted:
                self.wire.data_received(packet)

    def end(self) -> None:
        if not self.aborted:
            self.aborted = True
            self.wire.eof_received()
            self.wire.connection_lost(None)

    async def ask(self) -> asyncio.Task[Reply]:
        asking = asyncio.create_task(self.wire.ask(b"question", CLOCKS))
        await turns()
        return asking


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


def packed(coding: bytes, body: bytes) -> bytes:
    return OK + b"Content-Encoding: %b\r\nContent-Length: %d\r\n\r\n%b" % (coding, len(body), body)


async def read(reply: Reply) -> bytes:
    parts = []
    try:
        while packet := await reply.readany():
            parts.append(packet)
    finally:
        reply.close()
    return b"".join(parts)


async def exchange(*packets: bytes, eof: bool = False) -> tuple[int, bytes, Line]:
    line = Line()
    asking = await line.ask()
    line.feed(*packets)
    if eof:
        line.end()
    reply = await asking
    return reply.status, await read(reply), line


def splits(raw: bytes) -> list[list[bytes]]:
    """Whole, in two at every place, byte by byte."""
    return [*([raw[:at], raw[at:]] for at in range(len(raw))), [raw[at : at + 1] for at in range(len(raw))]]
