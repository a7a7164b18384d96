"""When a limit is reached if it goes on being used as it was so far: arithmetic without a clock or a store.

The rate is what was used since the first use in this window, so a bot that starts in the middle of a month is not
taken for one that was idle until then. A guess from a few minutes or a few uses is none, and is not made.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

EARLY_SECONDS = 300.0  # less says nothing about a day; of a shorter window half of it will do
EARLY_USES = 3

State = Literal["early", "lasts", "ends", "spent"]


@dataclass(frozen=True, slots=True)
class Forecast:
    """What becomes of a limit: it ``ends`` at ``at``, or it ``lasts`` or is ``spent`` until its reset, ``at``.

    ``early``: nothing can be said yet, and ``at`` is 0. ``expected`` is what would have been used by the reset if
    nothing stopped it. Times are Unix seconds.
    """

    state: State
    at: float = 0.0
    expected: int = 0


_EARLY = Forecast("early")


def forecast(used: int, limit: int, opened: float, now: float, resets: float) -> Forecast:
    """Judge a limit of which ``used`` went since ``opened``, the first use in the window that closes at ``resets``."""
    if not opened < resets or now >= resets:
        return _EARLY  # no window is open
    spent = used >= limit
    seconds = now - opened
    if used < EARLY_USES or seconds < min(EARLY_SECONDS, (resets - opened) / 2):
        return Forecast("spent", resets, used) if spent else _EARLY
    expected = round(used * (resets - opened) / seconds)
    if spent:
        return Forecast("spent", resets, max(used, expected))
    reached = opened + limit * seconds / used
    return Forecast("ends", max(reached, now), expected) if reached < resets else Forecast("lasts", resets, expected)


def ends(used: int, limit: int, opened: float, now: float, resets: float) -> float | None:
    """When the limit is reached (Unix time): ``now`` when it is, None for not in this window or too early to say."""
    found = forecast(used, limit, opened, now, resets)
    if found.state == "spent":
        return now
    return found.at if found.state == "ends" else None
