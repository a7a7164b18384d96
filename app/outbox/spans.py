"""Formatting of a text as Telegram keeps it: spans that nest or follow each other, none of which it would change.

Telegram (MessageEntity.cpp of tdlib) allows nothing inside of code, no link in a link and no quote in a quote, and
itself divides bold and its like at the borders of everything else. Here it is done before sending, so that what is
counted is what Telegram counts. Positions are characters until `entities` turns them into UTF-16 units.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple


class Span(NamedTuple):
    """One formatting of the characters from ``start`` to ``end``; ``extra`` is a link's address or code's language."""

    start: int
    end: int
    kind: str
    extra: str = ""


# Telegram's order of those that begin and end at one place, outermost first.
_ORDER = {
    "blockquote": 0,
    "pre": 10,
    "code": 20,
    "text_link": 49,
    "bold": 90,
    "italic": 91,
    "underline": 92,
    "strikethrough": 93,
    "spoiler": 94,
}
_SOLID = {"pre", "code"}  # nothing stands inside
_STYLE = 90
_ASTRAL = re.compile("[\U00010000-\U0010ffff]")


def order(spans: list[Span], text: str) -> list[Span]:
    """The spans in Telegram's own form, sorted; those that begin or end in white space or show nothing are mended."""
    fixed: list[Span] = []
    styles: dict[str, list[tuple[int, int]]] = {}
    for span in spans:
        start, end = _trimmed(span, text)
        if start < end and _ORDER[span.kind] >= _STYLE:
            styles.setdefault(span.kind, []).append((start, end))
        elif start < end:
            fixed.append(Span(start, end, span.kind, span.extra))
    fixed = _apart(fixed)
    if not styles:
        return fixed
    joined = {kind: _joined(ranges) for kind, ranges in styles.items()}
    cuts = sorted({at for span in fixed for at in span[:2]} | {start for all_ in joined.values() for start, _ in all_})
    solid = [span[:2] for span in fixed if span.kind in _SOLID]
    for kind, ranges in joined.items():
        for first, last in ranges:
            inside = cuts[bisect_right(cuts, first) : bisect_left(cuts, last)]
            for start, end in pairwise((first, *inside, last)):
                piece = Span(start, end, kind)
                if not _within(start, solid) and text[start:end].strip():
                    fixed.append(Span(*_trimmed(piece, text), kind))
    return sorted(fixed, key=_rank)


class Reaching:
    """Spans in Telegram's own order, walked through once from the text's beginning to its end."""

    __slots__ = ("_next", "_open", "_spans", "_starts")

    def __init__(self, spans: list[Span]) -> None:
        self._spans = spans
        self._starts = [span.start for span in spans]
        self._open: list[Span] = []
        self._next = 0

    def past(self, place: int) -> list[Span]:
        """Those that begin before a place and end behind it; no place is before the one asked for last."""
        reached = bisect_left(self._starts, place, self._next)
        self._open = [span for span in self._open + self._spans[self._next : reached] if span.end > place]
        self._next = reached
        return self._open

    def before(self, place: int) -> list[Span]:
        """Those that follow and begin before a place."""
        return self._spans[self._next : bisect_left(self._starts, place, self._next)]

    def start(self, number: int, default: int) -> int:
        """Where the one begins that so many others precede."""
        number += self._next
        return self._starts[number] if number < len(self._starts) else default


def entities(spans: list[Span], text: str, begin: int, end: int) -> tuple[dict[str, Any], ...]:
    """The Bot API's entities of one part of the text; what reaches over its borders is cut at them."""
    clipped = []
    for span in spans:
        if span.start < end and span.end > begin:
            part = Span(max(span.start, begin), min(span.end, end), span.kind, span.extra)
            start, stop = _trimmed(part, text)
            if start < stop:
                clipped.append(Span(start, stop, span.kind, span.extra))
    clipped.sort(key=_rank)
    wide = [found.start() for found in _ASTRAL.finditer(text, begin, end)]
    return tuple(_entity(span, begin, wide) for span in clipped)


def _entity(span: Span, begin: int, wide: list[int]) -> dict[str, Any]:
    offset = span.start - begin + bisect_left(wide, span.start)
    length = span.end - begin + bisect_left(wide, span.end) - offset
    entity: dict[str, Any] = {"type": span.kind, "offset": offset, "length": length}
    if span.extra:
        entity["language" if span.kind == "pre" else "url"] = span.extra
    return entity


def _rank(span: Span) -> tuple[int, int, int]:
    return span.start, -span.end, _ORDER[span.kind]


def _trimmed(span: Span, text: str) -> tuple[int, int]:
    """Without white space at its ends; code and quotes keep the indentation of their first line."""
    start, end, kind = span.start, min(span.end, len(text)), span.kind
    while end > start and text[end - 1].isspace():
        end -= 1
    if kind not in {"pre", "blockquote"}:
        while start < end and text[start].isspace():
            start += 1
    return start, end


def _apart(spans: list[Span]) -> list[Span]:
    """Without code in links and the like: of two in one place the outer one stays."""
    kept: list[Span] = []
    reached = 0
    outer_first = spans[::-1]  # of those in one place; the sort keeps that
    for span in sorted(outer_first, key=lambda span: (span.start, -span.end, span.kind == "code")):
        if span.kind == "blockquote":
            kept.append(span)
        elif span.start >= reached:
            kept.append(span)
            reached = span.end
    return sorted(kept, key=_rank)


def _joined(ranges: list[tuple[int, int]]) -> list[tuple[int, int]]:
    joined: list[tuple[int, int]] = []
    for start, end in sorted(ranges):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return joined


def _within(at: int, ranges: Sequence[tuple[int, int]]) -> bool:
    """Whether one of the ranges, which are sorted, holds the place."""
    index = bisect_right(ranges, (at, 1 << 60)) - 1
    return index >= 0 and at < ranges[index][1]
