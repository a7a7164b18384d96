"""What Telegram does with a text and its entities: what it refuses, in its own words, and what it changes.

The rules are those of tdlib and telegram-bot-api (MessageEntity.cpp, LinkManager.cpp, HttpUrl.cpp, Client.cpp), told
anew. Positions are UTF-16 units. A message of ours must be taken and left as it is: `strict` checks that.
"""

from __future__ import annotations

import ipaddress
import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, pairwise
from typing import Any

MOST = 100  # of those that follow, none is kept
LONGEST = 4096
STYLES = ("bold", "italic", "underline", "strikethrough", "spoiler")
QUOTES = ("blockquote", "expandable_blockquote")
SOLID = ("pre", "code")
FOUND = ("mention", "hashtag", "cashtag", "bot_command", "url", "email", "phone_number", "bank_card_number")  # ignored
ORDER = {"blockquote": 0, "expandable_blockquote": 0, "pre": 11, "code": 20, "text_link": 49} | dict(
    zip(STYLES, range(90, 95), strict=True)
)
_EMPTY = re.compile(
    "[ \n\u00a0\u1680\u180e\u2000-\u200f\u202e\u202f\u205f\u2800\u3000\ufeff\ufffc\U000e0000-\U000e007f]*"
)
_GONE = re.compile("[\r\u2028-\u202e\u0333\u033f\u030a]")
_BLANK = re.compile("[\x00-\x09\x0b\x0c\x0e-\x20]")
_URL = re.compile(r"(?:(?P<protocol>[^:/?#@\[\]]*)://)?(?P<host>[^/?#]*)(?P<query>.*)", re.DOTALL)
_HOST = re.compile(r"(?:[\w.!$,~*'();&+=-]|[^\x00-\x7f]|%[0-9a-fA-F]{2})+", re.ASCII)
_USER = re.compile(r"(?:[\w.!$,~*'();&+=:-]|[^\x00-\x7f]|%[0-9a-fA-F]{2})*", re.ASCII)


class RefusedError(Exception):
    """A 400 of the Bot API."""


@dataclass(frozen=True, order=True)
class Entity:
    """One formatting as Telegram holds it; sorted as Telegram does."""

    offset: int
    inverse: int
    rank: int
    kind: str
    extra: str = ""

    @property
    def length(self) -> int:
        return -self.inverse

    @property
    def end(self) -> int:
        return self.offset - self.inverse

    def to(self, offset: int, end: int) -> Entity:
        return replace(self, offset=offset, inverse=offset - end)


def strict(text: str, entities: Sequence[dict[str, Any]], limit: int = LONGEST) -> None:
    """Fail unless Telegram takes the message, changes nothing, and nothing is beyond its limits."""
    assert units(text) <= limit, f"{units(text)} units"
    assert len(entities) <= MOST, f"{len(entities)} entities"
    kept, sent = taken(text, entities)
    text = text.replace("\t", " ")  # the one change that is let happen
    assert kept in {text.rstrip(" \n"), text.strip(" \n")}, (text, kept)
    shift = len(text.rstrip(" \n")) - len(kept)
    given = [entity.to(entity.offset - shift, entity.end - shift) for entity in sorted(map(read, entities))]
    assert sent == given, f"Telegram would make {sent} of {given}"
    raw = text.encode("utf-16-le")
    for entity in entities:
        words = raw[2 * entity["offset"] : 2 * (entity["offset"] + entity["length"])].decode("utf-16-le")
        assert words.rstrip() == words, f"{entity} ends in white space: {words!r}"
        if entity["type"] not in {*QUOTES, "pre"}:
            assert words.lstrip() == words, f"{entity} begins with white space: {words!r}"


def taken(text: str, entities: Sequence[dict[str, Any]]) -> tuple[str, list[Entity]]:
    """The text and entities that Telegram makes of a message; raises RefusedError."""
    if len(text.encode()) > 1 << 15:
        raise RefusedError("Text is too long")
    found = fixed([entity for given in entities if given["type"] not in FOUND and (entity := read(given)).length])
    cleaned, found = _cleaned(text, found)
    found = fixed(found)
    if not _EMPTY.sub("", cleaned):
        raise RefusedError("message text is empty")
    stripped = cleaned.rstrip(" \n")
    end = units(stripped)
    found = sorted(entity.to(entity.offset, min(entity.end, end)) for entity in found if entity.offset < end)
    room = min([len(stripped) - len(stripped.lstrip(" \n")), *(entity.offset for entity in found)])
    stripped = stripped[room:]
    if len(stripped) > LONGEST:
        raise RefusedError("message is too long")
    return stripped, [entity.to(entity.offset - room, entity.end - room) for entity in found]


