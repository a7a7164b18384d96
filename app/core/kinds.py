"""Kinds of setting values: how a text becomes a value, and what to ask of a person who wrote another.

Every kind carries a `Need`, the words between "CONCURRENCY=abc: " and " is needed".
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr

from app.core.allowance import Limit, limits
from app.core.tongue import LANGUAGES

STORES = ("redis", "rediss", "unix", "redis+sentinel")

_BETWEEN = re.compile(r"[\s,]+")
_SEMICOLON = re.compile(r"[^\S\r\n]*;[^\S\r\n]*")  # a new line begins another key
_COMMENT = re.compile(r"(?:^|(?<=\s))#[^\r\n]*")
_QUOTES = "\"'`"
_LIMIT = re.compile(r"[0-9]+[rt]/", re.IGNORECASE)
_BARE = re.compile(r"[0-9]+[a-z]*/", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Need:
    """What a value must be, in words; one that is ``secret``, or may hold a secret, is never shown when it is bad."""

    words: str
    secret: bool = False


class Unfit(ValueError):
    """Why a value cannot be used, in words that show nothing of it."""


def _split(value: object) -> object:
    return [part for part in _BETWEEN.split(value) if part] if isinstance(value, str) else value


def _lower(value: object) -> object:
    return value.lower() if isinstance(value, str) else value


def _spoken(value: str) -> str:
    if value not in LANGUAGES:
        raise ValueError("language")
    return value


def _token(value: SecretStr) -> SecretStr:
    if not re.fullmatch(r"[0-9]+:\S+", value.get_secret_value()):
        raise ValueError("shape")
    return value


def _header(value: SecretStr) -> SecretStr:
    if not re.fullmatch(r"[!-~]+", value.get_secret_value()):
        raise ValueError("characters")
    return value


def _http(value: str) -> str:
    try:
        parts = urlsplit(value)
        port = parts.port
    except ValueError:
        raise Unfit("its port or its brackets are wrong") from None
    if parts.scheme not in {"http", "https"}:
        raise Unfit("it does not begin with http:// or https://")
    if not parts.hostname or port == 0 or re.search(r"\s", value):
        raise Unfit("it names no host that can be reached")
    if parts.query or parts.fragment:
        raise Unfit("it has a ? or a #")
    return value.rstrip("/").removesuffix("/chat/completions")


@dataclass(frozen=True, slots=True)
class Key:
    """A key of an endpoint with limits of its own: `sk-a;300r/h;900r/mo`."""

    secret: SecretStr
    limits: tuple[Limit, ...] = ()


def key(text: str) -> Key:
    """Read one; raises Unfit. The secret is a header field: visible ASCII without comma, semicolon and quotes."""
    secret, _, rest = _unquoted(text).partition(";")
    secret = _unquoted(secret)
    if secret.lower().rstrip(":=") in ("bearer", "authorization"):
        raise Unfit(f"is the word {secret.rstrip(':=').capitalize()}: write the key without it")
    if any(quote in secret for quote in _QUOTES):
        raise Unfit("has a quotation mark")
    if secret.startswith("#"):
        raise Unfit("begins with #, and a comment begins a line or follows a blank")
    if _LIMIT.match(text):
        raise Unfit("looks like a limit, and a limit follows its key with a semicolon (sk-a;300r/hour)")
    if not re.fullmatch(r"[!-+\--:<-~]+", secret):
        raise Unfit("is empty, or has a character that no key has")
    return Key(SecretStr(secret), _own(rest))


def keys(text: str, *, bare: bool = False) -> tuple[Key, ...]:
    """Read several, with commas, blanks or new lines between them; raises Unfit.

    Blanks around a semicolon are nothing, nor are quotation marks around a key or all of them; what follows a # at the
    beginning of a line or behind a blank is a comment. ``bare``: all may be given by their limits alone.
    """
    given = _unquoted(_COMMENT.sub("", _unquoted(text.strip())).strip())
    parts = [part for part in map(_unquoted, _BETWEEN.split(_SEMICOLON.sub(";", given))) if part]
    if text.strip() and not parts:
        raise Unfit("there is no key in it")
    unnamed = bare and all(_BARE.match(part) for part in parts)
    found = []
    for number, part in enumerate(parts, 1):
        try:
            found.append(Key(SecretStr(""), _own(part)) if unnamed else key(part))
        except Unfit as error:
            raise Unfit(f"key {number} {error}") from None
    return tuple(found)


def _unquoted(text: str) -> str:
    """Without a pair of quotation marks around all of it."""
    inner = text[1:-1]
    return inner if len(text) > 1 and text[0] in _QUOTES and text[0] == text[-1] and text[0] not in inner else text


def _own(text: str) -> tuple[Limit, ...]:
    try:
        return limits(text, ";")
    except ValueError:
        raise Unfit("has a limit that cannot be read (300r/hour is one)") from None


def _keys(value: object) -> object:
    return keys(value) if isinstance(value, str) else value


@dataclass(frozen=True, slots=True)
class Fallback:
    """Another endpoint or model; ``base_url`` "" is the first one's, and then no ``keys`` are its keys too."""

    base_url: str = ""
    name: str = ""
    keys: tuple[Key, ...] = ()


def _fallbacks(value: object) -> object:
    """Read MODEL_FALLBACKS; raises Unfit."""
    if not isinstance(value, str):
        return value
    try:
        entries = json.loads(value, strict=False)
    except json.JSONDecodeError as error:
        raise Unfit(f"not JSON: line {error.lineno} column {error.colno}") from None
    except (ValueError, RecursionError):
        raise Unfit("not JSON") from None
    if not isinstance(entries, list):
        raise Unfit("not a list")
    found = []
    for number, entry in enumerate(entries, 1):
        try:
            found.append(_fallback(entry))
        except Unfit as error:
            raise Unfit(f"entry {number}: {error}") from None
    return tuple(found)


