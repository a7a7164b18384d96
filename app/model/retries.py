"""When an endpoint is asked again, and after how long: the one place with tenacity.

What the endpoint asks for is obeyed: ``retry-after-ms``, else ``Retry-After`` (seconds or a date), else
``x-ratelimit-reset-*``, else full jitter. Only calls of which nobody has seen anything are repeated. A 429 is none of
this: it concerns a key, and app/model/keypool.py takes the next.
"""

from __future__ import annotations

import random
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import TypeVar

from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type

from app.core.clock import Clock
from app.core.errors import ModelCut, ModelError

ATTEMPTS = 6
LOADING_SECONDS = 60.0  # how long a model that says it is loading is waited for
_FIRST_SECONDS = 0.5  # full jitter: up to 0.5, 1, 2, 4, 8
_MOST_SECONDS = 8.0
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_EPOCH = 1e9  # a reset above is a point in time, not a duration
_EPOCH_MS = 1e12

T = TypeVar("T")


class Passing(Exception):
    """A failure that may pass: ``verdict`` is what it is if it does not, ``wait`` what the endpoint asked for.

    ``loading``: the seconds it says it needs to load its model, for which more patience is had.
    """

    def __init__(self, verdict: ModelError, wait: float | None = None, loading: float = 0.0) -> None:
        super().__init__(str(verdict))
        self.verdict = verdict
        self.wait = wait
        self.loading = loading


@dataclass(frozen=True, slots=True)
class Patience:
    """No repetition begins later than ``seconds`` after the first; ``loading``: a model that loads is waited for."""

    seconds: float
    attempts: int = ATTEMPTS
    loading: bool = True


CUT = Patience(15.0, attempts=3)
"""An answer that was cut, and soon: a person waits for it."""


async def persist(attempt: Callable[[], Awaitable[T]], patience: Patience, clock: Clock) -> T:
    """Repeat a call while it fails with ``Passing``; what was wrong last is raised. The first attempt costs nothing."""
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
        loading = patience.loading and _error(state).loading > 0
        allowed = max(patience.seconds, LOADING_SECONDS) if loading else patience.seconds
        spent = clock.monotonic() - started + state.upcoming_sleep
        return state.attempt_number >= patience.attempts or spent > allowed

    retrying = AsyncRetrying(
        sleep=clock.sleep, wait=_wait, stop=stop, retry=retry_if_exception_type(Passing), reraise=True
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


async def uncut(ask: Callable[[], Awaitable[T]], clock: Clock) -> T:
    """Ask again for an answer that was cut, which only who has shown nothing of it may; raises the longest cut."""
    cuts: list[ModelCut] = []

    async def attempt() -> T:
        try:
            return await ask()
        except ModelCut as cut:
            cuts.append(cut)
            raise Passing(cut) from None

    try:
        return await persist(attempt, CUT, clock)
    except ModelCut:
        raise max(cuts, key=lambda cut: len(cut.text)) from None


def _error(state: RetryCallState) -> Passing:
    error = state.outcome.exception() if state.outcome else None
    assert isinstance(error, Passing)
    return error


def asked_wait(headers: Mapping[str, str], now: float) -> float | None:
    """Seconds that the headers of a 429 or 503 ask for; None when they name none. ``now`` is Unix time."""
    if (milliseconds := _number(headers.get("retry-after-ms"))) is not None:
        return milliseconds / 1000
    if after := headers.get("retry-after"):
        seconds = _number(after)
        return seconds if seconds is not None else _until(after, now)
    return _reset(headers, now)


def _until(date: str, now: float) -> float | None:
    try:
        return max(0.0, parsedate_to_datetime(date).timestamp() - now)
    except (TypeError, ValueError):
        return None


def _reset(headers: Mapping[str, str], now: float) -> float | None:
    """The window that is used up; of several the last to reopen, of unknown ones the first."""
    empty: list[float] = []
    others: list[float] = []
    for name in headers:
        kind = name.lower().removeprefix("x-ratelimit-reset")
        if kind == name.lower() or (seconds := _duration(headers[name], now)) is None:
            continue
        left = _number(headers.get(f"x-ratelimit-remaining{kind}"))
        (empty if left is not None and left <= 0 else others).append(seconds)
    return max(empty) if empty else min(others, default=None)


def _duration(text: str, now: float) -> float | None:
    """``1m30s``, ``20ms``, plain seconds, or a Unix time in s or ms."""
    number = _number(text)
    if number is None:
        parts = re.findall(r"(\d+(?:\.\d+)?)(ms|[smhd])", text)
        return sum(float(value) * _UNITS[unit] for value, unit in parts) if parts else None
    if number > _EPOCH_MS:
        return max(0.0, number / 1000 - now)
    return max(0.0, number - now) if number > _EPOCH else number


def _number(text: str | None) -> float | None:
    return float(text) if text and re.fullmatch(r"\s*\d+(\.\d+)?\s*", text, re.ASCII) else None
