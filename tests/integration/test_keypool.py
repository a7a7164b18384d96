"""Keys of real endpoints over real HTTP, known to two processes through a real Redis."""

from __future__ import annotations

import asyncio
import contextlib
import math
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from typing import Any

import msgspec
import pytest
from redis.asyncio import Redis

from app.core import keys
from app.core.clock import Real
from app.core.connections import Connections
from app.core.errors import (
    KeyRefused,
    KeyUnpaid,
    ModelDown,
    ModelError,
    ModelExhausted,
    ModelFailed,
    PromptTooLong,
)
from app.core.exchange import Clocks
from app.core.http import Client
from app.core.redis import connect
from app.lanes.pipe import Pipe
from app.model.base import Prompt, whole
from app.model.failover import Failover
from app.model.health import Health
from app.model.keypool import KeyPool
from app.model.ledger import Ledger
from app.model.openai import Endpoint
from tests.integration.peer import cut, says, serving
from tests.integration.test_model import ASK, GOOD, QUICK, WHOLE
from tests.support.wait import takes, until
from tests.support.wire import Exchange
from tests.unit.model.provider import keys_of

A, B, C = "sk-first-0000aaaa", "sk-second-0000bbbb", "sk-third-0000cccc"


class Allowance:
    """A model server: each key has so many requests in its own window; who asks for more is told when to come again."""

    def __init__(self, amount: int, seconds: float, *, header: bool = True) -> None:
        self.amount, self.seconds, self.header = amount, seconds, header
        self.opened: dict[str, float] = {}
        self.used: Counter[str] = Counter()
        self.told: dict[str, tuple[float, float]] = {}
        self.opens: dict[str, float] = {}
        """When the first window that was used up is over; it may be said more than once."""
        self.asked: list[tuple[float, str, int]] = []
        self.worst = 0.0
        """The longest time after which somebody still asked a key that had said when to come again."""

    def __call__(self, exchange: Exchange) -> None:
        now = time.monotonic()
        secret = exchange.headers[b"authorization"].decode().removeprefix("Bearer ")
        first, over = self.told.get(secret, (now, 0.0))
        if now < over:
            self.worst = max(self.worst, now - first)
        if now - self.opened.get(secret, -math.inf) >= self.seconds:
            self.opened[secret], self.used[secret] = now, 0
        if self.used[secret] < self.amount:
            self.used[secret] += 1
            self.asked.append((now, secret, 200))
            exchange.reply(msgspec.json.encode(GOOD))
            return
        left = self.opened[secret] + self.seconds - now
        wait = math.ceil(left * 1000)
        self.told[secret] = (first if now < over else now, now + wait / 1000)
        self.opens.setdefault(secret, now + wait / 1000)
        self.asked.append((now, secret, 429))
        exchange.reply(b"{}", 429, extra=b"Retry-After-Ms: %d\r\n" % wait if self.header else b"")


class Process:
    """What one process has: a pipe to Redis, a view, connections, a pool."""

    def __init__(self, valkey: str, concurrency: int = 300) -> None:
        self.stores = connect(f"unix://{valkey}")
        self.connections = Connections(concurrency)
        self.pipe = Pipe(self.stores.work, Real())
        self.health = Health(self.pipe, keys.health(1), Real())
        self.ledger = Ledger(self.pipe, self.stores.work, 1, seconds=60)
        self.alarms: list[str] = []
        self.task = asyncio.create_task(self.pipe.run())

    def pool(self, url: str, *secrets: str, **more: Any) -> KeyPool:
        settings = {"name": "m", "stream": False, "clocks": Clocks(5, 5, 5, 10), **more}
        endpoint = Endpoint(Client(self.connections), f"{url}/v1", **settings)
        given = keys_of(*secrets)
        return KeyPool(endpoint, given, self.health, self.ledger, Real(), alarm=self.alarms.append)

    def model(self, *pools: KeyPool) -> Failover:
        return Failover(pools, self.health, Real())

    async def close(self) -> None:
        self.task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self.task
        await self.connections.close()
        await self.stores.close()


@pytest.fixture
async def process(valkey: str, redis: Redis) -> AsyncIterator[Callable[..., Process]]:
    made: list[Process] = []

    def make(**more: Any) -> Process:
        made.append(Process(valkey, **more))
        return made[-1]

    yield make
    for one in made:
        await one.close()


