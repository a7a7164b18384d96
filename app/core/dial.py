"""How a connection comes to be: the name's addresses, the first that answers, TLS with the system's certificates."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Callable
from time import monotonic
from typing import Any

import aiohappyeyeballs

DNS_SECONDS = 60.0
EYEBALLS_SECONDS = 0.25  # RFC 8305: how long the first address may take before the next is tried beside it

Origin = tuple[str, str, int]


class Dial:
    """Remembers names, and asks for each only once at a time: the resolver has few threads."""

    def __init__(self) -> None:
        self._names: dict[tuple[str, int], tuple[float, list[Any]]] = {}
        self._asking: dict[tuple[str, int], asyncio.Task[list[Any]]] = {}
        self._tls: ssl.SSLContext | None = None

    async def connect(self, origin: Origin, protocol: Callable[[], asyncio.Protocol]) -> None:
        """Connect, with TLS if it is https; raises OSError, RuntimeError (uvloop's word for some), ValueError."""
        scheme, host, port = origin
        loop = asyncio.get_running_loop()
        infos = await self._addresses(host, port)
        tls = self._context() if scheme == "https" else None
        try:
            sock = await aiohappyeyeballs.start_connection(
                infos, happy_eyeballs_delay=EYEBALLS_SECONDS, interleave=1, loop=loop
            )
            try:
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                await loop.create_connection(protocol, sock=sock, ssl=tls, server_hostname=host if tls else None)
            except BaseException:
                with contextlib.suppress(OSError):  # the loop may have closed it, and that must not hide a cancellation
                    sock.close()
                raise
        except (OSError, RuntimeError):
            self._names.pop((host, port), None)
            raise

    async def close(self) -> None:
        """Give up the questions under way; nobody may wait for one any more."""
        tasks = [*self._asking.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _addresses(self, host: str, port: int) -> list[Any]:
        known = self._names.get((host, port))
        if known is not None and known[0] > monotonic():
            return known[1]
        task = self._asking.get((host, port))
        if task is None:
            task = self._asking[host, port] = asyncio.create_task(self._resolve(host, port))
            task.add_done_callback(lambda _: self._asking.pop((host, port), None))
        return await asyncio.shield(task)

    async def _resolve(self, host: str, port: int) -> list[Any]:
        infos = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
        self._names[host, port] = (monotonic() + DNS_SECONDS, list(infos))
        return list(infos)

    def _context(self) -> ssl.SSLContext:
        if self._tls is None:
            self._tls = ssl.create_default_context()
            self._tls.set_alpn_protocols(["http/1.1"])
        return self._tls
