"""The page over HTTP: its files, its questions, its deeds and the stream of events.

Another web site must not speak here through the visitor's browser: the Host has to be this machine (against DNS
rebinding), and a deed needs a header that a foreign page cannot send without asking first.
"""

import asyncio
import contextlib
import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec
from aiohttp import web

from simulator import people
from simulator.chat import PAGE, Json, View
from simulator.deeds import Deeds
from simulator.records import Denied
from simulator.shelf import Shelf
from simulator.uploads import Uploads
from simulator.world import Event, World

FILES = Path(__file__).parent / "page"
TYPES = {
    ".html": "text/html",
    ".js": "text/javascript",
    ".css": "text/css",
    ".svg": "image/svg+xml",
    ".png": "image/png",
}
FRESH = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
HERE = {"localhost", "127.0.0.1", "[::1]"}
HEARTBEAT_SECONDS = 15
MOST_BEHIND = 1_000  # events a slow page may lag; then it has to ask again
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def local(request: web.Request) -> bool:
    """Whether the request names this machine as its host."""
    return re.sub(r":\d+$", "", request.headers.get("Host", "")).lower() in HERE


def reply(body: object, status: int = 200) -> web.Response:
    """JSON that nobody keeps."""
    return web.Response(body=msgspec.json.encode(body), status=status, content_type="application/json", headers=FRESH)


def guarded(handler: Handler) -> Handler:
    """Lets only this machine's own page in, and turns what is denied into one line."""

    async def inner(request: web.Request) -> web.StreamResponse:
        if not local(request):
            return reply({"error": "This page is served to localhost only"}, 403)
        if request.method == "POST" and request.headers.get("X-Lanekeeper-Page") != "1":
            return reply({"error": "The header X-Lanekeeper-Page: 1 is missing"}, 403)
        try:
            return await handler(request)
        except web.HTTPRequestEntityTooLarge:
            return reply({"error": "That is more than 50 MB at once"}, 413)
        except (Denied, msgspec.MsgspecError, ValueError) as problem:
            return reply({"error": str(problem)}, 400)

    return inner


class Routes:
    """Handlers of the page over one world; `close` ends the streams."""

    def __init__(self, world: World, shelf: Shelf) -> None:
        self.world = world
        self.deeds = Deeds(world)
        self.uploads = Uploads(world, shelf, self.deeds)
        self._streams: set[asyncio.Queue[bytes | None]] = set()

    def table(self) -> list[web.RouteDef]:
        """Paths and their handlers."""
        reads = {
            "/": self.index, "/page/{file}": self.file, "/chat/state": self.state,
            "/chat/messages": self.messages, "/chat/events": self.events, "/chat/file/{id}": self.upload,
        }  # fmt: skip
        table = [web.get(path, guarded(handler)) for path, handler in reads.items()]
        table += [web.post(f"/chat/{name}", guarded(self._deed(*deed))) for name, deed in self.deeds.table().items()]
        return [*table, web.post("/chat/upload", guarded(self.take))]

    async def index(self, _request: web.Request) -> web.StreamResponse:
        """The page."""
        return self._file("index.html")

    async def file(self, request: web.Request) -> web.StreamResponse:
        """One of its files."""
        return self._file(request.match_info["file"])

    async def state(self, request: web.Request) -> web.StreamResponse:
        """GET /chat/state."""
        return reply(self._view(request).state())

    async def messages(self, request: web.Request) -> web.StreamResponse:
        """GET /chat/messages."""
        view, query = self._view(request), request.query
        people.chat_of(self.world, view.me.id, query.get("chat", ""))
        limit = min(max(int(query.get("limit") or PAGE), 1), 200)
        return reply({"messages": view.messages(query["chat"], int(query.get("before") or 0), limit)})

    async def events(self, request: web.Request) -> web.StreamResponse:
        """GET /chat/events: server-sent events from the cursor on; a page that lags too far is cut off."""
        view = self._view(request)
        after = int(request.headers.get("Last-Event-ID") or request.query.get("after") or self.world.n)
        lines: asyncio.Queue[bytes | None] = asyncio.Queue()

        def listen(event: Event) -> None:
            shown = view.event(event)
            if shown is not None:
                lines.put_nowait(_line(shown) if lines.qsize() < MOST_BEHIND else None)

        for shown in view.missed(after):
            lines.put_nowait(_line(shown))
        self.world.listeners.append(listen)
        self._streams.add(lines)
        try:
            return await self._stream(request, lines)
        finally:
            self.world.listeners.remove(listen)
            self._streams.discard(lines)

    async def upload(self, request: web.Request) -> web.StreamResponse:
        """GET /chat/file/<id>."""
        return self.uploads.show(request.match_info["id"]) or reply({"error": "The file is gone"}, 404)

    async def take(self, request: web.Request) -> web.StreamResponse:
        """POST /chat/upload."""
        return reply(await self.uploads.take(request))

    def _deed(self, kind: type[Any], do: Callable[[Any], Json]) -> Handler:
        """POST /chat/<deed>; see deeds.py."""

        async def inner(request: web.Request) -> web.StreamResponse:
            return reply(do(msgspec.json.decode(await request.read(), type=kind)))

        return inner

    def close(self) -> None:
        """Ends the streams of events."""
        for lines in self._streams:
            lines.put_nowait(None)

    async def _stream(self, request: web.Request, lines: asyncio.Queue[bytes | None]) -> web.StreamResponse:
        response = web.StreamResponse(headers=FRESH | {"Content-Type": "text/event-stream"})
        await response.prepare(request)
        line: bytes | None = b": here\n\n"
        with contextlib.suppress(ConnectionResetError):
            while line is not None:
                await response.write(line)
                try:
                    line = await asyncio.wait_for(lines.get(), HEARTBEAT_SECONDS)
                except TimeoutError:
                    line = b": still here\n\n"
        return response

    def _view(self, request: web.Request) -> View:
        person = self.world.people.get(int(request.query.get("as") or next(iter(self.world.people), 0)))
        if person is None:
            raise Denied("There is no such person")
        return View(self.world, person)

    def _file(self, name: str) -> web.StreamResponse:
        path = FILES / name
        if not re.fullmatch(r"[\w-]+\.\w+", name) or path.suffix not in TYPES or not path.is_file():
            return reply({"error": "There is no such file"}, 404)
        return web.Response(body=path.read_bytes(), content_type=TYPES[path.suffix], charset="utf-8", headers=FRESH)


def _line(shown: Json) -> bytes:
    return b"id: %d\ndata: %s\n\n" % (shown["n"], msgspec.json.encode(shown))
