"""The first usable key is asked, no key during its penalty, and the primary as soon as it has returned."""

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
    KeysTooSmall,
    KeyUnpaid,
    ModelBusy,
    ModelDown,
    ModelError,
    ModelExhausted,
    ModelRefused,
    PromptTooLong,
)
from app.model.base import Chunk, Prompt, whole
from app.model.health import Health
from app.model.keypool import KeyPool
from app.model.ledger import Busy, Granted, Spent
from app.model.retries import Passing
from tests.support.clocked import Clocked
from tests.support.wait import until
from tests.unit.model.provider import ASK, HI, Books, Provider, keys_of

A, B, C = "sk-first-0000aaaa", "sk-second-0000bbbb", "sk-third-0000cccc"


class Process:
    """One process's pool, on the Redis and the endpoint that all share."""

    def __init__(self, store: Clocked, clock: Manual, provider: Provider, *secrets: str) -> None:
        self.alarms: list[str] = []
        self.books = Books()
        self.health = Health(store, keys.health(1), clock)
        given = keys_of(*(secrets or (A, B, C)))
        self.pool = KeyPool(provider, given, self.health, self.books, clock, alarm=self.alarms.append)  # type: ignore[arg-type]

    async def ask(self, prompt: Prompt = ASK, **more: Any) -> str:
        return "".join([chunk.text async for chunk in self.pool.stream(prompt, **more)])

    async def fails(self, kind: type[ModelError], **more: Any) -> Any:
        with pytest.raises(kind) as caught:
            await self.ask(**more)
        return caught.value

    def scope(self, secret: str) -> str:
        return next(slot.scope for slot in self.pool.ring.slots if slot.access._secret == secret)


@pytest.fixture
def clock() -> Manual:
    return Manual()


@pytest.fixture
def store(redis: Redis, clock: Manual) -> Clocked:
    return Clocked(redis, clock)


@pytest.fixture
def provider(clock: Manual) -> Provider:
    return Provider(clock)


@pytest.fixture
def process(store: Clocked, clock: Manual, provider: Provider) -> Callable[..., Process]:
    return lambda *secrets: Process(store, clock, provider, *secrets)


async def test_while_all_is_well_the_primary_is_asked_and_redis_only_for_its_view(
    process: Callable[..., Process], provider: Provider, store: Clocked
) -> None:
    one = process()
    for _ in range(20):
        assert await one.ask() == "Hi!"
    assert set(provider.secrets) == {A}
    assert store.asked == {"health": 1}


async def test_at_its_limit_the_next_key_is_asked_at_once_by_everybody(
    process: Callable[..., Process], provider: Provider, clock: Manual
) -> None:
    one, two = process(), process()
    provider.answers[A] = ModelBusy(30)
    assert await one.ask() == "Hi!"
    assert provider.secrets == [A, B]
    await two.ask()
    assert provider.secrets == [A, B, B]
    assert clock.monotonic() == 0


async def test_the_primary_is_used_again_as_soon_as_it_returns(
    process: Callable[..., Process], provider: Provider, clock: Manual
) -> None:
    one, two = process(), process()
    provider.answers[A] = ModelBusy(30)
    await one.ask()
    provider.answers.clear()
    await clock.advance(29.9)
    await two.ask()
    await clock.advance(0.1)
    await two.ask()
    await two.ask()
    assert provider.secrets[2:] == [B, A, B], "one at first"
    await clock.advance(1)
    for _ in range(3):
        await one.ask()
    assert provider.secrets[5:] == [A, A, B]
    await clock.advance(10)
    for _ in range(50):
        await one.ask()
    assert set(provider.secrets[8:]) == {A}


async def test_when_every_key_is_at_its_limit_the_first_to_return_is_named(
    process: Callable[..., Process], provider: Provider, clock: Manual
) -> None:
    provider.answers = {A: ModelBusy(300), B: ModelBusy(40), C: ModelBusy(70)}
    one, two = process(), process()
    for each in (one, two):
        error = await each.fails(ModelExhausted)
        assert error.until == pytest.approx(clock.now() + 40, abs=0.01)
    assert len(provider.asked) == 3


async def test_a_refusal_learned_while_hundreds_wait_for_a_connection_is_obeyed_by_all(
    process: Callable[..., Process], provider: Provider, clock: Manual
) -> None:
    one, two = process(), process(A)
    waiting, room = 0, asyncio.Event()

    async def wait(secret: str) -> None:
        nonlocal waiting
        if secret == A:
            waiting += 1
            await room.wait()

    provider.pause = wait
    crowd = [asyncio.create_task(one.ask()) for _ in range(300)]
    await until(lambda: waiting == 300, what="all to wait for a connection")
    provider.pause = None
    provider.answers[A] = ModelBusy(30)
    await two.fails(ModelExhausted)
    await clock.advance(0.3)
    room.set()
    await asyncio.gather(*crowd)
    assert provider.secrets.count(A) == 1
    assert provider.secrets.count(B) == 300


