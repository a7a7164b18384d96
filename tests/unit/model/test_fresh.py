"""A view of the keys' health that came too late to be fresh is fetched again; nobody spins on it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from app.core.clock import Manual
from app.core.script import Script
from app.model.health import FRESH_SECONDS, Health
from tests.support.wait import turns, until


class Slow:
    """Answers when the test says so."""

    def __init__(self) -> None:
        self.asked: list[asyncio.Future[Any]] = []

    def call(self, script: Script, key: str, args: tuple[Any, ...], *, front: bool = False) -> asyncio.Future[Any]:
        self.asked.append(asyncio.get_running_loop().create_future())
        return self.asked[-1]


@pytest.mark.timeout(5)
async def test_who_asks_in_the_moment_in_which_an_old_view_arrives_gets_a_new_one() -> None:
    store, clock, go = Slow(), Manual(), asyncio.Event()
    health = Health(store, "health", clock)

    async def late() -> None:
        await go.wait()
        await health.refresh()

    waiting = [asyncio.create_task(health.refresh()), asyncio.create_task(late())]
    await until(lambda: store.asked, what="the first look")
    await clock.advance(2 * FRESH_SECONDS)
    store.asked[0].set_result([b"1700000000000"])
    go.set()  # it runs in the same round of the loop as the end of that look
    await turns(3)
    await until(lambda: len(store.asked) == 2, seconds=1, what="a second look")
    store.asked[1].set_result([b"1700000000500"])
    await asyncio.gather(*waiting)
