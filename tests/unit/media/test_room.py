"""Room for files: never more than there is, first come first served, given back whatever happens."""

from __future__ import annotations

import asyncio

from app.media.room import Room
from tests.support.wait import turns


async def hold(room: Room, size: int, log: list[int], leave: asyncio.Event) -> None:
    async with room.take(size):
        log.append(size)
        await leave.wait()


async def test_who_comes_first_is_served_first_also_by_those_who_need_less() -> None:
    room, log, leaves = Room(100), list[int](), [asyncio.Event() for _ in range(3)]
    tasks = [
        asyncio.create_task(hold(room, size, log, leave)) for size, leave in zip((60, 70, 10), leaves, strict=True)
    ]
    await turns(3)
    assert log == [60]
    leaves[0].set()
    await turns(3)
    assert log == [60, 70, 10]
    for leave in leaves:
        leave.set()
    await asyncio.gather(*tasks)
    assert room._free == 100


async def test_more_than_there_is_waits_for_all_of_it() -> None:
    room = Room(100)
    async with room.take(1000):
        assert room._free == 0
    assert room._free == 100


async def test_who_gives_up_leaves_no_trace() -> None:
    room, log, leave = Room(100), list[int](), asyncio.Event()
    tasks = [asyncio.create_task(hold(room, size, log, leave)) for size in (80, 90, 20)]
    await turns(3)
    tasks[1].cancel()
    await turns(3)
    assert log == [80, 20]
    leave.set()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert room._free == 100


async def test_who_is_cancelled_in_the_moment_of_being_served_gives_it_back() -> None:
    room, log, leave = Room(100), list[int](), asyncio.Event()
    first = asyncio.create_task(hold(room, 80, log, leave))
    second = asyncio.create_task(hold(room, 90, log, asyncio.Event()))
    await turns(3)
    leave.set()
    while not first.done():
        await turns(1)
    second.cancel()
    await asyncio.gather(first, second, return_exceptions=True)
    assert room._free == 100
    assert not room._queue