async def test_a_key_that_is_refused_is_retired_with_one_alarm(
    process: Callable[..., Process], provider: Provider, clock: Manual
) -> None:
    provider.answers[A] = KeyRefused(401, "no such key")
    one, two = process(), process()
    await asyncio.gather(one.ask(), two.ask(), one.ask())
    assert len(one.alarms + two.alarms) == 1
    await clock.advance(3600)
    await two.ask()
    assert provider.secrets[-1] == B
    [alarm] = one.alarms + two.alarms
    assert "…aaaa" in alarm
    assert A not in alarm
    assert "tried again in a day" in alarm
    row = one.pool.report()[0]
    assert row.state == "refused"
    assert row.until - clock.now() == pytest.approx(86_400 - 3600, abs=1), "and so it is shown"
    await clock.advance(86_400 - 3600)
    provider.answers.clear()
    await two.ask()
    assert provider.secrets[-1] == A


async def test_where_every_key_is_refused_it_is_said_and_the_endpoint_may_change_its_mind(
    process: Callable[..., Process], provider: Provider
) -> None:
    provider.answers = {A: KeyRefused(401), B: KeyRefused(403)}
    one = process(A, B)
    await one.fails(KeyRefused)
    await one.fails(KeyRefused)
    asked = len(provider.asked)
    await one.fails(KeyRefused, quick=True)
    assert len(provider.asked) == asked, "with others behind it is not asked in vain"
    provider.answers.clear()
    for _ in range(5):
        assert await one.ask() == "Hi!", "nobody waited for it, so it returns to all at once"


async def test_a_key_without_money_rests_and_is_no_key_at_its_limit(
    process: Callable[..., Process], provider: Provider, clock: Manual
) -> None:
    provider.answers = {A: KeyUnpaid(402), B: ModelBusy(20)}
    one = process(A, B)
    error = await one.fails(ModelExhausted)
    assert error.until == pytest.approx(clock.now() + 20, abs=0.01)
    assert len(one.alarms) == 1
    provider.answers[B] = KeyUnpaid(429)
    await clock.advance(20)
    await one.fails(KeyUnpaid)
    asked = len(provider.asked)
    await one.fails(KeyUnpaid)
    assert len(provider.asked) == asked
    provider.answers.clear()
    await clock.advance(3600)
    assert await one.ask() == "Hi!"


async def test_a_wrong_question_costs_no_key_and_is_not_repeated(
    process: Callable[..., Process], provider: Provider
) -> None:
    provider.answers[A] = ModelRefused(400, "no")
    one = process()
    await one.fails(ModelRefused)
    assert provider.secrets == [A]
    assert one.pool.report()[0].state == "ready"


async def test_a_failing_endpoint_is_asked_again_on_the_key_that_is_then_the_first(
    process: Callable[..., Process], provider: Provider, clock: Manual
) -> None:
    one, two = process(), process(A)
    provider.answers[A] = Passing(ModelDown("down"), 5.0)
    task = asyncio.create_task(one.ask())
    await until(lambda: clock.sleeping, what="the wait before the repetition")
    provider.answers[A] = ModelBusy(60)
    await two.fails(ModelExhausted)
    await clock.advance(5.0)
    assert await task == "Hi!"
    assert provider.secrets == [A, A, B]


async def test_with_others_behind_it_a_failing_endpoint_gets_one_quick_repetition(
    process: Callable[..., Process], provider: Provider, clock: Manual
) -> None:
    provider.answers[A] = Passing(ModelDown("down"))
    task = asyncio.create_task(process().fails(ModelDown, quick=True))
    await until(lambda: clock.sleeping, what="the wait before the repetition")
    await clock.advance(2)
    await task
    assert len(provider.asked) == 2


async def test_a_first_word_may_not_come_later_than_its_deadline(
    process: Callable[..., Process], provider: Provider, clock: Manual
) -> None:
    one = process()
    await one.ask(deadline=27.0)
    await one.ask(deadline=4.0)
    assert provider.clocks_given[0] is None
    assert provider.clocks_given[1] is not None
    assert (provider.clocks_given[1].connect, provider.clocks_given[1].first) == (4, 4)
    await clock.advance(4)
    await one.fails(ModelDown, deadline=4.0)
    assert len(provider.asked) == 2


async def test_a_keys_own_limit_is_reserved_and_settled(process: Callable[..., Process], provider: Provider) -> None:
    one = process(f"{A};300r/h;9000t/mo", B)
    await one.ask()
    (rid, scope, prompt, output, least) = one.books.reserved[0]
    assert rid == f"7.1@{one.pool.ring.slots[0].access.label}"
    assert scope == one.scope(A)
    assert (output, least) == (1024, 64)
    assert prompt > 0
    assert one.books.closed == [(rid, 5)]


