"""Clients of Redis. redis-py's defaults re-send writes and time out waiting reads, so nobody else makes a client.

`work` is for commands and pipelines: the library sends nothing twice (docs/lanes.md), a busy pool makes
callers wait, an answer that does not come in time is an error. `wait` is for pub/sub, where silence is normal.
"""

from __future__ import annotations

import asyncio
import re
import socket
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import MasterNotFoundError, Sentinel, SentinelConnectionPool, SentinelManagedConnection
from redis.backoff import NoBackoff
from redis.exceptions import (
    AskError,
    AuthenticationError,
    AuthenticationWrongNumberOfArgsError,
    AuthorizationError,
    BusyLoadingError,
    ClusterDownError,
    ConnectionError,  # noqa: A004  redis-py's own, not the builtin
    MasterDownError,
    MovedError,
    NoPermissionError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisError,
    ResponseError,
    TimeoutError,  # noqa: A004
    TryAgainError,
)

from app.core.errors import SettingsError, StoreBroken, StoreDown, StoreError, StoreFull

CONNECTIONS = 16  # pipelines are long and few; more sockets make the server slower, not the bot faster
POOL_SECONDS = 5.0
CONNECT_SECONDS = 3.0
ANSWER_SECONDS = 5.0
SENTINEL_SECONDS = 1.0
KEEPALIVE_SECONDS = 10  # idle time after which the kernel asks whether the other side still lives; three times

REFUSED = (AuthenticationError, AuthenticationWrongNumberOfArgsError, AuthorizationError, NoPermissionError)
RETRYABLE = (
    *(ConnectionError, TimeoutError, BusyLoadingError, ReadOnlyError, MasterDownError, ClusterDownError),
    *(MovedError, AskError, TryAgainError, MasterNotFoundError, OSError, asyncio.TimeoutError),
)
# Words of answers for which redis-py has no class, or that a script's error hides inside its own sentence.
FULL_WORDS = ("OOM ", "MISCONF ")
RETRYABLE_WORDS = (
    *("BUSY ", "LOADING ", "READONLY ", "MASTERDOWN ", "CLUSTERDOWN ", "TRYAGAIN ", "MOVED ", "ASK "),
    *("NOREPLICAS ", "UNBLOCKED ", "non local key"),
)
REFUSED_WORDS = ("NOPERM ", "NOAUTH ", "WRONGPASS ")


@dataclass(frozen=True, slots=True)
class Stores:
    """The two clients of a process."""

    work: Redis
    wait: Redis

    async def close(self) -> None:
        """Close every connection; neither client can be used after it."""
        for client in (self.work, self.wait):
            await client.aclose()


class BlockingSentinelPool(SentinelConnectionPool, BlockingConnectionPool):
    """A pool at Sentinel's present primary that makes callers wait when it is empty; redis-py's own raises."""

    async def aclose(self) -> None:
        """Close the connections to the Sentinels too; redis-py leaves them open."""
        await super().aclose()
        for sentinel in self.sentinel_manager.sentinels:
            await sentinel.aclose()


def connect(url: str, *, answer_seconds: float = ANSWER_SECONDS, connections: int = CONNECTIONS) -> Stores:
    """Clients for ``url``; nothing is connected yet. Raises SettingsError for an address that cannot be used."""
    scheme = url.partition("://")[0]
    if scheme == "redis+cluster":
        raise SettingsError(["REDIS_URL: redis+cluster:// is not supported yet; one primary or Sentinel is"])
    if scheme not in {"redis", "rediss", "unix", "redis+sentinel"}:
        raise SettingsError(["REDIS_URL: redis://, rediss://, unix:// or redis+sentinel:// is needed"])
    client = _from_sentinel if scheme == "redis+sentinel" else _from_url
    try:
        return Stores(
            work=client(url, connections, {**_options(scheme), "socket_timeout": answer_seconds}),
            wait=client(url, 4, {**_options(scheme), "socket_timeout": None}),
        )
    except ValueError:
        # the library's own words may hold a part of the password
        shape = (
            "redis+sentinel://host:port,host:port/name/db" if scheme == "redis+sentinel" else f"{scheme}://host:port"
        )
        raise SettingsError([f"REDIS_URL: it cannot be read; {shape} is needed"]) from None