def _fallback(entry: object) -> Fallback:
    if not isinstance(entry, dict):
        raise Unfit("not an object in braces")
    if not entry.keys() <= {"base_url", "name", "keys"}:
        raise Unfit("has a field other than base_url, name and keys")
    for field, value in entry.items():
        if not isinstance(value, str):
            raise Unfit(f"{field} is not a text in quotes")
    url, name = (str(entry.get(field, "")).strip() for field in ("base_url", "name"))
    if not (url or name):
        raise Unfit("needs base_url or name")
    try:
        base = _http(url) if url else ""
    except Unfit as error:
        raise Unfit(f"base_url: {error}") from None
    return Fallback(base, name, keys(str(entry.get("keys", ""))))


def _limits(value: object) -> object:
    return limits(value) if isinstance(value, str) else value


def _store(value: SecretStr) -> SecretStr:
    """What redis-py would silently read otherwise; the rest of an address is checked by `connect`."""
    scheme, _, rest = value.get_secret_value().partition("://")
    if scheme not in STORES:
        raise ValueError("scheme")
    if scheme in ("redis", "rediss"):
        parts = urlsplit(value.get_secret_value())
        if parts.port == 0 or not re.fullmatch("[0-9]*", parts.path.strip("/")):
            raise ValueError("port or number")
    elif not rest.partition("?")[0].strip("/"):
        raise ValueError("nowhere")
    return value


Whole = Annotated[int, Field(ge=1, le=10**9), Need("a whole number of 1 or more")]
Count = Annotated[int, Field(ge=0, le=10**9), Need("a whole number of 0 or more")]
Number = Annotated[float, Field(ge=0, le=10**9, allow_inf_nan=False), Need("a number of 0 or more")]
Seconds = Annotated[float, Field(ge=1, le=10**9, allow_inf_nan=False), Need("a number of 1 or more")]
Days = Annotated[float, Field(ge=0.01, le=3650, allow_inf_nan=False), Need("a number of days from 0.01 to 3650")]
Shards = Annotated[int, Field(ge=1, le=1024), Need("a whole number from 1 to 1024")]
Port = Annotated[int, Field(ge=0, le=65535), Need("a port from 0 to 65535")]
Url = Annotated[str, AfterValidator(_http), Need("an address such as https://host/path", secret=True)]
Token = Annotated[
    SecretStr, AfterValidator(_token), Need("a token as @BotFather gives it (digits, a colon, no spaces)", secret=True)
]
Store = Annotated[
    SecretStr,
    AfterValidator(_store),
    Need(
        "redis://host:port/number, rediss://, unix:///path or redis+sentinel:// "
        "(redis+cluster:// is not supported yet)",
        secret=True,
    ),
]
Keys = Annotated[
    tuple[Key, ...],
    BeforeValidator(_keys),
    Need(
        "a list of keys with commas between them, each with its own limits if it has any (sk-a;300r/hour;900r/month)",
        secret=True,
    ),
]
Fallbacks = Annotated[
    tuple[Fallback, ...],
    BeforeValidator(_fallbacks),
    Need(
        'a JSON list such as [{"base_url": "https://host/v1", "name": "model", "keys": "sk-b;300r/hour"}]', secret=True
    ),
]
Quota = Annotated[
    tuple[Limit, ...], BeforeValidator(_limits), Need("limits such as 300r/hour,100000t/day (r requests, t tokens)")
]
Names = Annotated[tuple[str, ...], BeforeValidator(_split), Need("names with commas between them")]
Text = Annotated[str, Need("a text")]
Secret = Annotated[
    SecretStr, AfterValidator(_header), Need("a key: visible characters of ASCII without blanks", secret=True)
]
Folder = Annotated[Path, Need("the path of a folder")]
YesNo = Annotated[bool, Need("yes or no")]
Ids = Annotated[frozenset[int], BeforeValidator(_split), Need("a list of numeric ids with commas between them")]

Durability = Annotated[Literal["warn", "require"], BeforeValidator(_lower), Need("warn or require")]
Scope = Annotated[Literal["topic", "chat", "member"], BeforeValidator(_lower), Need("topic, chat or member")]
Mode = Annotated[Literal["mention", "always"], BeforeValidator(_lower), Need("mention or always")]
Language = Annotated[str, BeforeValidator(_lower), AfterValidator(_spoken), Need(f"one of {', '.join(LANGUAGES)}")]
Pause = Annotated[Literal["hold", "drop"], BeforeValidator(_lower), Need("hold or drop")]
Merge = Annotated[Literal["private", "off"], BeforeValidator(_lower), Need("private or off")]
Exhausted = Annotated[Literal["hold", "apologise"], BeforeValidator(_lower), Need("hold or apologise")]
Stream = Annotated[Literal["edit", "draft", "off"], BeforeValidator(_lower), Need("edit, draft or off")]
Emoji = Annotated[Literal["keep", "strip", "name"], BeforeValidator(_lower), Need("keep, strip or name")]
Format = Annotated[Literal["auto", "json", "console"], BeforeValidator(_lower), Need("auto, json or console")]
Level = Annotated[
    Literal["debug", "info", "warning", "error"], BeforeValidator(_lower), Need("debug, info, warning or error")
]
