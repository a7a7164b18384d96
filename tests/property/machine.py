"""Actors on one shard, a shadow that checks every step, and a random source that decides what is next."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from redis.exceptions import ResponseError

from tests.property.actors import Ingress, Mover, Turn, Worker, there_of
from tests.property.calls import note
from tests.property.shadow import ATTEMPTS, MERGE_MOST, Shadow, Step, chat_of
from tests.property.state import read
from tests.support.shard import Shard

WORLDS = (
    ("7", "7", "7", "-5", "-5:t1", "-5:t2", "-5:t1,u9", "!7", "!-5", "-9", "-9:t1"),
    ("7", "7", "7", "!7"),
    ("-5", "-5", "-5:t1", "!-5", "-9", "-9:t1"),
)
"""Who writes where: everywhere, or with so little around it that one thing comes often."""
SCOPES = ("*", "7", "-5", "-5:t1")
MOVE = ("-5", "-9")
LIMIT = 4
REST = {"session", "chat", "lanes", "seen", "fence", "call", "notice", "count", "ends", "dead", "pace", "bad"} | {
    *("inherit", "moved", "arrived", "album")
}
DAYS_MS = 3 * 86_400_000


@dataclass(slots=True)
class Machine:
    """One run. `faults` is how often a call is lost or delayed and a worker dies."""

    shard: Shard
    faults: float = 0.15
    lanes: tuple[str, ...] = WORLDS[0]
    shadow: Shadow = field(default_factory=Shadow)
    unconfirmed: list[tuple[str, ...]] = field(default_factory=list)
    written: list[tuple[str, str]] = field(default_factory=list)
    """Lane and message id of what people wrote."""
    delayed: list[tuple[str, tuple[Any, ...]]] = field(default_factory=list)
    sends: Counter[tuple[str, str, int]] = field(default_factory=Counter)
    doubts: set[tuple[str, str, int]] = field(default_factory=set)
    """Parts of which a send had an end that its worker does not know."""
    workers: list[Worker] = field(default_factory=list)
    mover: Mover | None = None
    ingress: Ingress = field(init=False)
    trace: list[str] = field(default_factory=list)
    moves: int = 0
    """After how many calls a chat begins to move; 0 never."""
    _wrote: tuple[str, str] = ("7", "")
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
        kind, mid, at = "m", self._next(), self.shard.now_ms - r.choice([0, 0, 300, 2500])
        if r.random() < 0.6:
            lane = r.choice(self.lanes)
            group = "t7" if lane == "7" and r.random() < 0.6 else f"a{mid}" if r.random() < 0.3 else ""
            self._wrote = lane, group
        lane, group = self._wrote  # people go on writing where they were
        if self.mover and chat_of(lane) == MOVE[0] and r.random() < 0.9:
            lane = there_of(lane, MOVE[1])
        by = r.choice([0, 0, 0, at + 600, at + 3000])
        limit, dice = LIMIT, r.random()
        if lane[0] == "!":
            kind, at, limit, group = "c", 0, 50, ""
        elif dice < 0.06:
            kind = r.choice(["i", "a", "ea"])
        elif dice < 0.2 and (mine := [m for where, m in self.written if where == lane]):
            kind, mid = "e", int(r.choice(mine[-4:]))
        self.written.append((lane, str(mid)))
        raw = f'{{"text":"{lane} {self._uid} {kind}"}}'
        self.unconfirmed.append(tuple(map(str, (self._uid, lane, limit, at, by, mid, group, kind, raw))))

    # What may happen

    def pass_time(self, r: random.Random) -> None:
        self.shard.tick(r.choice([1, 5, 20, 120, 120, 400, 1100]) if r.random() < 0.98 else 6000)

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
        lane = r.choice([lane for lane in self.lanes if lane[0] != "!"])
        mid = r.choice([0, self._count + 1, max(1, self._count - 20)])
        args = (lane, f"s{self._next()}", mid, self.shard.now_ms - r.choice([0, 0, 500]))
        self.run("signal", args)
        if r.random() < 0.7:
            self.delayed.append(("signal", args))

    def forget(self, r: random.Random) -> None:
        """/forget of a chat, of a lane, or of what one member wrote: here, any of it."""
        if r.random() < 0.5:
            scope = r.choice([chat_of(r.choice(self.lanes)), "-5:t1"])
            mid = r.choice([self._count + 1, max(1, self._count - 6)])
            moving = r.choice(MOVE[:1]) if scope == MOVE[1] and r.random() < 0.5 else ""
            call: tuple[str, tuple[Any, ...]] = ("forget", (scope, mid, moving))
        else:
            call = ("erase", self._member(r, chat_of(r.choice(self.lanes))))
        self.run(*call)
        if r.random() < 0.4:
            self.delayed.append(call)

    def _member(self, r: random.Random, chat: str) -> tuple[str, ...]:
        before, triples = self.shadow.before, []
        mine = {uid for uid, lane in self.shadow.known.items() if chat_of(lane) == chat and r.random() < 0.3}
        for kind, values in (("session", before.sessions), ("inherit", before.inherits)):
            for lane, text in values.items():
                rest = [uid for uid in text.split(",") if uid not in mine]
                if chat_of(lane) == chat and ",".join(rest) != text:
                    triples += [f"{kind}:{lane}", text, ",".join(rest)]
        return (chat, f"|{'|'.join(sorted(mine))}|" if mine else "", *triples)

    def migrate(self, r: random.Random) -> None:
        """A group becomes a supergroup; the process that carries it over may die, and another goes on."""
        if self.mover is None or r.random() < self.faults / 4:
            self.mover = Mover(self, old=MOVE[0], new=MOVE[1])
        self.mover.act(r)
        if self.mover.parcel and self.mover.then == "into" and r.random() < 0.3:
            if r.random() < 0.5:
                self.run("forget", (MOVE[1], self._count - 4, MOVE[0]))
            self.run("forget", (MOVE[0], self._count + 1, ""))

    def cool(self, r: random.Random) -> None:
        self.run("cool", (r.choice(["7", "-5"]), r.choice([100, 900])))

    def step(self, r: random.Random) -> None:
        """One thing that may happen."""
        chances = (2, 3, 10, 1.2, 0.5, 0.5, 0.3, 0.25)
        happens = (self.pass_time, self.intake, self.work, self.late, self.operate, self.stop, self.cool, self.forget)
        r.choices(happens, chances)[0](r)
        if self.moves and len(self.trace) > self.moves and r.random() < 0.3:
            self.migrate(r)
        if self.shadow.before.inherits and r.random() < 0.03:
            self.run("forget", (MOVE[1], self._count - 4, ""))

    # The end

    def rest(self) -> None:
        """Everything must come to rest: resumed, delivered late, then one honest worker until nothing waits."""
        calm = random.Random(0)
        self.faults = 0
        for scope in SCOPES:
            self.run("hold", (scope, "", f"99999.{self._next()}", 0, "", 0, "ann", ""))
        while self.delayed:
            self.late(calm)
        name = self.settle(calm)
        assert not self.shadow.before.lists, f"never at rest: {self.shadow.before.lists}"
        assert self.mover is None or not self.mover.then, f"the move never ends: {self.mover.then}"
        self.shard.tick(DAYS_MS)
        self.run("claim", (name, 0, 0, 0, 0, 1000, ATTEMPTS, MERGE_MOST))
        left = {key for key in self.shadow.before.lives if key.partition(":")[0] not in REST}
        assert not left, f"at rest there is still {left}"

    def settle(self, r: random.Random) -> str:
        """What waits is stored and answered by one honest worker, until nothing waits; its name."""
        while self.unconfirmed:
            self.ingress.act(r)
        worker = self._worker()
        for _ in range(300):
            if not self.shadow.before.lists and (self.mover is None or not self.mover.then):
                break
            self.shard.tick(250)
            if self.mover is not None:
                self.mover.act(r)
            worker.claim(r, 8, 8, 8)
            for turn in worker.turns:
                Turn.finish(turn, r)
            worker.turns = []
        return worker.name

    def remember(self) -> None:
        """Each lane has been talked in."""
        calm, faults, self.faults = random.Random(0), self.faults, 0
        for lane in self.lanes:
            raw = f'{{"text":"{lane} {self._uid} m"}}'
            self._uid += 1
            row = (self._uid, lane, LIMIT, self.shard.now_ms, 0, self._next(), "", "m", raw)
            self.unconfirmed.append(tuple(map(str, row)))
        self.settle(calm)
        self.faults = faults

    def _worker(self) -> Worker:
        return Worker(self, name=f"w{self._next()}")

    def _next(self) -> int:
        self._count += 1
        return self._count


def interleave(shard: Shard, seed: int, steps: int, faults: float = 0.15) -> Machine:
    """A run of random steps from a seed, then rest. What went wrong comes with the last calls before it."""
    r = random.Random(seed)
    lanes = WORLDS[seed % len(WORLDS)]
    machine = Machine(shard, faults, lanes)
    try:
        if seed % 2:
            machine.remember()
        machine.moves = len(machine.trace) + r.choice([2, 10, 40]) if MOVE[0] in lanes and r.random() < 0.7 else 0
        for _ in range(steps):
            machine.step(r)
        machine.rest()
    except AssertionError as error:
        raise AssertionError(f"seed {seed}: {error}\n" + "\n".join(machine.trace[-25:])) from error
    return machine
