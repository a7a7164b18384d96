"""An alarm is told once in an hour for all processes, and counts as told only when an operator has heard it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest
from redis.asyncio import Redis
from redis.exceptions import RedisError

from app.core.clock import Manual
from app.core.errors import Forbidden, TelegramError, Unsent
from app.core.updates import Address
from app.ops.alarm import AGAIN_SECONDS, PAUSES_SECONDS, Alarm
from tests.support.wait import turns, until

TEXT = "The key …ab12 is refused."


class Sender:
    """Fails for those who are given an error."""

    def __init__(self) -> None:
        self.errors: dict[int, TelegramError] = {}
        self.tried: list[int] = []
        self.told: list[tuple[int, str]] = []

    async def send(self, address: Address, text: str) -> int:
        self.tried.append(address.chat)
        if (error := self.errors.get(address.chat)) is not None:
            raise error
        self.told.append((address.chat, text))
        return 1


class Away:
    """A Redis that does not answer."""

    async def set(self, *args: object, **more: object) -> None:
        raise RedisError("away")


class World:
    """Processes with the same operators."""

    def __init__(self, redis: Redis, operators: tuple[int, ...] = (1, 2)) -> None:
        self.redis, self.operators = redis, operators
        self.clock, self.sender = Manual(), Sender()
        self.tasks: list[asyncio.Task[None]] = []

    def process(self) -> Alarm:
        alarm = Alarm(self.redis, 7, self.sender, self.operators, self.clock)
        self.tasks.append(asyncio.create_task(alarm.run()))
        return alarm

    async def rest(self, alarm: Alarm, *, waits: int = 0) -> None:
        """Until nothing is under way but waits."""
        await until(lambda: alarm._raised.empty() and len(alarm._telling) == self.clock.sleeping == waits, what="rest")

    async def mark(self) -> int:
        """For how long it counts as told."""
        marks = await self.redis.keys("*alarm*")
        return int(await self.redis.ttl(marks[0])) if marks else 0


@pytest.fixture
async def world(redis: Redis) -> AsyncIterator[Callable[..., World]]:
    made: list[World] = []

    def make(*operators: int) -> World:
        made.append(World(redis, operators))
        return made[-1]

    yield make
    for one in made:
        for task in one.tasks:
            task.cancel()
        await asyncio.gather(*one.tasks, return_exceptions=True)


async def test_each_operator_is_told_once_for_all_processes(world: Callable[..., World]) -> None:
    here = world(1, 2)
    one, two = here.process(), here.process()
    for alarm in (one, two, one):
        alarm(TEXT)
        await here.rest(alarm)
    assert here.sender.told == [(1, TEXT), (2, TEXT)]
    assert await here.mark() > AGAIN_SECONDS - 10


async def test_one_who_cannot_be_reached_keeps_it_from_nobody(world: Callable[..., World]) -> None:
    here = world(1, 2)
    here.sender.errors[1] = Forbidden("blocked")
    alarm = here.process()
    alarm(TEXT)
    await here.rest(alarm)
    assert here.sender.told == [(2, TEXT)]
    assert await here.mark() > AGAIN_SECONDS - 10


async def test_while_nobody_can_be_reached_it_is_tried_again_and_then_told(world: Callable[..., World]) -> None:
    here = world(1)
    here.sender.errors[1] = Unsent("no connection")
    alarm, other = here.process(), here.process()
    alarm(TEXT)
    await here.rest(alarm, waits=1)
    for each in (alarm, other, alarm):
        each(TEXT)
        await turns()
    assert here.sender.tried == [1], "no storm, whoever raises it"
    assert 0 < await here.mark() < AGAIN_SECONDS / 2, "it is not told"
    here.sender.errors.clear()
    await here.clock.advance(PAUSES_SECONDS[1])
    await here.rest(alarm)
    assert here.sender.told == [(1, TEXT)]
    assert await here.mark() > AGAIN_SECONDS - 10


async def test_it_is_given_up_after_some_tries_and_begins_anew_when_it_is_raised_next(
    world: Callable[..., World], redis: Redis
) -> None:
    here = world(1)
    here.sender.errors[1] = Unsent("no connection")
    alarm = here.process()
    alarm(TEXT)
    for pause in PAUSES_SECONDS[1:]:
        await here.rest(alarm, waits=1)
        await here.clock.advance(pause)
    await here.rest(alarm)
    assert len(here.sender.tried) == len(PAUSES_SECONDS)
    await redis.delete(*await redis.keys("*alarm*"))  # which it does by itself soon: its time is Redis's
    here.sender.errors.clear()
    alarm(TEXT)
    await here.rest(alarm)
    assert here.sender.told == [(1, TEXT)]


async def test_one_that_cannot_be_told_delays_no_other(world: Callable[..., World]) -> None:
    here = world(1)
    alarm = here.process()
    here.sender.errors[1] = Unsent("no connection")
    alarm(TEXT)
    await here.rest(alarm, waits=1)
    here.sender.errors.clear()
    alarm("Another.")
    await here.rest(alarm, waits=1)
    assert here.sender.told == [(1, "Another.")]


async def test_without_operators_it_stands_in_the_log_alone_and_once(world: Callable[..., World]) -> None:
    here = world()
    alarm = here.process()
    alarm(TEXT)
    await here.rest(alarm)
    assert await here.mark() > AGAIN_SECONDS - 10


async def test_without_redis_it_is_rather_told_twice_than_never(world: Callable[..., World]) -> None:
    here = world(1)
    here.redis = Away()  # type: ignore[assignment]
    alarm = here.process()
    alarm(TEXT)
    await here.rest(alarm)
    assert here.sender.told == [(1, TEXT)]
