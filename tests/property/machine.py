"""Actors on one shard, a shadow that checks every step, and a random source that decides what is next."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from redis.exceptions import ResponseError

from tests.property.actors import Ingress, Turn, Worker
from tests.property.calls import note
from tests.property.shadow import ATTEMPTS, Shadow, Step
from tests.property.state import read
from tests.support.shard import Shard

LANES = ("7", "7", "-5", "-5:t1", "-5:t2", "-5:t1,u9", "!7", "!-5")
SCOPES = ("*", "7", "-5", "-5:t1")
LIMIT = 4
REST = {"session", "chat", "lanes", "seen", "fence", "call", "notice", "count", "ends", "dead", "pace", "bad"}
DAYS_MS = 3 * 86_400_000


@dataclass(slots=True)
class Machine:
    """One run. `faults` is how often a call is lost or delayed and a worker dies."""

    shard: Shard
    faults: float = 0.15
    shadow: Shadow = field(default_factory=Shadow)
    unconfirmed: list[tuple[str, ...]] = field(default_factory=list)
    written: list[tuple[str, str]] = field(default_factory=list)
    """Lane and message id of what people wrote."""
    delayed: list[tuple[str, tuple[Any, ...]]] = field(default_factory=list)
    sends: Counter[tuple[str, str, int]] = field(default_factory=Counter)
    doubts: set[tuple[str, str, int]] = field(default_factory=set)
    """Parts of which a send had an end that its worker does not know."""
    workers: list[Worker] = field(default_factory=list)
    ingress: Ingress = field(init=False)
    trace: list[str] = field(default_factory=list)
    _count: int = 0
    _uid: int = 900_000

    def __post_init__(self) -> None:
        self.ingress = Ingress(self)
        self.workers = [self._worker() for _ in range(3)]

    # What actors use

    def send(self, r: random.Random, name: str, args: tuple[Any, ...]) -> Any:
        """The answer of a call, or None if the request or the answer was lost; a copy may arrive later."""
        if r.random() >= self.faults:
            return self.run(name, args)
        if r.random() < 0.5:
            self.delayed.append((name, args))
        answer = self.run(name, args) if r.random() < 0.7 else None
        return answer if r.random() < 0.2 else None

    def run(self, name: str, args: tuple[Any, ...]) -> Any:
        """One step: the call, then every check."""
        self.shard.tick(1)
        args = tuple(map(str, args))
        self.trace.append(f"{self.shard.now_ms % 1_000_000} {name} {' '.join(args)}")
        try:
            answer, dump = self.shard.ask_and_look(name, args, self.shadow.before.since)
        except ResponseError as error:
            raise AssertionError(f"{name} broke: {error}") from error
        self.trace[-1] += f" -> {answer}"
        note(self.shadow, Step(name, args, answer, self.shard.now_ms), read(dump, self.shadow.before.since))
        for (lane, head, part), count in self.sends.items():
            assert count <= 2, f"part {part} of {head} in {lane} was sent {count} times"
        return answer

    def operation(self) -> str:
        return f"op{self._next()}"

    def message(self) -> int:
        return 5000 + self._next()

    def write(self, r: random.Random) -> None:
        """Somebody writes, edits or commands; Telegram has it from now on."""
        self._uid += r.randint(1, 3) if r.random() < 0.97 else -20_000
        lane, kind, mid, at = r.choice(LANES), "m", self._next(), self.shard.now_ms - r.choice([0, 0, 300, 2500])
        by = r.choice([0, 0, 0, at + 600, at + 3000])
        limit, dice = LIMIT, r.random()
        if lane[0] == "!":
            kind, at, limit = "c", 0, 50
        elif dice < 0.06:
            kind = r.choice(["i", "a", "ea"])
        elif dice < 0.2 and (mine := [m for where, m in self.written if where == lane]):
            kind, mid = "e", int(r.choice(mine[-4:]))
        self.written.append((lane, str(mid)))
        raw = f'{{"text":"{lane} {self._uid} {kind}"}}'
        self.unconfirmed.append(tuple(map(str, (self._uid, lane, limit, at, by, mid, "", kind, raw))))

    # What may happen

    def pass_time(self, r: random.Random) -> None:
        self.shard.tick(r.choice([1, 5, 20, 120, 120, 400, 1100]))

    def intake(self, r: random.Random) -> None:
        if self.ingress.pending and r.random() < 0.1:
            self.ingress = Ingress(self)
        self.ingress.act(r)

    def work(self, r: random.Random) -> None:
        i = r.randrange(len(self.workers))
        if r.random() < self.faults / 8:
            self.workers[i] = self._worker()
        else:
            self.workers[i].act(r)

    def late(self, r: random.Random) -> None:
        """A copy of an earlier request arrives; nobody hears its answer."""
        if self.delayed:
            self.run(*self.delayed.pop(r.randrange(len(self.delayed))))

    def operate(self, r: random.Random) -> None:
        """An operator pauses or resumes; a command of theirs may come twice or too late."""
        scope, on = r.choice(SCOPES), r.choice(["1", ""])
        number = self._next() if r.random() < 0.9 else max(1, self._count - 40)
        until = self.shard.now_ms + r.choice([200, 1500]) if on and r.random() < 0.4 else 0
        policy = "drop" if r.random() < 0.2 else "hold"
        args = (
            scope,
            on,
            f"{self.shard.now_ms // 1000 % 10_000}.{number}",
            until,
            policy,
            r.choice([0, 500]),
            "ann",
            "",
        )
        self.run("hold", args)
        if r.random() < 0.3:
            self.delayed.append(("hold", args))

    def stop(self, r: random.Random) -> None:
        """/stop, or the Stop button (no message id)."""
        lane = r.choice([lane for lane in LANES if lane[0] != "!"])
        mid = r.choice([0, self._count + 1, max(1, self._count - 20)])
        args = (lane, f"s{self._next()}", mid, self.shard.now_ms - r.choice([0, 0, 500]))
        self.run("signal", args)
        if r.random() < 0.7:
            self.delayed.append(("signal", args))

    def cool(self, r: random.Random) -> None:
        self.run("cool", (r.choice(["7", "-5"]), r.choice([100, 900])))

    def step(self, r: random.Random) -> None:
        """One thing that may happen."""
        chances = (2, 3, 10, 1.2, 0.5, 0.5, 0.3)
        happens = (self.pass_time, self.intake, self.work, self.late, self.operate, self.stop, self.cool)
        r.choices(happens, chances)[0](r)

    # The end

    def rest(self) -> None:
        """Everything must come to rest: resumed, delivered late, then one honest worker until nothing waits."""
        calm = random.Random(0)
        self.faults = 0
        for scope in SCOPES:
            self.run("hold", (scope, "", f"99999.{self._next()}", 0, "", 0, "ann", ""))
        while self.delayed:
            self.late(calm)
        while self.unconfirmed:
            self.ingress.act(calm)
        worker = self._worker()
        for _ in range(300):
            if not self.shadow.before.lists:
                break
            self.shard.tick(250)
            worker.claim(calm, 8, 8, 8)
            for turn in worker.turns:
                Turn.finish(turn, calm)
            worker.turns = []
        assert not self.shadow.before.lists, f"never at rest: {self.shadow.before.lists}"
        self.shard.tick(DAYS_MS)
        self.run("claim", (worker.name, 0, 0, 0, 0, 1000, ATTEMPTS))
        left = {key for key in self.shadow.before.lives if key.partition(":")[0] not in REST}
        assert not left, f"at rest there is still {left}"

    def _worker(self) -> Worker:
        return Worker(self, name=f"w{self._next()}")

    def _next(self) -> int:
        self._count += 1
        return self._count


def interleave(shard: Shard, seed: int, steps: int, faults: float = 0.15) -> Machine:
    """A run of random steps from a seed, then rest. What went wrong comes with the last calls before it."""
    r = random.Random(seed)
    machine = Machine(shard, faults)
    try:
        for _ in range(steps):
            machine.step(r)
        machine.rest()
    except AssertionError as error:
        raise AssertionError(f"seed {seed}: {error}\n" + "\n".join(machine.trace[-25:])) from error
    return machine
