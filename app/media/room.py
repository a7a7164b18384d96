"""The memory that files may take in this process: who needs more than is free waits, first come first served."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Room:
    """So many bytes."""

    def __init__(self, most_bytes: int) -> None:
        self._most = most_bytes
        self._free = most_bytes
        self._queue: deque[tuple[int, asyncio.Future[None]]] = deque()

    @asynccontextmanager
    async def take(self, size: int) -> AsyncIterator[None]:
        """Hold so many bytes for the block; more than there is in all are all there is."""
        size = min(size, self._most)
        await self._wait(size)
        try:
            yield
        finally:
            self._give(size)

    async def _wait(self, size: int) -> None:
        if not self._queue and size <= self._free:
            self._free -= size
            return
        place = (size, asyncio.get_running_loop().create_future())
        self._queue.append(place)
        try:
            await place[1]
        except asyncio.CancelledError:
            if place in self._queue:
                self._queue.remove(place)
            self._give(0 if place[1].cancelled() else size)  # it may have been given in the same moment
            raise

    def _give(self, size: int) -> None:
        self._free += size
        while self._queue and self._queue[0][0] <= self._free:
            wanted, waiter = self._queue.popleft()
            self._free -= wanted
            if waiter.cancelled():
                self._free += wanted
            else:
                waiter.set_result(None)
