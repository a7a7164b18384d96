"""Recordings are written down over real HTTP, by an endpoint that may refuse, fail, or say nonsense."""

from __future__ import annotations

import email
import logging
from collections.abc import AsyncIterator, Callable
from email.policy import HTTP
from typing import Any

import pytest

from app.core import unread
from app.core.clock import Real
from app.core.connections import Connections
from app.core.exchange import Clocks
from app.core.http import Client
from app.media.found import Unheard, Unusable
from app.media.voice import Transcriber
from tests.integration.peer import Peer, cut, half, says, serving, silent
from tests.support.wire import Exchange

SECRET, OTHER = "sk-a-secret-of-this-test", "sk-another-secret-of-it"
QUICK = Clocks(connect=1, first=0.3, between=0.3, total=1)
VOICE = b"OggS\x00\r\n--not-a-boundary--\r\n" * 10
HEARD = says(200, {"text": " hello there \u202e"})


class Hasty(Real):
    """Waits for nothing between two tries."""

    async def sleep(self, seconds: float) -> None:
        assert seconds > 0


@pytest.fixture
async def made() -> AsyncIterator[Callable[..., Transcriber]]:
    async with Connections(20) as connections:

        def make(peer: Peer, *keys: str) -> Transcriber:
            bearers = [f"Bearer {key}" for key in keys] or [""]
            return Transcriber(Client(connections), f"{peer.url}/v1", "whisper-1", lambda: bearers, Hasty(), QUICK)

        yield make


def parts(exchange: Exchange) -> dict[str, Any]:
    """The form that was sent, as Python's own parser of mail reads it."""
    head = b"Content-Type: " + exchange.headers[b"content-type"] + b"\r\n\r\n"
    form = email.message_from_bytes(head + exchange.body, policy=HTTP)
    return {str(part.get_param("name", header="content-disposition")): part for part in form.iter_parts()}


async def test_a_recording_is_sent_as_a_form_and_its_words_come_back(made: Callable[..., Transcriber]) -> None:
    async with serving(HEARD) as peer:
        assert await made(peer, SECRET)(VOICE, "audio/ogg") == "hello there"
        (asked,) = peer.asked
    assert asked.path == "/v1/audio/transcriptions"
    assert asked.headers[b"authorization"] == f"Bearer {SECRET}".encode()
    form = parts(asked)
    assert {name: form[name].get_payload(decode=True) for name in form} == {
        "model": b"whisper-1",
        "response_format": b"json",
        "file": VOICE,
    }


@pytest.mark.parametrize(
    "mime, name",
    [
        ("audio/ogg", "ogg"),
        ("audio/mpeg", "mp3"),
        ("Audio/MP4; x=y", "m4a"),
        ("video/mp4", "mp4"),
        ('"\r\nX: y', "ogg"),
    ],
)
async def test_the_name_tells_the_format_and_nothing_of_the_sender(
    made: Callable[..., Transcriber], mime: str, name: str
) -> None:
    async with serving(HEARD) as peer:
        await made(peer)(VOICE, mime)
        assert parts(peer.asked[0])["file"].get_filename() == f"voice.{name}"
        assert b"authorization" not in peer.asked[0].headers


@pytest.mark.parametrize("status", [401, 402, 403, 429])
async def test_a_key_that_may_not_hands_over_to_the_next(made: Callable[..., Transcriber], status: int) -> None:
    async with serving(says(status, {"error": {"message": f"no {SECRET}"}}), HEARD) as peer:
        assert await made(peer, SECRET, OTHER)(VOICE, "audio/ogg") == "hello there"
        assert peer.asked[1].headers[b"authorization"] == f"Bearer {OTHER}".encode()


@pytest.mark.parametrize("answer", [says(500, b"oops"), cut, half({"text": "hello there"}), silent])
async def test_what_may_pass_is_tried_once_more(made: Callable[..., Transcriber], answer: Any) -> None:
    async with serving(answer, HEARD) as peer:
        assert await made(peer)(VOICE, "audio/ogg") == "hello there"
    async with serving(answer) as peer:
        with pytest.raises(Unheard):
            await made(peer, SECRET, OTHER)(VOICE, "audio/ogg")
        assert len(peer.asked) == 2


@pytest.mark.parametrize("status", [400, 413, 415, 422])
async def test_a_recording_that_is_refused_is_said_to_be_unclear(made: Callable[..., Transcriber], status: int) -> None:
    async with serving(says(status, {"error": "bad audio"})) as peer:
        with pytest.raises(Unusable) as raised:
            await made(peer, SECRET, OTHER)(VOICE, "audio/ogg")
        assert raised.value.sentence is unread.VOICE_UNCLEAR
        assert len(peer.asked) == 1


async def test_a_recording_without_words_is_said_to_have_none(made: Callable[..., Transcriber]) -> None:
    async with serving(says(200, {"text": " \u200b\n"})) as peer:
        with pytest.raises(Unusable) as raised:
            await made(peer)(VOICE, "audio/ogg")
        assert raised.value.sentence is unread.VOICE_BLANK


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"text": 5}', b'{"words": "x"}', b"x" * (2 << 20)])
async def test_nonsense_is_our_fault(made: Callable[..., Transcriber], body: bytes) -> None:
    async with serving(says(200, body)) as peer:
        with pytest.raises(Unheard):
            await made(peer)(VOICE, "audio/ogg")


async def test_neither_an_error_nor_a_log_holds_a_key(
    made: Callable[..., Transcriber], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with serving(says(401, {"error": {"message": f"bad key {SECRET}"}})) as peer:
        with pytest.raises(Unheard) as raised:
            await made(peer, SECRET)(VOICE, "audio/ogg")
        assert SECRET not in f"{raised.value!r} {caplog.text} {made(peer, SECRET)!r}"


async def test_a_redirect_is_not_followed(made: Callable[..., Transcriber]) -> None:
    async with serving(HEARD) as elsewhere:
        away = b"Location: %s/v1/audio/transcriptions\r\n" % elsewhere.url.encode()
        async with serving(says(307, b"", away)) as peer:
            with pytest.raises(Unheard):
                await made(peer, SECRET)(VOICE, "audio/ogg")
        assert elsewhere.asked == []
