"""Telegram's rules for texts: what is trimmed, what is refused, which entities count.

The trap: entities are measured in UTF-16 units, the limit of 4,096 in Unicode characters, and both after trimming.
Sources: TDLib's MessageEntity.cpp, the Bot API server's Client.cpp, live probes.
"""

import re
from bisect import bisect_left, bisect_right
from itertools import accumulate

import msgspec

from simulator.entities import mended, within
from simulator.records import Entity, bad

LONGEST = 4096  # Unicode characters of a message
LONGEST_CAPTION = 1024
MOST_BYTES = 1 << 15  # of a text as it arrives
MOST_ENTITIES = 100  # the rest are dropped without a word
REMOVED = re.compile("[\r\u2028-\u202e\u0333\u033f\u030a]")
CONTROL = re.compile("[\x00-\x09\x0b\x0c\x0e-\x1f]")
BLANK = " \n\u200b\u200c\u200d\u2060\ufeff"
PATTERNS = {
    "bot_command": re.compile(r"(?<![\w/<>])/[A-Za-z0-9_]{1,64}(?:@[A-Za-z0-9_]{3,32})?(?![\w/<>])"),
    "email": re.compile(r"(?<![\w.+-])[\w.+-]+@[\w-]+\.[\w.-]*\w"),
    "mention": re.compile(r"(?<![\w@])@[A-Za-z0-9_]{3,32}(?!\w)"),
    "url": re.compile(r"https?://[^\s<>\"']*[^\s<>\"'.,:;!?)\]]"),
    "hashtag": re.compile(r"(?<![\w#])#(?=\w*[^\W\d_])\w{1,256}(?![\w#])"),
}


def units(text: str) -> int:
    """Length in UTF-16 units."""
    return len(text.encode("utf-16-le")) // 2


def find(text: str) -> list[Entity]:
    """The entities Telegram finds by itself: commands, mentions, addresses, hashtags."""
    taken: list[tuple[int, int]] = []
    found: list[Entity] = []
    for kind in ("url", "email", "bot_command", "mention", "hashtag"):
        for match in PATTERNS[kind].finditer(text):
            start, end = match.span()
            if any(start < other_end and other < end for other, other_end in taken):
                continue
            taken.append((start, end))
            found.append(Entity(kind, units(text[:start]), units(match[0])))
    return sorted(found, key=lambda entity: entity.offset)


def clean(
    text: str, entities: list[Entity], longest: int = LONGEST, *, empty: bool = False
) -> tuple[str, list[Entity]]:
    """The text and entities as the message will have them; a Refusal for what Telegram refuses."""
    if not text and not empty:
        raise bad("Message text is empty")
    if len(text.encode()) > MOST_BYTES:
        raise bad("Text is too long")
    kept = within(entities)
    if empty and not REMOVED.sub("", CONTROL.sub(" ", text)).strip(BLANK):
        return "", []
    text, kept = _trimmed(text, sorted(kept, key=lambda one: (one.offset, -one.length)))
    if len(text) > longest:
        raise bad("Message is too long" if longest == LONGEST else "message caption is too long")
    return text, mended(kept, find(text))[:MOST_ENTITIES]


def _trimmed(text: str, entities: list[Entity]) -> tuple[str, list[Entity]]:
    spans = _spans(text, entities) if entities else []
    text = CONTROL.sub(" ", text)
    if not REMOVED.sub("", text).strip(BLANK):
        raise bad("Text must be non-empty")
    if not entities and not REMOVED.search(text):
        return text.strip(" \n"), []
    body = [i for i, char in enumerate(text) if char not in " \n" and not REMOVED.match(char)]
    first = min([body[0], *(start for start, _ in spans)])
    kept = [i for i in range(first, body[-1] + 1) if not REMOVED.match(text[i])]
    shorter = "".join(text[i] for i in kept)
    before = _edges(shorter)
    result = []
    for entity, (start, end) in zip(entities, spans, strict=True):
        a, b = (before[bisect_left(kept, edge)] for edge in (start, end))
        if b > a:
            result.append(msgspec.structs.replace(entity, offset=a, length=b - a))
    return shorter, result


def _edges(text: str) -> list[int]:
    """Where each character begins, and where the last one ends, in UTF-16 units."""
    return [0, *accumulate(1 + (char > "\uffff") for char in text)]


def _spans(text: str, entities: list[Entity]) -> list[tuple[int, int]]:
    """Entities as ranges of characters; a Refusal where they do not fit the text."""
    edges = _edges(text)
    place = {unit: index for index, unit in enumerate(edges)}
    spans = []
    for entity in entities:
        start, end = entity.offset, entity.offset + entity.length
        if start > edges[-1]:
            raise bad(f"Entity begins after the end of the text at UTF-16 offset {start}")
        if end > edges[-1]:
            raise bad(
                f"Entity beginning at UTF-16 offset {start} ends after the end of the text at UTF-16 offset {end}"
            )
        for edge, verb in ((start, "Entity begins"), (end, f"Entity beginning at UTF-16 offset {start} ends")):
            if edge not in place:
                where = len(text[: bisect_right(edges, edge)].encode())  # the server notices after the symbol
                raise bad(f"{verb} in a middle of a UTF-16 symbol at byte offset {where}")
        spans.append((place[start], place[end]))
    return spans
