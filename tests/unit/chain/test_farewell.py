"""The farewell: whatever the store says, the turns are drained, in the written order and in time."""

from __future__ import annotations

import asyncio
import time
from typing import Any, cast

import pytest

from app.chain.bot import RESERVE_SECONDS, Bot
from app.core.errors import StoreBroken, StoreDown, StoreFull


class Parts:
    """Polling, runner and presence of a bot: each notes its end, or fails or hangs in it."""

    def __init__(self, failure: Exception | None = None, *, hang: bool = False) -> None:
        self.failure, self.hang = failure, hang
        self.order: list[str] = []
        self.seconds = 0.0
        self.turns: list[object] = []

    async def stop(self) -> None:
        await self._note("polling")

    async def end(self) -> None:
        await self._note("presence")

    async def drain(self, seconds: float, hurry: asyncio.Event) -> None:
        self.order.append("drain")
        self.seconds = seconds

    async def _note(self, name: str) -> None:
        self.order.append(name)
        if self.failure:
            raise self.failure
        if self.hang:
            await asyncio.Event().wait()


def bot(parts: Any) -> Bot:
    none = cast(Any, None)
    return Bot(none, parts, none, parts, none, parts, none, none, none, frozenset())


@pytest.mark.parametrize("failure", [None, StoreFull("OOM"), StoreBroken("NOPERM"), StoreDown("gone")])
async def test_a_store_that_refuses_does_not_skip_the_drain(failure: Exception | None) -> None:
    parts = Parts(failure)
    await bot(parts).farewell(25, asyncio.Event())
    assert parts.order == ["polling", "drain", "presence"]
    assert parts.seconds == 25 - RESERVE_SECONDS


async def test_a_store_that_is_away_costs_the_farewell_less_than_its_reserve() -> None:
    parts = Parts(hang=True)
    began = time.monotonic()
    await bot(parts).farewell(25, asyncio.Event())
    assert parts.order == ["polling", "drain", "presence"]
    assert time.monotonic() - began < RESERVE_SECONDS