async def patiently(model: Failover, prompt: Prompt = ASK) -> int:
    """As a lane does: held until a key returns, then asked again; the number of times it was held."""
    for times in range(100):
        try:
            await whole(model, prompt)
        except ModelExhausted as error:
            await takes(max(0.0, error.until - time.time()))
        else:
            return times
    raise AssertionError("held for ever")


@pytest.mark.alone
async def test_two_processes_use_every_key_up_wait_and_come_back_to_the_primary(
    process: Callable[..., Process],
) -> None:
    server = Allowance(40, 4.0)
    async with serving(server) as peer:
        models = [one.model(one.pool(peer.url, A, B, C)) for one in (process(), process())]
        await asyncio.gather(*(patiently(models[number % 2]) for number in range(200)))
        assert server.worst <= 0.5
        assert sum(status == 200 for _, _, status in server.asked) == 200
        over = server.opens[A]
        back = next(at for at, secret, status in server.asked if secret == A and status == 200 and at >= over)
        assert back - over < 1
        assert {secret for _, secret, _ in server.asked} == {A, B, C}


async def test_a_limit_without_a_time_is_cooled_for_all(process: Callable[..., Process]) -> None:
    server = Allowance(5, 2.5, header=False)
    async with serving(server) as peer:
        models = [one.model(one.pool(peer.url, A)) for one in (process(), process())]
        await asyncio.gather(*(patiently(models[number % 2]) for number in range(10)))
        refused = [at for at, _, status in server.asked if status == 429]
        bursts = [at for at, before in zip(refused[1:], refused, strict=False) if at - before > 0.5]
        assert len(bursts) <= 3


async def test_who_waits_for_a_connection_hears_of_a_refusal(process: Callable[..., Process]) -> None:
    waiting: list[Exchange] = []
    async with serving(waiting.append) as peer:
        one, two = process(concurrency=1), process()  # the first has 18 connections
        crowd = [asyncio.create_task(whole(one.pool(peer.url, A), ASK)) for _ in range(100)]
        await until(lambda: len(waiting) == 18, what="all connections in use")
        other = asyncio.create_task(whole(two.pool(peer.url, A), ASK))
        await until(lambda: len(waiting) == 19, what="the other process's request")
        waiting[-1].reply(b"{}", 429, extra=b"Retry-After: 30\r\n")
        with pytest.raises(ModelExhausted):
            await other
        await takes(0.5)
        for exchange in waiting[:18]:
            exchange.reply(msgspec.json.encode(GOOD))
        results = await asyncio.gather(*crowd, return_exceptions=True)
        assert sum(isinstance(result, ModelExhausted) for result in results) == 82
        assert len(waiting) == 19


async def test_own_limits_are_kept_by_all_processes_together(process: Callable[..., Process]) -> None:
    async with serving(says(200, GOOD)) as peer:
        models = [one.model(one.pool(peer.url, f"{A};30r/h", f"{B};20r/h")) for one in (process(), process())]
        prompts = [Prompt(ASK.messages, turn=f"7.{number}") for number in range(80)]
        asks = [whole(models[number % 2], prompt) for number, prompt in enumerate(prompts)]
        results = await asyncio.gather(*asks, return_exceptions=True)
        sent = Counter(exchange.headers[b"authorization"].decode()[-4:] for exchange in peer.asked)
        assert sent == {"aaaa": 30, "bbbb": 20}
        assert sum(isinstance(result, ModelExhausted) for result in results) == 30


async def test_a_dead_endpoint_costs_one_answer_a_moment_and_then_nothing(process: Callable[..., Process]) -> None:
    one = process()
    async with serving(cut) as dead, serving(says(200, GOOD)) as well:
        model = one.model(one.pool(dead.url, A), one.pool(well.url, B))
        began = time.monotonic()
        for _ in range(6):
            assert (await whole(model, ASK))[0] == "Hi!"
        assert time.monotonic() - began < 8
        assert len(dead.asked) == 6, "three times, each with one repetition"
        dead.script[:] = [says(200, GOOD)]
        await until(lambda: one.health.get("e" + model._pools[0].endpoint.label).until <= one.health.now, seconds=8)
        await whole(model, ASK)
        assert len(dead.asked) == 7


async def test_when_all_are_dead_a_person_hears_within_30_seconds(process: Callable[..., Process]) -> None:
    one = process()
    model = one.model(one.pool("http://127.0.0.1:1", A), one.pool("http://127.0.0.1:1/other", B))
    began = time.monotonic()
    with pytest.raises(ModelDown):
        await whole(model, ASK)
    assert time.monotonic() - began < 20