async def test_a_key_at_its_own_limit_is_not_asked_before_it_resets(
    process: Callable[..., Process], provider: Provider, clock: Manual
) -> None:
    one = process(f"{A};300r/h", B)
    one.books.answers[one.scope(A)] = Spent(one.scope(A), Limit(300, "r", "hour"), clock.now() + 100)
    await one.ask()
    await one.ask()
    assert provider.secrets == [B, B]
    assert len(one.books.reserved) == 1, "it is remembered"
    assert one.pool.report()[0].state == "spent"
    one.books.answers.clear()
    await clock.advance(100)
    await one.ask()
    assert provider.secrets[-1] == A


async def test_of_tokens_there_may_be_enough_for_a_shorter_question(
    process: Callable[..., Process], provider: Provider, clock: Manual
) -> None:
    one = process(f"{A};3000t/h")
    one.books.answers[one.scope(A)] = Spent(one.scope(A), Limit(3000, "t", "hour"), clock.now() + 100)
    error = await one.fails(ModelExhausted)
    assert error.until == pytest.approx(clock.now() + 100, abs=0.01)
    one.books.answers[one.scope(A)] = Granted(100, "t")
    assert await one.ask() == "Hi!"
    assert provider.prompts[-1].max_tokens == 100


async def test_a_question_longer_than_a_keys_limit_goes_to_another_or_is_told(
    process: Callable[..., Process], provider: Provider
) -> None:
    long = Prompt([{"role": "user", "content": "word " * 1000}])
    assert await process(f"{A};500t/h", B).ask(long) == "Hi!"
    assert provider.secrets == [B]
    with pytest.raises(PromptTooLong):
        await process(f"{A};500t/h").ask(long)


async def test_a_key_that_no_question_fits_is_not_told_as_a_question_that_is_too_long(
    process: Callable[..., Process], provider: Provider
) -> None:
    with pytest.raises(KeysTooSmall):
        await process(f"{A};60t/h", f"{B};9r/h;10t/d").ask(Prompt([{"role": "user", "content": "?"}]))
    with pytest.raises(PromptTooLong):
        await process(f"{A};60t/h", f"{B};500t/d").ask(Prompt([{"role": "user", "content": "word " * 1000}]))
    assert provider.secrets == []


async def test_a_limit_that_is_only_reserved_is_looked_at_again_soon(
    process: Callable[..., Process], clock: Manual
) -> None:
    one = process(f"{A};1r/h")
    one.books.answers[one.scope(A)] = Busy()
    error = await one.fails(ModelExhausted)
    assert 0 < error.until - clock.now() < 1


async def test_an_answer_that_is_left_is_charged_by_a_guess(
    process: Callable[..., Process], provider: Provider
) -> None:
    provider.answers[A] = Chunk("Hello there", "stop")
    one = process(f"{A};300r/h")
    chunks = one.pool.stream(ASK)
    await anext(chunks)
    await chunks.aclose()
    [(_, tokens)] = one.books.closed
    assert tokens
    assert tokens > 5


async def test_a_removed_key_gets_no_new_request_and_an_added_one_is_used(
    process: Callable[..., Process], provider: Provider
) -> None:
    one, there, room = process(A), asyncio.Event(), asyncio.Event()

    async def wait(secret: str) -> None:
        there.set()
        await room.wait()

    provider.pause = wait
    late = asyncio.create_task(one.ask())
    await there.wait()
    provider.pause = None
    running = one.pool.stream(ASK)
    assert await anext(running) == HI
    one.pool.ring.reload(keys_of(B))
    room.set()
    await late
    assert provider.secrets == [A, B]
    assert [chunk async for chunk in running] == []


async def test_without_keys_an_endpoint_is_asked_without_one_and_can_still_be_at_its_limit(
    process: Callable[..., Process], provider: Provider, store: Clocked, clock: Manual
) -> None:
    one = process()
    one.pool.ring.reload(())
    assert await one.ask() == "Hi!"
    assert provider.secrets == [""]
    provider.answers[""] = ModelBusy(5)
    await one.fails(ModelExhausted)
    assert one.pool.report()[0].shown == "no key"


async def test_a_key_stands_nowhere_but_in_its_header(
    process: Callable[..., Process], provider: Provider, redis: Redis
) -> None:
    short = "sk-short"
    one = process(A, short)
    provider.answers = {A: KeyRefused(401), short: ModelBusy(9)}
    error = await one.fails(ModelExhausted)
    slots = one.pool.ring.slots
    shown = [repr(x) for x in (one.pool, one.health, one.pool.report(), error, *slots, *(s.access for s in slots))]
    shown += [str(await redis.hgetall(keys.health(1))), *one.alarms, *(row.shown for row in one.pool.report())]
    for text in shown:
        assert A not in text
        assert short not in text
        assert "hort" not in text
    assert one.pool.report()[0].shown.startswith("…aaaa (")


async def test_the_same_key_twice_is_one_key(process: Callable[..., Process]) -> None:
    assert len(process(A, A, B).pool.ring.slots) == 2


async def test_one_process_may_be_used_as_any_model(process: Callable[..., Process]) -> None:
    assert await whole(process().pool, ASK) == ("Hi!", "stop", HI.usage)
