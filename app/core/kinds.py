"""Kinds of setting values: how a text becomes a value, and what to ask of a person who wrote another.

Every kind carries a `Need`, the words between "CONCURRENCY=abc: " and " is needed".
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr

from app.core.allowance import Limit, limits

STORES = ("redis", "rediss", "unix", "redis+sentinel")


@dataclass(frozen=True, slots=True)
class Need:
    """What a value must be, in words."""

    words: str


def _split(value: object) -> object:
    return [part for part in re.split(r"[\s,]+", value) if part] if isinstance(value, str) else value


def _lower(value: object) -> object:
    return value.lower() if isinstance(value, str) else value


def _token(value: SecretStr) -> SecretStr:
    if not re.fullmatch(r"[0-9]+:\S+", value.get_secret_value()):
        raise ValueError("shape")
    return value


def _http(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
        raise ValueError("shape")
    if parts.port == 0 or re.search(r"\s", value):  # a port that is none raises ValueError by itself
        raise ValueError("port")
    return value.rstrip("/").removesuffix("/chat/completions")


@dataclass(frozen=True, slots=True)
class Key:
    """A key of an endpoint with limits of its own: `sk-a;300r/h;900r/mo`."""

    secret: SecretStr
    limits: tuple[Limit, ...] = ()


def key(value: object) -> Key:
    """Read one; the secret is a header field: visible ASCII without comma and semicolon."""
    if not isinstance(value, str):
        raise ValueError("shape")  # noqa: TRY004  pydantic's validators raise ValueError
    secret, _, rest = value.partition(";")
    if not re.fullmatch(r"[!-+\--:<-~]+", secret):
        raise ValueError("shape")
    return Key(SecretStr(secret), limits(rest, ";"))


@dataclass(frozen=True, slots=True)
class Fallback:
    """Another endpoint or model; ``base_url`` "" is the first one's, and then no ``keys`` are its keys too."""

    base_url: str = ""
    name: str = ""
    keys: tuple[Key, ...] = ()


def _fallbacks(value: object) -> object:
    """Read MODEL_FALLBACKS; ValueError for anything but what its `Need` shows."""
    return tuple(_fallback(entry) for entry in json.loads(value)) if isinstance(value, str) else value


def _fallback(entry: object) -> Fallback:
    if not isinstance(entry, dict) or not entry.keys() <= {"base_url", "name", "keys"}:
        raise ValueError("shape")
    url, name, keys = (entry.get(part, "") for part in ("base_url", "name", "keys"))
    if not (isinstance(url, str) and isinstance(name, str) and isinstance(keys, str) and (url or name)):
        raise ValueError("shape")
    pool = tuple(key(part) for part in re.split(r"[\s,]+", keys) if part)
    return Fallback(_http(url) if url else "", name, pool)


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
Url = Annotated[str, AfterValidator(_http), Need("an address such as https://host/path")]
Token = Annotated[
    SecretStr, AfterValidator(_token), Need("a token as @BotFather gives it (digits, a colon, no spaces)")
]
Store = Annotated[
    SecretStr,
    AfterValidator(_store),
    Need(
        "redis://host:port/number, rediss://, unix:///path or redis+sentinel:// (redis+cluster:// is not supported yet)"
    ),
]
Keys = Annotated[
    tuple[Annotated[Key, BeforeValidator(key)], ...],
    BeforeValidator(_split),
    Need("keys with commas between them, each with its own limits if it has any (sk-a;300r/hour;900r/month)"),
]
Quota = Annotated[
    tuple[Limit, ...], BeforeValidator(_limits), Need("limits such as 300r/hour,100000t/day (r requests, t tokens)")
]
Names = Annotated[tuple[str, ...], BeforeValidator(_split), Need("names with commas between them")]
Fallbacks = Annotated[
    tuple[Fallback, ...],
    BeforeValidator(_fallbacks),
    Need('a JSON list such as [{"base_url": "https://host/v1", "name": "model", "keys": "sk-b;300r/hour"}]'),
]
Ids = Annotated[frozenset[int], BeforeValidator(_split), Need("a list of numeric ids with commas between them")]

Durability = Annotated[Literal["warn", "require"], BeforeValidator(_lower), Need("warn or require")]
Scope = Annotated[Literal["topic", "chat", "member"], BeforeValidator(_lower), Need("topic, chat or member")]
Mode = Annotated[Literal["mention", "always"], BeforeValidator(_lower), Need("mention or always")]
Pause = Annotated[Literal["hold", "drop"], BeforeValidator(_lower), Need("hold or drop")]
Merge = Annotated[Literal["private", "off"], BeforeValidator(_lower), Need("private or off")]
Exhausted = Annotated[Literal["hold", "apologise"], BeforeValidator(_lower), Need("hold or apologise")]
Stream = Annotated[Literal["edit", "draft", "off"], BeforeValidator(_lower), Need("edit, draft or off")]
Emoji = Annotated[Literal["keep", "strip", "name"], BeforeValidator(_lower), Need("keep, strip or name")]
Format = Annotated[Literal["auto", "json", "console"], BeforeValidator(_lower), Need("auto, json or console")]
Level = Annotated[
    Literal["debug", "info", "warning", "error"], BeforeValidator(_lower), Need("debug, info, warning or error")
]
