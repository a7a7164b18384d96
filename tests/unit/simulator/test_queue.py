"""The update queue, as the Bot API server keeps it."""

import asyncio
from dataclasses import dataclass

import msgspec
import pytest

from simulator.polls import Polls
from simulator.queue import Queue
from simulator.records import Refusal
from tests.support.wait import turns

FIRST = 1_800_000_000


@dataclass
class Clock:
    time: float = 100.0

    def __call__(self) -> float:
        return self.time


def push(queue: Queue, count: int = 1, now: float = 0) -> None:
    for _ in range(count):
        queue.push(lambda number: b'{"update_id":%d}' % number, now)


def ids(answer: list[bytes]) -> list[int]:
    return [msgspec.json.decode(raw)["update_id"] - FIRST for raw in answer]


@pytest.fixture
def queue() -> Queue:
    return Queue(42, FIRST, lambda _: None)


def test_receiving_confirms_nothing_and_asking_further_confirms_at_once(queue: Queue) -> None:
    push(queue, 5)
    assert ids(queue.take(0, 2, 0)) == [0, 1]
    assert ids(queue.take(FIRST, 100, 0)) == [0, 1, 2, 3, 4]
    assert ids(queue.take(FIRST + 3, 100, 0)) == [3, 4]
    assert ids(queue.take(FIRST, 100, 0)) == [3, 4]


def test_a_negative_offset_keeps_only_the_newest(queue: Queue) -> None:
    push(queue, 5)
    assert ids(queue.take(-2, 100, 0)) == [3, 4]
    assert ids(queue.take(0, 100, 0)) == [3, 4]


@pytest.mark.parametrize("offset", [FIRST + 16, FIRST - 100_001])
def test_an_offset_far_from_the_queue_confirms_nothing(queue: Queue, offset: int) -> None:
    push(queue, 5)
    assert ids(queue.take(offset, 100, 0)) == [0, 1, 2, 3, 4]


def test_an_update_is_kept_for_a_day(queue: Queue) -> None:
    push(queue, 1, now=0)
    push(queue, 1, now=50_000)
    assert ids(queue.take(0, 100, 86_401)) == [1]


def test_a_full_queue_stores_nothing_more(queue: Queue) -> None:
    push(queue, 100_002)
    assert len(queue.waiting) == 100_000
    assert queue.tail == FIRST + 100_000


def test_a_queue_comes_back_from_its_records(queue: Queue) -> None:
    push(queue, 3)
    queue.take(FIRST + 2, 1, 0)
    again = Queue(42, queue.window.head, lambda _: None)
    again.restore(queue.window)
    for queued in queue.waiting:
        again.restore(queued)
    assert (again.head, again.tail, ids(again.take(0, 9, 0))) == (FIRST + 2, FIRST + 3, [2])


async def test_a_long_poll_is_answered_when_an_update_arrives(queue: Queue) -> None:
    waiting = asyncio.create_task(Polls(queue, Clock(), Clock()).get(0, 100, 50))
    await turns(3)
    push(queue, 2)
    assert ids(await waiting) == [0, 1]


async def test_the_older_of_two_long_polls_gets_the_409(queue: Queue) -> None:
    both = Polls(queue, Clock(), Clock())
    older = asyncio.create_task(both.get(0, 100, 50))
    await turns(3)
    newer = asyncio.create_task(both.get(0, 100, 50))
    with pytest.raises(Refusal, match="terminated by other getUpdates request") as caught:
        await older
    assert caught.value.status == 409
    push(queue)
    assert ids(await newer) == [0]


async def test_two_pollers_that_find_updates_both_get_them(queue: Queue) -> None:
    both = Polls(queue, Clock(), Clock())
    push(queue)
    assert ids(await both.get(0, 100, 50)) == ids(await both.get(0, 100, 50)) == [0]


async def test_a_second_409_comes_late(queue: Queue, monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    monkeypatch.setattr(asyncio, "sleep", sleep)
    poll = Polls(queue, Clock(), Clock())
    assert (await poll.conflict("x")).status == 409
    assert slept == []
    await poll.conflict("x")
    assert slept == [3.0]


async def test_asking_again_at_once_brings_one_update(queue: Queue) -> None:
    clock = Clock()
    poll = Polls(queue, clock, clock)
    push(queue, 3)
    assert ids(await poll.get(0, 100, 0)) == [0, 1, 2]
    clock.time += 0.4
    assert ids(await poll.get(0, 100, 0)) == [0]
    clock.time += 0.6
    assert ids(await poll.get(0, 100, 0)) == [0, 1, 2]
