"""What the books of quotas must say: forty lines of arithmetic without Redis, and a machine that compares.

Every step is one call of a real script at a time that the machine owns. After it the answer, and every window, must be
as the arithmetic says; and no window may hold more than its limit, unless more was used than had been reserved.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from redis.exceptions import ResponseError

from app.core.allowance import Limit, limits
from tests.support.books import Books

LIFE = 60_000
SECOND, MINUTE, HOUR, DAY = 1000, 60_000, 3_600_000, 86_400_000
STEPS = (1, 400, 5 * SECOND, LIFE - 1, LIFE, MINUTE, HOUR - 1, HOUR, HOUR + 1, DAY, 31 * DAY)
BACK = (1, 400, 30 * SECOND, MINUTE, HOUR, DAY, 40 * DAY)
SCOPES = {
    "u1": limits("60t/minute,4r/hour"),
    "u2": limits("100t/hour"),
    "b": limits("150t/hour,300t/day,8r/month"),
}
WHO = (("u1",), ("u2",), ("u1", "b"), ("u2", "b"), ("b",), ("u1", "u2", "b"))


@dataclass(slots=True, eq=False)
class Window:
    opened: int
    resets: int
    limit: int
    used: int = 0
    held: int = 0
    honest: bool = True
    """Nothing was charged to it beyond what it held at that moment."""


@dataclass(slots=True, eq=False)
class Hold:
    rid: str
    expires: int
    output: int
    parts: Sequence[tuple[Window, str, int]]
    state: str = "held"  # then expired, settled, or in vain
    tokens: int = 0


def span(window: str, now: int) -> tuple[int, int]:
    """Begin and end of a window that opens now, or of the calendar's."""
    if window in {"minute", "hour"}:
        return now, now + (MINUTE if window == "minute" else HOUR)
    day = datetime.fromtimestamp(now // 1000, UTC).replace(hour=0, minute=0, second=0)
    begin, end = day, day + timedelta(days=1)
    if window == "month":
        begin = day.replace(day=1)
        end = (begin + timedelta(days=32)).replace(day=1)
    return round(begin.timestamp()) * 1000, round(end.timestamp()) * 1000


class Account:
    """The arithmetic."""

    def __init__(self) -> None:
        self.windows: dict[str, Window] = {}
        self.holds: dict[tuple[str, str], Hold] = {}

    def window(self, scope: str, limit: Limit, now: int) -> tuple[str, Window]:
        opened, resets = span(limit.window, now)
        fixed = opened == now and limit.window in {"minute", "hour"}
        key = f"{scope}:{limit.unit}/{limit.window}" + ("" if fixed else f":{opened // 1000}")
        known = self.windows.get(key)
        if known is None or now >= known.resets:
            return key, Window(now, resets, limit.amount)
        if fixed and now < known.opened:
            known.opened, known.resets = opened, resets
        return key, known

    def end(self, hold: Hold, state: str, tokens: int | None = None) -> None:
        for window, unit, cost in hold.parts:
            room = cost if hold.state == "held" else 0
            charge = 0 if tokens is None else 1 if unit == "r" else tokens
            window.held -= room
            window.used += charge
            window.honest &= charge <= room
        hold.state = state

    def sweep(self, now: int) -> None:
        for hold in self.holds.values():
            if hold.state == "held" and hold.expires <= now:
                self.end(hold, "expired")

    def reserve(
        self, now: int, rid: str, ticket: str, prompt: int, output: int, least: int, who: tuple[str, ...]
    ) -> tuple[Any, ...]:
        self.sweep(now)
        for hold in self.holds.values():
            hold.expires = min(hold.expires, now + LIFE)
        if known := self.holds.get((rid, ticket)):
            return ("granted", known.output) if known.state == "held" else ("busy", 1)
        for hold in self.holds.values():
            if hold.rid == rid and hold.state == "held":
                self.end(hold, "expired")
            elif hold.rid == rid and hold.state == "vain":
                self.give_back(hold)
        found = [(*self.window(scope, limit, now), limit) for scope in who for limit in SCOPES[scope]]
        free = [w.limit - w.used for _, w, _ in found]
        tokens = [room for room, (_, _, limit) in zip(free, found, strict=True) if limit.unit == "t"]
        output = min(output, *(room - prompt for room in tokens))
        wants = [1 if limit.unit == "r" else prompt + least for *_, limit in found]
        short = [n for n, room in enumerate(free) if room < wants[n]]
        if short:
            last = max(short, key=lambda n: found[n][1].resets)
            return "spent", last + 1, found[last][1].resets, max(0, free[last])
        costs = [1 if limit.unit == "r" else prompt + output for *_, limit in found]
        for n, (_, window, _) in enumerate(found):
            if window.held + costs[n] > free[n]:
                return "busy", n + 1
        self.windows |= {key: window for key, window, _ in found}
        parts = [(window, limit.unit, cost) for (_, window, limit), cost in zip(found, costs, strict=True)]
        self.holds[rid, ticket] = Hold(rid, now + LIFE, output, parts)
        for window, _, cost in parts:
            window.held += cost
        return "granted", output

    def give_back(self, hold: Hold) -> None:
        for window, unit, _ in hold.parts:
            window.used -= 1 if unit == "r" else hold.tokens
        hold.state = "settled"

    def settle(self, now: int, rid: str, ticket: str, tokens: int | None, *vain: int) -> int:
        self.sweep(now)
        hold = self.holds.setdefault((rid, ticket), Hold(rid, 0, 0, [], "settled"))
        if hold.state in {"settled", "vain"}:
            return 0
        if vain and hold.state == "expired":
            self.end(hold, "settled")
        else:
            hold.tokens = tokens or 0
            self.end(hold, "vain" if vain else "settled", tokens)
        return 1


@dataclass(slots=True)
class Machine:
    """One run: what may happen, and the comparison after each step."""

    books: Books
    account: Account = field(default_factory=Account)
    open: list[tuple[str, str, int]] = field(default_factory=list)
    """What processes that live have reserved: rid, ticket, tokens held."""
    past: list[tuple[str, tuple[Any, ...]]] = field(default_factory=list)
    trace: list[str] = field(default_factory=list)
    _tickets: int = 0

    def __post_init__(self) -> None:
        self.books.at(2026, 12, 31, 22)

    def reserve(self, rid: str, who: tuple[str, ...], prompt: int, output: int, least: int) -> str:
        self._tickets += 1
        ticket = f"t{self._tickets}"
        answer = self.run("reserve", (rid, ticket, prompt, output, min(least, output), who))
        if answer[0] == "granted":
            self.open.append((rid, ticket, prompt + answer[1]))
        return str(answer[0])

    def overtaken(self, rid: str, who: tuple[str, ...]) -> None:
        """Whoever was cancelled while reserving releases; that arrives first, and the rest perhaps later."""
        self._tickets += 1
        ticket = f"t{self._tickets}"
        self.run("settle", (rid, ticket, None))
        self.past.append(("reserve", (rid, ticket, 5, 30, 5, who)))

    def settle(self, which: int, tokens: int | None) -> None:
        """`tokens`: beyond (or below) what was held; None releases."""
        if self.open:
            rid, ticket, held = self.open.pop(which % len(self.open))
            self.run("settle", (rid, ticket, None if tokens is None else max(0, held + tokens)))

    def stop(self, which: int, tokens: int) -> None:
        """It was broken off and nothing came of it, though the prompt's tokens were used."""
        if self.open:
            rid, ticket, held = self.open.pop(which % len(self.open))
            self.run("settle", (rid, ticket, min(held, tokens), 1))

    def crash(self, which: int) -> None:
        if self.open:
            self.open.pop(which % len(self.open))

    def repeat(self, which: int) -> None:
        """A copy of an earlier call arrives; nobody hears its answer."""
        if self.past:
            self.run(*self.past[-1 - which % len(self.past)])

    def tick(self, ms: int) -> None:
        self.books.tick(ms)
        self.trace.append(f"tick {ms}")

    def waver(self, ms: int, who: tuple[str, ...]) -> None:
        """The clock goes back, somebody asks, and it is set right again: windows may open twice at one moment."""
        self.reserve("first", who, 0, 1, 1)
        self.tick(-ms)
        self.reserve("second", who, 0, 1, 1)
        self.tick(ms)
        self.reserve("third", who, 0, 1, 1)

    def run(self, name: str, args: tuple[Any, ...]) -> Any:
        """One call, then every check."""
        self.past = [*self.past[-30:], (name, args)]
        expected: Any = getattr(self.account, name)(self.books.now_ms, *args)
        self.trace.append(f"{name} {args} should be {expected}")
        answer = self._ask(name, args)
        assert answer == expected, f"{name} answered {answer}, not {expected}"
        self._compare()
        return answer

    def rest(self) -> None:
        """Nobody goes on: all that is held comes free, and every quota can be used again when its window ends."""
        self.open.clear()
        self.reserve("rest", ("b", "u1", "u2"), 1, 1, 1)  # after a clock that went back, this shortens what is held
        self.open.clear()
        self.tick(LIFE)
        self.account.sweep(self.books.now_ms)
        self._ask("settle", ("none", "none", None))
        self._compare()
        for key, window in self.books.windows().items():
            assert window["held"] == 0, f"{key} holds {window['held']} for nobody"
        for who in WHO:
            for _ in range(4 + len(self.account.windows)):  # some were used before the clock went back
                answer = self.run("reserve", ("rest", f"r{len(self.trace)}", 1, 9, 1, who))
                if answer[0] == "granted":
                    break
                assert answer[0] == "spent", f"{who}: {answer}, though nobody else asks"
                assert 0 < answer[2] - self.books.now_ms <= 31 * DAY
                self.tick(answer[2] - self.books.now_ms)
            else:
                raise AssertionError(f"{who} are stuck")
            self.run("settle", ("rest", f"r{len(self.trace) - 1}", None))

    def _ask(self, name: str, args: tuple[Any, ...]) -> Any:
        try:
            if name == "settle":
                return self.books.ask("settle", *args[:2], "" if args[2] is None else args[2], *args[3:])
            flat = [
                word for scope in args[5] for one in SCOPES[scope] for word in (scope, one.unit, one.window, one.amount)
            ]
            kind, *rest = self.books.ask("reserve", *args[:2], LIFE, *args[2:5], *flat)
        except ResponseError as error:
            raise AssertionError(f"{name} broke: {error}") from error
        return (kind.decode(), *map(int, rest))

    def _compare(self) -> None:
        found = self.books.windows()
        assert found.keys() == self.account.windows.keys()
        for key, window in self.account.windows.items():
            fields = {name: getattr(window, name) for name in ("used", "held", "opened", "resets")}
            assert {name: found[key][name] for name in fields} == fields, f"{key} is {found[key]}, not {fields}"
            assert window.held >= 0
            assert window.used + window.held <= window.limit or not window.honest, f"{key} is over its limit"


def wander(books: Books, seed: int, steps: int) -> Machine:
    """A run of random steps from a seed, then rest. What went wrong comes with the last calls before it."""
    r, machine = random.Random(seed), Machine(books)
    try:
        for _ in range(steps):
            dice = r.random()
            if dice < 0.03:
                machine.overtaken(f"r{r.randrange(6)}", r.choice(WHO))
            elif dice < 0.45:
                machine.reserve(f"r{r.randrange(6)}", r.choice(WHO), r.choice([0, 5, 20]), r.choice([1, 30, 90]), 5)
            elif dice < 0.65:
                machine.settle(r.randrange(9), r.choice([None, 0, 0, -10, -25, -999, 15, 200]))
            elif dice < 0.67:
                machine.crash(r.randrange(9))
            elif dice < 0.7:
                machine.stop(r.randrange(9), r.choice([0, 5, 20]))
            elif dice < 0.8:
                machine.repeat(r.randrange(20))
            elif dice < 0.82:
                machine.waver(r.choice([MINUTE, HOUR, DAY]), r.choice(WHO))
            else:
                machine.tick(r.choice(STEPS) if dice < 0.95 else -r.choice(BACK))
        machine.rest()
    except AssertionError as error:
        raise AssertionError(f"seed {seed}: {error}\n" + "\n".join(machine.trace[-25:])) from error
    return machine
