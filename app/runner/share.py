"""How much of the room each shard is asked for: decided without I/O, so that each ready lane gets the same service."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

CLAIM_MOST = 32  # lanes a call: a hundred with full sessions hold the server for 8 ms (lanes.md section 12)


@dataclass(slots=True)
class Load:
    """What is known of a shard: ready lanes, µs at which the oldest became ready, commands and notices that wait."""

    ready: int = 0
    oldest_us: int = 0
    urgent: int = 0
    notices: int = 0
    kicked: bool = False
    """Something was stored or given back since the last look."""


def share(room: int, loads: Sequence[Load], turn: int) -> dict[int, int]:
    """Divide the room among the shards that have ready lanes, in proportion to them and at least one each.

    A single free place goes to the lane that has waited longest. ``turn`` rotates who is served first, so that
    what is left over does not always go to the same shards.
    """
    waiting = [s for s in range(len(loads)) if loads[s].ready > 0]
    if room <= 0 or not waiting:
        return {}
    if room == 1:
        return {min(waiting, key=lambda s: loads[s].oldest_us): 1}
    total = sum(loads[s].ready for s in waiting)
    given: dict[int, int] = {}
    left = room
    first = turn % len(waiting)
    for s in waiting[first:] + waiting[:first]:
        want = min(loads[s].ready, CLAIM_MOST, left, max(1, room * loads[s].ready // total))
        if want:
            given[s] = want
            left -= want
    return given
