"""When an endpoint is asked again, and after how long: the one place with tenacity.

What the endpoint asks for (asked.py) is obeyed, else full jitter. Only calls of which nobody has seen anything are
repeated. A 429 is none of this: it concerns a key, and app/model/keypool.py takes the next.
"""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import Enum
from typing import TypeVar

from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type

from app.core.clock import Clock
from app.core.errors import ModelCut, ModelError, ModelExhausted, PromptTooLong, QuotaSpent

ATTEMPTS = 6
LOADING_SECONDS = 60.0  # how long a model that says it is loading is waited for
_FIRST_SECONDS = 0.5  # full jitter: up to 0.5, 1, 2, 4, 8
_MOST_SECONDS = 8.0

T = TypeVar("T")


class Fate(Enum):
    """What became of a request that failed."""

    UNSENT = 0
    """There was no connection."""
    REFUSED = 1
    """It was answered with an error."""
    UNKNOWN = 2
    """The model may have worked on it."""


class Passing(Exception):
    """A failure that may pass: ``verdict`` is what it is if it does not, ``wait`` what the endpoint asked for.

    ``loading``: so that it can load its model, for which more patience is had.
    """

    def __init__(
        self, verdict: ModelError, wait: float | None = None, *, loading: bool = False, fate: Fate = Fate.UNKNOWN
    ) -> None:
        super().__init__(str(verdict))
        self.verdict = verdict
        self.wait = wait
        self.loading = loading
        self.fate = fate


@dataclass(frozen=True, slots=True)
class Patience:
    """No repetition begins later than ``seconds`` after the first; ``loading``: a model that loads is waited for."""

    seconds: float
    attempts: int = ATTEMPTS
    loading: bool = True


CUT = Patience(15.0, attempts=3)
"""An answer that was cut, and soon: a person waits for it."""


async def persist(
    attempt: Callable[[], Awaitable[T]],
    patience: Patience,
    clock: Clock,
    on_loading: Callable[[float], Awaitable[None]] | None = None,
) -> T:
    """Repeat a call while it fails with ``Passing``; what was wrong last is raised. The first attempt costs nothing.

    ``on_loading`` is told how long a model that loads is waited for, before each wait. One that needs longer than there
    is patience for is not waited for at all.
    """
    started = clock.monotonic()
    try:
        return await attempt()
    except Passing as error:
        pending = [error]

    async def again() -> T:
        if pending:
            raise pending.pop()
        return await attempt()

    def stop(state: RetryCallState) -> bool:
        loading = patience.loading and _error(state).loading
        allowed = max(patience.seconds, LOADING_SECONDS) if loading else patience.seconds
        spent = clock.monotonic() - started + state.upcoming_sleep
        return state.attempt_number >= patience.attempts or spent > allowed

    async def tell(state: RetryCallState) -> None:
        if on_loading is not None and _error(state).loading:
            await on_loading(state.upcoming_sleep)

    retrying = AsyncRetrying(
        sleep=clock.sleep,
        wait=_wait,
        stop=stop,
        retry=retry_if_exception_type(Passing),
        before_sleep=tell,
        reraise=True,
    )
    try:
        return await retrying(again)
    except Passing as error:
        raise error.verdict from None


def _wait(state: RetryCallState) -> float:
    error = _error(state)
    if error.wait is not None:
        return error.wait
    return random.uniform(0, min(_MOST_SECONDS, _FIRST_SECONDS * 2 ** (state.attempt_number - 1)))


async def uncut(ask: Callable[[], Awaitable[T]], clock: Clock, shown: Callable[[], bool] = lambda: False) -> T:
    """Ask again for an answer that was cut; raises the longest cut, also when nobody can answer then.

    But not where there is another way to a whole answer (a wait, a shorter question): that goes up, unless somebody
    reads the broken one already (``shown``).
    """
    cuts: list[ModelCut] = []

    async def attempt() -> T:
        try:
            return await ask()
        except ModelCut as cut:
            cuts.append(cut)
            raise Passing(cut) from None

    try:
        return await persist(attempt, CUT, clock)
    except (ModelError, QuotaSpent) as error:
        longest = max(cuts, key=lambda cut: len(cut.text), default=ModelCut())
        other = isinstance(error, ModelExhausted | PromptTooLong) and not shown()
        if other or not longest.text.strip():
            raise
        raise longest from None


def _error(state: RetryCallState) -> Passing:
    error = state.outcome.exception() if state.outcome else None
    assert isinstance(error, Passing)
    return error
