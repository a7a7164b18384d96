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
    """One limit of one key in its present window; ``ends`` None: no window is open."""

    limit: Limit
    cost: int
    used: Fraction = Fraction(0)
    ends: Fraction | None = None

    def room(self, at: Fraction) -> Fraction:
        """How many requests still fit."""
        if self.ends is not None and at >= self.ends:
            self.used, self.ends = Fraction(0), None
        if self.cost > self.limit.amount:
            return Fraction(0)
        return (self.limit.amount - self.used) / self.cost

    def free(self, at: Fraction) -> Fraction:
        """When there is room: ``at``, or the window's end; after the month for what never fits."""
        if self.room(at) > 0:
            return at
        return self.ends or MONTH

    def use(self, at: Fraction, requests: Fraction) -> None:
        """Count; the first use opens the window."""
        if self.ends is None:
            length = SECONDS[self.limit.window]
            calendar = self.limit.window in ("day", "month")
            self.ends = Fraction((at // length + 1) * length) if calendar else at + length
        self.used += requests * self.cost


class Key:
    """A key's limits, counted together."""

    def __init__(self, limits: Limits, load: Load) -> None:
        self.counters = [Counter(limit, load.cost(limit.unit)) for limit in limits]

    def free(self, at: Fraction) -> Fraction:
        """When a request fits."""
        return max((counter.free(at) for counter in self.counters), default=at)

    def holder(self, at: Fraction) -> Limit:
        """The limit that keeps it away longest."""
        return max(self.counters, key=lambda counter: counter.free(at)).limit

    def use(self, at: Fraction, until: Fraction, rate: Fraction) -> Fraction:
        """Use it from ``at`` on, at most ``until``; answers how many requests it took."""
        took = (until - at) * rate
        for counter in self.counters:
            took = min(took, counter.room(at))
            if counter.ends is not None:
                took = min(took, (counter.ends - at) * rate)
        for counter in self.counters:
            counter.use(at, took)
        return took


class Month:
    """A month that is played through, session by session."""

    def __init__(self, load: Load, keys: tuple[Limits, ...]) -> None:
        self.load = load
        self.keys = [Key(limits, load) for limits in keys]
        self.rate = load.requests / load.seconds
        self.answered = Fraction(0)
        self.cut = 0
        self.first: Break | None = None

    def play(self, number: int) -> None:
        """One session; those before it have been played."""
        at = begins = number * MONTH / self.load.sessions
        over, stopped = begins + self.load.seconds, False
        while at < over:
            frees = [key.free(at) for key in self.keys]
            chosen = next((index for index, free in enumerate(frees) if free <= at), None)
            if chosen is None:
                stopped = True
                self.first = self.first or self._break(number, at - begins, at, min(frees))
                at = min(frees)
                continue
            took = self.keys[chosen].use(at, min([over, *frees[:chosen]]), self.rate)
            self.answered += took
            at += took / self.rate
        self.cut += stopped

    def _break(self, number: int, after: Fraction, at: Fraction, back: Fraction) -> Break:
        limits = tuple(key.holder(at) for key in self.keys)
        return Break(number + 1, after, int(self.answered), limits, back - at if back < MONTH else None)


def outlook(load: Load, keys: tuple[Limits, ...]) -> Outlook:
    """What becomes of the month with these keys, each given by its limits."""
    month = Month(load, keys)
    for number in range(load.sessions):
        month.play(number)
    return Outlook(load.sessions * load.requests, int(month.answered), month.cut, month.first)
