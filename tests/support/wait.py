"""How tests wait: for a condition, never for a time. The only place under tests/ that may sleep."""

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar, overload

T = TypeVar("T")

_LOOK_AGAIN_SECONDS = 0.005


@overload
async def until(predicate: Callable[[], Awaitable[T]], seconds: float = ..., what: str = ...) -> T: ...
@overload
async def until(predicate: Callable[[], T], seconds: float = ..., what: str = ...) -> T: ...
async def until(predicate: Callable[[], T | Awaitable[T]], seconds: float = 20, what: str = "") -> T:
    """Return the first true value of `predicate` (plain or async); AssertionError after `seconds`."""
    end = time.monotonic() + seconds
    while True:
        value = predicate()
        result: T = await value if inspect.isawaitable(value) else value
        if result:
            return result
        if time.monotonic() >= end:
            what = what or inspect.getsource(predicate).strip()
            raise AssertionError(f"waited {seconds} s for {what}, got {result!r}")
        await asyncio.sleep(_LOOK_AGAIN_SECONDS)


async def turns(count: int = 1) -> None:
    """Let other tasks of the loop run `count` times."""
    for _ in range(count):
        await asyncio.sleep(0)


async def takes(seconds: float) -> None:
    """The slowness of a fake (a model that thinks for 0.2 s); never a way to wait for something."""
    await asyncio.sleep(seconds)
