"""Heartbeats and hints outlive whatever Redis or a stranger says."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Coroutine
from typing import Any

import pytest
from redis.asyncio import Redis

from app.core import keys
from app.core.clock import Manual
from app.core.errors import StoreBroken, StoreDown, StoreError, StoreFull
from app.lanes.hints import AGAIN_SECONDS, Hints
from app.lanes.presence import BEAT_SECONDS, Presence
from tests.support.wait import turns, until


class Lanes:
    """A store that may refuse its next calls."""

    shards = 1

    def __init__(self, *errors: StoreError) -> None:
        self.errors = list(errors)
        self.beats: list[int] = []
        self.birth = "born"

    async def presence(self, seconds: int) -> int:
        if self.errors:
            raise self.errors.pop(0)
        self.beats.append(seconds)
        return 1

    async def setup(self, birth: str) -> tuple[int, int, str]:
        if self.errors:
            raise self.errors.pop(0)
        return 1, keys.FORMAT, self.birth


@contextlib.asynccontextmanager
async def looping(loop: Coroutine[Any, Any, None]) -> AsyncIterator[asyncio.Task[None]]:
    task = asyncio.get_running_loop().create_task(loop)
    try:
        yield task
        assert not task.done()
    finally:
        task.cancel()
        await asyncio.wait([task])


@pytest.mark.parametrize("error", [StoreFull("OOM"), StoreBroken("NOPERM"), StoreDown("gone")])
async def test_a_heartbeat_that_is_refused_does_not_end_the_process(error: StoreError) -> None:
    clock, lanes, alarms = Manual(), Lanes(), list[str]()
    presence: Presence = Presence(lanes, clock, lambda alone: None, alarms.append)  # type: ignore[arg-type]
    await presence.begin()
    lanes.errors = [error, error]
    async with looping(presence.run()) as task:
        for _ in range(3):
            await clock.advance(BEAT_SECONDS)
        await until(lambda: lanes.beats)
        assert not task.done()
    assert len(alarms) == 2


async def test_a_store_that_is_another_is_said_once() -> None:
    clock, lanes, alarms = Manual(), Lanes(), list[str]()
    presence: Presence = Presence(lanes, clock, lambda alone: None, alarms.append)  # type: ignore[arg-type]
    await presence.begin()
    lanes.birth = "another"
    async with looping(presence.run()):
        for _ in range(4):
            await clock.advance(BEAT_SECONDS)
    assert len(alarms) == 1


WAKE, SIGNALS = keys.wake(1), keys.signals(1)


@pytest.mark.parametrize(
    "channel, junk",
    [
        (WAKE, "x"),
        (WAKE, "1 two 3"),
        (WAKE, b"\xff\xfe"),
        (WAKE, "9" * 5000),
        (SIGNALS, b"\xff stop 7"),
        (SIGNALS, "stop"),
        (SIGNALS, "stop 7 8 9"),
        (SIGNALS, ""),
    ],
)
async def test_a_malformed_hint_does_not_end_the_listener(
    channel: str, junk: str | bytes, redis: Redis, valkey: str
) -> None:
    clock, woken, signals = Manual(), list[int](), list[tuple[str, ...]]()
    async with Redis(unix_socket_path=valkey, protocol=2) as own:
        hints = Hints(own, 1, clock, woken.append, lambda *words: signals.append(words))
        async with looping(hints.run()) as task:

            async def heard(name: str, text: str, seen: list[Any]) -> None:
                async def said() -> bool:
                    await redis.publish(name, text)
                    await clock.advance(AGAIN_SECONDS)
                    return bool(seen)

                await until(said)

            await heard(WAKE, "5", woken)
            await redis.publish(channel, junk)
            await turns(20)
            woken.clear()
            await heard(WAKE, "6", woken)
            await heard(SIGNALS, "stop 7 1-w", signals)
            assert not task.done()
    assert set(woken) <= {5, 6}
    assert set(signals) == {("7", "stop", "1-w")}
