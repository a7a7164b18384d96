"""Logs: structlog for us, and the libraries' stdlib logging led through it. No line leaves with a secret in it.

Redaction works on the finished line, so that it also covers exceptions, field names and what a library composed.
`logging` itself filters by level before anything is built; there are no context variables on the hot path.
"""

from __future__ import annotations

import json
import logging
import re
import sys
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Any, TextIO
from urllib.parse import quote

import msgspec
import structlog

HIDDEN = "[hidden]"
SHORT = 8  # a secret shorter than this is hidden only where it stands as a word: "k1" is in too many others
ANYBODYS = r"(?<![0-9])[0-9]{6,}(?::|%3[Aa])[A-Za-z0-9_-]{30,}"  # any bot's token, also one that is not ours
PATH = r"(?<=/bot)[0-9]+(?::|%3[Aa])[^/\s\"'\\]+"  # in an address, whatever its length
USERINFO = r"(?<=://)[^/\s\"'@]*:[^/\s\"'@]+(?=@)"

LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40}
LIBRARIES_FROM = logging.WARNING


class Redactor:
    """Takes secrets out of a text."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._forms: set[str] = set()
        self.learn(secrets)

    def learn(self, secrets: Iterable[str]) -> None:
        """Hide these too from now on."""
        self._forms |= {form for secret in secrets for form in _forms(secret.strip())}
        literal = [_pattern(form) for form in sorted(self._forms, key=len, reverse=True)]
        self._regex = re.compile("|".join([*literal, PATH, ANYBODYS, USERINFO]))

    def __call__(self, text: str) -> str:
        return self._regex.sub(HIDDEN, text)


def _forms(secret: str) -> Iterable[str]:
    """A secret as it may appear: plain, percent-encoded, inside JSON or repr(); of a token also its secret half."""
    parts = [secret]
    if re.fullmatch(r"[0-9]+:\S{8,}", secret):
        parts.append(secret.partition(":")[2])
    for part in filter(None, parts):
        yield from (part, quote(part, safe=""), quote(part), repr(part)[1:-1])
        yield from (json.dumps(part)[1:-1], msgspec.json.encode(part).decode()[1:-1])


def _pattern(form: str) -> str:
    text = re.escape(form)
    return text if len(form) >= SHORT else rf"(?<![A-Za-z0-9]){text}(?![A-Za-z0-9])"


class Stream:
    """Where finished lines go. A reader that went away (a closed pipe) costs the lines, never the turn."""

    def __init__(self, out: TextIO, redact: Redactor) -> None:
        self._out = out
        self._redact = redact
        self.lost = 0

    def msg(self, line: str) -> None:
        try:
            self._out.write(self._redact(line) + "\n")
            self._out.flush()
        except (OSError, ValueError):
            self.lost += 1

    debug = info = warning = error = critical = exception = log = msg


class Bridge(logging.Handler):
    """Hands records of libraries to structlog, with the same level."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            fields = {"exc_info": record.exc_info} if record.exc_info else {}
            level = max((n for n in LEVELS.values() if n <= record.levelno), default=10)
            structlog.get_logger().log(level, record.getMessage(), logger=record.name, **fields)
        except Exception:  # noqa: BLE001  logging's own way: a bad record must not hurt who logged it
            self.handleError(record)


def configure(
    form: str = "auto",
    level: str = "info",
    secrets: Iterable[str] = (),
    *,
    out: TextIO | None = None,
    cache: bool = True,
) -> Redactor:
    """Set up all logging of the process, once and early; ``form`` and ``level`` as LOG_FORMAT and LOG_LEVEL.

    ``cache`` fixes loggers at their first use (faster); a test that configures again must pass False.
    """
    out = sys.stderr if out is None else out
    people = form == "console" or (form == "auto" and out.isatty())
    number = LEVELS[level.lower()]
    redactor = Redactor(secrets)
    stream = Stream(out, redactor)
    structlog.configure(
        processors=_processors(people=people, colors=out.isatty()),
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=lambda *_: stream,
        cache_logger_on_first_use=cache,
    )
    root = logging.getLogger()
    root.handlers[:] = [Bridge()]
    root.setLevel(max(LIBRARIES_FROM, number))
    logging.captureWarnings(capture=True)
    sys.excepthook = _crashed
    return redactor


def _processors(*, people: bool, colors: bool) -> list[Callable[..., Any]]:
    stamp = structlog.processors.TimeStamper(fmt="%H:%M:%S" if people else "iso", utc=not people)
    first: list[Callable[..., Any]] = [structlog.processors.add_log_level, stamp]
    if people:
        plain = structlog.dev.plain_traceback
        return [*first, structlog.dev.ConsoleRenderer(colors=colors, exception_formatter=plain, pad_event_to=0)]
    return [*first, structlog.processors.format_exc_info, _json]


def _json(_logger: object, _method: str, event: dict[str, Any]) -> str:
    first = {"timestamp": event.pop("timestamp", ""), "level": event.pop("level", ""), "event": event.pop("event", "")}
    # bytes would become base64, in which no secret can be found
    rest = {name: repr(value) if isinstance(value, bytes) else value for name, value in event.items()}
    return msgspec.json.encode({**first, **rest}, enc_hook=repr).decode()


def _crashed(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """The last words of a process are redacted too."""
    if issubclass(kind, KeyboardInterrupt):
        return
    structlog.get_logger().critical("crashed", exc_info=(kind, error, trace))