def _options(scheme: str) -> dict[str, Any]:
    options: dict[str, Any] = {
        "retry": Retry(NoBackoff(), 0),
        "retry_on_error": [],
        "socket_connect_timeout": CONNECT_SECONDS,
        "health_check_interval": 0,
        "protocol": 2,  # the same shapes of answers from 6.2 to 9, and no handshake
        "driver_info": None,
    }
    if scheme != "unix":
        options["socket_keepalive"] = True
        options["socket_keepalive_options"] = _keepalive()
    return options


def _keepalive() -> dict[int, int]:
    wanted = {"TCP_KEEPIDLE": KEEPALIVE_SECONDS, "TCP_KEEPINTVL": 5, "TCP_KEEPCNT": 3}
    return {getattr(socket, name): value for name, value in wanted.items() if hasattr(socket, name)}


def _from_url(url: str, connections: int, options: dict[str, Any]) -> Redis:
    urlsplit(url).port  # noqa: B018  raises ValueError
    pool = BlockingConnectionPool.from_url(url, max_connections=connections, timeout=POOL_SECONDS, **options)
    return Redis.from_pool(pool)


def _from_sentinel(url: str, connections: int, options: dict[str, Any]) -> Redis:
    """redis+sentinel://[user:password@]host:port,host:port/name[/db][?sentinel_password=...]."""
    parts = urlsplit(url)
    name, _, db = parts.path.strip("/").partition("/")
    hosts = [_host(text) for text in parts.netloc.rpartition("@")[2].split(",") if text]
    if not name or not hosts or (db and not db.isdigit()):
        raise ValueError("shape")
    secret = parse_qs(parts.query).get("sentinel_password", [None])[0]
    asked = {**options, "socket_timeout": SENTINEL_SECONDS, "socket_connect_timeout": SENTINEL_SECONDS}
    manager = Sentinel(  # type: ignore[no-untyped-call]
        hosts, sentinel_kwargs={**asked, "password": secret}
    )
    pool = BlockingSentinelPool(  # type: ignore[no-untyped-call]
        name,
        manager,
        max_connections=connections,
        timeout=POOL_SECONDS,
        connection_class=SentinelManagedConnection,
        db=int(db or 0),
        username=unquote(parts.username) if parts.username else None,
        password=unquote(parts.password) if parts.password else None,
        **options,
    )
    return Redis.from_pool(pool)


def _host(text: str) -> tuple[str, int]:
    parts = urlsplit(f"//{text}")
    if not parts.hostname:
        raise ValueError("shape")
    return parts.hostname, parts.port or 26379


def retryable(error: BaseException) -> bool:
    """Whether the same request may be sent again: it was not answered, or not by a server that can."""
    if isinstance(error, RETRYABLE) and not isinstance(error, REFUSED):
        return True
    return isinstance(error, RedisError) and any(word in str(error) for word in (*RETRYABLE_WORDS, *FULL_WORDS))


def translate(error: Exception) -> StoreError:
    """Any error of redis-py or of its sockets as one of ours, with its first words kept."""
    text = _plain(str(error).strip()) or type(error).__name__
    if isinstance(error, OutOfMemoryError) or (isinstance(error, ResponseError) and _says(text, FULL_WORDS)):
        return StoreFull(text)
    if isinstance(error, REFUSED) or _says(text, REFUSED_WORDS):
        return StoreBroken(text)
    return StoreDown(text) if retryable(error) else StoreBroken(text)


def _plain(text: str) -> str:
    """Without redis-py's errno and its tuple of an address."""
    found = re.match(r"Error (?:-?\d+ )?connecting to (\S+?)\.(?:\s|$)", text)
    return f"no connection to {found[1]}" if found else text


def _says(text: str, words: tuple[str, ...]) -> bool:
    return any(word in text for word in words)
