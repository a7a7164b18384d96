"""One running bot for each file of the guide, and people to talk with it. In its settings: what a newcomer may skip."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
import pytest_asyncio

from simulator.client import Someone
from tests.support.demo import Demo

People = Callable[[int], Awaitable[Someone]]

UNHURRIED = {"pace_chat_per_second": 0, "pace_group_per_minute": 0}
"""Telegram lets a bot send one message a second to a chat; these tests need not wait for that."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def bot(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Demo]:
    """The bot. A file of the guide may set `SETTINGS`."""
    folder: Path = tmp_path_factory.mktemp("guide")
    bot = Demo(folder, **UNHURRIED, **getattr(request.module, "SETTINGS", {}))
    try:
        yield await bot.start()
    finally:
        bot.close()


@pytest.fixture
async def meet(bot: Demo) -> AsyncIterator[People]:
    """`await meet(ADA)`: that person, with the chat page open."""
    async with AsyncExitStack() as visits:

        async def one(person: int) -> Someone:
            return await visits.enter_async_context(bot.someone(person))

        yield one
