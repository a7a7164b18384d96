"""JSON cut into its parts without being read: brackets are matched, strings skipped, no depth is too deep. Pure.

For what the decoder refuses as a whole. What is wrong inside of one part stays that part's own trouble.
"""

from __future__ import annotations

import re

from app.core.errors import Unparsable

_MARK = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"|["\[\]{},]', re.DOTALL)
_CLOSES = {b"[": b"]", b"{": b"}"}
_NAME = re.compile(rb'"([^"\\]*)"\s*:\s*')
# Half of a surrogate pair without the other: RFC 8259 allows the escape, but it stands for no character.
_RUN = re.compile(
    rb"((?:[^\\]++|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\(?!u[dD][89a-fA-F][0-9a-fA-F]{2}).)++)"
    rb"|\\u[dD][89a-fA-F][0-9a-fA-F]{2}",
    re.DOTALL,
)


def parts(raw: bytes) -> list[bytes]:
    """The elements of an array, or the members of an object, as they stand; raises Unparsable for anything else."""
    due: list[bytes] = []  # brackets that must still close, innermost last
    begin, found = 0, []
    for mark in _MARK.finditer(raw):
        kind, before = mark[0], raw[begin : mark.start()] if len(due) < 2 else b""
        if kind == b'"' or (not due and (kind not in _CLOSES or before.strip())):
            break
        if kind in _CLOSES:
            due.append(_CLOSES[kind])
            begin = mark.end() if len(due) == 1 else begin
        elif kind == b"," and len(due) == 1:
            found.append(before.strip())
            begin = mark.end()
        elif kind in _CLOSES.values() and due.pop() != kind:
            break
        elif not due:
            if raw[mark.end() :].strip():
                break
            last = before.strip()
            return [*found, last] if found or last else []
    raise Unparsable("not one array or object")


def members(raw: bytes) -> dict[bytes, bytes]:
    """The members of an object: the text of each value by its name; raises Unparsable for anything else."""
    if not raw.lstrip().startswith(b"{"):
        raise Unparsable("not an object")
    found: dict[bytes, bytes] = {}
    for part in parts(raw):
        if name := _NAME.match(part):
            found.setdefault(name[1], part[name.end() :])
    return found


def mended(raw: bytes) -> bytes:
    """The same, with U+FFFD for each lone surrogate: as many UTF-16 units, so entities keep their places."""
    return _RUN.sub(lambda run: run[1] or rb"\ufffd", raw)
