"""Tables as text of fixed width, aligned also with characters that take two columns or none."""

from __future__ import annotations

import re
import unicodedata
from itertools import chain, repeat, zip_longest
from textwrap import TextWrapper

WIDEST = 32  # columns; a longer cell goes on in the next line, since telephones show about as many
_FOLD = TextWrapper(WIDEST, break_long_words=False, break_on_hyphens=False)
_PICTURE = re.compile(
    "[\U0001f000-\U0001faff]\ufe0f?[\U0001f3fb-\U0001f3ff]?(?:\u200d.\ufe0f?)*|.\ufe0f|[\U0001f1e6-\U0001f1ff]{2}"
)


def table(rows: list[list[str]], alignments: tuple[str, ...]) -> str:
    """The rows, the first of which is the head, as lines with ``|`` between their cells."""
    lines = [[_folded(cell) for cell in row] for row in rows]
    columns = range(max(map(len, rows)))
    widths = [max((width(text) for row in lines for text in _at(row, column)), default=0) for column in columns]
    widths = [min(wide, WIDEST) for wide in widths]
    out: list[str] = []
    for number, row in enumerate(lines):
        for texts in zip_longest(*row, fillvalue=""):
            cells = map(_pad, texts, widths, chain(alignments, repeat("None")))
            out.append(" | ".join(cells).rstrip())
        if number == 0:
            out.append("-+-".join("-" * wide for wide in widths))
    return "\n".join(out)


def width(text: str) -> int:
    """Columns that a text takes."""
    if text.isascii():
        return len(text)
    text = _PICTURE.sub("\u4e00", text)
    return sum(_columns(sign) for sign in text)


def _columns(sign: str) -> int:
    if unicodedata.category(sign) in {"Mn", "Me", "Cf"}:
        return 0
    return 2 if unicodedata.east_asian_width(sign) in {"W", "F"} else 1


def _folded(cell: str) -> list[str]:
    lines = cell.split("\n")
    if len(cell) <= WIDEST:
        return lines
    return [part for line in lines for part in _FOLD.wrap(line) or [""]]


def _at(row: list[list[str]], column: int) -> list[str]:
    return row[column] if column < len(row) else []


def _pad(text: str, wide: int, alignment: str) -> str:
    room = max(0, wide - width(text))
    left = {"Right": room, "Center": room // 2}.get(alignment, 0)
    return " " * left + text + " " * (room - left)
