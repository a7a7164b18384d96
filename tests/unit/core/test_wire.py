"""One connection without a socket: every answer is fed at every split, so what is said here holds for any packets."""

import asyncio
import gzip
import zlib
from time import monotonic

import pytest

from app.core.exchange import Failure, Late, Lost
from app.core.unzip import PIECE_BYTES
from app.core.wire import HEAD_BYTES, HIGH_BYTES
from tests.support.wait import turns
from tests.unit.core.line import CLOCKS, OK, Line, chunk, exchange, packed, read, splits

TWO = OK + b"Content-Length: 2\r\n\r\nok"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
TEXT = b"many words, many words, many words"
RAW_DEFLATE = zlib.compressobj(wbits=-15)
RAW_DEFLATED = RAW_DEFLATE.compress(TEXT) + RAW_DEFLATE.flush()


KEPT = {
    "length": (TWO, 200, b"ok"),
    "empty": (OK + b"Content-Length: 0\r\n\r\n", 200, b""),
    "chunked": (CHUNKED + chunk(b"one ") + chunk(b"two") + b"0\r\n\r\n", 200, b"one two"),
    "extension and trailer": (CHUNKED + b"3;a=b\r\nabc\r\n0\r\nX-Length: 9\r\n\r\n", 200, b"abc"),
    "100 first": (b"HTTP/1.1 100 Continue\r\n\r\n" + TWO, 200, b"ok"),
    "103 twice first": (b"HTTP/1.1 103 Early Hints\r\nContent-Length: 7\r\n\r\n" * 2 + TWO, 200, b"ok"),
    "204": (b"HTTP/1.1 204 No Content\r\n\r\n", 204, b""),
    "304 that tells a length": (b"HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n", 304, b""),
    "gzip": (packed(b"gzip", gzip.compress(TEXT)), 200, TEXT),
    "gzip twice": (packed(b"x-gzip", gzip.compress(TEXT) + gzip.compress(b"!")), 200, TEXT + b"!"),
    "gzip of nothing": (packed(b"gzip", b""), 200, b""),
    "deflate": (packed(b"Deflate", zlib.compress(TEXT)), 200, TEXT),
    "raw deflate": (packed(b"deflate", RAW_DEFLATED), 200, TEXT),
    "identity": (packed(b"identity", TEXT), 200, TEXT),
    "1.0 that keeps": (b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nok", 200, b"ok"),
}
CLOSED = {
    "connection: close": (OK + b"Connection: close\r\nContent-Length: 2\r\n\r\nok", 200, b"ok"),
    "1.0": (b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", 200, b"ok"),
}
UNTIL_EOF = OK + b"Content-Type: text/plain\r\n\r\nall until the end"


@pytest.mark.parametrize("name", KEPT)
async def test_a_whole_answer_is_read_at_every_split_and_its_connection_kept(name: str) -> None:
    raw, status, body = KEPT[name]
    for packets in splits(raw):
        got_status, got, line = await exchange(*packets)
        assert (got_status, got) == (status, body), packets
        assert line.freed_wires == [line.wire]
        assert not line.aborted


@pytest.mark.parametrize("name", CLOSED)
async def test_a_server_that_does_not_keep_it_ends_the_connection(name: str) -> None:
    raw, status, body = CLOSED[name]
    for packets in splits(raw):
        got_status, got, line = await exchange(*packets)
        assert (got_status, got, line.freed_wires, line.aborted) == (status, body, [], True), packets


async def test_a_body_without_length_ends_with_the_connection() -> None:
    for packets in splits(UNTIL_EOF):
        status, body, line = await exchange(*packets, eof=True)
        assert (status, body, line.freed_wires) == (200, b"all until the end", [])


@pytest.mark.parametrize("name", [*KEPT])
async def test_an_answer_cut_anywhere_is_lost(name: str) -> None:
    raw = KEPT[name][0]
    for at in range(len(raw)):
        with pytest.raises(Lost):
            await exchange(raw[:at], eof=True)


BAD = {
    "garbage": b"\x16\x03\x01 what is this\r\n\r\n",
    "html without http": b"<html>502</html>\r\n\r\n",
    "two lengths": OK + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\nok!",
    "length and chunked": OK + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
    "chunked of gzip": OK + b"Transfer-Encoding: gzip, chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
    "chunked not last": OK + b"Transfer-Encoding: chunked, identity\r\n\r\n2\r\nok\r\n0\r\n\r\n",
    "length below nothing": OK + b"Content-Length: -2\r\n\r\nok",
    "length beyond all": OK + b"Content-Length: 99999999999999999999999\r\n\r\nok",
    "chunk that is none": CHUNKED + b"zz\r\nok\r\n0\r\n\r\n",
    "length in a trailer": CHUNKED + chunk(b"ok") + b"0\r\nContent-Length: 9\r\n\r\n",
    "header without colon": OK + b"Nonsense\r\nContent-Length: 2\r\n\r\nok",
    "NUL in a header": OK + b"X: a\0b\r\nContent-Length: 2\r\n\r\nok",
    "another protocol": b"HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n" + TWO,
    "brotli": packed(b"br", b"ok"),
    "packed twice": packed(b"gzip, gzip", gzip.compress(gzip.compress(TEXT))),
    "packed by two headers": packed(b"gzip\r\nContent-Encoding: gzip", gzip.compress(gzip.compress(TEXT))),
    "gzip cut inside a whole body": packed(b"gzip", gzip.compress(TEXT)[:-3]),
    "gzip that is none": packed(b"gzip", TEXT),
}


@pytest.mark.parametrize("name", BAD)
async def test_what_cannot_be_understood_is_lost_at_every_split(name: str) -> None:
    for packets in splits(BAD[name]):
        with pytest.raises(Lost) as caught:
            await exchange(*packets, eof=True)
        assert str(caught.value)


@pytest.mark.parametrize("surplus", [TWO, b"HTTP/1.1 500 No\r\nContent-Length: 3\r\n\r\nbad", b"junk", b"\0"])
async def test_what_comes_beyond_an_answer_is_nobodys_and_ends_the_connection(surplus: bytes) -> None:
    for first in (TWO, CHUNKED + chunk(b"ok") + b"0\r\n\r\n", b"HTTP/1.1 204 No\r\n\r\n"):
        for packets in splits(first + surplus):
            status, body, line = await exchange(*packets)
            assert (status, body) == ((204, b"") if b"204" in first else (200, b"ok")), packets
            assert (line.freed_wires, line.aborted) == ([], True), packets


async def test_ten_answers_on_one_connection_do_not_mix() -> None:
    line = Line()
    for number in range(10):
        body = b"%d" % number
        asking = await line.ask()
        line.feed(OK + b"X-Number: %d\r\nContent-Length: 1\r\n\r\n%b" % (number, body))
        reply = await asking
        assert reply.raw_headers[0] == (b"X-Number", body)
        assert await read(reply) == body
    assert len(line.freed_wires) == 10


async def test_an_unread_rest_does_not_reach_the_next_answer() -> None:
    line = Line()
    asking = await line.ask()
    line.feed(OK + b"Content-Length: 3\r\n\r\nold")
    (await asking).close()
    assert line.freed_wires == [line.wire]
    asking = await line.ask()
    line.feed(TWO)
    assert await read(await asking) == b"ok"


@pytest.mark.parametrize(
    "start, more",
    [
        (OK, b"X-Padding: %b\r\n" % (b"x" * 1000)),
        (OK + b"X-Padding: ", b"x" * 1000),
        (b"", b"HTTP/1.1 100 Continue\r\nX: %b\r\n\r\n" % (b"x" * 1000)),
        (CHUNKED + chunk(b"ok") + b"0\r\n", b"X-Padding: %b\r\n" % (b"x" * 1000)),
        (CHUNKED + b"2;", b"x" * 1000),
    ],
)
async def test_headers_and_trailers_without_end_are_lost_at_64_kilobytes(start: bytes, more: bytes) -> None:
    line = Line()
    asking = await line.ask()
    line.feed(start)
    for _ in range(HEAD_BYTES // 1000 - 2):
        line.feed(more)
    assert not line.aborted
    line.feed(*[more] * 5)
    assert line.aborted
    with pytest.raises(Lost):
        await read(await asking)


async def test_headers_too_long_in_one_packet_are_lost_too() -> None:
    with pytest.raises(Lost):
        await exchange(OK + b"X: %b\r\n" % (b"x" * HEAD_BYTES) + b"Content-Length: 2\r\n\r\nok")


async def test_a_large_body_in_the_packet_of_the_headers_is_none_of_them() -> None:
    body = b"x" * 2 * HEAD_BYTES
    assert (await exchange(OK + b"Content-Length: %d\r\n\r\n" % len(body) + body))[1] == body


@pytest.mark.parametrize("size, most", [(65536, HIGH_BYTES + 65536), (1, HIGH_BYTES // 8)])
async def test_a_slow_reader_stops_the_sender_and_is_never_late(size: int, most: int) -> None:
    line = Line()
    asking = await line.ask()
    line.feed(CHUNKED)
    reply = await asking
    fed = 0
    while not line.paused:
        line.feed(chunk(b"x" * size))
        fed += size
    assert fed <= most
    line.wire.look(monotonic() + CLOCKS.total + 1)
    assert not line.aborted
    assert await reply.readany() == b"x" * fed
    assert not line.paused
    line.wire.look(monotonic() + CLOCKS.between + 1)
    assert line.aborted
    with pytest.raises(Late):
        await reply.readany()
    reply.close()


async def test_a_paused_connection_is_not_used_again() -> None:
    line = Line()
    asking = await line.ask()
    line.feed(OK + b"Content-Length: %d\r\n\r\n" % (HIGH_BYTES + 1), b"x" * (HIGH_BYTES + 1))
    reply = await asking
    assert line.paused
    assert reply.complete
    reply.close()
    assert (line.freed_wires, line.aborted) == ([], True)


async def test_a_bomb_is_unpacked_piece_by_piece() -> None:
    bomb = gzip.compress(bytes(64 << 20))
    line = Line()
    asking = await line.ask()
    line.feed(packed(b"gzip", bomb))
    reply = await asking
    sizes = [len(await reply.readany()) for _ in range(20)]
    assert set(sizes) == {PIECE_BYTES}
    reply.close()


async def test_the_clocks_of_an_answer() -> None:
    for packets, after, late in [
        ((), 9, False),
        ((), 11, True),
        ((b"HTTP/1.1 200",), 4, False),
        ((b"HTTP/1.1 200",), 6, True),
        ((CHUNKED,), 6, True),
        ((CHUNKED, chunk(b"a")), 4, False),
        ((CHUNKED, chunk(b"a")), 6, True),
    ]:
        line = Line()
        asking = await line.ask()
        line.feed(*packets)
        line.wire.look(monotonic() + after)
        assert line.aborted is late, (packets, after)
        asking.cancel()
        if late:
            with pytest.raises((Late, asyncio.CancelledError)):
                await read(await asking)


async def test_trickling_bytes_do_not_outlast_the_total(monkeypatch: pytest.MonkeyPatch) -> None:
    now = monotonic()
    monkeypatch.setattr("app.core.wire.monotonic", lambda: now)
    line = Line()
    asking = await line.ask()
    steps = 0
    while not line.aborted:
        line.feed(b"HTTP/1.1 200 OK\r\nX: "[steps : steps + 1])
        now += 4.0
        steps += 1
        line.wire.look(now)
    assert steps == CLOCKS.total // 4 + 1
    with pytest.raises(Late):
        await asking


@pytest.mark.parametrize("data", [TWO, b"\r\n", b"HTTP/1.1 408 Request Timeout\r\n\r\n"])
async def test_bytes_nobody_asked_for_end_the_connection(data: bytes) -> None:
    line = Line()
    line.feed(data)
    assert line.aborted
    assert not line.wire.usable


async def test_an_idle_connection_that_the_server_ends_is_not_usable() -> None:
    line = Line()
    assert line.wire.usable
    line.wire.eof_received()
    assert not line.wire.usable


async def test_a_reader_that_leaves_early_ends_the_connection_and_wakes_whoever_still_waits() -> None:
    line = Line()
    asking = await line.ask()
    line.feed(CHUNKED + chunk(b"half"))
    reply = await asking
    assert await reply.readany() == b"half"
    waiting = asyncio.create_task(reply.readany())
    await turns()
    reply.close()
    reply.close()
    assert line.aborted
    with pytest.raises(Failure):
        await waiting
    await turns(2)
    assert line.lost


async def test_a_cancelled_question_ends_the_connection() -> None:
    line = Line()
    asking = await line.ask()
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert line.sent == [b"question"]
    assert line.aborted
