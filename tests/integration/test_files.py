"""Files are fetched from Telegram and from nowhere else, over real HTTP, whatever the server says or does.

The token, and the address that holds it, are in no error and no log.
"""

from __future__ import annotations

import asyncio
import logging
import traceback
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from app.core import unread
from app.core.botapi import Telegram
from app.core.clock import Real
from app.core.connections import Connections
from app.core.errors import Flooded, TelegramError, Unauthorised
from app.core.exchange import Clocks
from app.core.tongue import Sentence
from app.media.fetch import Files
from app.media.found import Unusable
from tests.integration.peer import cut, says, serving, silent
from tests.support.wire import Exchange

TOKEN = "4242:" + "AAsecret-of-a-test-that-nobody-may-see"
QUICK = Clocks(connect=1, first=0.3, between=0.3, total=0.8)
BODY = b"\xff\xd8\xff picture " * 100
Answer = Callable[[Exchange], None]


class Hasty(Real):
    """Waits for nothing between two tries."""

    async def sleep(self, seconds: float) -> None:
        assert seconds > 0


@pytest.fixture
async def connections() -> AsyncIterator[Connections]:
    async with Connections(20) as connections:
        yield connections


def told(path: object = "photos/file_1.jpg", size: object = len(BODY), **more: Any) -> Answer:
    return says(200, {"ok": True, "result": {"file_id": "a", "file_path": path, "file_size": size, **more}})


def refuses(status: int, words: str, **more: Any) -> Answer:
    return says(status, {"ok": False, "error_code": status, "description": words, **more})


def serves(get_file: Answer, *downloads: Answer) -> Answer:
    """A Bot API that answers getFile so, and each download with the next; the last stays."""
    script = list(downloads)

    def answer(exchange: Exchange) -> None:
        if exchange.path == f"/bot{TOKEN}/getFile":
            get_file(exchange)
        elif exchange.path.startswith(f"/file/bot{TOKEN}/") and exchange.method == "GET":
            (script.pop(0) if len(script) > 1 else script[0])(exchange)
        else:
            exchange.reply(b"{}", 404)

    return answer


def files(connections: Connections, url: str) -> Files:
    return Files(connections, Telegram(connections, TOKEN, url), Hasty(), QUICK)


async def refused(made: Files, most: int = 10_000) -> Sentence:
    with pytest.raises(Unusable) as raised:
        await made.fetch("a", most)
    said = "".join(traceback.format_exception(raised.value))
    assert "AAsecret" not in said
    assert "/file/bot" not in said
    return raised.value.sentence


async def test_a_file_is_fetched_where_getfile_says(connections: Connections) -> None:
    async with serving(serves(told(), says(200, BODY))) as peer:
        assert await files(connections, peer.url).fetch("a", 10_000) == BODY
        assert [one.path for one in peer.asked] == [f"/bot{TOKEN}/getFile", f"/file/bot{TOKEN}/photos/file_1.jpg"]
        assert peer.asked[0].body == b'{"file_id":"a"}'


async def test_a_redirect_is_not_followed(connections: Connections) -> None:
    async with serving(says(200, BODY)) as elsewhere:
        away = b"Location: %s/stolen\r\n" % elsewhere.url.encode()
        for status in (301, 302, 303, 307, 308):
            async with serving(serves(told(), says(status, b"", away))) as peer:
                assert await refused(files(connections, peer.url)) is unread.GONE
        assert elsewhere.asked == []


async def test_nor_behind_a_proxy(connections: Connections, monkeypatch: pytest.MonkeyPatch) -> None:
    async with serving(says(200, BODY)) as elsewhere:
        away = b"Location: %s/stolen\r\n" % elsewhere.url.encode()
        api = serves(told(), says(302, b"", away))

        def proxied(exchange: Exchange) -> None:
            assert exchange.path.startswith("http://telegram.test/")
            exchange.path = exchange.path.removeprefix("http://telegram.test")
            api(exchange)

        async with serving(proxied) as peer:
            monkeypatch.setenv("http_proxy", peer.url)
            assert await refused(files(connections, "http://telegram.test")) is unread.GONE
            assert len(peer.asked) == 2
        assert elsewhere.asked == []


@pytest.mark.parametrize(
    "path",
    [
        *(
            "/var/lib/telegram-bot-api/42/photos/a.jpg",
            "../../etc/passwd",
            "photos/../../x",
            "photos//x",
            "",
            ".",
            "a/",
        ),
        *("https://evil.test/x", "//evil.test/x", "C:\\x", "a\nHost: evil.test", "a\0b", "photos/ x"),
    ],
)
async def test_a_path_that_leads_elsewhere_is_not_asked_for(connections: Connections, path: str) -> None:
    async with serving(serves(told(path), says(200, BODY))) as peer:
        assert await refused(files(connections, peer.url)) is unread.ELSEWHERE
        assert len(peer.asked) == 1


