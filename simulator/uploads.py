"""Files over HTTP: what the page sends and shows, and what a bot fetches at `/file/bot<token>/<path>`.

`POST /chat/upload` is a multipart form: as, chat, text, reply_to, quote, `about` (JSON, one object for each file: kind,
duration, emoji), the files as `file`, and lesser copies of photos as `small0`, `small1` … by the file they belong to.
`apart_ms` lets so much time pass between the messages of an album, so that a bot gets them in different batches.
"""

import asyncio
import mimetypes
import re

import msgspec
from aiohttp import web
from multidict import MultiDictProxy

from simulator import media, people
from simulator.deeds import Deeds
from simulator.media import Part
from simulator.records import Denied, File
from simulator.shelf import MOST_SENT, Shelf
from simulator.wire import FOLDERS
from simulator.world import World

SHOWN = re.compile(r"(image/(png|jpeg|gif|webp)|audio/.*|video/.*)")  # the rest is only saved, never run
MOST_APART_MS = 60_000


class About(msgspec.Struct):
    """What the sender's app knows of a file."""

    kind: str = "document"
    duration: int = 0
    emoji: str = ""


class Uploads:
    """Takes and gives files."""

    def __init__(self, world: World, shelf: Shelf, deeds: Deeds) -> None:
        self.world, self.shelf, self.deeds = world, shelf, deeds

    async def take(self, request: web.Request) -> dict[str, object]:
        """POST /chat/upload: a message for each file, albums where they fit together."""
        form = await request.post()
        given = {name: value for name, value in form.items() if isinstance(value, str)}
        person, key = int(given.get("as", 0)), given.get("chat", "")
        people.chat_of(self.world, person, key)
        extras = media.extras(self._parts(form, given.get("about", "[]")))
        if not extras:
            raise Denied("There is no file")
        apart = min(int(given.get("apart_ms") or 0), MOST_APART_MS) / 1000
        words, reply, quote = given.get("text", ""), int(given.get("reply_to") or 0), given.get("quote", "")
        sent = []
        for number, extra in enumerate(extras):
            if number and apart:
                await asyncio.sleep(apart)
            text = words if number == 0 else ""
            message = people.say(self.world, person, key, text, reply, quote, extra)
            sent.append(self.deeds.told(person, message)["message"])
        return {"messages": sent, "message": sent[0]}

    def show(self, number: str) -> web.StreamResponse | None:
        """GET /chat/file/<id>; None when it is gone. What a browser could run is only saved."""
        file = self.world.files.get(number)
        if file is None or file.gone:
            return None
        kept = SHOWN.fullmatch(file.mime)
        headers = {"X-Content-Type-Options": "nosniff", "Cache-Control": "private, max-age=86400, immutable"}
        if not kept:
            headers["Content-Disposition"] = "attachment"
        headers["Content-Type"] = file.mime if kept else "application/octet-stream"
        return web.FileResponse(self.shelf.path(file), headers=headers)

    def fetch(self, path: str) -> web.Response | None:
        """What a bot gets for a file_path of getFile; None when there is no such file."""
        for file in self.world.files.values():
            if not file.gone and file.size <= MOST_SENT and any(path == path_of(file, kind) for kind in FOLDERS):
                return web.Response(body=self.shelf.path(file).read_bytes(), content_type="application/octet-stream")
        return None

    def _parts(self, form: MultiDictProxy[str | bytes | bytearray | web.FileField], about: str) -> list[Part]:
        known = msgspec.json.decode(about, type=list[About])
        parts = []
        for number, field in enumerate(form.getall("file", [])):
            file = self._keep(field)
            small = form.get(f"small{number}")
            told = known[number] if number < len(known) else About()
            lesser = None if small is None else self._keep(small)
            parts.append(Part(told.kind, file, lesser, told.duration, told.emoji))
        return parts

    def _keep(self, field: object) -> File:
        if not isinstance(field, web.FileField):
            raise Denied("That is no file")
        name = re.sub(r"[\x00-\x1f/\\]", "_", field.filename)[:200]
        return self.shelf.add(name, field.content_type or "application/octet-stream", field.file.read())


def path_of(file: File, kind: str) -> str:
    """The file_path that getFile tells: a folder, a number and an ending, as Telegram's."""
    ending = {"photo": ".jpg", "voice": ".oga", "sticker": ".webp"}.get(kind) or mimetypes.guess_extension(file.mime)
    return f"{FOLDERS[kind]}/file_{file.number}{ending or ''}"
