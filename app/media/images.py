"""Pictures as a model is shown them: data URLs, of the size that shows enough and costs little. Pure."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence

from msgspec import Struct

from app.core import unread
from app.media.found import Unusable

MOST_PIXELS = 1600  # along the longer side: models scale down what is larger, after it was paid for
MOST_BYTES = 3_500_000  # in base64 below 5 MB, which is the least that a provider allows (Anthropic)
TYPES = ("image/jpeg", "image/png", "image/webp", "image/gif")

_MAGIC = ((b"\xff\xd8\xff", "image/jpeg"), (b"\x89PNG\r\n\x1a\n", "image/png"), (b"GIF8", "image/gif"))


class Size(Struct):
    """One size of a photo."""

    file_id: str
    width: int = 0
    height: int = 0
    file_size: int = 0

    @property
    def area(self) -> int:
        """Pixels in all."""
        return self.width * self.height


def best(sizes: Sequence[Size]) -> Size:
    """The largest size that fits; the smallest when none does."""
    fitting = [one for one in sizes if max(one.width, one.height) <= MOST_PIXELS and one.file_size <= MOST_BYTES]
    return max(fitting, key=lambda one: one.area) if fitting else min(sizes, key=lambda one: one.area)


def data_url(body: bytes) -> str:
    """A picture as it stands in a prompt; Unusable for what is none, whatever it was called."""
    kind = next((kind for magic, kind in _MAGIC if body.startswith(magic)), "")
    if body[:4] == b"RIFF" and body[8:12] == b"WEBP":
        kind = "image/webp"
    if not kind:
        raise Unusable(unread.NO_PICTURE)
    return f"data:{kind};base64,{b64encode(body).decode('ascii')}"
