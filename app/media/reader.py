"""What the messages of a turn carry, read: pictures as data URLs, recordings and documents as words, things as a line.

For the whole of a turn its files have their room (room.py), so that however many ask at once, memory has an end.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from app.core.schema import Message, media_of
from app.media import things
from app.media.found import Asker, Document, Found, Given
from app.media.means import Means
from app.media.room import Room
from app.media.sheet import MARKS, SPOKEN, File, Sheet, counted, name_in

ROOM_BYTES = 256 << 20
KINDS = things.KINDS | SPOKEN | {"photo", "document"}
"""Of media: what the model can be given. Of others the person is told that it cannot."""
_COPIES = 3  # of a file: as it came, in base64, in a request


class Reader:
    """Reads what messages carry."""

    def __init__(self, means: Means, room_bytes: int = ROOM_BYTES) -> None:
        self._means = means
        self._room = Room(room_bytes)

    @property
    def hears(self) -> bool:
        """Whether recordings are written down."""
        return self._means.hear is not None

    @asynccontextmanager
    async def reading(
        self, own: Sequence[Message], replied: Sequence[Message], asker: Asker, *, known: bool = False
    ) -> AsyncIterator[Given]:
        """What came with a question, for the block; ``known``: its answer is there, only what stands for it is wanted.

        Raises what fetching and hearing raise besides Unusable.
        """
        if known:
            yield Given(self._named(own), self._named(replied))
            return
        first = Sheet(self._means, own, self._means.limits.images, self._means.limits.tokens)
        second = Sheet(self._means, replied, self._means.limits.images - first.images, self._means.limits.tokens // 2)
        async with self._room.take(_COPIES * (first.size + second.size)):
            yield Given(await first.read(asker, "v"), await second.read(asker, "w"))

    @asynccontextmanager
    async def again(self, files: Sequence[tuple[str, str, str]], asker: Asker) -> AsyncIterator[Given]:
        """What was given once, for the block, by Found's ``files``; recordings are no longer among them."""
        sheet = Sheet(self._means, (), self._means.limits.images, self._means.limits.tokens)
        for kind, file_id, name in files:
            sheet.want(kind, File(file_id, file_name=name))
        async with self._room.take(_COPIES * sheet.size):
            yield Given(await sheet.read(asker, "r"))

    def _named(self, messages: Sequence[Message]) -> Found:
        """What stands for files that were read before."""
        kinds = Counter[str]()
        lines, names = [], []
        for message in messages:
            kind = media_of(message)
            if kind == "document":
                names.append(Document(name_in(message)))
            elif kind in MARKS:
                kinds[MARKS[kind]] += 1
            elif line := things.thing(message, self._means.emoji):
                lines.append(line)
        return Found("\n".join((*counted(kinds), *lines)), documents=tuple(names))
