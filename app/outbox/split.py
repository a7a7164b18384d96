"""Long texts into parts that Telegram takes: at a paragraph, else a line, a sentence, a space; else between characters.

A code block that is cut is closed at the end of one part and opened again, with its language, at the start of the next.
Nothing else changes but the white space cut at. Length is counted in UTF-16 units, as Telegram's clients do.
"""

from __future__ import annotations

import re
import unicodedata

LIMIT = 4096
_FENCE = re.compile(r"^ {0,3}(`{3,16}|~{3,16})(?![`~])([^\n]*)$", re.MULTILINE)
_SENTENCE = re.compile(r"[.!?…][\"'”’)\]]*(?=\s)|[。！？]")
_LONGEST_FENCE = 17  # a newline and the fence that closes a block
_LONGEST_INFO = 40  # units of an opening line that is repeated; of a longer one only the fence is
_LONGEST_CLUSTER = 40  # how far back a cut looks for the start of a composed character
_JOINER = "\u200d"


def split(text: str, limit: int = LIMIT) -> list[str]:
    """Parts of at most ``limit`` units (at least 200) each; none for a text that is empty."""
    parts: list[str] = []
    opening, rest = "", text
    while rest.strip():
        head = f"{opening}\n" if opening else ""
        if units(head + rest) <= limit:
            parts.append(head + rest)
            break
        end = _reach(rest, limit - units(head) - _LONGEST_FENCE)
        cut, skip = _cut(rest, end, head)
        part = head + rest[:cut]
        opening = _open(part)
        parts.append(f"{part}\n{_fence(opening)}" if opening else part)
        rest = rest[cut + skip :]
        if opening and (end := _closing(rest, _fence(opening))):
            opening, rest = "", rest[end:].lstrip("\n")
    return [part for part in parts if part.strip()]


def units(text: str) -> int:
    """Length as Telegram counts it."""
    if text.isascii():
        return len(text)
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def _reach(text: str, room: int) -> int:
    """How many characters fit into ``room`` units."""
    end = min(len(text), room)
    if text.isascii() or units(text[:end]) <= room:
        return end
    used = 0
    for index, character in enumerate(text):
        used += 2 if character > "\uffff" else 1
        if used > room:
            return index
    return len(text)


def _cut(text: str, end: int, head: str) -> tuple[int, int]:
    """Where the part ends, and how much white space after it falls away."""
    window = text[: end + 1]
    least = end // 2
    if (at := window.rfind("\n\n", least)) >= 0 and not _open(head + text[:at]):
        return _at_newline(text, at, head)
    if (at := window.rfind("\n", least)) >= 0:
        return _at_newline(text, at, head)
    ends = [found.end() for found in _SENTENCE.finditer(window, least) if found.end() <= end]
    if ends:
        return ends[-1], _spaces(text, ends[-1])
    if (at := max(window.rfind(" ", least), window.rfind("\t", least))) > 0:
        return at, _spaces(text, at)
    return _between(text, end), 0


def _at_newline(text: str, at: int, head: str) -> tuple[int, int]:
    """Cut at a newline; a block whose opening would be the last line moves on whole."""
    start = text.rfind("\n", 0, at) + 1
    if start > 1 and _FENCE.match(text[start:at]) and not _open(head + text[: start - 1]):
        at = start - 1
    if _open(head + text[:at]):
        return at, 1  # empty lines and indentation are part of the code
    return at, len(text[at:]) - len(text[at:].lstrip("\n"))


def _spaces(text: str, at: int) -> int:
    return 1 if text[at : at + 1] in {" ", "\n", "\t"} else 0


def _between(text: str, end: int) -> int:
    """The last place at or before ``end`` that is not inside a composed character."""
    at = end
    while at > max(1, end - _LONGEST_CLUSTER) and _joined(text, at):
        at -= 1
    return end if _joined(text, at) else at


def _joined(text: str, at: int) -> bool:
    """Whether the characters on both sides of ``at`` show as one."""
    before, after = text[at - 1], text[at]
    if _JOINER in (before, after) or before + after == "\r\n":
        return True
    if "\U0001f3fb" <= after <= "\U0001f3ff" or "\U000e0020" <= after <= "\U000e007f":  # skin tones, tags
        return True
    if _flag(before) and _flag(after):
        start = at
        while start and _flag(text[start - 1]):
            start -= 1
        return (at - start) % 2 == 1
    if "\ud800" <= before <= "\udbff" and "\udc00" <= after <= "\udfff":
        return True
    return unicodedata.category(after) in {"Mn", "Me", "Mc"}


def _flag(character: str) -> bool:
    return "\U0001f1e6" <= character <= "\U0001f1ff"


def _open(text: str) -> str:
    """The opening line of the code block that has not ended; "" outside of code."""
    opening = fence = ""
    for found in _FENCE.finditer(text):
        mark, info = found[1], found[2].strip()
        if not opening:
            if "`" not in info:
                opening, fence = found[0].strip(), mark
        elif mark[0] == fence[0] and len(mark) >= len(fence) and not info:
            opening = ""
    return opening if not opening or units(opening) <= _LONGEST_INFO else fence


def _closing(text: str, fence: str) -> int:
    """Where the line ends that closes the block, if it comes first; 0 if it does not."""
    found = _FENCE.match(text, len(text) - len(text.lstrip("\n")))
    ends = found and found[1][0] == fence[0] and len(found[1]) >= len(fence) and not found[2].strip()
    return found.end() if found and ends else 0


def _fence(opening: str) -> str:
    found = _FENCE.match(opening)
    assert found
    return found[1]
