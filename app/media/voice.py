"""Recordings written down by any OpenAI-compatible endpoint: POST <base>/audio/transcriptions, as a multipart form.

A key that is refused or at its limit hands over to the next. The endpoint's words get into the log at most as a status:
some repeat the key.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Sequence

import msgspec

from app.core import unread
from app.core.clock import Clock
from app.core.exchange import Clocks, Failure
from app.core.http import Client, Headers, Response, body_of
from app.core.text import blank, clean
from app.media.found import Unheard, Unusable

CLOCKS = Clocks(connect=5, first=90, between=20, total=120)
AGAIN_SECONDS = 1.0
MOST_CHARACTERS = 20_000
_MOST_ANSWER_BYTES = 1 << 20
_NEXT_KEY = (401, 402, 403, 429)
_NOT_THIS = (400, 413, 415, 422)
# Endpoints go by the ending of the file's name; a person's own never gets there.
_ENDINGS = {
    "audio/mpeg": "mp3",
    "audio/mp3": "mp3",
    "audio/mp4": "m4a",
    "audio/x-m4a": "m4a",
    "audio/m4a": "m4a",
    "audio/aac": "m4a",
    "audio/wav": "wav",
    "audio/x-wav": "wav",
    "audio/flac": "flac",
    "audio/x-flac": "flac",
    "audio/webm": "webm",
    "video/mp4": "mp4",
    "video/webm": "webm",
}

Logins = Callable[[], Sequence[str]]
"""The values of the Authorization header that may be used now, the preferred first; "" for none."""


class _Answer(msgspec.Struct):
    text: str


class Transcriber:
    """Writes recordings down."""

    def __init__(
        self, client: Client, base_url: str, model: str, logins: Logins, clock: Clock, clocks: Clocks = CLOCKS
    ) -> None:
        self._client = client
        self._place = client.place(f"{base_url}/audio/transcriptions")
        self._model = model
        self._logins = logins
        self._clock = clock
        self._clocks = clocks
        self._boundary = secrets.token_hex(16)  # nobody outside knows it, so nothing they send can hold it
        self._headers: dict[str, Headers] = {}

    async def __call__(self, recording: bytes, mime: str) -> str:
        """What is said in it. Raises Unusable for a recording without words, Unheard when nobody can listen."""
        form = self._form(recording, _ENDINGS.get(mime.partition(";")[0].strip().lower(), "ogg"))
        status = 0
        for login in self._logins():
            status, body = await self._asked(login, form)
            if status == 200:
                return _text(body)
            if status in _NOT_THIS:
                raise Unusable(unread.VOICE_UNCLEAR)
            if status not in _NEXT_KEY:
                break
        raise Unheard(f"the transcription failed: {f'HTTP {status}' if status else 'no answer'}")

    async def _asked(self, login: str, form: bytes) -> tuple[int, bytes]:
        """Status and body, (0, b"") for no answer; what may pass is tried once more."""
        status, body = await self._once(login, form)
        if status == 0 or status >= 500:
            await self._clock.sleep(AGAIN_SECONDS)
            status, body = await self._once(login, form)
        return status, body

    async def _once(self, login: str, form: bytes) -> tuple[int, bytes]:
        try:
            async with asyncio.timeout(self._clocks.total):
                headers = self._headers_for(login)
                response = await self._client.call("POST", self._place, headers, form, self._clocks)
                return response.status_code, await _read(response)
        except (Failure, TimeoutError):
            return 0, b""

    def _headers_for(self, login: str) -> Headers:
        """One object for each key: the connections write it out once."""
        if login not in self._headers:
            bearer = {"Authorization": login} if login else {}
            self._headers[login] = Headers(
                {"Content-Type": f"multipart/form-data; boundary={self._boundary}", **bearer}
            )
        return self._headers[login]

    def _form(self, recording: bytes, ending: str) -> bytes:
        fields = {"model": self._model, "response_format": "json"}
        lines = [
            f'--{self._boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
            for name, value in fields.items()
        ]
        head = (
            f'--{self._boundary}\r\nContent-Disposition: form-data; name="file"; filename="voice.{ending}"\r\n'
            "Content-Type: application/octet-stream\r\n\r\n"
        )
        return b"".join((*(line.encode() for line in lines), head.encode(), recording, self._end()))

    def _end(self) -> bytes:
        return f"\r\n--{self._boundary}--\r\n".encode()

    def __repr__(self) -> str:
        return f"<Transcriber {self._model}>"


async def _read(response: Response) -> bytes:
    body, parts, left = body_of(response), [], _MOST_ANSWER_BYTES
    try:
        async for packet in body:
            parts.append(packet)
            left -= len(packet)
            if left < 0:
                break
    finally:
        await body.aclose()
    return b"".join(parts)


def _text(body: bytes) -> str:
    try:
        text = clean(msgspec.json.decode(body, type=_Answer).text[:MOST_CHARACTERS])
    except (msgspec.MsgspecError, UnicodeDecodeError):
        raise Unheard("the transcription failed: an answer that cannot be read") from None
    if blank(text):
        raise Unusable(unread.VOICE_BLANK)
    return text
