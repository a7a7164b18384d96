"""One reading of some messages: first what is to be fetched is noted, with its size, then all is fetched and used.

What cannot be used costs one sentence, never the rest.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from app.core import unread
from app.core.schema import Message, media_of
from app.core.tokens import tokens
from app.core.tongue import Sentence
from app.media import documents, images, things
from app.media.found import Asker, Document, Found, Unusable
from app.media.images import Size
from app.media.means import Means

SPOKEN = frozenset({"voice", "audio", "video_note"})
MARKS = {"photo": "photo", "voice": "voice message", "audio": "recording", "video_note": "video message"}
"""What stands for a file, by its kind."""
_NAME_LENGTH = 200
_LEAST_TOKENS = 50  # of a document; fewer are not worth reading it


class File(msgspec.Struct):
    """What Telegram tells of a document or a recording."""

    file_id: str
    file_size: int = 0
    file_name: str = ""
    mime_type: str = ""
    duration: int = 0


@dataclass(frozen=True, slots=True)
class _Item:
    """One message's file, before it is fetched."""

    kind: str
    file: File
    most_bytes: int

    @property
    def size(self) -> int:
        return min(self.file.file_size or self.most_bytes, self.most_bytes)


class Sheet:
    """The reading of some messages, or of files that were read before."""

    def __init__(self, means: Means, messages: Sequence[Message], most_images: int, most_tokens: int) -> None:
        self._means = means
        self._most_images = max(0, most_images)
        self._tokens = most_tokens
        self._items: list[_Item] = []
        self._lines: list[str] = []
        self._sorry: list[Sentence] = []
        self._unseen: list[str] = []
        self._seen: list[str] = []
        self._spoken: list[str] = []
        self._documents: list[Document] = []
        self._files: list[tuple[str, str, str]] = []
        self.images = 0
        """That are to be fetched."""
        for message in messages:
            self._note(message)

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(item.size for item in self._items)

    async def read(self, asker: Asker, mark: str) -> Found:
        """Fetch and read everything; ``mark`` tells this sheet's recordings from another's of the same turn."""
        bodies = await asyncio.gather(*map(self._fetched, self._items), return_exceptions=True)
        for body in bodies:
            if isinstance(body, BaseException) and not isinstance(body, Unusable):
                raise body
        for number, (item, body) in enumerate(zip(self._items, bodies, strict=True)):
            try:
                if isinstance(body, BaseException):
                    raise body
                await self._use(item, body, Asker(asker.user, asker.chat, f"{asker.turn}{mark}{number}"))
                if item.kind not in SPOKEN:
                    self._files.append((item.kind, item.file.file_id, item.file.file_name[:_NAME_LENGTH]))
            except Unusable as error:
                self._miss(item.kind, error)
        marks = (*counted(Counter({"photo": len(self._seen)})), *self._lines)
        return Found(
            "\n".join(marks),
            "\n".join(self._spoken),
            tuple(self._documents),
            tuple(self._seen),
            tuple(dict.fromkeys(self._sorry)),
            "\n".join(self._unseen),
            tuple(self._files),
        )

    def want(self, kind: str, file: File) -> None:
        """Fetch this file too; Unusable for one that is too large."""
        most = min(images.MOST_BYTES, self._means.limits.bytes) if kind == "photo" else self._means.limits.bytes
        if file.file_size > most:
            raise Unusable(unread.BIG)
        self._items.append(_Item(kind, file, most))

    def _miss(self, kind: str, error: Unusable) -> None:
        self._sorry.append(error.sentence)
        self._unseen.append(f"[{MARKS.get(kind, kind)}, not shown to you]")

    def _note(self, message: Message) -> None:
        """What is to be fetched of a message; what needs no fetching is read at once."""
        kind = media_of(message)
        try:
            if line := things.thing(message, self._means.emoji):
                self._lines.append(line)
            elif kind == "photo":
                self._note_image(_photo(message))
            elif kind == "document":
                self._note_document(_file(message, kind))
            elif kind in SPOKEN:
                self._note_recording(kind, _file(message, kind))
            elif kind:
                raise Unusable(unread.KIND)
        except Unusable as error:
            self._miss(kind, error)

    def _note_image(self, file: File) -> None:
        if not self._means.limits.images:
            raise Unusable(unread.NO_SIGHT)
        if self.images >= self._most_images:
            raise Unusable(unread.MANY_PICTURES)
        self.want("photo", file)
        self.images += 1

    def _note_document(self, file: File) -> None:
        if file.mime_type in images.TYPES:
            self._note_image(file)
        elif file.mime_type.startswith("audio/"):
            self._note_recording("audio", file)
        else:
            self.want("document", file)

    def _note_recording(self, kind: str, file: File) -> None:
        if self._means.hear is None:
            raise Unusable(unread.NO_HEARING)
        if file.duration > self._means.limits.seconds:
            raise Unusable(unread.VOICE_LONG)
        self.want(kind, file)

    async def _fetched(self, item: _Item) -> bytes:
        return await self._means.files.fetch(item.file.file_id, item.most_bytes)

    async def _use(self, item: _Item, body: bytes, asker: Asker) -> None:
        if item.kind == "photo":
            self._seen.append(images.data_url(body))
        elif item.kind == "document":
            await self._read_document(item.file, body)
        else:
            assert self._means.hear is not None
            mime = item.file.mime_type or ("video/mp4" if item.kind == "video_note" else "audio/ogg")
            self._spoken.append(await self._means.hear(asker, body, mime))

    async def _read_document(self, file: File, body: bytes) -> None:
        if self._tokens < _LEAST_TOKENS:
            raise Unusable(unread.LONG)
        said, missing = await self._text(file, body)
        text, cut = documents.trim(said, self._tokens)
        if not text:
            raise Unusable(unread.BLANK)
        self._tokens -= tokens(text)
        if cut := cut or missing:
            self._sorry.append(unread.LONG)
        self._documents.append(Document(documents.name_of(file.file_name), text, cut))

    async def _text(self, file: File, body: bytes) -> tuple[str, bool]:
        """The words of a document, or enough of them, and whether there are more."""
        if documents.is_pdf(body):
            return await self._means.pdfs.text(body, documents.characters(self._tokens))
        head = documents.head(body, self._tokens)
        text = documents.decode(head, whole=len(head) == len(body))
        if text is None:
            raise Unusable(unread.NO_PICTURE if file.mime_type.startswith("image/") else unread.NO_TEXT)
        return text, len(head) < len(body)


def counted(kinds: Counter[str]) -> list[str]:
    """Lines that stand for so many of each kind."""
    return [f"[{count} {kind}s]" if count > 1 else f"[{kind}]" for kind, count in kinds.items() if count]


def _photo(message: Message) -> File:
    sizes: list[Size] = _decoded(message.photo, list[Size])
    if not sizes:
        raise Unusable(unread.GONE)
    size = images.best(sizes)
    return File(size.file_id, size.file_size)


def _file(message: Message, kind: str) -> File:
    found: File = _decoded(getattr(message, kind), File)
    return found


def name_in(message: Message) -> str:
    """The name of a message's document, as the model may see it."""
    try:
        return documents.name_of(_file(message, "document").file_name)
    except Unusable:
        return documents.name_of("")


def _decoded(raw: msgspec.Raw, shape: Any) -> Any:
    try:
        return msgspec.json.decode(raw, type=shape)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        raise Unusable(unread.GONE) from None
