"""What stands behind /pause and /resume: where, for how long, and why. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

LONGEST_SECONDS = 366 * 86_400

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}  # by the first letter of what was written
_PIECE = re.compile(
    r"(-?\d{1,9}(?:\.\d{1,3})?)\s?(s|secs?|seconds?|m|mins?|minutes?|h|hours?|d|days?)(?![^\W\d])", re.IGNORECASE
)
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?\Z")


@dataclass(frozen=True, slots=True)
class Order:
    """What stands behind /pause or /resume: everywhere or here, for how long (0: until resumed), and why.

    ``wrong``: what was meant as a time and cannot be one; such an order is not to be obeyed.
    """

    everywhere: bool
    seconds: float
    reason: str
    wrong: str = ""


def read(args: str) -> Order:
    """Understand `[all] [30m] [reason]`; the time may also be written `10 min` or `1h30m`."""
    given = args.split()
    everywhere = bool(given) and given[0].lower() == "all"
    rest = " ".join(given[everywhere:])
    seconds, end = 0.0, 0
    while piece := _PIECE.match(rest, end):
        seconds += float(piece[1]) * _UNITS[piece[2][0].lower()]
        end = piece.end()
    time = rest[:end]
    if (time and seconds <= 0) or "-" in time or _NUMBER.match(rest):
        return Order(everywhere, 0, "", time or rest)
    return Order(everywhere, min(seconds, LONGEST_SECONDS), rest[end:].strip(" ,:;"))
