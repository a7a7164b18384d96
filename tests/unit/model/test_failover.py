"""The preferred endpoint is asked while it is well, the next when it is not, and a person always hears in time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from dataclasses import replace
from typing import Any

import pytest
from redis.asyncio import Redis

from app.core import keys
from app.core.clock import Manual
from app.core.errors import (
    KeyRefused,
    KeyUnpaid,
    ModelBusy,
    ModelCut,
    ModelDown,
    ModelError,
    ModelExhausted,
    ModelFailed,
    ModelRefused,
    PromptTooLong,
)
from app.model.base import Chunk, Prompt, whole
from app.model.failover import Failover
from app.model.health import Health
from app.model.keypool import KeyPool
from app.model.retries import Passing
from tests.support.clocked import Clocked
from tests.support.wait import until
from tests.unit.model.provider import ASK, Books, Broken, Provider, keys_of

K = "sk-of-this-test"
L = "sk-another-of-it"
DOWN = Passing(ModelDown("down"), 0.0)
FROM = {name: Chunk(name, "stop") for name in ("first", "second", "third")}


class World:
    """Some endpoints, and processes that all know them."""

    def __init__(self, store: Clocked, clock: Manual) -> None:
        self.store, self.clock = store, clock
        self.first, self.second, self.third = (
            Provider(clock, name, f"http://{name}.test/v1") for name in ("first", "second", "third")
        )
        for provider in (self.first, self.second, self.third):
            self.well(provider)

    def well(self, provider: Provider) -> None:
        provider.answers = dict.fromkeys((K, L), FROM[provider.name])

    def process(self, *providers: Provider, secrets: tuple[str, ...] = (K,)) -> Failover:
        health = Health(self.store, keys.health(1), self.clock)
        given = keys_of(*secrets)
        pools = [KeyPool(p, given, health, Books(), self.clock) for p in providers or (self.first, self.second)]  # type: ignore[arg-type]
        return Failover(pools, health, self.clock)

    async def ask(self, model: Failover, prompt: Prompt | None = None) -> str:
        """Ask, moving the clock on whenever all wait for it."""
        task = asyncio.create_task(whole(model, prompt or replace(ASK, broke=set())))
        while not task.done():
            await until(lambda: task.done() or self.clock.sleeping, what="an answer or a wait")
            if not task.done():
                await self.clock.advance(0.05)
        return task.result()[0]

    async def fails(self, kind: type[ModelError], model: Failover) -> Any:
        with pytest.raises(kind) as caught:
            await self.ask(model)
        return caught.value


def breaks(provider: Provider, cut: ModelCut, *secrets: str) -> None:
    """Let it break off with this after its first words."""
    for secret in secrets or (K, L):
        provider.answers[secret] = Broken(cut)


@pytest.fixture
def world(redis: Redis) -> World:
    clock = Manual()
    return World(Clocked(redis, clock), clock)


async def test_while_the_first_is_well_nobody_else_is_asked(world: World) -> None:
    model = world.process()
    for _ in range(10):
        assert await world.ask(model) == "first"
    assert not world.second.asked
    assert set(world.store.asked) == {"health"}


async def test_when_the_first_fails_the_next_answers_after_one_quick_repetition(world: World) -> None:
    world.first.answers[K] = DOWN
    assert await world.ask(world.process()) == "second"
    assert len(world.first.asked) == 2
    assert world.clock.monotonic() < 2


async def test_an_ill_endpoint_is_left_alone_by_all_and_preferred_again_after_one_probe(world: World) -> None:
    one, two = world.process(), world.process()
    world.first.answers[K] = DOWN
    for model in (one, two, one):
        await world.ask(model)
    assert one.report()[0].state == "ill"
    asked = len(world.first.asked)
    await world.clock.advance(0.3)
    assert await world.ask(two) == "second"
    assert len(world.first.asked) == asked
    await world.clock.advance(5)
    assert [await world.ask(model) for model in (two, one)] == ["second", "second"]
    assert len(world.first.asked) == asked + 2, "one request of one process, with its repetition"
    world.well(world.first)
    await world.clock.advance(10)
    assert await world.ask(one) == "first"
    await world.clock.advance(0.3)
    assert await world.ask(two) == "first"


async def test_an_ill_fallback_is_tried_again_also_while_the_first_is_only_at_its_limits(world: World) -> None:
    one, two = (world.process(world.first, world.second, world.third) for _ in range(2))
    world.first.answers[K], world.second.answers[K] = ModelBusy(300), DOWN
    for _ in range(3):
        assert await world.ask(one) == "third"
    assert [row.state for row in one.report()] == ["exhausted", "ill", "ready"]
    world.well(world.second)
    await world.clock.advance(6)
    asked = len(world.second.asked)
    assert await world.ask(one) == "second", "one request tries it"
    assert len(world.second.asked) == asked + 1
    await world.clock.advance(0.3)
    assert await world.ask(two) == "second", "and it is back for everybody"
    assert world.store.asked["health_probe"] == 1


async def test_one_request_tries_one_ill_endpoint_and_none_while_a_better_one_can_answer(world: World) -> None:
    model = world.process(world.first, world.second, world.third)
    world.first.answers[K] = world.second.answers[K] = DOWN
    for _ in range(3):
        assert await world.ask(model) == "third"
    await world.clock.advance(6)
    asked = len(world.second.asked)
    world.well(world.first)
    assert await world.ask(model) == "first"
    assert world.store.asked["health_probe"] == 1
    for _ in range(3):
        await world.clock.advance(0.3)
        assert await world.ask(model) == "first"
    assert len(world.second.asked) == asked
    assert world.store.asked["health_probe"] == 1


async def test_while_a_probe_is_under_way_the_others_are_answered_elsewhere(world: World) -> None:
    one, two = world.process(), world.process()
    world.first.answers[K] = DOWN
    for _ in range(3):
        await world.ask(one)
    world.well(world.first)
    await world.clock.advance(6)
    room = asyncio.Event()

    async def wait(secret: str) -> None:
        await room.wait()

    asked = len(world.second.asked)
    world.first.pause = wait
    probe = asyncio.create_task(whole(one, ASK))
    await until(lambda: world.store.asked["health_probe"], what="the probe")
    assert [await world.ask(two) for _ in range(5)] == ["second"] * 5
    assert len(world.second.asked) == asked + 5
    room.set()
    assert (await probe)[0] == "first"


async def test_when_its_keys_are_at_their_limits_the_next_endpoint_answers_at_once(world: World) -> None:
    world.first.answers = {K: ModelBusy(1), L: ModelBusy(50)}
    model = world.process(secrets=(K, L))
    assert await world.ask(model) == "second"
    assert world.clock.monotonic() == 0
    world.well(world.first)
    await world.clock.advance(1.01)
    assert await world.ask(model) == "first"
    assert model.report()[0].state == "ready"


@pytest.mark.parametrize("error", [KeyRefused(401), ModelRefused(404), ModelFailed("x"), ModelRefused(400)])
async def test_whatever_the_first_refuses_the_next_may_answer(world: World, error: ModelError) -> None:
    world.first.answers[K] = error
    assert await world.ask(world.process()) == "second"


async def test_a_refused_question_makes_no_endpoint_ill(world: World) -> None:
    model = world.process()
    world.first.answers[K] = ModelRefused(400)
    for _ in range(5):
        await world.ask(model)
    world.well(world.first)
    assert await world.ask(model) == "first"


async def test_a_conversation_that_does_not_fit_is_told_and_not_sent_to_others(world: World) -> None:
    world.first.answers[K] = PromptTooLong(400)
    await world.fails(PromptTooLong, world.process())
    assert not world.second.asked


async def test_when_all_are_at_their_limits_the_first_return_of_all_is_named(world: World) -> None:
    world.first.answers[K], world.second.answers[K] = ModelBusy(300), ModelBusy(20)
    model = world.process()
    error = await world.fails(ModelExhausted, model)
    assert error.until == pytest.approx(world.clock.now() + 20, abs=0.01)
    assert [row.state for row in model.report()] == ["exhausted", "exhausted"]
    assert world.clock.monotonic() == 0


async def test_a_key_that_returns_in_a_moment_is_waited_for_in_place(world: World) -> None:
    world.first.answers[K] = lambda *_: FROM["first"] if world.clock.monotonic() >= 1.5 else ModelBusy(1.5)
    assert await world.ask(world.process(world.first)) == "first"
    assert 1.5 <= world.clock.monotonic() < 1.6


async def test_nobody_waits_in_place_again_and_again(world: World) -> None:
    world.first.answers[K] = ModelBusy(0.2)
    await world.fails(ModelExhausted, world.process(world.first))
    assert world.clock.monotonic() <= 2.1
    assert len(world.first.asked) <= 12


async def test_a_limit_without_a_time_is_waited_out_in_place(world: World) -> None:
    world.first.answers[K] = lambda *_: FROM["first"] if len(world.first.asked) > 1 else ModelBusy()
    assert await world.ask(world.process(world.first)) == "first"
    assert [round(at) for at, _ in world.first.asked] == [0, 1]


async def test_when_all_are_ill_they_are_asked_all_the_same(world: World) -> None:
    model = world.process()
    world.first.answers[K] = world.second.answers[K] = DOWN
    for _ in range(4):
        await world.fails(ModelDown, model)
    assert {row.state for row in model.report()} == {"ill"}
    world.well(world.second)
    assert await world.ask(model) == "second"
    await world.clock.advance(0.3)
    assert await world.ask(model) == "second"
    assert model.report()[1].state == "ready", "it is well again for everybody"


async def test_a_single_endpoint_is_never_left_alone(world: World) -> None:
    model = world.process(world.first)
    world.first.answers[K] = DOWN
    for _ in range(4):
        await world.fails(ModelDown, model)
    world.well(world.first)
    assert await world.ask(model) == "first"


async def test_silent_endpoints_are_given_up_within_30_seconds(world: World) -> None:
    def silent(_: str, clocks: Any) -> Passing:
        world.clock._passed += clocks.first if clocks else 25
        return Passing(ModelDown("no answer in time"), 0.0)

    for provider in (world.first, world.second, world.third):
        provider.answers = {K: silent}
    await world.fails(ModelDown, world.process(world.first, world.second, world.third))
    assert world.clock.monotonic() <= 30
    assert all(provider.asked for provider in (world.first, world.second, world.third))


async def test_one_silent_endpoint_leaves_time_for_the_next(world: World) -> None:
    def silent(_: str, clocks: Any) -> Passing:
        world.clock._passed += clocks.first
        return Passing(ModelDown("no answer in time"))

    world.first.answers[K] = silent
    assert await world.ask(world.process()) == "second"
    assert 15 <= world.clock.monotonic() <= 22


async def test_an_answer_that_has_begun_is_never_begun_again_elsewhere(world: World) -> None:
    async def cut(prompt: Any, **_: Any) -> AsyncGenerator[Chunk, None]:
        yield Chunk("Hel")
        raise ModelCut("Hel")

    model = world.process()
    model._pools[0].stream = cut  # type: ignore[method-assign]
    chunks = model.stream(replace(ASK, broke=set()))
    assert await anext(chunks) == Chunk("Hel")
    with pytest.raises(ModelCut):
        await anext(chunks)
    assert not world.second.asked


@pytest.mark.parametrize("why", [None, ModelFailed("boom"), ModelDown("503"), ModelRefused(400)])
async def test_who_asks_again_for_a_broken_answer_is_answered_by_the_next(world: World, why: ModelError | None) -> None:
    model, prompt = world.process(), replace(ASK, broke=set())
    breaks(world.first, ModelCut("Hel", why))
    with pytest.raises(ModelCut):
        await world.ask(model, prompt)
    assert await world.ask(model, prompt) == "second"
    assert len(world.first.asked) == 1
    world.well(world.first)
    assert await world.ask(model) == "first", "once is no illness"


async def test_an_endpoint_that_always_breaks_off_is_ill_until_it_has_answered_to_the_end(world: World) -> None:
    model = world.process()
    breaks(world.first, ModelCut("Hel", ModelFailed("boom")))
    for _ in range(3):
        await world.fails(ModelCut, model)
    assert model.report()[0].state == "ill"
    assert await world.ask(model) == "second"
    await world.clock.advance(6)
    await world.fails(ModelCut, model)
    await world.clock.advance(0.3)
    assert await world.ask(model) == "second", "its first words did not heal it"


async def test_where_all_break_off_each_is_asked_and_the_preferred_one_again(world: World) -> None:
    model, prompt = world.process(), replace(ASK, broke=set())
    for provider in (world.first, world.second):
        breaks(provider, ModelCut("Hel"))
    for _ in range(3):
        with pytest.raises(ModelCut):
            await world.ask(model, prompt)
    assert (len(world.first.asked), len(world.second.asked)) == (2, 1)


@pytest.mark.parametrize("why", [ModelBusy(300), KeyRefused(401), KeyUnpaid(402)])
async def test_a_key_that_is_refused_in_the_middle_is_left_alone_and_the_next_key_asked(
    world: World, why: ModelError
) -> None:
    model, prompt = world.process(secrets=(K, L)), replace(ASK, broke=set())
    breaks(world.first, ModelCut("Hel", why), K)
    with pytest.raises(ModelCut):
        await world.ask(model, prompt)
    assert await world.ask(model, prompt) == "first"
    assert world.first.secrets == [K, L]
    assert [key.state for key in model.report()[0].keys][1] == "ready"
    assert model.report()[0].keys[0].state != "ready"


async def test_a_probe_that_dies_with_its_process_does_not_lock_the_endpoint_out(world: World) -> None:
    one, two = world.process(), world.process()
    world.first.answers[K] = DOWN
    for _ in range(3):
        await world.ask(one)
    world.well(world.first)
    await world.clock.advance(6)
    room = asyncio.Event()

    async def wait(secret: str) -> None:
        await room.wait()

    world.first.pause = wait
    probe = asyncio.create_task(whole(one, ASK))
    await until(lambda: world.store.asked["health_probe"], what="the probe")
    probe.cancel()
    world.first.pause = None
    assert await world.ask(two) == "second"
    await world.clock.advance(36)
    assert await world.ask(two) == "first"


def test_a_report_names_hosts_models_and_labels(world: World) -> None:
    rows: Callable[[], Any] = world.process().report
    assert [(row.host, row.model, row.state) for row in rows()] == [
        ("first.test", "first", "ready"),
        ("second.test", "second", "ready"),
    ]
    assert K not in repr(rows())
