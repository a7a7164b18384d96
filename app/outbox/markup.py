"""A model's Markdown as messages that Telegram takes: plain text, and entities beside it that say what is bold or code.

No `parse_mode` is ever used, so nothing in a text can break or inject anything.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from app.core.words import bare
from app.outbox.clean import HIDDEN, clean
from app.outbox.render import render
from app.outbox.spans import Reaching, Span, entities, order
from app.outbox.split import LIMIT, units, windows

MOST_ENTITIES = 100  # of one message; Telegram forgets the others

# What Markdown may mean something else by, in a line and at the start of one.
_SIGNS = re.compile(rf"[*_`~|\[<&\\${HIDDEN}\U000F0000-\U000FFFFD]")
_LINE = re.compile(r"\n(?: {4}| {0,3}(?:\t|[-+=#>]|\d{1,9}[.)]))")
_FENCE = re.compile(r"\s*(?:```+|~~~+) ?[\w+#.-]*\s*")  # code that begins here, and nothing more yet
# Telegram refuses a message of nothing else.
_VISIBLE = re.compile("[^\\s\u1680\u180e\u2000-\u200f\u202e\u202f\u205f\u2800\u3000\ufeff\ufffc\U000e0000-\U000e007f]")


@dataclass(frozen=True, slots=True)
class Part:
    """One message: its text, and Bot API `MessageEntity` objects whose offsets are UTF-16 units."""

    text: str
    entities: tuple[dict[str, Any], ...] = ()


def parts(markdown: str, limit: int = LIMIT) -> list[Part]:
    """What to send for a model's answer: parts of at most ``limit`` units (at least 200) and 100 entities.

    None for nothing visible. Last lines of our own (`words.with_lines`) stand below as they are, even when the answer
    ends inside of code.
    """
    if not _SIGNS.search(markdown) and not _LINE.search("\n" + markdown):
        return _plain(markdown, limit)
    answer, lines = bare(clean(markdown))
    text, spans = render(answer)
    indent = len(text) - len(text.lstrip())
    if any(span.start < indent for span in spans):  # the first line of code
        indent = len(text) - len(text.lstrip("\n"))
    text = text.rstrip()
    spans = order(spans, text)
    found = _formatted("\n\n".join(filter(None, (text, *lines))), spans, indent, limit)
    return found if found or _FENCE.fullmatch(markdown) else _plain(clean(markdown), limit)  # the answer ">"


def literal(text: str, limit: int = LIMIT) -> list[Part]:
    """What to send for a sentence of our own: the text as it is, no mark in it read."""
    return _plain(clean(text), limit)


def _plain(text: str, limit: int) -> list[Part]:
    if len(text) <= limit and units(text) <= limit:
        return [Part(text)] if _VISIBLE.search(text) else []
    return [Part(text[begin:end]) for begin, end in windows(text, limit) if _VISIBLE.search(text, begin, end)]


def _formatted(text: str, spans: list[Span], begin: int, limit: int) -> list[Part]:
    code = [span[:2] for span in spans if span.kind == "pre"]
    bound = _bound(Reaching(spans), len(text)) if len(spans) > MOST_ENTITIES else None
    reaching = Reaching(spans)
    return [
        Part(text[begin:end], entities(reaching.past(begin) + reaching.before(end), text, begin, end))
        for begin, end in windows(text, limit, code, bound, begin)
        if _VISIBLE.search(text, begin, end)
    ]


def _bound(reaching: Reaching, end: int) -> Callable[[int], int]:
    """Where a part must end lest it has too many entities."""

    def bound(begin: int) -> int:
        carried = len(reaching.past(begin))
        return reaching.start(MOST_ENTITIES - carried, end)

    return bound
