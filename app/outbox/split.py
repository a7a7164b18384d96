"""Where a long text is cut into parts that Telegram takes: at paragraphs, else lines, sentences, spaces, characters.

A cut falls between what readers see as characters, and into code only at a line's end where it has one. White space
at a cut falls away. Length is counted in UTF-16 units, as Telegram's clients do.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Callable, Sequence

LIMIT = 4096
_SENTENCE = re.compile(r"[.!?…][\"'”’)\]]*(?=\s)|[。！？]")
_SPACE = re.compile(r"[ \t\n]*")
_EMPTY_LINES = re.compile(r"(?:[ \t]*\n)*")
_LONGEST_CLUSTER = 40  # how far back a cut looks for the start of a composed character
_JOINER = "\u200d"
_LINKERS = "\u094d\u09cd\u0acd\u0b4d\u0c4d\u0d4d\u1039\u17d2"  # of two consonants
# What belongs to the character before it besides combining marks: joiners, vowels of Thai, Lao and Korean, voiced
# marks of Japanese, skin tones, tags.
_JOINING = re.compile(
    "[\u200c\u200d\u0e33\u0eb3\u1160-\u11ff\ud7b0-\ud7ff\uff9e\uff9f\U0001f3fb-\U0001f3ff\U000e0020-\U000e007f]"
)

Range = tuple[int, int]


def windows(
    text: str,
    limit: int = LIMIT,
    code: Sequence[Range] = (),
    bound: Callable[[int], int] | None = None,
    begin: int = 0,
) -> list[Range]:
    """Where each part of at most ``limit`` units begins and ends.

    ``code`` are the places of code blocks, sorted; ``bound`` says where a part that begins there has to end.
    """
    found: list[Range] = []
    while begin < len(text):
        end = _reach(text, begin, limit)
        if bound:
            end = max(begin + 1, min(end, bound(begin)))
        cut = len(text) if end >= len(text) else _cut(text, begin, end, code)
        found.append((begin, cut))
        space = _EMPTY_LINES if _inside(cut, code) else _SPACE
        skipped = space.match(text, cut + 1 if text[cut : cut + 1].isspace() else cut)
        begin = skipped.end() if skipped else cut
    return found


def units(text: str) -> int:
    """Length as Telegram counts it."""
    if text.isascii():
        return len(text)
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def _reach(text: str, begin: int, room: int) -> int:
    """Where the characters end that fit into ``room`` units."""
    window = text[begin : begin + room]
    if not window.isascii():
        window = window.encode("utf-16-le", "surrogatepass")[: 2 * room].decode("utf-16-le", "ignore")
    return begin + len(window)


def _cut(text: str, begin: int, end: int, code: Sequence[Range]) -> int:
    """Where the part ends that may reach to ``end``: at the best place in its second half."""
    least = max(begin + 1, (begin + end) // 2)
    at = text.rfind("\n\n", least, end + 1)
    while at >= 0 and _inside(at, code):
        at = text.rfind("\n\n", least, at + 1)
    if at >= 0 or (at := text.rfind("\n", least, end + 1)) >= 0:
        return at
    ends = [found.end() for found in _SENTENCE.finditer(text, least, end + 1) if found.end() <= end]
    if ends:
        return ends[-1]
    if (at := max(text.rfind(" ", least, end + 1), text.rfind("\t", least, end + 1))) >= 0:
        return at
    return _between(text, begin, end)


def _inside(at: int, ranges: Sequence[Range]) -> bool:
    index = bisect_right(ranges, (at, len(ranges))) - 1
    return index >= 0 and ranges[index][0] < at < ranges[index][1]


def _between(text: str, begin: int, end: int) -> int:
    """The last place at or before ``end`` that is not inside a composed character."""
    at = end
    while at > max(begin + 1, end - _LONGEST_CLUSTER) and _joined(text, at, begin):
        at -= 1
    return end if _joined(text, at, begin) else at


def _joined(text: str, at: int, begin: int) -> bool:
    """Whether the characters on both sides of ``at`` show as one; at ``begin`` no character is torn."""
    before, after = text[at - 1], text[at]
    if before == _JOINER or before in _LINKERS or before + after == "\r\n" or _JOINING.match(after):
        return True
    if _flag(before) and _flag(after):
        start = at
        while start > begin and _flag(text[start - 1]):
            start -= 1
        return (at - start) % 2 == 1
    return unicodedata.category(after) in {"Mn", "Me", "Mc"}


def _flag(character: str) -> bool:
    return "\U0001f1e6" <= character <= "\U0001f1ff"
