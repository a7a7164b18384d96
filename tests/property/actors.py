"""Who asks: an ingress, workers and their turns, an operator. Each loses requests and answers, repeats them, or dies.

A call whose answer is lost stays `pending` and is repeated with the same arguments before its actor does anything
else; a copy of it may be delivered at any later time. Nobody but a test's machine decides what happens next.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.property.shadow import ATTEMPTS, MERGE_MOST

if TYPE_CHECKING:
    from tests.property.machine import Machine

LEASE_MS = 1000
GAP_MS, BURST, APART_MS = 300, 2, 150
PARTS = 2


@dataclass(slots=True)
class Pending:
    """A call that must be repeated until it is answered."""

    name: str
    args: tuple[Any, ...]
    then: Callable[[Any], None]


@dataclass(slots=True, eq=False)
class Asker:
    """Something that asks one call at a time."""

    machine: Machine
    pending: Pending | None = None

    def ask(self, r: random.Random, name: str, args: tuple[Any, ...], then: Callable[[Any], None]) -> None:
        """Ask; the answer may come now, or after a repetition."""
        self.pending = Pending(name, tuple(map(str, args)), then)
        self.repeat(r)

    def repeat(self, r: random.Random) -> None:
        """Ask what is pending (again)."""
        pending = self.pending
        assert pending
        answer = self.machine.send(r, pending.name, pending.args)
        if answer is not None:
            self.pending = None
            pending.then(answer)


@dataclass(slots=True, eq=False)
class Turn(Asker):
    """What a worker does with a claim."""

    lane: str = ""
    token: str = ""
    entries: list[list[str]] = field(default_factory=list)
    """Update ids of each entry of the turn."""
    head: str = ""
    """The first of them, and when it was written: what was told may be told again, under the same name."""
    session: str = ""
    """What was inherited and the lane's own, as it will be written."""
    inherits: bool = False
    sent: set[int] = field(default_factory=set)
    """Parts that have an id in the journal."""
    op: str = ""
    granted: int = 0
    """The part whose send was granted and has not been tried yet."""
    told: int = 0
    """The part whose id is not in the journal yet."""
    shown: bool = False
    over: bool = False

    def act(self, r: random.Random) -> None:
        if self.pending:
            self.repeat(r)
        elif self.granted:
            self._send(r)
        elif self.told and r.random() < 0.7:
            self._sent(r)
        else:
            self._next(r)

    def finish(self, r: random.Random) -> None:
        """End as answered, whatever was sent."""
        self._complete(r, "answered")

    def _next(self, r: random.Random) -> None:
        dice = r.random()
        left = [part for part in range(1, PARTS + 1) if part not in self.sent]
        if self.told and dice < 0.18:  # given back in the window: what was sent is not in the journal
            self.machine.doubts.add((self.lane, self.head, self.told))
        if dice < 0.08:
            self._release(r, r.choice([0, 0, 300, 1500]))
        elif dice < 0.18:
            args = (self.lane, self.token, r.choice([50, 400]), "Broken", self._unsent(), r.choice(["", "", "", "1"]))
            self.ask(r, "fail", (*args, ATTEMPTS), self._gone)
        elif dice < 0.22:
            self._mark(r, 0)
        elif dice < 0.35 and self.sent:
            self._mark(r, r.choice([*self.sent]), "edit")
        elif dice < (0.4 if self.inherits else 0.27) and not self.shown:
            self._complete(r, "dropped: ignored")
        elif not left or dice < 0.4:
            self._complete(r, "answered" if self.shown or self.sent else r.choice(["answered", "apologised"]))
        else:
            self._mark(r, left[0], r.choice(["", "", "grow"]))

    def _mark(self, r: random.Random, part: int, way: str = "") -> None:
        first = "1" if part == 1 and not self.shown else ""
        if part:
            self.op = self.op or self.machine.operation()
        answer = f"answer {self.op}" if part == 1 and way != "grow" else ""
        args = (self.lane, self.token, part, self.op if part else "", answer, GAP_MS, BURST, first, way, APART_MS)
        self.ask(r, "mark", args, lambda marked: self._marked(r, part, marked, way))

    def _marked(self, r: random.Random, part: int, answer: Any, way: str) -> None:
        kind = answer[0].decode()
        if kind == "refused":
            self.over = True
        elif answer[2] and not self.shown:
            self._complete(r, "dropped: stopped")
        elif kind == "grant":
            self.granted = part if way != "edit" else 0
        elif kind == "sent":
            self.sent.add(part)
        elif kind == "hold":
            self._release(r, 0)
        elif kind == "unsure":
            self._complete(r, "apologised")
        elif part and r.random() < 0.5:
            self._release(r, answer[1])

    def _send(self, r: random.Random) -> None:
        part, self.granted = self.granted, 0
        dice = r.random()
        if dice < 0.3:
            return  # certainly not sent: the next mark carries the same operation
        self.machine.sends[self.lane, self.head, part] += 1
        self.shown = True
        self.op = ""
        if dice < 0.85:
            self.sent.add(part)
            self.told = part
        else:
            self.machine.doubts.add((self.lane, self.head, part))

    def _sent(self, r: random.Random) -> None:
        part, self.told = self.told, 0
        self.ask(r, "sent", (self.lane, self.token, part, self.machine.message()), self._lost)

    def _unsent(self) -> str:
        return self.op

    def _release(self, r: random.Random, delay: int) -> None:
        self.ask(r, "release", (self.lane, self.token, delay, self._unsent()), self._gone)

    def _complete(self, r: random.Random, kind: str) -> None:
        n = len(self.entries) if r.random() < 0.9 else r.randint(1, len(self.entries))
        ended = [uid for entry in self.entries[:n] for uid in entry if uid[0] != "n"]
        session = ",".join(filter(None, [self.session, *ended]))
        keep = kind in {"answered", "apologised"} and self.lane[0] not in "!?"
        merged = "1" if keep and self.inherits else ""
        notice = '{"kind":"text"}' if r.random() < 0.1 and self.lane[0] != "?" else ""
        args = (self.lane, self.token, n, kind, session if keep else "", 2_592_000, merged, "", notice, 0)
        self.ask(r, "complete", args, self._gone)

    def _gone(self, answer: Any) -> None:
        self.over = True

    def _lost(self, answer: Any) -> None:
        self.over = answer == b"refused"


