"""What people send that is neither words nor a file, as words: places, contacts, polls, dice, stickers. Pure.

Each becomes one line in brackets. What a sender may choose in it cannot end the line or its brackets.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from app.core.schema import Message, media_of
from app.core.text import Emoji, clean, emoji

MOST_LENGTH = 300
_MOST_ITEMS = 12

_anything = msgspec.json.Decoder(dict[str, Any])


def thing(message: Message, way: Emoji = "keep") -> str:
    """The line that stands for what a message carries; "" for what is no such thing. ``way``: what becomes of emoji."""
    kind = media_of(message)
    describe = _DESCRIBE.get(kind)
    if describe is None:
        return ""
    try:
        found = _anything.decode(getattr(message, kind))
    except (msgspec.MsgspecError, UnicodeDecodeError):
        found = {}
    said = _line(describe(found))
    return f"[{' '.join(filter(None, (kind, emoji(said, way).strip())))}]"


def _line(text: str) -> str:
    flat = " ".join(clean(text[: 4 * MOST_LENGTH]).replace("[", "(").replace("]", ")").split())
    return flat if len(flat) <= MOST_LENGTH else flat[: MOST_LENGTH - 1] + "…"


def _text(found: dict[str, Any], name: str) -> str:
    value = found.get(name)
    return value if isinstance(value, str) else ""


def _inner(found: dict[str, Any], name: str) -> dict[str, Any]:
    value = found.get(name)
    return value if isinstance(value, dict) else {}


def _items(found: dict[str, Any], name: str) -> str:
    """The texts of a list of objects."""
    value = found.get(name)
    items = value[:_MOST_ITEMS] if isinstance(value, list) else []
    return "; ".join(_text(one, "text") for one in items if isinstance(one, dict))


def _location(found: dict[str, Any]) -> str:
    degrees = [found.get("latitude"), found.get("longitude")]
    known = [one for one in degrees if isinstance(one, float | int) and abs(one) <= 180]
    return ", ".join(f"{one:.5f}".rstrip("0").rstrip(".") for one in known)


def _venue(found: dict[str, Any]) -> str:
    place = _location(_inner(found, "location"))
    named = ", ".join(filter(None, (_text(found, "title"), _text(found, "address"))))
    return f"{named} ({place})" if place else named


def _contact(found: dict[str, Any]) -> str:
    name = " ".join(filter(None, (_text(found, "first_name"), _text(found, "last_name"))))
    return ", ".join(filter(None, (name, _text(found, "phone_number"))))


def _dice(found: dict[str, Any]) -> str:
    value = found.get("value")
    return f"{_text(found, 'emoji')} {value}" if isinstance(value, int) else _text(found, "emoji")


_DESCRIBE: dict[str, Callable[[dict[str, Any]], str]] = {
    "location": _location,
    "venue": _venue,
    "contact": _contact,
    "poll": lambda found: f"{_text(found, 'question')} {_items(found, 'options')}",
    "checklist": lambda found: f"{_text(found, 'title')}: {_items(found, 'tasks')}",
    "dice": _dice,
    "game": lambda found: _text(found, "title"),
    "sticker": lambda found: _text(found, "emoji"),
}
KINDS = frozenset(_DESCRIBE)
"""Of media."""
