"""How long an endpoint asks to be left alone: ``retry-after-ms``, else ``Retry-After``, else ``x-ratelimit-reset-*``.

Seconds, durations (`1m30s`), dates and Unix times are understood. No provider's window is longer than a month, so what
asks for more than ``MOST_SECONDS`` is a mistake and names no time: else one header would silence a key for years.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime

MOST_SECONDS = 31 * 86_400.0
AGREED_SECONDS = 1.25  # by so much may our clock be ahead of a Date of the same one: it was cut, and on its way
_UNITS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}
_PART = r"(\d+(?:\.\d+)?) ?(ns|us|µs|ms|[smhd])"
_UNIX = ((1e17, 1e-9), (1e14, 1e-6), (1e11, 1e-3), (1e9, 1.0))
"""Above this a number is a point in time, in units of so many seconds."""
_RESET, _REMAINING = "x-ratelimit-reset", "x-ratelimit-remaining"


def asked_wait(headers: Mapping[str, str], now: float) -> float | None:
    """Seconds that the headers of a 429 or 503 ask for; None when they name none. ``now`` is Unix time."""
    given = {name.lower(): text.strip() for name, text in headers.items()}
    now = _its_now(given.get("date", ""), now)
    milliseconds = _number(given.get("retry-after-ms", ""))
    wait = _believed(milliseconds / 1000) if milliseconds is not None else None
    if wait is None:
        wait = _seconds(given.get("retry-after", ""), now)
    return _reset(given, now) if wait is None else wait


def _its_now(date: str, now: float) -> float:
    """The endpoint's time, of which its points in time are; ours, to the fraction, while both may be the same."""
    if (ahead := _away(date, now)) is None or -AGREED_SECONDS <= ahead <= 0:
        return now
    return now + ahead  # its Date is cut to whole seconds, so it is asked too late rather than too early


def _reset(given: Mapping[str, str], now: float) -> float | None:
    """The window that is used up; of several the last to reopen, of unknown ones the first that is not open yet."""
    empty: list[float] = []
    others: list[float] = []
    for name, text in given.items():
        if not name.startswith(_RESET) or (seconds := _seconds(text, now)) is None:
            continue
        left = _number(given.get(_REMAINING + name.removeprefix(_RESET), ""))
        (empty if left == 0 else others).append(seconds)
    return max(empty, default=0.0) or min(filter(None, others), default=0.0 if empty or others else None)


def _seconds(text: str, now: float) -> float | None:
    """A duration, a number of seconds, or how far a point in time is away; None for what is none of these."""
    if (number := _number(text)) is not None:
        unit = next((unit for least, unit in _UNIX if number >= least), None)
        return _believed(number if unit is None else number * unit - now)
    if re.fullmatch(f"(?:{_PART} ?)+", text, re.ASCII | re.IGNORECASE):
        parts = re.findall(_PART, text.lower(), re.ASCII)
        return _believed(sum(float(amount) * _UNITS[unit] for amount, unit in parts))
    away = _away(text, now)
    return None if away is None else _believed(away)


def _away(date: str, now: float) -> float | None:
    """Seconds from now to an HTTP date; negative when it is over, None for what is none."""
    try:
        found = parsedate_to_datetime(date)
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp() - now
    except (TypeError, ValueError, IndexError, OverflowError):
        return None


def _believed(seconds: float) -> float | None:
    """Time that is over is 0, but only if it was lately."""
    return max(0.0, seconds) if -MOST_SECONDS <= seconds <= MOST_SECONDS else None


def _number(text: str) -> float | None:
    return float(text) if re.fullmatch(r"\d+(\.\d+)?", text, re.ASCII) else None