@dataclass(slots=True, eq=False)
class Worker(Asker):
    """Claims lanes, renews them, and runs their turns; it may be asleep for as long as it likes."""

    name: str = ""
    number: int = 0
    turns: list[Turn] = field(default_factory=list)

    def act(self, r: random.Random) -> None:
        self.turns = [turn for turn in self.turns if not turn.over]
        dice = r.random()
        if self.pending and dice < 0.5:
            self.repeat(r)
        elif self.turns and dice < 0.7:
            r.choice(self.turns).act(r)
        elif not self.pending and self.turns and dice < 0.8:
            pairs = [word for turn in self.turns for word in (turn.lane, turn.token)]
            self.ask(r, "renew", (LEASE_MS, *pairs), self._renewed)
        elif not self.pending:
            wants = (0, 0, 0) if r.random() < 0.1 else (r.choice([0, 1, 1, 3]), 1, r.choice([0, 1]))
            self.claim(r, *wants)

    def claim(self, r: random.Random, *wants: int) -> None:
        number = self.number + 1
        args = (self.name, number, *wants, LEASE_MS, ATTEMPTS, MERGE_MOST)
        self.ask(r, "claim", args, lambda answer: self._claimed(answer, number if any(wants) else self.number))

    def _claimed(self, answer: Any, number: int) -> None:
        self.number = number
        for lane, pairs, entries, session, _, inherit in answer[0]:
            turn = {pairs[i].decode(): pairs[i + 1].decode() for i in range(0, len(pairs), 2)}
            marks = {int(field[2:]): value for field, value in turn.items() if field[:2] == "m:"}
            self.turns.append(
                Turn(
                    self.machine,
                    lane=lane.decode(),
                    token=turn["token"],
                    entries=[entry.decode().partition("|")[0].split("+") for entry in entries],
                    head=_head(entries[0].decode()),
                    session=b",".join(filter(None, (inherit, session))).decode(),
                    inherits=bool(inherit),
                    sent={part for part, mark in marks.items() if mark[0] != "?"},
                    shown=bool(marks),
                )
            )

    def _renewed(self, answer: Any) -> None:
        refused = {lane.decode() for lane in answer[0]}
        for turn in self.turns:
            turn.over = turn.over or turn.lane in refused


