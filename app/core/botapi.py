"""The Bot API as plain HTTP: addresses, raw calls, and the one place where Telegram's errors become ours.

An answer of the Bot API is JSON with ``ok``; it is never ambiguous. A gateway's own 5xx page, or an answer lost after
the request was written, is: what was asked may have been done (``Doubtful``). The token stands in every URL, so no URL
ever gets into an error, and the token is cut out of Telegram's own words.
"""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec

from app.core.connections import Connections
from app.core.errors import (
    Conflict,
    Doubtful,
    Flooded,
    Forbidden,
    Migrated,
    Rejected,
    TelegramError,
    Unauthorised,
    Unsent,
)
from app.core.exchange import Clocks, Failure, Unreached

TELEGRAM = "https://api.telegram.org"
JSON = {"Content-Type": "application/json"}
POLL_GRACE_SECONDS = 10.0  # what an answer to getUpdates may take beyond its long poll
_FLOOD_SECONDS = 5.0  # a 429 of a gateway names no time


class _Parameters(msgspec.Struct):
    migrate_to_chat_id: int | None = None
    retry_after: float | None = None


class _Answer(msgspec.Struct):
    ok: bool
    description: str = ""
    parameters: _Parameters | None = None


class _Bare(msgspec.Struct):
    ok: bool


def bot_id(token: str) -> int:
    """The bot's own user id, which its token begins with."""
    return int(token.partition(":")[0])


class Telegram:
    """One bot at one Bot API server (``<base_url>/bot<token>/<method>``); ``fetch`` answers raw bytes."""

    def __init__(self, connections: Connections, token: str, base_url: str = "") -> None:
        self._connections = connections
        self._token = token
        self.base_url = (base_url or TELEGRAM).rstrip("/")

    def url(self, method: str) -> str:
        """The address of a method; it holds the token."""
        return f"{self.base_url}/bot{self._token}/{method}"

    def file_url(self, path: str) -> str:
        """The address of a file that getFile named; it holds the token."""
        return f"{self.base_url}/file/bot{self._token}/{path}"

    async def fetch(self, method: str, params: dict[str, Any], timeout_seconds: float = 20.0) -> bytes:
        """Call a method and answer the body of its 200 as it came; raises TelegramError kinds.

        ``timeout_seconds`` is hard: it bounds connecting, waiting and reading together.
        """
        target = self._connections.target(self.url(method))
        clocks = Clocks(first=timeout_seconds, between=timeout_seconds, total=timeout_seconds)
        try:
            async with asyncio.timeout(timeout_seconds):
                status, body = await self._connections.fetch("POST", target, JSON, msgspec.json.encode(params), clocks)
        except Failure as error:
            raise self.lost(error) from None
        except TimeoutError:
            raise Doubtful("no answer in time") from None
        if status == 200:
            return body
        raise self.verdict(status, body)

    async def updates(self, offset: int, timeout_seconds: int, allowed: list[str]) -> bytes:
        """getUpdates: the raw answer, after at most ``timeout_seconds`` and a grace of ten."""
        params = {"offset": offset, "timeout": timeout_seconds, "allowed_updates": allowed, "limit": 100}
        return await self.fetch("getUpdates", params, timeout_seconds + POLL_GRACE_SECONDS)

    def lost(self, error: Failure) -> TelegramError:
        """What it means that no whole answer came."""
        words = self.clean(str(error))
        return Unsent(words) if isinstance(error, Unreached) else Doubtful(words)

    def verdict(self, status: int, body: bytes) -> TelegramError:
        """What an answer that is no success means."""
        answer = _read(body)
        if answer is None:
            return _gateway(status)
        words = self.clean(answer.description or f"HTTP {status}")
        if answer.ok:
            return Doubtful(f"an answer without a result (HTTP {status})")
        parameters = answer.parameters or _Parameters()
        if parameters.migrate_to_chat_id:
            return Migrated(parameters.migrate_to_chat_id, words)
        if parameters.retry_after is not None or status == 429:
            return Flooded(parameters.retry_after or _FLOOD_SECONDS, words)
        if status >= 500:
            return Unsent(words)
        if "method not found" in words.lower():  # a 404 too, but of a server older than the method
            return Rejected(words)
        return _KINDS.get(status, Rejected)(words)

    def clean(self, words: str) -> str:
        """The words without the token."""
        return words.replace(self._token, "<token>") if self._token else words

    def __repr__(self) -> str:
        return f"<Telegram bot {self._token.partition(':')[0]}>"


_KINDS: dict[int, type[TelegramError]] = {401: Unauthorised, 403: Forbidden, 404: Unauthorised, 409: Conflict}


def _read(body: bytes) -> _Answer | None:
    try:
        return msgspec.json.decode(body, type=_Answer)
    except (msgspec.DecodeError, UnicodeDecodeError):
        pass
    try:  # parameters of a shape we do not know must not hide that the Bot API answered
        return _Answer(ok=msgspec.json.decode(body, type=_Bare).ok)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def _gateway(status: int) -> TelegramError:
    """An answer that the Bot API did not write: a proxy's or a load balancer's page."""
    words = f"not an answer of the Bot API (HTTP {status})"
    if status < 300 or status >= 500:
        return Doubtful(words)
    if status == 429:
        return Flooded(_FLOOD_SECONDS, words)
    # A wrong token is always refused in JSON; a 401 or 404 page is a proxy's, and passes.
    return Rejected(words) if status in (400, 413, 414, 431) else Unsent(words)
