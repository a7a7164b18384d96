"""Tests that run once on asyncio's own loop and once on uvloop, where sockets and TLS are other code."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
import uvloop

from tests.support.wait import until

SECONDS = 30
_LOOPS: dict[str, Callable[[], asyncio.AbstractEventLoop]] = {
    "asyncio": asyncio.SelectorEventLoop,
    "uvloop": uvloop.new_event_loop,
}


def both(test: Callable[..., Coroutine[Any, Any, None]]) -> Any:
    """Makes of an ``async def`` test one for each loop; it fails, too, when a task or an unheard error is left."""

    @pytest.mark.parametrize("loop", _LOOPS)
    def run(loop: str, **arguments: Any) -> None:
        unheard: list[dict[str, Any]] = []

        async def scenario() -> None:
            asyncio.get_running_loop().set_exception_handler(lambda _, context: unheard.append(context))
            before = asyncio.all_tasks()
            async with asyncio.timeout(SECONDS):
                await test(**arguments)
            await until(lambda: asyncio.all_tasks() <= before, seconds=2, what="the end of every task")

        with asyncio.Runner(loop_factory=_LOOPS[loop]) as runner:
            runner.run(scenario())
        assert not unheard, unheard

    wanted = inspect.signature(test).parameters.values()
    own = inspect.Parameter("loop", inspect.Parameter.KEYWORD_ONLY)
    run.__signature__ = inspect.Signature([*wanted, own])
    run.__name__, run.__doc__, run.__module__ = test.__name__, test.__doc__, test.__module__
    return run