async def test_a_stream_through_all_of_it_closes_upstream_when_left(process: Callable[..., Process]) -> None:
    one = process()

    def begin(exchange: Exchange) -> None:
        exchange.begin()
        exchange.feed(b'data: {"choices": [{"delta": {"content": "Hel"}}]}\n\n')

    async with serving(WHOLE, begin) as peer:
        model = one.model(one.pool(peer.url, A, stream=True))
        assert (await whole(model, ASK))[0] == "Hi!"
        chunks = model.stream(ASK)
        assert (await anext(chunks)).text == "Hel"
        await chunks.aclose()
        await until(lambda: not peer.open, seconds=1, what="the upstream closed")


async def test_a_refused_field_and_a_refused_key_are_told_apart(process: Callable[..., Process]) -> None:
    one = process()

    def handler(exchange: Exchange) -> None:
        if exchange.headers[b"authorization"].endswith(b"aaaa"):
            exchange.reply(b'{"error": {"message": "wrong key %s"}}' % A.encode(), 401)
        elif b"max_completion_tokens" not in exchange.body:
            exchange.reply(b'{"error": "use max_completion_tokens instead of max_tokens"}', 400)
        else:
            exchange.reply(msgspec.json.encode(GOOD))

    async with serving(handler) as peer:
        model = one.model(one.pool(peer.url, A, B))
        for _ in range(2):
            await whole(model, ASK)
        assert len(peer.asked) == 4
        [alarm] = one.alarms
        assert A not in alarm
        assert "…aaaa" in alarm


async def test_a_prompt_may_shorten_its_answer_and_set_fields_but_never_lengthen_it(
    process: Callable[..., Process],
) -> None:
    one = process()
    async with serving(says(200, GOOD)) as peer:
        pool = one.pool(peer.url, A, max_tokens=500)
        for cap in (0, 100, 900):
            await whole(pool, Prompt(ASK.messages, max_tokens=cap, params=(("temperature", 0.2),)))
        assert [body["max_tokens"] for body in peer.bodies] == [500, 100, 500]
        assert {body["temperature"] for body in peer.bodies} == {0.2}


async def test_a_conversation_that_does_not_fit_is_said(process: Callable[..., Process]) -> None:
    one, words = process(), {"error": {"message": "x", "code": "context_length_exceeded"}}
    async with serving(says(400, words)) as peer:
        with pytest.raises(PromptTooLong):
            await whole(one.model(one.pool(peer.url, A, B)), ASK)
        assert len(peer.asked) == 1


async def test_an_endpoint_that_names_no_model_fails_the_question_only(process: Callable[..., Process]) -> None:
    one = process()
    async with serving(says(404, {})) as peer:
        with pytest.raises(ModelFailed, match="MODEL_NAME"):
            await whole(one.pool(peer.url, A, name=""), ASK)


@pytest.mark.parametrize("status, kind", [(401, KeyRefused), (403, KeyRefused), (402, KeyUnpaid)])
async def test_a_key_that_may_not_even_ask_for_the_models_is_the_keys_affair(
    process: Callable[..., Process], status: int, kind: type[ModelError]
) -> None:
    one = process()

    def handler(exchange: Exchange) -> None:
        if exchange.headers[b"authorization"].endswith(b"aaaa"):
            exchange.reply(b"{}", status)
        elif exchange.path.endswith("/models"):
            exchange.reply(b'{"data": [{"id": "m"}]}')
        else:
            exchange.reply(msgspec.json.encode(GOOD))

    async with serving(handler) as peer:
        with pytest.raises(kind):
            await one.pool(peer.url, A, name="").start()
        assert await one.pool(peer.url, A, B, name="").start() == "m"
        assert (await whole(one.model(one.pool(peer.url, A, B, name="")), ASK))[0] == "Hi!"
        [alarm] = one.alarms
        assert "…aaaa" in alarm


async def test_a_silent_endpoint_is_given_up_by_its_clock(process: Callable[..., Process]) -> None:
    one = process()
    held: list[Exchange] = []
    async with serving(held.append) as peer:
        with pytest.raises(ModelDown):
            async for _ in one.pool(peer.url, A, clocks=QUICK).stream(ASK, quick=True):
                pass
        assert len(held) == 2
