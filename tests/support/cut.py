"""A proxy before a Unix socket that loses requests or answers on request, as a bad network does."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

CHUNK = 1 << 20


class Cut:
    """Forwards both ways. `lose_requests` and `lose_answers` count down, each loss cuts its connection;
    the first `spare_answers` answers are not lost.

    `seen` is what clients sent, one item a read, also what was lost on the way.
    """

    def __init__(self, upstream: str) -> None:
        self._upstream = upstream
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self.port = 0
        self.lose_requests = 0
        self.lose_answers = 0
        self.spare_answers = 0
        self.seen: list[bytes] = []

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}"

    async def open(self) -> None:
        """Listen (again, on the same port)."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """Cut every connection and refuse new ones, until `open`."""
        if self._server:
            self._server.close()
        for writer in list(self._writers):
            writer.close()
        if self._server:
            await self._server.wait_closed()
            self._server = None

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        up_reader, up_writer = await asyncio.open_unix_connection(self._upstream)
        self._writers |= {writer, up_writer}
        try:
            ways = [
                asyncio.ensure_future(self._requests(reader, up_writer)),
                asyncio.ensure_future(self._answers(up_reader, writer)),
            ]
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
        finally:
            for end in (writer, up_writer):
                self._writers.discard(end)
                end.close()
                with contextlib.suppress(OSError):
                    await end.wait_closed()

    async def _requests(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(CHUNK):
            self.seen.append(data)
            if self.lose_requests:
                self.lose_requests -= 1
                return
            writer.write(data)
            await writer.drain()

    async def _answers(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(CHUNK):
            if self.lose_answers and self.spare_answers:
                self.spare_answers -= 1
            elif self.lose_answers:
                self.lose_answers -= 1
                return
            writer.write(data)
            await writer.drain()


@contextlib.asynccontextmanager
async def cut(upstream: str) -> AsyncIterator[Cut]:
    """An open proxy before the server at the Unix socket `upstream`."""
    proxy = Cut(upstream)
    await proxy.open()
    try:
        yield proxy
    finally:
        await proxy.close()
