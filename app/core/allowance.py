"""How much of something may be used in how long: the one notation of quotas and of a key's own limits.

`<n>r` are requests, `<n>t` tokens; then `/` and `min`, `hour`, `day` or `month` (short `m h d mo`). Quotas have commas
between them (`100000t/day,300r/hour`); a key's limits follow it with semicolons (`sk-a;300r/h;900r/mo`).
A minute or an hour is a fixed window that opens with its first use; days and months are those of the calendar, in UTC.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

Unit = Literal["r", "t"]
Window = Literal["minute", "hour", "day", "month"]

WINDOWS: dict[str, Window] = {
    "m": "minute",
    "min": "minute",
    "minute": "minute",
    "h": "hour",
    "hour": "hour",
    "d": "day",
    "day": "day",
    "mo": "month",
    "month": "month",
}
UNITS: dict[Unit, str] = {"r": "requests", "t": "tokens"}
_SHAPE = re.compile(r"([1-9][0-9]{0,14})([rt])/([a-z]+)", re.ASCII)


@dataclass(frozen=True, slots=True)
class Limit:
    """At most ``amount`` requests or tokens in a window."""

    amount: int
    unit: Unit
    window: Window

    def __str__(self) -> str:
        return f"{self.amount}{self.unit}/{self.window}"

    @property
    def words(self) -> str:
        """For people: `300 requests an hour`."""
        what = UNITS[self.unit] if self.amount != 1 else UNITS[self.unit].removesuffix("s")
        return f"{self.amount:,} {what} {'an' if self.window == 'hour' else 'a'} {self.window}"


def limit(text: str) -> Limit:
    """Read one limit; raises ValueError."""
    found = _SHAPE.fullmatch(text.strip().lower())
    if found is None or found[3] not in WINDOWS:
        raise ValueError(f"{text.strip()!r} is no limit such as 300r/hour or 100000t/day")
    return Limit(int(found[1]), "r" if found[2] == "r" else "t", WINDOWS[found[3]])


def limits(text: str, between: str = ",") -> tuple[Limit, ...]:
    """Read several; of two for the same unit and window the smaller holds. Raises ValueError."""
    smallest: dict[tuple[Unit, Window], Limit] = {}
    for part in text.split(between):
        if part.strip():
            one = limit(part)
            known = smallest.get((one.unit, one.window), one)
            smallest[one.unit, one.window] = min(one, known, key=lambda found: found.amount)
    return tuple(smallest.values())
