"""What the book of a keyed model's requests says of the bot: was each key left alone in its penalty, were the keys used
in their order, was each used again as soon as it could be, and was it spared a rush then?

A fault is a sentence; a bot without faults gives empty lists.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tests.support.keyed import FOREVER, Request

GRACE_SECONDS = 0.5
"""So long after a refusal somebody may not have heard of it."""
BACK_SECONDS = 1.0
RETURN_SECONDS = 12.0
"""A key that returns is used gradually for ten seconds, so that the next keys are used beside it."""


@dataclass(slots=True)
class Penalty:
    """From the first refusal of a key to the last time it told."""

    first: float
    until: float
    count: int = 1


def penalties(requests: Sequence[Request], key: str) -> list[Penalty]:
    """The penalties of a key; refusals that told no time are in none."""
    found: list[Penalty] = []
    for one in requests:
        if one.key != key or not one.told:
            continue
        if found and one.at < found[-1].until:
            found[-1].until = max(found[-1].until, one.told)
            found[-1].count += 1
        else:
            found.append(Penalty(one.at, one.told))
    return found


def pestered(requests: Sequence[Request]) -> list[str]:
    """Requests on a key later than half a second after its penalty began."""
    return [
        f"{one.key[:12]} was asked {one.late:.3f} s after its first {one.status if one.status != 200 else 429}"
        for one in requests
        if one.late > GRACE_SECONDS
    ]


def disordered(requests: Sequence[Request], order: Sequence[str]) -> list[str]:
    """Requests on a key although one before it was free: never refused so far, or back for long."""
    found: list[str] = []
    free = dict.fromkeys(order, 0.0)
    """Since when each key is free to be used for all."""
    for one in requests:
        earlier = order[: order.index(one.key)] if one.key in order else []
        found += [f"{one.key[:12]} was asked while {key[:12]} was free" for key in earlier if free[key] <= one.at]
        if one.told:
            free[one.key] = max(free[one.key], min(one.told + RETURN_SECONDS, FOREVER))
        elif one.status != 200:
            free[one.key] = one.at + RETURN_SECONDS
    return found


def returns(requests: Sequence[Request], key: str, wanted_until: float) -> list[float]:
    """For each end of a penalty of this key at which somebody still waited: how long it then was not used.

    `wanted_until`: when the last question was answered; a key that was never used again was unused until then.
    """
    found: list[float] = []
    for penalty in penalties(requests, key):
        if penalty.until + BACK_SECONDS > wanted_until:
            continue
        later = [one.at for one in requests if one.key == key and one.at >= penalty.until and not one.late]
        found.append((later[0] if later else wanted_until) - penalty.until)
    return found


def rushed(requests: Sequence[Request], order: Sequence[str]) -> list[str]:
    """Keys that got all they could bear at once when they returned: after s seconds at most 2^(s+1) + 1 are right."""
    found: list[str] = []
    for key in order:
        times = [one.at for one in requests if one.key == key]
        for penalty in penalties(requests, key):
            for seconds in (1, 2, 3):
                count = sum(penalty.until <= at < penalty.until + seconds for at in times)
                if count > 2 ** (seconds + 1) + 1:
                    found.append(f"{key[:12]} got {count} requests within {seconds} s of its return")
                    break
    return found
