"""Runs the loops of a process side by side; the first that ends badly ends the process, loudly."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True, eq=False)
class Service:
    """Loops that live as long as the process, and a written order of stopping them."""

    stop: asyncio.Event = field(default_factory=asyncio.Event)
    """Set by the first SIGTERM or SIGINT."""
    hurry: asyncio.Event = field(default_factory=asyncio.Event)
    """Set by the second: nothing is waited for."""
    running: bool = False
    """The loops run, so that a stop needs a farewell."""

    def listen(self) -> None:
        """Take SIGTERM and SIGINT as a wish to stop."""
        loop = asyncio.get_running_loop()
        for name in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(name, self.ask)

    def ask(self) -> None:
        """Ask for a stop; asked twice, for one at once."""
        (self.hurry if self.stop.is_set() else self.stop).set()

    async def run(self, loops: list[Coroutine[Any, Any, Any]], farewell: Callable[[], Awaitable[None]]) -> None:
        """Run ``loops`` until a stop is asked for, then ``farewell``, with the loops still there to serve it."""
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(loop) for loop in loops]
            self.running = True
            await self.stop.wait()
            await farewell()
            for task in tasks:
                task.cancel()
