"""An answer that is shown while it grows: typing first, then its first words about a second after they came.

The turn only adds what the model says; a task of its own shows it. When the block is left, that task has ended, so no
call of it reaches Telegram after the finished answer.
"""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Self

from app.core.claims import Claim
from app.core.clock import Timer
from app.core.errors import Dead, Stopped, StoreError, TelegramError, TurnOver
from app.core.updates import Address
from app.outbox.display import Display
from app.outbox.post import Post
from app.outbox.signs import AFTER_SECONDS, Typing

FIRST_SECONDS = 1.0  # from the first word on; an answer that is done by then is sent in one piece


class Growing:
    """Collects what the model says and shows it; without a ``display`` only that something is being written.

    ``stopped``: the person asked to stop; then the block was left early, and ``kept`` is the answer.
    """

    __slots__ = (
        *("_cancelled", "_claim", "_closing", "_display", "_interrupted", "_least", "_over", "_post", "_said"),
        *("_task", "_timer", "_turn", "_typing", "stopped"),
    )

    def __init__(self, post: Post, claim: Claim, address: Address, display: Display | None = None) -> None:
        self._post, self._claim, self._display = post, claim, display
        self._typing = Typing(post, claim, address, self._gone)
        self._said: list[str] = []
        self._least = 0
        self._timer: Timer | None = None
        self._task: asyncio.Task[None] | None = None
        self._turn: asyncio.Task[object] | None = None
        self._cancelled = 0
        self._over: TurnOver | None = None
        self._closing = self._interrupted = self.stopped = False

    def add(self, text: str) -> None:
        """The model said more."""
        if self._timer is None and self._display is not None:
            self._timer = self._post.clock.later(FIRST_SECONDS, self._begin)
            self._typing.put_off(FIRST_SECONDS + AFTER_SECONDS)
        self._said.append(text)

    def anew(self) -> None:
        """The model begins again; what stands there stays until the repetition is longer."""
        self._said.clear()
        self._least = len(self._claim.visible)

    @property
    def kept(self) -> str:
        """What is visible; else what was said."""
        return self._claim.visible or "".join(self._said)

    async def __aenter__(self) -> Self:
        self._turn = asyncio.current_task()
        assert self._turn is not None
        self._cancelled = self._turn.cancelling()
        self._claim.on_stop = self._stop
        self._typing.begin()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        self._claim.on_stop = None
        if self._timer:
            self._timer.cancel()
        ours = False
        if self._interrupted:  # as asyncio.timeout does: others may have cancelled the turn as well
            assert self._turn is not None
            ours = self._turn.uncancel() <= self._cancelled and kind is asyncio.CancelledError
        await self._finish()
        if self._over is not None and (ours or kind is None):
            raise self._over
        self.stopped = ours
        return ours

    async def _finish(self) -> None:
        """End what is shown meanwhile; a call that is under way is waited for."""
        self._closing = True
        self._typing.end()
        if self._task and not (self._display and self._display.writing):
            self._task.cancel()
        tasks = [task for task in (self._task, self._typing.task) if task]
        try:
            if tasks:
                await asyncio.wait(tasks)
        except asyncio.CancelledError:
            for task in tasks:
                task.cancel()
            raise

    def _stop(self) -> None:
        """End the model's call once something is visible; where nothing is, the runner ends the turn as a whole."""
        if self._claim.shown:
            self._interrupt()

    def _gone(self, error: TelegramError) -> None:
        self._over = Dead(error.description)
        self._interrupt()

    def _interrupt(self) -> None:
        if not self._interrupted and not self._closing:
            assert self._turn is not None
            self._interrupted = True
            self._turn.cancel()

    def _begin(self) -> None:
        self._task = asyncio.get_running_loop().create_task(self._keep())

    async def _keep(self) -> None:
        assert self._display is not None
        try:
            while not self._display.done:
                wait = await self._look(self._display)
                if self._closing:
                    return
                await self._post.clock.sleep(wait)
        except TurnOver as over:
            self._over = over
            self._interrupt()
        except Exception as error:  # noqa: BLE001  the finished answer is shown all the same, or its turn says why not
            self._post.report("an answer is not shown while it grows", error)

    async def _look(self, display: Display) -> float:
        """Show what was said so far; the seconds until the next look."""
        said = "".join(self._said)
        self._said = [said]
        try:
            wait = await display.show(said if len(said) > self._least else "")
        except StoreError as error:
            self._post.unimportant("an answer could not be shown while it grows", why=type(error).__name__)
            return FIRST_SECONDS
        if self._claim.shown:
            self._typing.end()
        if self._claim.stop:
            if not self._claim.shown:
                raise Stopped
            self._stop()
        return wait
