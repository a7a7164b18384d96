"""When a model is asked again, and after how long: the one place with tenacity.

What the endpoint asks for is obeyed: ``retry-after-ms``, else ``Retry-After`` (seconds or a date), else
``x-ratelimit-reset-*``, else full jitter. Only calls of which nobody has seen anything are repeated.
"""

from __future__ import annotations

import random
import re
from collections.abc import Awaitable, Callable, Mapping
from email.utils import parsedate_to_datetime
from typing import TypeVar

from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type

from app.core.clock import Clock
from app.core.errors import ModelError

ATTEMPTS = 6
_FIRST_SECONDS = 0.5  # full jitter: up to 0.5, 1, 2, 4, 8
_MOST_SECONDS = 8.0
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_EPOCH = 1e9  # a reset above is a point in time, not a duration
_EPOCH_MS = 1e12

T = TypeVar("T")


class Passing(Exception):
    """A failure that may pass: ``verdict`` is what it is if it does not, ``wait`` what the endpoint asked for."""

    def __init__(self, verdict: ModelError, wait: float | None = None, patience: float = 0.0) -> None:
        super().__init__(str(verdict))
        self.verdict = verdict
        self.wait = wait
        self.patience = patience


async def persist(
    attempt: Callable[[], Awaitable[T]], first: Passing, started: float, patience: float, clock: Clock
) -> T:
    """Repeat a call whose first attempt failed with ``first``.

    No attempt begins later than ``patience`` seconds (or what the failure grants) after ``started`` (monotonic);
    what was wrong last is raised then.
    """
    pending = [first]

    async def again() -> T:
        if pending:
            raise pending.pop()
        return await attempt()

    def wait(state: RetryCallState) -> float:
        error = _error(state)
        if error.wait is not None:
            return error.wait
        return random.uniform(0, min(_MOST_SECONDS, _FIRST_SECONDS * 2 ** (state.attempt_number - 1)))

    def stop(state: RetryCallState) -> bool:
        allowed = max(patience, _error(state).patience)
        spent = clock.monotonic() - started + state.upcoming_sleep
        return state.attempt_number >= ATTEMPTS or spent > allowed

    retrying = AsyncRetrying(
        sleep=clock.sleep, wait=wait, stop=stop, retry=retry_if_exception_type(Passing), reraise=True
    )
    try:
        return await retrying(again)
    except Passing as error:
        raise error.verdict from None


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