@dataclass(slots=True, eq=False)
class Ingress(Asker):
    """Stores what Telegram has, in order, and confirms it only when the shard has answered."""

    def act(self, r: random.Random) -> None:
        if self.pending:
            self.repeat(r)
            return
        machine = self.machine
        while len(machine.unconfirmed) < 3 and r.random() < 0.8:
            machine.write(r)
        batch = machine.unconfirmed[: r.randint(1, 4)]
        if batch:
            args = ("mention", 2_592_000, *(word for update in batch for word in update))
            self.ask(r, "store", args, lambda answer: self._stored(r, batch, answer))

    def _stored(self, r: random.Random, batch: list[tuple[str, ...]], answer: Any) -> None:
        """What has moved is stored in its new place before anything is confirmed."""
        there: list[str] = []
        for (uid, lane, limit, at, by, _, group, kind, raw), status in zip(batch, answer[1:], strict=True):
            if status[:3] == b"to ":
                new = there_of(lane, status[3:].decode())
                there += (uid, new, limit, at, by, "0", group, kind.replace("e", "") or "m", raw)
        if there:
            self.ask(r, "store", ("mention", 2_592_000, *there), lambda _: self._confirm(len(batch)))
        else:
            self._confirm(len(batch))

    def _confirm(self, count: int) -> None:
        del self.machine.unconfirmed[:count]


@dataclass(slots=True, eq=False)
class Mover(Asker):
    """Carries a chat to its new id; another may be at work on the same."""

    old: str = ""
    new: str = ""
    then: str = "hold"
    parcel: dict[str, str] = field(default_factory=dict)

    def act(self, r: random.Random) -> None:
        if self.pending:
            self.repeat(r)
        elif self.then == "hold":
            args = (f">{self.new}", "1", "1.0", 4000, "hold", 0, "", self.old)
            self.ask(r, "hold", args, lambda _: self._next("out"))
        elif self.then == "out":
            self.ask(r, "out", (self.old, self.new), self._taken)
        elif self.then == "into":
            words = [word for lane, ids in self.parcel.items() for word in (f"inherit:{lane}", ids)]
            self.ask(r, "into", (self.old, self.new, "1.0", 2_592_000, *words), lambda _: self._next("moved"))
        elif self.then == "moved":
            self.ask(r, "moved", (self.old,), lambda _: self._next(""))

    def _taken(self, answer: Any) -> None:
        if answer[0] == b"busy":
            return
        found = {answer[2][i].decode(): answer[2][i + 1].decode() for i in range(0, len(answer[2]), 2)}
        for kind in ("inherit:", "session:"):
            for key in (key for key in found if key.startswith(kind)):
                lane = there_of(key.partition(":")[2], self.new)
                self.parcel[lane] = ",".join(filter(None, (self.parcel.get(lane, ""), found[key])))
        self._next("into")

    def _next(self, then: str) -> None:
        self.then = then


def _head(entry: str) -> str:
    uids, at, _ = entry.split("|", 2)
    return f"{uids.partition('+')[0]}@{at}"


def there_of(lane: str, chat: str) -> str:
    """The same lane in another chat."""
    mark = lane[0] if lane[0] in "!?" else ""
    return f"{mark}{chat}{lane.partition(':')[1]}{lane.partition(':')[2]}"
