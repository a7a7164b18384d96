"""Entities as Telegram's server reads and mends them: TDLib's MessageEntity.cpp.

Three sorts: *splittable* ones (bold, italic …) may cross anything and are cut where others begin and end, equal
neighbours join; *quotes* hold others but no quotes; all else is *solid*: where two solid ones cross, the later goes.
Code and pre hold nothing at all.
"""

from itertools import pairwise
from typing import Any

import msgspec

from simulator.links import checked
from simulator.records import Entity, bad

SPLITTABLE = ("bold", "italic", "underline", "strikethrough", "spoiler")
QUOTES = {"blockquote", "expandable_blockquote"}
BARE = {"pre", "code", "date_time"}
GIVEN = {*SPLITTABLE, *QUOTES, *BARE, "text_link", "text_mention", "custom_emoji"}
FOUND = {"mention", "hashtag", "cashtag", "bot_command", "url", "email", "phone_number", "bank_card_number"}
NEEDED = {"text_link": "url", "text_mention": "user", "custom_emoji": "custom_emoji_id", "date_time": "unix_time"}
PRIORITY = {
    "blockquote": 0, "expandable_blockquote": 0, "pre": 10, "code": 20, "date_time": 30, "text_link": 49,
    "text_mention": 49, "bold": 90, "italic": 91, "underline": 92, "strikethrough": 93, "spoiler": 94,
    "custom_emoji": 99,
}  # fmt: skip
FARTHEST = 1_000_000


def parse(given: object) -> list[Entity]:
    """Entities as a request brings them; kinds that Telegram finds by itself are left out."""
    if not isinstance(given, list):
        return []
    entities = []
    for item in given:
        if not isinstance(item, dict):
            raise bad("Can't parse MessageEntity: expected an Object")
        for field, kind in (("offset", int), ("length", int), ("type", str)):
            if field not in item:
                raise bad(f"Can't parse MessageEntity: Can't find field \"{field}\"")
            if not isinstance(item[field], kind):
                raise bad(f'Can\'t parse MessageEntity: Field "{field}" must be of type {kind.__name__}')
        if item["type"] in FOUND:
            continue
        if item["type"] not in GIVEN:
            raise bad("Can't parse MessageEntity: Unsupported type specified")
        entities.append(_entity(item))
    return entities


def within(entities: list[Entity]) -> list[Entity]:
    """Those that are not empty, with links as Telegram writes them; a Refusal for what could be nowhere."""
    for one in entities:
        for field in ("offset", "length"):
            if not 0 <= getattr(one, field) <= FARTHEST:
                raise bad(f"Receive an entity with incorrect {field} {getattr(one, field)}")
    return [_linked(one) for one in entities if one.length > 0]


def mended(entities: list[Entity], found: list[Entity]) -> list[Entity]:
    """Given and found entities so that they nest: see above. What is found gives way to what is given."""
    order = sorted(entities, key=_order)
    soft = [one for one in order if one.type in SPLITTABLE]
    quotes = _apart([one for one in order if one.type in QUOTES])
    solid = _apart([one for one in order if one.type not in QUOTES and one.type not in SPLITTABLE])
    solid += [one for one in found if not any(_cross(one, other) for other in solid)]
    solid = [one for one in solid if not any(_pierces(one, quote) for quote in quotes)]
    others = sorted([*solid, *quotes], key=_order)
    return sorted([*others, *_split(soft, others)], key=_order)


def _entity(item: dict[str, Any]) -> Entity:
    needed = NEEDED.get(item["type"])
    if needed and needed not in item:
        raise bad(f"Can't parse MessageEntity: Can't find field \"{needed}\"")
    if needed == "user" and not (isinstance(item["user"], dict) and isinstance(item["user"].get("id"), int)):
        raise bad('Can\'t parse MessageEntity: Field "user" must be of type Object')
    try:
        return msgspec.convert(item, Entity)
    except msgspec.ValidationError as problem:
        raise bad(f"Can't parse MessageEntity: {problem}") from None


def _linked(one: Entity) -> Entity:
    if one.type != "text_link":
        return one
    try:
        return msgspec.structs.replace(one, url=checked(one.url or ""))
    except ValueError as problem:
        raise bad(f"Entity URL '{one.url}' is invalid: {problem}") from None


def _order(one: Entity) -> tuple[int, int, int]:
    return one.offset, -one.length, PRIORITY.get(one.type, 50)


def _end(one: Entity) -> int:
    return one.offset + one.length


def _cross(one: Entity, other: Entity) -> bool:
    return one.offset < _end(other) and other.offset < _end(one)


def _pierces(one: Entity, quote: Entity) -> bool:
    """Whether it shares a place with a quote and is not wholly inside."""
    return _cross(one, quote) and not (quote.offset <= one.offset and _end(one) <= _end(quote))


def _apart(entities: list[Entity]) -> list[Entity]:
    """The sorted entities without those that begin inside an earlier one."""
    kept: list[Entity] = []
    for one in entities:
        if not kept or one.offset >= _end(kept[-1]):
            kept.append(one)
    return kept


def _split(soft: list[Entity], others: list[Entity]) -> list[Entity]:
    """The splittable ones, joined per type, cut where the others begin and end, and taken out of code."""
    cuts = sorted({edge for one in others for edge in (one.offset, _end(one))})
    pieces: list[Entity] = []
    for kind in SPLITTABLE:
        for start, end in _joined([(one.offset, _end(one)) for one in soft if one.type == kind]):
            edges = [start, *(cut for cut in cuts if start < cut < end), end]
            pieces += [Entity(kind, a, b - a) for a, b in pairwise(edges)]
    bare = [one for one in others if one.type in BARE]
    pieces = [one for one in pieces if not any(_cross(one, other) for other in bare)]
    return _nested(pieces)


def _joined(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    out: list[tuple[int, int]] = []
    for start, end in spans:
        if out and start <= out[-1][1]:
            out[-1] = (out[-1][0], max(end, out[-1][1]))
        else:
            out.append((start, end))
    return out


def _nested(pieces: list[Entity]) -> list[Entity]:
    """Cuts what is open wherever another one begins, so that all nest; as the server, which flushes there."""
    out: list[Entity] = []
    for one in pieces:
        starts = {other.offset for other in pieces if other.type != one.type and one.offset < other.offset < _end(one)}
        edges = [one.offset, *sorted(starts), _end(one)]
        out += [Entity(one.type, a, b - a) for a, b in pairwise(edges)]
    return out
