"""getUpdates: who waits, who is thrown out, and how long.

As Telegram's server: only a long poll that finds nothing throws out the older one, and it is the older that gets the
409; further 409s come 3 s late. The same offset within 0.5 s gets one update, a short poll repeated within 3 s waits.
"""

import asyncio
from collections.abc import Callable

from simulator.queue import Queue
from simulator.records import Refusal

LONGEST_WAIT = 50
GATHER_SECONDS = 0.002  # a woken poll waits this long for company
CONFLICT_SECONDS = 3.0
OTHER = "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running"
WEBHOOK = "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first"
WEBHOOK_SET = "Conflict: terminated by setWebhook request"


class Polls:
    """The polling side of one bot; `clock` is monotonic for pauses, `now` the Unix time for expiry."""

    def __init__(self, queue: Queue, now: Callable[[], float], clock: Callable[[], float]) -> None:
        self.queue, self._now, self._clock = queue, now, clock
        self._waiting: asyncio.Future[str] | None = None
        self._gathering = False
        self._offset, self._asked_at, self._next_conflict = 0, -1e9, -1e9
        queue.arrived = self._arrived

    async def get(self, offset: int, limit: int, seconds: int) -> list[bytes]:
        """The updates from `offset` on; waits up to `seconds` for the first."""
        since = self._clock() - self._asked_at
        if offset == self._offset and since < 3:
            seconds = max(seconds, 3)
        if offset == self._offset and since < 0.5:
            limit = 1
        self._offset, self._asked_at = offset, self._clock()
        updates = self.queue.take(offset, limit, self._now())
        if updates or not seconds:
            return updates
        self.abort(OTHER)
        return await self._wait(offset, limit, seconds)

    async def conflict(self, words: str) -> Refusal:
        """The 409 to raise, late when it is not the first."""
        late = self._clock() < self._next_conflict
        if late:
            await asyncio.sleep(CONFLICT_SECONDS)
        else:
            self._next_conflict = self._clock() + CONFLICT_SECONDS
        return Refusal(words, status=409)

    def abort(self, words: str) -> None:
        """Ends the waiting long poll with a conflict."""
        self._wake(words)

    def release(self) -> None:
        """Lets the waiting long poll answer now, with what there is."""
        self._wake("")

    async def _wait(self, offset: int, limit: int, seconds: int) -> list[bytes]:
        mine: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._waiting = mine
        try:
            async with asyncio.timeout(seconds):
                words = await asyncio.shield(mine)
        except TimeoutError:
            words = ""
        finally:
            if self._waiting is mine:
                self._waiting = None
        if words:
            raise await self.conflict(words)
        return self.queue.take(offset, limit, self._now())

    def _arrived(self) -> None:
        if self._waiting is not None and not self._gathering:
            self._gathering = True
            asyncio.get_running_loop().call_later(GATHER_SECONDS, self._gathered)

    def _gathered(self) -> None:
        self._gathering = False
        self._wake("")

    def _wake(self, words: str) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(words)