@pytest.mark.parametrize(
    "path, asked",
    [
        ("documents/file_3.tar.gz", "documents/file_3.tar.gz"),
        ("a?b#c%2e", "a%3Fb%23c%252e"),
        ("user@evil.test:80", "user@evil.test:80"),
        ("документы/ф.txt", "%D0%B4%D0%BE%D0%BA%D1%83%D0%BC%D0%B5%D0%BD%D1%82%D1%8B/%D1%84.txt"),
    ],
)
async def test_what_a_path_holds_stays_in_the_path(connections: Connections, path: str, asked: str) -> None:
    async with serving(serves(told(path), says(200, BODY))) as peer:
        assert await files(connections, peer.url).fetch("a", 10_000) == BODY
        assert peer.asked[-1].path == f"/file/bot{TOKEN}/{asked}"


class TestSizes:
    async def test_what_is_said_to_be_too_large_is_not_downloaded(self, connections: Connections) -> None:
        async with serving(serves(told(size=10_001), says(200, BODY))) as peer:
            assert await refused(files(connections, peer.url)) is unread.BIG
            assert len(peer.asked) == 1

    @pytest.mark.parametrize("size", [None, 5, 0])
    async def test_a_lie_about_the_size_does_not_get_more_in(self, connections: Connections, size: object) -> None:
        async with serving(serves(told(size=size), endless)) as peer:
            assert await refused(files(connections, peer.url)) is unread.BIG

    @pytest.mark.parametrize("size", [len(BODY) - 1, len(BODY) + 1])
    async def test_another_length_than_told_is_not_the_file(self, connections: Connections, size: int) -> None:
        async with serving(serves(told(size=size), says(200, BODY))) as peer:
            assert await refused(files(connections, peer.url)) is unread.GONE

    async def test_telegrams_own_limit_is_said_as_such(self, connections: Connections) -> None:
        async with serving(serves(refuses(400, "Bad Request: file is too big"), silent)) as peer:
            assert await refused(files(connections, peer.url)) is unread.BIG


@pytest.mark.parametrize(
    "get_file",
    [
        refuses(400, "Bad Request: wrong file_id or the file is temporarily unavailable"),
        says(200, b"<html>nginx</html>"),
        says(200, {"ok": True, "result": []}),
        says(200, {"ok": True, "result": {"file_path": 5}}),
        says(502, b"<html>Bad Gateway</html>"),
        silent,
        cut,
    ],
    ids=["unknown", "page", "list", "number", "gateway", "silent", "cut"],
)
async def test_no_getfile_is_one_sentence(connections: Connections, get_file: Answer, monkeypatch: Any) -> None:
    monkeypatch.setattr("app.media.fetch.GET_FILE_SECONDS", 0.3)
    async with serving(serves(get_file, says(200, BODY))) as peer:
        assert await refused(files(connections, peer.url)) is unread.GONE


@pytest.mark.parametrize("wrong", ["cut", "half", "slow", "silent", "404", "500", "page"])
async def test_a_download_that_fails_is_tried_again_and_then_given_up(connections: Connections, wrong: str) -> None:
    way = {
        "cut": cut,
        "half": lambda exchange: exchange.half(BODY),
        "slow": drip,
        "silent": silent,
        "404": says(404, {"ok": False}),
        "500": says(500, b"oops"),
        "page": says(200, b"<html>welcome to the captive portal</html>", kind=b"text/html"),
    }[wrong]
    async with serving(serves(told(), way, says(200, BODY))) as peer:
        assert await files(connections, peer.url).fetch("a", 10_000) == BODY
    async with serving(serves(told(), way)) as peer:
        assert await refused(files(connections, peer.url)) is unread.GONE
        assert len(peer.asked) == 6


async def test_what_concerns_the_bot_is_not_a_matter_of_one_file(connections: Connections) -> None:
    for answer, kind in (
        (refuses(429, "Too Many Requests", parameters={"retry_after": 7}), Flooded),
        (refuses(401, "Unauthorized"), Unauthorised),
    ):
        async with serving(serves(answer, silent)) as peer:
            with pytest.raises(kind) as raised:
                await files(connections, peer.url).fetch("a", 10_000)
            assert isinstance(raised.value, TelegramError)
            assert TOKEN not in str(raised.value)


async def test_no_log_and_no_repr_holds_the_token(connections: Connections, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    for get_file, download in ((told(), cut), (told("/etc/passwd"), cut), (refuses(400, f"bad {TOKEN}"), cut)):
        async with serving(serves(get_file, download)) as peer:
            made = files(connections, peer.url)
            await refused(made)
            assert "AAsecret" not in f"{made!r} {made._telegram!r} {connections!r}"
    assert "AAsecret" not in caplog.text
    assert "/file/bot" not in caplog.text


def endless(exchange: Exchange) -> None:
    """Says nothing of its length, and goes on."""
    exchange.over = True
    exchange.wire.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    for _ in range(20):
        exchange.wire.write(b"1000\r\n" + bytes(4096) + b"\r\n")


def drip(exchange: Exchange) -> None:
    """Each byte in time, the whole of it never."""
    exchange.over = True
    exchange.wire.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(BODY))
    drop(exchange)


def drop(exchange: Exchange) -> None:
    if not exchange.wire.transport.is_closing():
        exchange.wire.write(b"x")
        asyncio.get_running_loop().call_later(0.1, drop, exchange)
