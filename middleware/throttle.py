"""How fast one person may write. Counted in this process, by the times at which the messages were written.

So a backlog after an outage is not taken for haste, and a turn that comes a second time is not counted twice.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field

from app.chain.compose import Handler
from app.chain.context import Context
from app.core import words
from app.core.outcome import End, Outcome

WINDOW_MS = 60_000
REMEMBERED = 10_000  # people; beyond it the one who was quiet longest is forgotten


@dataclass(slots=True)
class _Person:
    accepted: dict[str, int] = field(default_factory=dict)  # update ids -> ms, oldest first
    told_ms: int = -WINDOW_MS


class Throttle:
    """At most ``per_minute`` messages of a person in any 60 seconds (0: no limit), one notice a minute."""

    def __init__(self, per_minute: int, operators: Iterable[int] = ()) -> None:
        self._limit = per_minute
        self._operators = frozenset(operators)
        self._people: OrderedDict[int, _Person] = OrderedDict()

    async def __call__(self, ctx: Context, inner: Handler) -> Outcome:
        if not self._limit or (ctx.command and ctx.user_id in self._operators):
            return await inner(ctx)
        entry = ctx.claim.entries[0]
        person = self._person(ctx.user_id)
        if self._takes(person, entry.uids, entry.at_ms):
            return await inner(ctx)
        if abs(entry.at_ms - person.told_ms) < WINDOW_MS:
            return End("dropped: throttled")
        person.told_ms = entry.at_ms
        return End("dropped: throttled", notice=words.THROTTLED())

    def _person(self, who: int) -> _Person:
        person = self._people.get(who)
        if person is None:
            person = self._people[who] = _Person()
            if len(self._people) > REMEMBERED:
                self._people.popitem(last=False)
        else:
            self._people.move_to_end(who)
        return person

    def _takes(self, person: _Person, uids: str, at_ms: int) -> bool:
        accepted = person.accepted
        if uids in accepted:
            return True
        if len(accepted) >= self._limit:
            oldest = next(iter(accepted))
            if abs(at_ms - accepted[oldest]) < WINDOW_MS:
                return False
            del accepted[oldest]
        accepted[uids] = at_ms
        return True
