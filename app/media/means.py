"""What reading files needs, and how much of it there is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from app.core.text import Emoji
from app.media.found import Asker


class Files(Protocol):
    """Where files come from; raises Unusable."""

    async def fetch(self, file_id: str, most_bytes: int) -> bytes: ...


class Pdfs(Protocol):
    """Reads PDFs; raises Unusable."""

    async def text(self, body: bytes, most_characters: int) -> tuple[str, bool]: ...


class Hear(Protocol):
    """Writes a recording down; raises Unusable, Unheard, QuotaSpent, Later."""

    async def __call__(self, asker: Asker, recording: bytes, mime: str) -> str: ...


@dataclass(frozen=True, slots=True)
class Limits:
    """What is read: files of so many bytes, tokens of all documents of a turn, pictures, seconds of a recording."""

    bytes: int = 10_000_000
    tokens: int = 4000
    images: int = 10
    seconds: float = 600


@dataclass(frozen=True, slots=True)
class Means:
    """All of it; ``hear`` is None where recordings cannot be written down."""

    files: Files
    pdfs: Pdfs
    hear: Hear | None
    limits: Limits
    emoji: Emoji = "keep"
