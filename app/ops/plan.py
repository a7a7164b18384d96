"""What people will ask for against what keys allow, before any of it has happened: exact arithmetic, no clock.

Questions come evenly while a session lasts, and sessions are spread evenly over a month of 30 days, in which every
monthly limit is whole. Keys are used as the bot uses them: the first while it has room, the next at its limit, back to
the first when its window resets. A minute or an hour opens with its first use; days are those of the calendar.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from app.core.allowance import Limit, Unit, Window

MONTH_DAYS = 30
SECONDS: dict[Window, int] = {"minute": 60, "hour": 3600, "day": 86400, "month": MONTH_DAYS * 86400}
MONTH = Fraction(SECONDS["month"])

Limits = tuple[Limit, ...]


@dataclass(frozen=True, slots=True)
class Load:
    """People who write ``messages`` questions each in a session of ``hours``; ``tokens`` are what one request costs."""

    users: int
    messages: int
    hours: Fraction
    sessions: int
    tokens: int

    @property
    def requests(self) -> int:
        """Of one session."""
        return self.users * self.messages

    @property
    def seconds(self) -> Fraction:
        """How long one session lasts."""
        return self.hours * 3600

    def cost(self, unit: Unit) -> int:
        """What one request takes from a limit."""
        return 1 if unit == "r" else self.tokens

    def asked(self, unit: Unit, window: Window) -> Fraction:
        """The most that is asked for in such a window."""
        period, length = MONTH / self.sessions, Fraction(SECONDS[window])
        whole, rest = divmod(length, period)
        return self.requests * self.cost(unit) * (whole + min(rest, self.seconds) / self.seconds)


@dataclass(frozen=True, slots=True)
class Break:
    """The first moment at which no key has room.

    ``after`` seconds into session number ``session`` (from 1), with ``answered`` requests behind it in this month;
    ``limits`` has for each key the one that keeps it away longest. ``back`` seconds later a key has room again, None:
    not in this month.
    """

    session: int
    after: Fraction
    answered: int
    limits: Limits
    back: Fraction | None


@dataclass(frozen=True, slots=True)
class Outlook:
    """What becomes of a month: requests asked and answered, how many of its sessions are cut, and what breaks first."""

    asked: int
    answered: int
    cut: int
    first: Break | None


@dataclass(slots=True, eq=False)
class Counter:
    """One limit of one key in its present window, in ticks; ``room`` is how long it lasts while it is used.

    ``ends`` -1: no window is open.
    """

    limit: Limit
    most: int
    length: int
    room: int = 0
    ends: int = -1

    def free(self, at: int, never: int) -> int:
        """When there is room: ``at``, or the window's end; ``never`` for what never fits."""
        if self.ends <= at:
            self.room, self.ends = self.most, -1
        if self.room > 0:
            return at
        return self.ends if self.most else never

    def use(self, at: int, ticks: int) -> None:
        """Count; the first use opens the window."""
        if self.ends < 0:
            calendar = self.limit.window in ("day", "month")
            self.ends = (at // self.length + 1) * self.length if calendar else at + self.length
        self.room -= ticks


class Key:
    """A key's limits, counted together."""

    def __init__(self, counters: list[Counter], never: int) -> None:
        self.counters = counters
        self.never = never
        self.until = self.free(0)

    def free(self, at: int) -> int:
        """When a request fits."""
        return max((counter.free(at, self.never) for counter in self.counters), default=at)

    def holder(self, at: int) -> Limit:
        """The limit that keeps it away longest."""
        return max(self.counters, key=lambda counter: counter.free(at, self.never)).limit

    def use(self, at: int, until: int) -> int:
        """Use it from ``at`` on, at most ``until``; answers until when it lasted."""
        self.free(at)
        for counter in self.counters:
            until = min(until, at + counter.room)
            if counter.ends >= 0:
                until = min(until, counter.ends)
        for counter in self.counters:
            counter.use(at, until - at)
        self.until = self.free(until)
        return until


class Month:
    """A month that is played through, session by session.

    Time goes in whole *ticks*, as short as it takes for all that happens to fall on one: so it is exact, and integers
    are fast. While a key is used a request takes ``each`` of them.
    """

    def __init__(self, load: Load, keys: tuple[Limits, ...]) -> None:
        self.load = load
        rate = load.requests / load.seconds
        self.second = rate.numerator * load.tokens * load.sessions * load.seconds.denominator
        self.each = rate.denominator * load.tokens * load.sessions * load.seconds.denominator
        self.never = SECONDS["month"] * self.second
        self.keys = [Key([self._counter(limit) for limit in limits], self.never) for limits in keys]
        self.answered = 0
        self.cut = 0
        self.first: Break | None = None

    def _counter(self, limit: Limit) -> Counter:
        cost = self.load.cost(limit.unit)
        most = limit.amount * self.each // cost if cost <= limit.amount else 0
        return Counter(limit, most, SECONDS[limit.window] * self.second)

    def play(self, number: int) -> None:
        """One session; those before it have been played."""
        at = begins = number * self.never // self.load.sessions
        over, stopped = begins + int(self.load.seconds * self.second), False
        while at < over:
            chosen, soonest = None, over
            for key in self.keys:
                if key.until <= at:
                    chosen = key
                    break
                soonest = min(soonest, key.until)
            if chosen is None:
                stopped = True
                back = min(key.until for key in self.keys)
                self.first = self.first or self._break(number, at - begins, at, back)
                at = back
                continue
            began, at = at, chosen.use(at, soonest)
            self.answered += at - began
        self.cut += stopped

    def _break(self, number: int, after: int, at: int, back: int) -> Break:
        limits = tuple(key.holder(at) for key in self.keys)
        wait = Fraction(back - at, self.second) if back < self.never else None
        return Break(number + 1, Fraction(after, self.second), self.answered // self.each, limits, wait)


def outlook(load: Load, keys: tuple[Limits, ...]) -> Outlook:
    """What becomes of the month with these keys, each given by its limits."""
    month = Month(load, keys)
    for number in range(load.sessions):
        month.play(number)
    return Outlook(load.sessions * load.requests, month.answered // month.each, month.cut, month.first)
