"""What each shard is asked for: decided without I/O, so that each ready lane gets the same service."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

CLAIM_MOST = 32  # lanes a call: a hundred with full sessions hold the server for 8 ms


@dataclass(slots=True)
class Load:
    """What is known of a shard: ready lanes, µs at which the oldest became ready, commands and notices that wait."""

    ready: int = 0
    oldest_us: int = 0
    urgent: int = 0
    notices: int = 0
    kicked: bool = False
    """Something was stored or given back since the last look."""
    not_before: float = 0.0
    """Monotonic seconds: Redis refused the last claim, so the shard is left alone until then."""


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


class Call(NamedTuple):
    """One claim call; all wants 0 is only the sweep."""

    shard: int
    want: int
    urgent: int
    notices: int


class Room(NamedTuple):
    """How many more turns may run: in conversations, on control lanes, on notice lanes."""

    turns: int
    urgent: int
    notices: int


def plan(loads: Mapping[int, Load], room: Room, turn: int, now: float, *, sweep: bool) -> list[Call]:
    """The claim calls of one round. What is known to wait comes first; what was just stored may be a command too."""
    open_ = sorted(shard for shard in loads if loads[shard].not_before <= now)
    first = turn % len(open_) if open_ else 0
    order = open_[first:] + open_[:first]
    wants = share(room.turns, [loads[shard] for shard in order], 0)
    urgent = _slots([loads[shard].urgent for shard in order], room.urgent)
    notices = _slots([loads[shard].notices for shard in order], room.notices)
    spare_urgent, spare_notices = room.urgent - sum(urgent), room.notices - sum(notices)
    calls = []
    for i, shard in enumerate(order):
        want = wants.get(i, 0)
        if want or loads[shard].kicked or urgent[i] or notices[i]:
            probe_urgent = int(not urgent[i] and spare_urgent > 0)
            probe_notices = int(not notices[i] and spare_notices > 0)
            spare_urgent, spare_notices = spare_urgent - probe_urgent, spare_notices - probe_notices
            calls.append(Call(shard, want, urgent[i] + probe_urgent, notices[i] + probe_notices))
        elif sweep:
            calls.append(Call(shard, 0, 0, 0))
    return calls


def _slots(waiting: Sequence[int], slots: int) -> list[int]:
    """Slots for what is known to wait, in order."""
    given = []
    for count in waiting:
        given.append(max(0, min(count, slots)))
        slots -= given[-1]
    return given