def read(entity: dict[str, Any]) -> Entity:
    """One entity as it is sent; raises RefusedError."""
    kind, offset, length = entity["type"], entity["offset"], entity["length"]
    if kind not in ORDER:
        raise RefusedError("can't parse MessageEntity: Unsupported type specified")
    if not 0 <= offset <= 1_000_000:
        raise RefusedError(f"receive an entity with incorrect offset {offset}")
    if not 0 <= length <= 1_000_000:
        raise RefusedError(f"receive an entity with incorrect length {length}")
    extra = entity["url"] if kind == "text_link" else entity.get("language", "") if kind == "pre" else ""
    if kind == "text_link" and (why := wrong_url(extra)):
        raise RefusedError(f"entity URL '{extra}' is invalid: {why}")
    return Entity(offset, -length, ORDER[kind] - (kind == "pre" and extra != ""), kind, extra)


def wrong_url(url: str) -> str:
    """What is wrong with the address of a link; "" if nothing is."""
    if url.lower().startswith(("tg:", "ton:", "tonsite:")):
        return ""
    found = _URL.fullmatch(url)
    assert found
    if (found["protocol"] or "https").lower() not in {"http", "https"}:
        return "Unsupported URL protocol"
    user, _, host = found["host"].rpartition("@")
    if (colon := re.search(r":([^:\]]*)\Z", host)) and colon.start():
        host = host[: colon.start()]
        if not colon[1].isascii() or not colon[1].isdigit() or not 0 < int(colon[1]) < 65536:
            return "Wrong port number specified in the URL"
    if host.startswith("[") and host.endswith("]"):
        try:
            ipaddress.IPv6Address(host[1:-1])
        except ValueError:
            return "Wrong IPv6 address specified in the URL"
        return ""
    if not host or host == ".":
        return "URL host is empty"
    if not _HOST.fullmatch(host) or not _USER.fullmatch(user):
        return "Disallowed character in URL host"
    return "" if "." in host else "Wrong HTTP URL"


def fixed(entities: list[Entity]) -> list[Entity]:
    """Entities of which none crosses another: those that cannot stay fall away, styles are divided at the others."""
    entities = sorted(entities)
    plain = _apart([entity for entity in entities if entity.kind not in {*STYLES, *QUOTES}])
    quotes = _apart([entity for entity in entities if entity.kind in QUOTES])
    plain = [entity for entity in plain if not any(_crosses(entity, quote) for quote in quotes)]
    others = sorted([*plain, *quotes])
    return sorted([*others, *_divided([entity for entity in entities if entity.kind in STYLES], others)])


def _crosses(entity: Entity, quote: Entity) -> bool:
    inside = quote.offset <= entity.offset and entity.end <= quote.end
    return not inside and entity.offset < quote.end and quote.offset < entity.end


def _apart(entities: list[Entity]) -> list[Entity]:
    kept: list[Entity] = []
    for entity in entities:
        if not kept or entity.offset >= kept[-1].end:
            kept.append(entity)
    return kept


def _divided(styles: list[Entity], others: list[Entity]) -> list[Entity]:
    """Bold and its like, joined where they touch, cut at the borders of all others, and not inside of code."""
    joined: list[Entity] = []
    for kind in STYLES:
        for entity in (entity for entity in styles if entity.kind == kind):
            if joined and joined[-1].kind == kind and entity.offset <= joined[-1].end:
                joined[-1] = joined[-1].to(joined[-1].offset, max(joined[-1].end, entity.end))
            else:
                joined.append(entity)
    cuts = {at for other in others for at in (other.offset, other.end)} | {entity.offset for entity in joined}
    pieces = [
        entity.to(start, end)
        for entity in joined
        for start, end in pairwise(
            sorted({entity.offset, entity.end, *(c for c in cuts if entity.offset < c < entity.end)})
        )
    ]
    code = [other for other in others if other.kind in SOLID]
    return [piece for piece in pieces if not any(other.offset <= piece.offset < other.end for other in code)]


def _cleaned(text: str, entities: list[Entity]) -> tuple[str, list[Entity]]:
    """Without what Telegram takes out of a text, the entities where they belong then; raises RefusedError."""
    places = [0, *accumulate(2 if sign > "\uffff" else 1 for sign in text)]
    kept = [0, *accumulate(0 if _GONE.match(sign) else 2 if sign > "\uffff" else 1 for sign in text)]
    moved = dict(zip(places, kept, strict=True))
    for entity in entities:
        if entity.offset > places[-1]:
            raise RefusedError(f"entity begins after the end of the text at UTF-16 offset {entity.offset}")
        if entity.end > places[-1]:
            raise RefusedError(
                f"entity beginning at UTF-16 offset {entity.offset} ends after the end of the text at UTF-16 offset "
                f"{entity.end}"
            )
        for at, word in ((entity.offset, "begins"), (entity.end, "ends")):
            if at not in moved:
                byte = len(text[: bisect_right(places, at)].encode())
                raise RefusedError(f"entity {word} in a middle of a UTF-16 symbol at byte offset {byte}")
    cleaned = _BLANK.sub(lambda found: "\n" if found[0] == "\n" else " ", _GONE.sub("", text))
    shifted = (entity.to(moved[entity.offset], moved[entity.end]) for entity in entities)
    return cleaned, sorted(entity for entity in shifted if entity.length)


def units(text: str) -> int:
    """Length in UTF-16 units; raises for half a character."""
    return len(text.encode("utf-16-le")) // 2
