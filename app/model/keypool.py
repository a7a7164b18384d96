"""One endpoint with its keys: the first that may be used is asked, so the primary as soon as it has returned.

A 429 is never repeated on its key; the next one is asked at once. When none is left this raises ModelExhausted,
KeyRefused or KeyUnpaid, and leaves it to failover.py to wait or to go elsewhere.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from dataclasses import replace

from app.core.clock import Clock
from app.core.errors import (
    KeyRefused,
    KeyUnpaid,
    ModelBusy,
    ModelCut,
    ModelDown,
    ModelError,
    ModelFailed,
    ModelRefused,
    SettingsError,
)
from app.core.exchange import Clocks, Gate
from app.core.kinds import Key
from app.model import health as after
from app.model.answer import Answer
from app.model.base import Chunk, Prompt, Usage
from app.model.costs import Ledger, Taken
from app.model.health import Health
from app.model.keyring import BUSY, REFUSED, UNPAID, Keyring, KeyRow
from app.model.openai import PATIENCE_SECONDS, Endpoint
from app.model.retries import Passing, Patience, persist

PATIENCE = Patience(PATIENCE_SECONDS)
QUICK = Patience(2.0, attempts=2, loading=False)  # somebody else can answer
_RESULTS: dict[type[Exception], str] = {ModelBusy: BUSY, KeyRefused: REFUSED, KeyUnpaid: UNPAID}

Count = Callable[[str, str, str], None]
"""Told how a request with a key ended: the key's label, the endpoint's host, ok busy refused unpaid or failed."""

SOONER = ", or as soon as the keys are read again (SIGHUP or a restart)."


class Withheld(Exception):
    """Between choice and request the key was penalised or taken away."""


class KeyPool:
    """One endpoint with its keys; a Model."""

    def __init__(
        self,
        endpoint: Endpoint,
        keys: Sequence[Key],
        health: Health,
        ledger: Ledger,
        clock: Clock,
        *,
        alarm: Callable[[str], None] = lambda text: None,
        report: Callable[[str], None] = lambda line: None,
        count: Count = lambda label, host, result: None,
        patience: Patience = PATIENCE,
    ) -> None:
        self.endpoint = endpoint
        self.ring = Keyring(endpoint, keys, health, ledger, clock, report)
        self._health = health
        self._clock = clock
        self._alarm = alarm
        self._count = count
        self._patience = patience

    def __repr__(self) -> str:
        return f"<KeyPool {len(self.ring.slots)} keys of {self.endpoint!r}>"

    async def stream(
        self, prompt: Prompt, *, deadline: float | None = None, quick: bool = False
    ) -> AsyncGenerator[Chunk, None]:
        """Answer chunk by chunk. ``deadline`` (monotonic) is for the first word; ``quick``: others can answer too."""
        if prompt.images:
            self.endpoint.see(prompt)
        taken, answer = await self._opened(prompt, deadline, quick=quick)
        used: Usage | None = None
        text: list[str] = []
        try:
            await self.ring.well(taken)
            chunk: Chunk | None = answer if isinstance(answer, Chunk) else answer.first
            while chunk is not None:
                if taken.rid:
                    used = chunk.usage or used
                    text.append(chunk.text)
                yield chunk
                chunk = await answer.next() if isinstance(answer, Answer) else None
        except ModelCut as cut:  # what it says of the key holds for whoever asks next
            if isinstance(cut.why, ModelBusy | KeyRefused | KeyUnpaid):
                await self._penalise(taken, cut.why)
            raise
        finally:
            if isinstance(answer, Answer):
                await answer.aclose()
            await self.ring.costs.settle(taken, used, "".join(text))

    async def start(self) -> str:
        """Find the model's name with the first key that the endpoint accepts."""
        *rest, last = self.ring.slots
        for slot in rest:
            try:
                return await self.endpoint.start(slot.access)
            except (SettingsError, ModelRefused):
                continue
        return await self.endpoint.start(last.access)

    def report(self) -> list[KeyRow]:
        """How each key is, as of the last view."""
        return self.ring.report()

    async def _opened(self, prompt: Prompt, deadline: float | None, *, quick: bool) -> tuple[Taken, Chunk | Answer]:
        """The answer from its first word on; what passes is repeated, each time on the key that is then the first."""
        loaded = False

        async def attempt() -> tuple[Taken, Chunk | Answer]:
            return await self._attempt(prompt, self._clocks(None if loaded else deadline), alone=not quick)

        async def loading(seconds: float) -> None:
            nonlocal loaded
            loaded = True
            if prompt.on_loading is not None:
                await prompt.on_loading(seconds)

        try:
            return await persist(attempt, QUICK if quick else self._patience, self._clock, loading)
        except SettingsError as error:
            raise ModelFailed(str(error)) from None

    def _clocks(self, deadline: float | None) -> Clocks | None:
        """None: the endpoint's own; shorter ones when the first word must be here earlier."""
        clocks = self.endpoint.clocks
        if deadline is None:
            return None
        left = deadline - self._clock.monotonic()
        if left <= 0:
            raise ModelDown(f"{self.endpoint.host}: no answer in time")
        return None if left >= clocks.first else replace(clocks, connect=min(clocks.connect, left), first=left)

    async def _attempt(self, prompt: Prompt, clocks: Clocks | None, *, alone: bool) -> tuple[Taken, Chunk | Answer]:
        """Ask the first usable key; when that key is refused, the next, each at most once."""
        tried: set[str] = set()
        while True:
            taken = await self.ring.take(prompt, tried, alone=alone)
            try:
                answer = await self.endpoint.ask(taken.prompt, taken.slot.access, clocks, self._gate(taken))
            except BaseException as error:
                await self.ring.costs.fail(taken, error)
                if isinstance(error, Withheld):
                    continue
                if isinstance(error, ModelError | Passing):
                    self._ended(taken, _RESULTS.get(type(error), "failed"))
                if not isinstance(error, ModelBusy | KeyRefused | KeyUnpaid):
                    raise
                tried.add(taken.slot.scope)
                await self._penalise(taken, error)
            else:
                self._ended(taken, "ok")
                return taken, answer

    def _ended(self, taken: Taken, result: str) -> None:
        self._count(taken.slot.access.label, self.endpoint.host, result)

    def _gate(self, taken: Taken) -> Gate:
        """Asked when a request is about to be written: is the key still there, and still free?"""
        ring, health, told = self.ring, self._health, taken.prompt.on_asked

        def check() -> None:
            if not ring.allows(taken):
                raise Withheld
            taken.written = True
            if told is not None:
                told()

        async def look() -> None:
            if taken.written and not await ring.costs.renew(taken):
                raise Withheld
            if not health.fresh:
                await health.refresh()
            check()

        def gate() -> Awaitable[None] | None:
            if taken.written or not health.fresh:
                return look()
            check()
            return None

        return gate

    async def _penalise(self, taken: Taken, error: ModelBusy | KeyRefused | KeyUnpaid) -> None:
        """Tell all processes; what a person must heal is told to the operators by the process that learned it first."""
        cool, access, host = self.ring.cool, taken.slot.access, self.endpoint.host
        which = f"Access to {host} without a key" if access.keyless else f"The key {access.shown} of {host}"
        if isinstance(error, ModelBusy):
            await cool(taken, BUSY, error.retry_after, after.BUSY)
        elif isinstance(error, KeyUnpaid):
            if await cool(taken, UNPAID, 0.0, after.UNPAID):
                again = f"it is tried again in an hour, then more rarely{SOONER}"
                self._alarm(f"{which} has no money left ({error}): {again}")
        elif await cool(taken, REFUSED, after.REFUSED_SECONDS, after.BUSY):
            self._alarm(f"{which} is refused ({error}): it is tried again in a day{SOONER}")
