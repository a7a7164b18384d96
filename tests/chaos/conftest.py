"""The parts of a chaos test: a world, a Redis that keeps everything, and the real bot in any number of processes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.bot import Bot
from tests.support.remote import Remote
from tests.support.valkey import Valkey

Bots = Callable[..., Bot]


@pytest.fixture
def world() -> Iterator[Remote]:
    world = Remote()
    yield world
    world.close()


@pytest.fixture
def bots(world: Remote, durable: Valkey, tmp_path: Path) -> Iterator[Bots]:
    """Makes bots (not started) on this world and this Redis; their logs are read for secrets at the end."""
    made: list[Bot] = []

    def make(**settings: object) -> Bot:
        made.append(Bot(world, str(settings.pop("redis_url", durable.url)), tmp_path, **settings))
        return made[-1]

    yield make
    for bot in made:
        if bot.running:
            bot.kill()
    for bot in made:
        bot.close()
