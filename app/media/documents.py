"""The text of a document: decoded with care, without what hides in it, cut to what the model is given. Pure."""

from __future__ import annotations

import codecs
import re

from app.core.text import clean
from app.core.tokens import BYTES_PER_TOKEN, tokens
from app.media.encodings import guessed

NAME_LENGTH = 80
PDF = b"%PDF-"
_PDF_WITHIN = 1024  # readers accept that much before the header

# The longer mark first: that of UTF-32 begins like that of UTF-16.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_CONTROLS = bytes([*range(9), *range(14, 27), *range(28, 32), 127])  # but tab, line ends, form feed, escape
_BYTES_PER_CHARACTER = 8  # four at most, and as many again of what is left out
_SPARE_BYTES = 64 << 10
_MOST_CONTROLS = 0.01  # of the bytes; of what is no text it is a tenth


def is_pdf(body: bytes) -> bool:
    """Whether it calls itself a PDF, by its content."""
    return PDF in body[:_PDF_WITHIN]


def decode(body: bytes, *, whole: bool = True) -> str | None:
    """What a file says in words; None for what is no text. Never raises. Not ``whole``: it may end inside a sign."""
    for mark, encoding in _MARKS:
        if body.startswith(mark):
            return codecs.getincrementaldecoder(encoding)("replace").decode(body[len(mark) :], whole)
    if b"\0" in body or len(body) - len(body.translate(None, _CONTROLS)) > _MOST_CONTROLS * len(body):
        return None
    try:
        return codecs.getincrementaldecoder("utf-8")().decode(body, whole)
    except UnicodeDecodeError:
        return guessed(body, whole=whole)


def head(body: bytes, most_tokens: int) -> bytes:
    """As much of a file as so many tokens may stand in: more is not worth the time."""
    return body[: _BYTES_PER_CHARACTER * characters(most_tokens) + _SPARE_BYTES]


def characters(most_tokens: int) -> int:
    """As many as so many tokens may be at most: none is less than a byte."""
    return int(most_tokens * BYTES_PER_TOKEN)


def trim(text: str, most_tokens: int) -> tuple[str, bool]:
    """The beginning of a text, cleaned, of at most so many tokens, and whether anything is missing; whole lines."""
    room = characters(most_tokens)
    head = clean(text[: 2 * room + 1], nfc=False)
    if len(text) <= 2 * room and tokens(head) <= most_tokens:
        return head, False
    head = head[: _fitting(head[:room], most_tokens)]
    line = head.rfind("\n")
    return (head[:line] if line > len(head) // 2 else head).rstrip(), True


def name_of(told: str) -> str:
    """The name of a file as the model may see it: one short line."""
    line = re.sub(r"[\[\]<>\s]+", " ", clean(told[: 8 * NAME_LENGTH])).strip()
    if len(line) > NAME_LENGTH:
        line = f"{line[: NAME_LENGTH - 12]}…{line[-11:]}"  # the ending says what it is
    return line or "without a name"


def _fitting(text: str, most_tokens: int) -> int:
    """How many characters of a text have at most so many tokens."""
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        if tokens(text[:middle]) <= most_tokens:
            low = middle
        else:
            high = middle - 1
    return low
