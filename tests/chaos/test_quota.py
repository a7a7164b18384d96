"""Four processes and one quota: never exceeded, used up, and exact to the token, also when processes are killed."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest
from redis.asyncio import Redis

from app.core import keys
from app.core.allowance import limits
from app.core.script import Script, script
from app.core.tokens import LEAST_ANSWER, conversation
from app.model.ledger import SCRIPTS, Ledger, Line
from tests.support.books import BOT, PREFIX
from tests.support.spender import Plan

pytestmark = pytest.mark.chaos

BATCH = 500
SMALLEST = conversation([{"role": "user", "content": "x" * 28}]) + LEAST_ANSWER


async def start(verb: str, plan: Plan) -> asyncio.subprocess.Process:
    words = ("-m", "tests.support.spender", verb, msgspec.json.encode(plan).decode())
    return await asyncio.create_subprocess_exec(sys.executable, *words, stdout=asyncio.subprocess.PIPE)


class Watch:
    """Looks at a window as often as it can while others spend."""

    def __init__(self, redis: Redis, window: str, limit: int) -> None:
        self.redis = redis
        self.key = f"{PREFIX}use:{window}"
        self.limit = limit
        self.samples = 0
        self.most_held = 0

    async def until_ended(self, processes: list[asyncio.subprocess.Process], seconds: float) -> list[Any]:
        """What the processes printed; AssertionError at any moment at which the limit is exceeded."""
        ends = asyncio.gather(*(process.communicate() for process in processes))
        try:
            async with asyncio.timeout(seconds):
                while not ends.done():
                    await self._look()
        finally:
            for process in processes:
                if process.returncode is None:
                    process.kill()
        assert [process.returncode for process in processes] == [0] * len(processes)
        assert self.samples > 50
        return [msgspec.json.decode(out) for out, _ in await ends if out]

    async def _look(self) -> None:
        used, held = [int(word or 0) for word in await self.redis.hmget(self.key, ["used", "held"])]
        assert used + held <= self.limit, f"{used} used and {held} held of {self.limit}"
        assert held >= 0
        self.samples += 1
        self.most_held = max(self.most_held, held)


class Direct:
    """Asks scripts one by one."""

    def __init__(self, redis: Redis) -> None:
        self.redis = redis

    def call(self, script: Script, key: str, args: tuple[Any, ...], *, front: bool = False) -> asyncio.Future[Any]:
        return asyncio.ensure_future(self.redis.eval(script.text, 1, key, *args))


async def lines(redis: Redis, *charges: tuple[str, str]) -> list[Line]:
    """The figures, after a sweep of what has expired."""
    ledger = Ledger(Direct(redis), redis, BOT, seconds=1)
    return await ledger.usage([(scope, limits(text)) for scope, text in charges])


async def test_a_thousand_askers_on_four_processes_use_a_quota_up_and_never_exceed_it(
    redis: Redis, valkey: str, tmp_path: Path
) -> None:
    limit = 200_000
    plans = [
        Plan(
            f"unix://{valkey}", str(tmp_path / "log"), f"{limit}t/hour,90000r/month", 250, seed,
            user="90000t/hour", name=f"p{seed}", together=4,
        )
        for seed in range(4)
    ]  # fmt: skip
    watch = Watch(redis, "b:t/hour", limit)
    told = await watch.until_ended([await start("spend", plan) for plan in plans], 55)
    tokens, requests = await lines(redis, ("b", f"{limit}t/hour,90000r/month"))
    people = await lines(redis, *((f"u{n}", "90000t/hour") for n in range(50)))
    assert (tokens.held, requests.held, sum(line.held for line in people)) == (0, 0, 0)
    assert tokens.used == sum(line.used for line in people) == sum(one["served"] for one in told)
    assert requests.used == sum(one["calls"] for one in told)
    assert limit - SMALLEST < tokens.used <= limit
    assert watch.most_held > limit / 2, "they did compete"
    assert sum(bool(one["calls"]) for one in told) > 1, "they did share it"
    assert sum(one["failed"] for one in told), "it was used up"


async def killed(redis: Redis, valkey: str, tmp_path: Path, kills: int, seconds: float) -> None:
    limit, log = 150_000 + 1500 * kills, tmp_path / "log"
    plan = Plan(
        f"unix://{valkey}", str(log), f"{limit}t/hour", 12, 7,
        max_tokens=400, most_said=20, life_seconds=4, kills=kills,
    )  # fmt: skip
    watch = Watch(redis, "b:t/hour", limit)
    await watch.until_ended([await start("nursery", plan)], seconds)
    settled = [line.split(" ") for line in log.read_text().splitlines()]
    assert len({(rid, ticket) for rid, ticket, _ in settled}) == len(settled) > 10 * kills

    async with asyncio.timeout(15):
        while (line := (await lines(redis, ("b", f"{limit}t/hour")))[0]).held:
            pass  # what the dead had reserved has not expired yet
    before = line.used
    settle = await redis.script_load(script(SCRIPTS, "settle").text)
    for first in range(0, len(settled), BATCH):  # as the pipes would have: each counts once
        again = redis.pipeline(transaction=False)
        for rid, ticket, tokens in settled[first : first + BATCH]:
            _ = again.evalsha(settle, 1, keys.held(BOT), rid, ticket, tokens)
        await again.execute()
    (line,) = await lines(redis, ("b", f"{limit}t/hour"))
    assert (line.used, line.held) == (sum(int(tokens) for *_, tokens in settled), 0)
    assert 0 <= line.used - before < line.used / 10, "only what was on its way when its process died was missing"


@pytest.mark.timeout(120)  # on two busy cores; 20 s on idle ones
async def test_two_hundred_kills_leave_the_books_exact_to_the_token(redis: Redis, valkey: str, tmp_path: Path) -> None:
    await killed(redis, valkey, tmp_path, 200, 90)


@pytest.mark.soak
@pytest.mark.timeout(600)
async def test_two_thousand_kills_leave_the_books_exact_to_the_token(redis: Redis, valkey: str, tmp_path: Path) -> None:
    await killed(redis, valkey, tmp_path, 2000, 500)
