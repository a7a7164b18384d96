"""Files from Telegram, and from nowhere else: getFile says where, and we fetch it there ourselves.

The address of a file contains the token. It is made here, used here, and gets into nothing: no value, error or log.
Nothing that getFile says is believed: not the path, not the size. Redirects are not followed.
"""

from __future__ import annotations

import re
from urllib.parse import quote

import msgspec

from app.core import unread
from app.core.botapi import Telegram
from app.core.clock import Clock
from app.core.connections import Body, Connections, Reply
from app.core.errors import Doubtful, Flooded, TelegramError, Unauthorised, Unsent
from app.core.exchange import Clocks, Failure, resolve
from app.media.found import Unusable

CLOCKS = Clocks(connect=5, first=15, between=10, total=60)
WAITS_SECONDS = (0.5, 1.5)  # before it is tried again
GET_FILE_SECONDS = 15.0
_SEGMENT = re.compile(r"[^\x00-\x20\x7f-\xa0/\\]{1,255}")


class _File(msgspec.Struct):
    file_path: str = ""
    file_size: int | None = None


class _Answer(msgspec.Struct):
    result: _File


class _Passing(Exception):
    """What may be better at the next try."""


class Files:
    """Fetches files of one bot."""

    def __init__(self, connections: Connections, telegram: Telegram, clock: Clock, clocks: Clocks = CLOCKS) -> None:
        self._connections = connections
        self._telegram = telegram
        self._clock = clock
        self._clocks = clocks

    async def fetch(self, file_id: str, most_bytes: int) -> bytes:
        """The bytes of a file, at most so many.

        Raises Unusable, and Flooded or Unauthorised, which concern more than this file.
        """
        for wait in WAITS_SECONDS:
            try:
                return await self._once(file_id, most_bytes)
            except _Passing:
                await self._clock.sleep(wait)
        try:
            return await self._once(file_id, most_bytes)
        except _Passing:
            raise Unusable(unread.GONE) from None

    async def _once(self, file_id: str, most_bytes: int) -> bytes:
        file = await self._find(file_id)
        if (file.file_size or 0) > most_bytes:
            raise Unusable(unread.BIG)
        body = await self._download(path_of(file.file_path), most_bytes)
        if file.file_size is not None and len(body) != file.file_size:
            raise _Passing  # another's page in its place, or a lie
        return body

    async def _find(self, file_id: str) -> _File:
        try:
            answer = await self._telegram.fetch("getFile", {"file_id": file_id}, GET_FILE_SECONDS)
            return msgspec.json.decode(answer, type=_Answer).result
        except (Unsent, Doubtful, msgspec.MsgspecError, UnicodeDecodeError):
            raise _Passing from None
        except (Flooded, Unauthorised):
            raise
        except TelegramError as error:
            big = "too big" in error.description.lower()
            raise Unusable(unread.BIG if big else unread.GONE) from None

    async def _download(self, path: str, most_bytes: int) -> bytes:
        target = resolve(self._telegram.file_url(path))  # not remembered: each file is fetched once
        try:
            reply = await self._connections.open("GET", target, {}, None, self._clocks)
            try:
                return await self._read(reply, most_bytes)
            finally:
                reply.close()
        except Failure:
            raise _Passing from None

    async def _read(self, reply: Reply, most_bytes: int) -> bytes:
        if reply.status >= 500 or reply.status in (404, 408, 429):  # the link may have expired: getFile makes another
            raise _Passing
        if reply.status != 200:
            raise Unusable(unread.GONE)
        parts, left = [], most_bytes
        async for packet in Body(reply, self._clocks):
            parts.append(packet)
            left -= len(packet)
            if left < 0:
                raise Unusable(unread.BIG)
        return b"".join(parts)


def path_of(told: str) -> str:
    """A ``file_path`` made fit for a URL; Unusable for one that leads elsewhere.

    A Bot API server in local mode names files of its own disk, which are none of our business.
    """
    segments = told.split("/")
    if not all(_SEGMENT.fullmatch(one) and one not in (".", "..") for one in segments):
        raise Unusable(unread.ELSEWHERE)
    return "/".join(quote(one, safe="") for one in segments)
