"""A key's own limits count what its endpoint counts: every request that was written, whatever came of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from redis.asyncio import Redis

from app.core import keys
from app.core.allowance import Limit
from app.core.clock import Manual
from app.core.errors import (
    KeyRefused,
    KeyUnpaid,
    ModelBusy,
    ModelDown,
    ModelError,
    ModelExhausted,
    ModelFailed,
    ModelRefused,
    PromptTooLong,
)
from app.core.tokens import conversation
from app.model.answer import Answer
from app.model.base import Chunk, Prompt
from app.model.health import Health
from app.model.keypool import KeyPool
from app.model.ledger import Ledger
from app.model.retries import Fate, Passing, Patience
from tests.support.clocked import Clocked
from tests.support.wait import until
from tests.unit.model.provider import ASK, Books, Provider, keys_of

A = "sk-first-0000aaaa"
PROMPT = conversation(ASK.messages)


class Process:
    """A pool whose key has limits of its own, counted by `books` or in Redis."""

    def __init__(self, redis: Redis, *, books: Books | None = None, limits: str = "300r/h;90000t/h") -> None:
        self.clock = Manual()
        self.store = Clocked(redis, self.clock)
        self.provider = Provider(self.clock)
        self.ledger: Any = books or Ledger(self.store, redis, 1, seconds=60, clock=self.clock)
        self.counted: list[str] = []
        self.asked = 0
        health = Health(self.store, keys.health(1), self.clock)
        endpoint: Any = self.provider
        self.pool = KeyPool(
            endpoint,
            keys_of(f"{A};{limits}"),
            health,
            self.ledger,
            self.clock,
            count=lambda label, host, result: self.counted.append(result),
            patience=Patience(13, attempts=4),
        )

    async def ask(self, turn: str = "7.1") -> str:
        def on_asked() -> None:
            self.asked += 1

        prompt = Prompt(ASK.messages, turn=turn, on_asked=on_asked)
        task = asyncio.create_task(self._whole(prompt))
        try:
            while not task.done():
                await until(lambda: task.done() or self.clock.sleeping, what="an answer or a wait")
                if not task.done():
                    await self.clock.advance(1)
        finally:
            task.cancel()
            await asyncio.wait({task})
        return task.result()

    async def _whole(self, prompt: Prompt) -> str:
        return "".join([chunk.text async for chunk in self.pool.stream(prompt)])

    async def used(self) -> dict[str, int]:
        slot = self.pool.ring.slots[0]
        lines = await self.ledger.usage([(slot.scope, slot.limits)])
        assert all(line.held == 0 for line in lines), "everything is settled"
        return {line.limit.unit: line.used for line in lines}


@pytest.fixture
def process(redis: Redis) -> Callable[..., Process]:
    return lambda **more: Process(redis, **more)


UNSENT = Passing(ModelDown("no connection"), fate=Fate.UNSENT)
ERROR = Passing(ModelDown("500"), fate=Fate.REFUSED)
LOST = Passing(ModelDown("the answer was lost"))


@pytest.mark.parametrize(
    "answer, charged",
    [
        (ModelBusy(9), None),
        (KeyRefused(401), None),
        (KeyUnpaid(402), None),
        (UNSENT, None),
        (ERROR, 0),
        (ModelRefused(400), 0),
        (PromptTooLong(400), 0),
        (LOST, PROMPT),
        (ModelFailed("an error in a 200"), PROMPT),
    ],
)
async def test_what_reached_the_model_counts_and_costs_what_it_may_have_cost(
    process: Callable[..., Process], answer: Exception, charged: int | None
) -> None:
    books = Books()
    one = process(books=books)
    one.provider.answers[A] = answer
    with pytest.raises(ModelError):
        await one.ask()
    assert {tokens for _, tokens in books.closed} == {charged}
    assert len(books.closed) == len(books.reserved) == len(one.provider.asked)


async def test_each_repetition_of_a_failing_request_counts(process: Callable[..., Process]) -> None:
    one, fails = process(), [ERROR, LOST, ERROR]
    one.provider.answers[A] = lambda *_: fails.pop() if fails else Chunk("Hi!", "stop")
    assert await one.ask() == "Hi!"
    assert len(one.provider.asked) == one.asked == 4
    assert await one.used() == {"r": 4, "t": 2 * PROMPT + 2}
    assert one.counted == ["failed", "failed", "failed", "ok"]


async def test_a_key_with_room_for_three_is_written_to_three_times_however_they_end(
    process: Callable[..., Process],
) -> None:
    one = process(limits="3r/h")
    one.provider.answers[A] = ERROR
    with pytest.raises(ModelExhausted):
        await one.ask()
    assert len(one.provider.asked) == 3
    assert await one.used() == {"r": 3}


async def test_a_turn_stopped_while_it_waits_for_the_first_word_counts(process: Callable[..., Process]) -> None:
    one = process()

    class Silent(Provider):
        async def ask(self, *args: Any, **more: Any) -> Chunk:
            await super().ask(*args, **more)
            await asyncio.Event().wait()
            raise AssertionError

    one.pool.endpoint = Silent(one.clock)  # type: ignore[assignment]
    task = asyncio.create_task(one.ask())
    await until(lambda: one.asked, what="the request")
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert await one.used() == {"r": 1, "t": PROMPT}
    assert one.counted == []


async def test_a_turn_stopped_before_its_request_was_written_costs_nothing(process: Callable[..., Process]) -> None:
    one, there = process(), asyncio.Event()

    async def wait(_: str) -> None:
        there.set()
        await asyncio.Event().wait()

    one.provider.pause = wait
    task = asyncio.create_task(one.ask())
    await there.wait()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert one.asked == 0
    assert await one.used() == {"r": 0, "t": 0}


async def test_what_is_kept_back_is_not_said_to_be_asked(process: Callable[..., Process]) -> None:
    one = process()

    async def reload(_: str) -> None:
        one.provider.pause = None
        one.pool.ring.reload(keys_of("sk-another-0000bbbb"))

    one.provider.pause = reload
    assert await one.ask() == "Hi!"
    assert one.asked == 1
    assert one.counted == ["ok"]


class Learning(Provider):
    """Refuses a field of the first request, and is then asked without it."""

    async def ask(self, prompt: Prompt, access: Any, clocks: Any = None, gate: Any = None) -> Chunk | Answer:
        await super().ask(prompt, access, clocks, gate)
        return await super().ask(prompt, access, clocks, gate)


@pytest.mark.parametrize("limits, used", [("300r/h;90000t/h", {"r": 2, "t": 5}), ("2r/h", {"r": 2})])
async def test_a_request_in_other_words_counts_as_one_more(
    process: Callable[..., Process], limits: str, used: dict[str, int]
) -> None:
    one = process(limits=limits)
    one.pool.endpoint = Learning(one.clock)  # type: ignore[assignment]
    assert await one.ask() == "Hi!"
    assert await one.used() == used
    assert one.asked == 2


async def test_a_request_in_other_words_for_which_there_is_no_room_is_not_made(
    process: Callable[..., Process],
) -> None:
    one = process(limits="1r/h")
    endpoint = Learning(one.clock)
    one.pool.endpoint = endpoint  # type: ignore[assignment]
    with pytest.raises(ModelExhausted):
        await one.ask()
    assert len(endpoint.asked) == 1
    assert await one.used() == {"r": 1}


async def test_a_successor_replaces_what_its_predecessor_had_reserved(redis: Redis) -> None:
    one, two = Process(redis, limits="2r/h"), Process(redis, limits="2r/h")
    slot = one.pool.ring.slots[0]
    await one.ledger.reserve(f"7.1@{slot.access.label}", [(slot.scope, (Limit(2, "r", "hour"),))], 1, 1, 1)
    assert await two.ask("7.1") == "Hi!"
    lines = await two.ledger.usage([(slot.scope, slot.limits)])
    assert [line.held for line in lines] == [0]
