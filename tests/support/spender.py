"""A process that spends a quota: the real books, pipe and Quota around a model that answers at random. Run by tests.

`python -m tests.support.spender spend '{…}'` asks until the quota is spent and prints what it was served; `nursery`
keeps some children that ask without end, and kills one after the other at random moments. A child is a fork, so that a
kill costs milliseconds. What a process is about to settle it first writes to its log.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import sys
from collections.abc import AsyncGenerator
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from typing import Any

import msgspec
import uvloop
from redis.asyncio import Redis

from app.core.allowance import limits
from app.core.clock import Real
from app.core.errors import Later, ModelDown, QuotaSpent
from app.core.redis import connect
from app.core.tokens import conversation
from app.lanes.pipe import Pipe
from app.model.base import Chunk, Prompt, Usage, whole
from app.model.ledger import Ledger
from app.model.quota import Quota
from tests.support.books import BOT
from tests.support.wait import takes, until

READY = "ready-to-spend"
DEADLINE_SECONDS = 100  # should whoever started this be gone


class Plan(msgspec.Struct, frozen=True):
    """What a process does."""

    url: str
    log: str
    bot: str
    """The quota."""
    askers: int
    seed: int
    max_tokens: int = 200
    most_said: int = 200
    """No answer is longer than this, whatever was allowed."""
    slow_seconds: float = 0.03
    life_seconds: float = 30
    user: str = ""
    name: str = "p"
    """Turns are named by it: who has the same name repeats them, as a successor does."""
    kills: int = 0
    together: int = 1
    """So many processes begin in one moment, however long each takes to start."""


@dataclass(slots=True)
class Guess:
    """A model that uses what it likes within what it may, and says so; some of its calls fail before a word."""

    plan: Plan
    r: random.Random
    served: int = 0
    calls: int = 0
    failed: int = 0

    async def stream(self, prompt: Prompt) -> AsyncGenerator[Chunk, None]:
        assert 0 < prompt.max_tokens <= self.plan.max_tokens
        await takes(self.r.uniform(0, self.plan.slow_seconds))
        if self.r.random() < 0.1:
            self.failed += 1
            raise ModelDown("gone")
        yield Chunk("some ")
        asked = self.r.randint(1, conversation(prompt.messages))
        said = self.r.randint(1, min(prompt.max_tokens, self.plan.most_said))
        self.served += asked + said
        self.calls += 1
        yield Chunk("words", "stop", Usage(asked, said))


class Diary(Ledger):
    """Writes down what it is about to settle."""

    log = -1

    async def settle(self, rid: str, tokens: int, ticket: str = "", *, vain: bool = False) -> None:
        os.write(self.log, f"{rid} {ticket} {tokens}\n".encode())
        await super().settle(rid, tokens, ticket, vain=vain)


@dataclass(slots=True)
class Spender:
    """Many who ask at once."""

    plan: Plan
    quota: Quota
    r: random.Random
    later: int = 0
    stop: asyncio.Event = field(default_factory=asyncio.Event)

    async def ask(self, who: int) -> None:
        """Ask until not even a short question is answered any more."""
        size = 28
        for n in count():
            if self.stop.is_set():
                return
            prompt = Prompt([{"role": "user", "content": "x" * size}], f"{who % 50}", "", f"{self.plan.name}/{who}/{n}")
            size = self.r.choice([28, 280])
            try:
                await whole(self.quota, prompt)
            except Later as later:
                self.later += 1
                await takes(later.delay_ms / 30_000)
            except ModelDown:
                pass
            except QuotaSpent:
                if len(prompt.messages[0]["content"]) == 28 and not self.plan.kills:
                    return
                size = 28
                await takes(0.02 if self.plan.kills else 0)


async def spend(plan: Plan) -> dict[str, Any]:
    """Spend until it is spent, or until SIGTERM; what was served."""
    stores, r = connect(plan.url), random.Random(plan.seed)
    pipe = Pipe(stores.work, Real())
    ledger = Diary(pipe, stores.work, BOT, seconds=plan.life_seconds)
    ledger.log = os.open(plan.log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    model = Guess(plan, r)
    quota = Quota(
        model, ledger, user=limits(plan.user), chat=(), bot=limits(plan.bot),
        operators=frozenset(), max_tokens=plan.max_tokens, clock=Real(),
    )  # fmt: skip
    spender, running = Spender(plan, quota, r), asyncio.ensure_future(pipe.run())
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, spender.stop.set)
    if plan.together > 1:
        await stores.work.incr(READY)
        await until(partial(_all_ready, stores.work, plan.together), what="the others")
    async with asyncio.timeout(DEADLINE_SECONDS), asyncio.TaskGroup() as group:
        for who in range(plan.askers):
            group.create_task(spender.ask(who))
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running
    await stores.close()
    return {"served": model.served, "calls": model.calls, "failed": model.failed, "later": spender.later}


async def _all_ready(redis: Redis, count: int) -> bool:
    return int(await redis.get(READY) or 0) >= count


def nursery(plan: Plan, children: int = 4) -> None:
    """Kill children at random moments, each followed by a successor of its name; then let the last ones end well."""
    r = random.Random(plan.seed)
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})
    living = [_child(plan, place, 0) for place in range(children)]
    for number in range(plan.kills):
        ended = signal.sigtimedwait({signal.SIGCHLD}, r.uniform(0.01, 0.1))
        assert ended is None, f"a child ended by itself: {ended.si_status}"
        place = r.randrange(children)
        os.kill(living[place], signal.SIGKILL)
        os.waitpid(living[place], 0)
        signal.sigtimedwait({signal.SIGCHLD}, 0)
        living[place] = _child(plan, place, number + 1)
    for pid in living:
        os.kill(pid, signal.SIGTERM)
    statuses = [os.waitpid(pid, 0)[1] for pid in living]
    assert set(statuses) <= {0, signal.SIGTERM}, statuses  # of SIGTERM dies who has not yet begun


def _child(plan: Plan, place: int, number: int) -> int:
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            own = msgspec.structs.replace(plan, name=f"{plan.name}{place}", seed=plan.seed * 10_000 + number)
            uvloop.run(spend(own))
            status = 0
        finally:
            os._exit(status)
    return pid


if __name__ == "__main__":
    what = msgspec.json.decode(sys.argv[2], type=Plan)
    if sys.argv[1] == "nursery":
        nursery(what)
    else:
        print(json.dumps(uvloop.run(spend(what))))  # noqa: T201
