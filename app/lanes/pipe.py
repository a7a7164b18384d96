"""One pipeline in flight; what is asked meanwhile leaves with the next. Nothing waits on a timer.

A call is sent again, with the same arguments, until Redis has answered it or its caller has gone: every script is
harmless to repeat (docs/lanes.md). What follows a send goes to the front, in the order asked: the time between a
send and its journal entry is the only window in which a crash can show an answer twice.
"""

from __future__ import annotations

import asyncio
import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import NoScriptError

from app.core.clock import Clock
from app.core.errors import StoreDown
from app.core.redis import translate
from app.core.script import Script
from app.lanes.line import Line

BATCH = 256  # calls a pipeline; keeps one round trip short for those that wait behind it
FIRST_DELAY_SECONDS, LAST_DELAY_SECONDS = 0.05, 1.0


@dataclass(slots=True, eq=False)
class Call:
    """One script call and the future of its answer."""

    script: Script
    key: str
    args: tuple[Any, ...]
    answer: asyncio.Future[Any]
    whole: bool = False
    """Send the text, not the digest: the server did not know it."""

    def words(self) -> tuple[Any, ...]:
        head = ("EVAL", self.script.text) if self.whole else ("EVALSHA", self.script.sha)
        return (*head, 1, self.key, *self.args)


@dataclass(slots=True, eq=False)
class Pipe:
    """Sends script calls in batches; ``run`` must be running for anything to be answered."""

    client: Redis
    clock: Clock
    report: Callable[[str], None] = lambda line: None
    """Told when Redis stops answering and when it answers again."""
    refused: Callable[[str], None] = lambda kind: None
    """Counts what Redis did not do."""
    down_since: float | None = None
    """Monotonic seconds since when nothing was answered; None while all is well."""
    _front: deque[Call] = field(default_factory=deque)
    _back: deque[Call] = field(default_factory=deque)
    _wanted: asyncio.Event = field(default_factory=asyncio.Event)
    _delay: float = 0.0
    _line: Line = field(init=False)

    def __post_init__(self) -> None:
        self._line = Line(self.client)

    def call(self, script: Script, key: str, args: tuple[Any, ...], *, front: bool = False) -> asyncio.Future[Any]:
        """Ask; the future fails with a StoreError when a person or the caller has to act."""
        call = Call(script, key, args, asyncio.get_running_loop().create_future())
        (self._front if front else self._back).append(call)
        self._wanted.set()
        return call.answer

    async def run(self) -> None:
        """Send what is asked, for as long as the process lives."""
        while True:
            await self._wanted.wait()
            batch = self._batch()
            if not batch:
                self._wanted.clear()
                continue
            try:
                answers = await self._exchange(batch)
            except Exception as error:  # noqa: BLE001  whatever it was, whoever asked must hear of it
                if not isinstance(translate(error), StoreDown):
                    self._refuse(batch, error)
                    continue
                self._again(batch)
                await self._pause(error)
            else:
                again = self._settle(batch, answers)
                if again:
                    refusal = next(answer for answer in answers if isinstance(answer, Exception))
                    self._again(again)
                    await self._pause(refusal)
                else:
                    self._recovered()

    def _batch(self) -> list[Call]:
        batch: list[Call] = []
        for waiting in (self._front, self._back):
            while waiting and len(batch) < BATCH:
                call = waiting.popleft()
                if not call.answer.done():  # whoever asked may have gone meanwhile
                    batch.append(call)
        return batch

    async def _exchange(self, batch: list[Call]) -> list[Any]:
        answers = await self._line.exchange(call.words() for call in batch)
        unknown = [i for i, answer in enumerate(answers) if isinstance(answer, NoScriptError)]
        if unknown:
            for i in unknown:
                batch[i].whole = True
            for i, answer in zip(unknown, await self._exchange([batch[i] for i in unknown]), strict=True):
                answers[i] = answer
                batch[i].whole = False
        return answers

    def _settle(self, batch: list[Call], answers: list[Any]) -> list[Call]:
        again = []
        for call, answer in zip(batch, answers, strict=True):
            if call.answer.done():
                continue
            if not isinstance(answer, Exception):
                call.answer.set_result(answer)
            elif isinstance(translate(answer), StoreDown):
                again.append(call)
            else:
                call.answer.set_exception(translate(answer))
        return again

    def _refuse(self, batch: list[Call], error: Exception) -> None:
        for call in batch:
            if not call.answer.done():
                call.answer.set_exception(translate(error))

    def _again(self, batch: list[Call]) -> None:
        """What was not answered keeps its place before all that came later."""
        self._front.extendleft(reversed(batch))
        self._wanted.set()

    async def _pause(self, error: Exception) -> None:
        self.refused("down")
        if self.down_since is None:
            self.down_since = self.clock.monotonic()
            self.report(f"Redis does not answer ({translate(error)}); nothing is confirmed or sent until it does")
        self._delay = min(LAST_DELAY_SECONDS, self._delay * 2 or FIRST_DELAY_SECONDS)
        await self.clock.sleep(self._delay * random.uniform(0.5, 1.0))

    def _recovered(self) -> None:
        self._delay = 0.0
        if self.down_since is not None:
            seconds = self.clock.monotonic() - self.down_since
            self.down_since = None
            self.report(f"Redis answers again after {seconds:.1f} s")
