"""The sign that an answer is being written: a timer, and a task only once it fires."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import TracebackType

from app.core.claims import Claim
from app.core.clock import Timer
from app.core.errors import Flooded, StoreError, TelegramError
from app.core.updates import Address
from app.outbox.post import Post, gone

AFTER_SECONDS, EVERY_SECONDS = 0.7, 4.5  # Telegram shows it for five seconds


class Typing:
    """Shows typing, for the block, if it takes longer than 0.7 s; `end` ends it earlier.

    ``on_gone`` is told when the chat turns out to be gone: whatever is still being made is for nobody.
    """

    __slots__ = ("_address", "_claim", "_on_gone", "_post", "task", "_timer")

    def __init__(
        self, post: Post, claim: Claim, address: Address, on_gone: Callable[[TelegramError], None] | None = None
    ) -> None:
        self._post, self._claim, self._address, self._on_gone = post, claim, address, on_gone
        self.task: asyncio.Task[None] | None = None
        self._timer: Timer | None = None

    async def __aenter__(self) -> None:
        self.begin()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()
        if self.task:
            await asyncio.wait([self.task])

    def begin(self) -> None:
        """From now on."""
        self._timer = self._post.clock.later(AFTER_SECONDS, self._start)

    def put_off(self, seconds: float) -> None:
        """No first sign before these seconds are over: by then there will be something to read."""
        if self._timer and self.task is None:
            self._timer.cancel()
            self._timer = self._post.clock.later(seconds, self._start)

    def end(self) -> None:
        """No sign is begun any more."""
        self._on_gone = None  # whose it is also holds us: a cycle for each answer would wait for the collector
        if self._timer:
            self._timer.cancel()
        if self.task:
            self.task.cancel()

    def _start(self) -> None:
        self.task = asyncio.get_running_loop().create_task(self._keep())

    async def _keep(self) -> None:
        while True:
            try:
                await show(self._post, self._claim, self._address)
            except (TelegramError, StoreError) as error:
                self._post.unimportant("typing could not be shown", why=type(error).__name__)
                if isinstance(error, TelegramError) and gone(error) and self._on_gone:
                    return self._on_gone(error)
            await self._post.clock.sleep(EVERY_SECONDS)


async def show(post: Post, claim: Claim, address: Address) -> None:
    """Show typing once, if the chat's pace has room for it beside an answer."""
    mark = await post.spare(claim, address)
    if mark is not None and mark.kind == "grant":
        try:
            await post.sender.typing(address)
        except Flooded as flood:
            await post.cool(claim, address, flood)
