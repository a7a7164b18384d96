"""A bot's waiting updates, as the Bot API server's TQueue keeps them.

What surprises: asking with an offset forgets everything below it before anything is answered; an offset far from the
queue is answered from the queue's head and forgets nothing; a negative offset keeps only that many of the newest.
"""

from collections import deque
from collections.abc import Callable

import msgspec

from simulator.records import Queued, Record, Window

MOST_WAITING = 100_000  # beyond, the server does not store new updates
ANSWER_BYTES = 1 << 22  # of one answer
KEPT_SECONDS = 86_400


class Queue:
    """The updates of one bot; every change is also given to `journal`."""

    def __init__(self, bot: int, first: int, journal: Callable[[Record], None]) -> None:
        self.bot, self.head, self.tail = bot, first, first
        self.waiting: deque[Queued] = deque()
        self.arrived: Callable[[], None] = lambda: None
        self._journal = journal

    def push(self, make: Callable[[int], bytes], now: float) -> None:
        """Adds one update; `make` gets its id. A full queue stores nothing, as Telegram's."""
        if len(self.waiting) >= MOST_WAITING:
            return
        queued = Queued(self.bot, self.tail, int(now) + KEPT_SECONDS, msgspec.Raw(make(self.tail)))
        self.restore(queued)
        self._journal(queued)
        self.arrived()

    def take(self, offset: int, limit: int, now: float) -> list[bytes]:
        """Forgets what `offset` confirms and shows up to `limit` of the rest, oldest first."""
        if offset < 0 and len(self.waiting) > -offset:
            self.forget(self.waiting[offset].id)
        if offset > 0 and self.head - MOST_WAITING <= offset <= self.tail + 10:
            self.forget(offset)
        while self.waiting and self.waiting[0].expires < now:
            self.forget(self.waiting[0].id + 1)
        shown: list[bytes] = []
        left = ANSWER_BYTES
        for queued in self.waiting:
            left -= 50 + len(bytes(queued.raw))
            if len(shown) == limit or left <= 0:
                break
            shown.append(bytes(queued.raw))
        return shown

    def forget(self, below: int) -> None:
        """Confirms every update with an id under `below`."""
        before = self.head
        self._move(below)
        if self.head != before:
            self._journal(self.window)

    def clear(self) -> None:
        """Drops all that waits."""
        self.forget(self.tail)

    @property
    def window(self) -> Window:
        """What to remember of the queue besides the waiting updates."""
        return Window(self.bot, self.head, self.tail)

    def restore(self, record: Queued | Window) -> None:
        """Applies a record of the journal."""
        if isinstance(record, Queued):
            self.waiting.append(record)
            self.tail = max(self.tail, record.id + 1)
            return
        self.tail = max(self.tail, record.tail)
        self._move(record.head)

    def _move(self, below: int) -> None:
        while self.waiting and self.waiting[0].id < below:
            self.waiting.popleft()
        self.head = max(self.head, min(below, self.tail))
