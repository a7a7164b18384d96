"""The bytes of uploaded files, on disk beside the journal: at most 50 MB, the oldest make room for new ones."""

import secrets
from pathlib import Path

import msgspec

from simulator import images
from simulator.records import Denied, File
from simulator.world import World

MOST_BYTES = 50 << 20  # of all files together
MOST_SENT = 20 << 20  # what a bot may fetch: Telegram's own limit


class Shelf:
    """The files of one world in `<folder>`; `open` finds what is there."""

    def __init__(self, folder: Path, world: World) -> None:
        self.folder, self.world = folder, world

    def open(self) -> None:
        """Takes stock: bytes that nobody knows go, files without bytes are marked as gone."""
        self.folder.mkdir(parents=True, exist_ok=True)
        there = {path.name for path in self.folder.iterdir()}
        for name in there - set(self.world.files):
            (self.folder / name).unlink()
        for file in list(self.world.files.values()):
            if not file.gone and file.id not in there:
                self.world.put(msgspec.structs.replace(file, gone=True))

    def add(self, name: str, mime: str, body: bytes) -> File:
        """Keeps a file; the size of a picture is read from its head."""
        if not body:
            raise Denied("The file is empty")
        if len(body) > MOST_BYTES:
            raise Denied("The file is larger than 50 MB")
        self._make_room(len(body))
        width, height = images.size(body)
        number = 1 + max((file.number for file in self.world.files.values()), default=0)
        file = File(secrets.token_urlsafe(12), number, name, mime, len(body), width, height)
        (self.folder / file.id).write_bytes(body)
        self.world.put(file)
        return file

    def path(self, file: File) -> Path:
        """Where its bytes are."""
        return self.folder / file.id

    def _make_room(self, size: int) -> None:
        kept = sorted((file for file in self.world.files.values() if not file.gone), key=lambda file: file.number)
        over = sum(file.size for file in kept) + size - MOST_BYTES
        for file in kept:
            if over <= 0:
                return
            self.path(file).unlink(missing_ok=True)
            self.world.put(msgspec.structs.replace(file, gone=True))
            over -= file.size
