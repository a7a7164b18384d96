"""How many answers a process that is killed may leave to be shown twice: as many as stood in its window, at most.

The window (app/outbox/window.py) grows with the turns that passed; the log tells how many that were.
"""

from __future__ import annotations

import re

from app.outbox.window import FIRST, MOST, STEP

_READY = re.compile(r'"event": ?"ready"')
_SENT = re.compile(r'"end": ?"(?:answered|apologised)"')


def earned(log: str) -> int:
    """The width of its window, by its log since it was last started."""
    return min(MOST, FIRST + len(_SENT.findall(_READY.split(log)[-1])) // STEP)
