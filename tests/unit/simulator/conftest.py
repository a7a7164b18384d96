"""A first-run world in memory, with a clock that only the test moves, and every record it wrote."""

from dataclasses import dataclass

import msgspec
import pytest

from simulator import seed
from simulator.records import Record
from simulator.world import World

TOKEN = "42:secret"
START = 1_800_000_000.0
DECODER: msgspec.json.Decoder[Record] = msgspec.json.Decoder(Record)


@dataclass
class Clock:
    time: float = START

    def __call__(self) -> float:
        return self.time


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def journal() -> list[bytes]:
    return []


@pytest.fixture
def world(clock: Clock, journal: list[bytes]) -> World:
    world = World(42, clock)
    world.journal = lambda record: journal.append(msgspec.json.encode(record))
    seed.first_run(world)
    seed.bot(world, TOKEN)
    seed.join(world, 42)
    return world
