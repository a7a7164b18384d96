"""Our own HTTP client against real servers, on both loops: whose answer is whose, who waits for whom, what is left."""

import asyncio
import gzip
import random
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from app.core.connections import Body
from app.core.direct import Direct
from app.core.exchange import Clocks, Failure, Late, Lost, Target, Unreached, resolve
from app.core.wire import HEAD_BYTES, HIGH_BYTES, Reply
from tests.integration.peer import Peer, cut, half, says, serving, silent, writes
from tests.support.loops import both
from tests.support.wait import takes, turns, until
from tests.support.wire import Exchange

QUICK = Clocks(connect=5, first=5, between=5, total=10)
JSON = {"Content-Type": "application/json"}
OK = b"HTTP/1.1 200 OK\r\n"
TWO = OK + b"Content-Length: 2\r\n\r\nok"


async def ask(direct: Direct, url: str, clocks: Clocks = QUICK, body: bytes = b"") -> tuple[int, bytes]:
    reply = await direct.open("POST", resolve(url), JSON, body, clocks)
    return reply.status, await Body(reply, clocks).whole()


def echo(exchange: Exchange) -> None:
    exchange.reply(exchange.body)


def stream(exchange: Exchange) -> None:
    """Begins, and goes on only when the test says so."""
    exchange.begin()
    exchange.feed(b"first")


async def over(direct: Direct, peer: Peer) -> None:
    """Nothing is under way any more, neither here nor there."""
    await until(lambda: "0 busy, 0 free, 0 waiting" in repr(direct) and not peer.open, what="all sockets closed")
    assert direct._promised == 0
    assert not direct._connecting


@both
async def test_one_connection_serves_request_after_request() -> None:
    direct = Direct(5)
    async with serving(echo) as peer:
        for number in range(5):
            assert await ask(direct, peer.url, body=b"%d" % number) == (200, b"%d" % number)
        assert peer.connections == 1
        assert repr(direct) == "<Direct 0 busy, 1 free, 0 waiting>"
        await direct.close()
        await over(direct, peer)


@pytest.mark.parametrize(
    "answer, close, body",
    [
        (TWO, False, b"ok"),
        (OK + b"Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", False, b"ok"),
        (OK + b"\r\nok", True, b"ok"),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + TWO, False, b"ok"),
        (b"HTTP/1.1 204 No Content\r\n\r\n", False, b""),
        (OK + b"Content-Encoding: gzip\r\n\r\n" + gzip.compress(b"ok", mtime=0), True, b"ok"),
        (OK + b"Connection: close\r\nContent-Length: 2\r\n\r\nok", True, b"ok"),
    ],
)
@both
async def test_answers_of_every_shape_are_read(answer: bytes, close: bool, body: bytes) -> None:
    direct = Direct(5)
    async with serving(writes(answer, close=close)) as peer:
        for _ in range(3):
            assert (await ask(direct, peer.url))[1] == body
        assert peer.connections == (3 if close else 1)
        await direct.close()


@pytest.mark.parametrize(
    "answer",
    [
        cut,
        half({"a": "b"}),
        writes(b"what is this?\r\n\r\n"),
        writes(OK + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\nok!"),
        writes(OK + b"X: %b\r\n" % (b"x" * HEAD_BYTES), b"Content-Length: 2\r\n\r\nok"),
        writes(*[b"HTTP/1.1 100 Continue\r\n\r\n" * 100] * 40),
        writes(OK + b"Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n", close=True),
    ],
)
@both
async def test_half_an_answer_is_lost_and_asked_for_only_once(answer: Callable[[Exchange], None]) -> None:
    direct = Direct(5)
    async with serving(answer) as peer:
        with pytest.raises(Lost):
            await ask(direct, peer.url)
        await over(direct, peer)
        assert len(peer.asked) == 1
        await direct.close()


@pytest.mark.parametrize("packets", [(TWO + TWO.replace(b"ok", b"no"),), (TWO, TWO.replace(b"ok", b"no"))])
@both
async def test_a_second_answer_is_never_taken_for_the_next_one(packets: tuple[bytes, ...]) -> None:
    direct = Direct(5)
    async with serving(writes(*packets), echo) as peer:
        assert await ask(direct, peer.url) == (200, b"ok")
        await until(lambda: not peer.open, what="the connection closed")
        assert await ask(direct, peer.url, body=b"mine") == (200, b"mine")
        assert peer.connections == 2
        await direct.close()


@pytest.mark.parametrize("last", [b"", b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n"])
@both
async def test_a_connection_closed_while_idle_is_not_used_again(last: bytes) -> None:
    direct = Direct(5)
    async with serving(echo) as peer:
        for _ in range(3):
            assert await ask(direct, peer.url, body=b"mine") == (200, b"mine")
            for wire in list(peer.open):
                wire.write(last)
                wire.close()
            await until(lambda: "0 free" in repr(direct), what="the end noticed")
        assert peer.connections == 3
        await direct.close()


@both
async def test_a_connection_closed_just_as_it_is_used_again_is_lost_and_not_asked_twice() -> None:
    direct = Direct(5)
    async with serving(echo, cut, echo) as peer:
        assert await ask(direct, peer.url, body=b"1") == (200, b"1")
        with pytest.raises(Lost):
            await ask(direct, peer.url, body=b"2")
        assert await ask(direct, peer.url, body=b"3") == (200, b"3")
        assert [exchange.body for exchange in peer.asked] == [b"1", b"2", b"3"]
        await direct.close()


@both
async def test_who_waits_for_a_connection_comes_in_turn() -> None:
    direct = Direct(2)
    held: list[Exchange] = []
    async with serving(held.append) as peer:
        tasks = [asyncio.create_task(ask(direct, peer.url, body=b"%d" % number)) for number in range(8)]
        await until(lambda: len(held) == 2 and "6 waiting" in repr(direct), what="two asked, six waiting")
        for number in range(8):
            await until(lambda n=number: len(held) > n, what=f"request {number}")  # type: ignore[misc]
            held[number].reply(held[number].body)
            tasks.append(asyncio.create_task(ask(direct, peer.url, body=b"late %d" % number)))
        await until(lambda: len(held) == 10, what="all of the first")
        bodies = [exchange.body for exchange in held[:8]]
        assert sorted(bodies[:2]) + bodies[2:] == [b"%d" % number for number in range(8)]  # two began at once
        assert peer.connections == 2
        await direct.close()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        assert results[:8] == [(200, b"%d" % number) for number in range(8)]
        assert all(isinstance(result, Failure) for result in results[8:])
        await over(direct, peer)


@both
async def test_a_connection_kept_for_another_server_makes_room() -> None:
    direct = Direct(1)
    async with serving(echo) as one, serving(echo) as other:
        for _ in range(3):
            assert await ask(direct, one.url, body=b"1") == (200, b"1")
            assert await ask(direct, other.url, body=b"2") == (200, b"2")
        both_at_once = [ask(direct, url, body=url.encode()) for url in (one.url, other.url) * 5]
        assert [body.decode() for _, body in await asyncio.gather(*both_at_once)] == [one.url, other.url] * 5
        await direct.close()


@both
async def test_a_connection_that_breaks_on_its_way_to_who_waits_for_it_is_replaced() -> None:
    direct = Direct(1)
    async with serving(echo) as peer:
        reply = await direct.open("POST", resolve(peer.url), JSON, b"", QUICK)
        waiting = asyncio.create_task(ask(direct, peer.url, body=b"mine"))
        await until(lambda: "1 waiting" in repr(direct), what="one in line")
        (wire,) = direct._wires
        reply.close()
        wire.break_off()
        assert await waiting == (200, b"mine")
        assert peer.connections == 2
        await direct.close()


@both
async def test_waiting_in_line_is_bounded_by_the_clock_for_connecting() -> None:
    direct = Direct(1)
    async with serving(silent) as peer:
        first = asyncio.create_task(ask(direct, peer.url))
        await until(lambda: len(peer.asked) == 1, what="the first request")
        with pytest.raises(Unreached, match="in time"):
            await ask(direct, peer.url, Clocks(connect=0.1))
        assert len(peer.asked) == 1
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)
        await over(direct, peer)
        await direct.close()


@pytest.mark.parametrize(
    "answer, clocks",
    [
        (silent, Clocks(first=0.1)),
        (silent, Clocks(total=0.1)),
        (writes(b"HTTP/1.1 200 O"), Clocks(between=0.1)),
        (stream, Clocks(between=0.1)),
        (stream, Clocks(total=0.1)),
    ],
)
@both
async def test_every_clock_ends_a_request_as_late(answer: Callable[[Exchange], None], clocks: Clocks) -> None:
    direct = Direct(5)
    async with serving(answer) as peer:
        with pytest.raises(Late):
            await ask(direct, peer.url, clocks)
        await over(direct, peer)
        await direct.close()


@both
async def test_a_slow_reader_is_not_late_and_the_sender_must_wait() -> None:
    body = random.Random(1).randbytes(16 << 20)
    clocks = Clocks(between=0.2)
    direct = Direct(5)
    async with serving(says(200, body)) as peer:
        reply = await direct.open("POST", resolve(peer.url), JSON, b"", clocks)
        await until(lambda: reply._paused, what="the pause")
        assert reply._size <= 3 * HIGH_BYTES
        (wire,) = peer.open
        assert wire.transport.get_write_buffer_size() > len(body) // 2
        await takes(0.8)  # more than the clock and the timer together
        assert await Body(reply, clocks).whole() == body
        assert "1 free" in repr(direct)
        await direct.close()


async def _waiting(direct: Direct, target: Target) -> Any:
    return await direct.open("POST", target, JSON, b"", QUICK)


async def _streaming(direct: Direct, target: Target) -> Any:
    reply = await direct.open("POST", target, JSON, b"", QUICK)
    return await Body(reply, QUICK).whole()


@pytest.mark.parametrize("answer, under_way", [(silent, _waiting), (stream, _streaming)])
@both
async def test_cancelled_at_any_moment_nothing_is_left(
    answer: Callable[[Exchange], None], under_way: Callable[[Direct, Target], Awaitable[Reply]]
) -> None:
    direct = Direct(3)
    async with serving(answer) as peer:
        for steps in range(40):
            tasks = [asyncio.ensure_future(under_way(direct, resolve(peer.url))) for _ in range(6)]
            await turns(steps)
            for task in tasks:
                task.cancel()
            results = await asyncio.gather(*tasks, return_exceptions=True)
            assert all(isinstance(result, asyncio.CancelledError) for result in results)
            await over(direct, peer)
        await direct.close()


@both
async def test_closing_fails_what_is_under_way_and_what_comes_after() -> None:
    direct = Direct(2)
    async with serving(silent, stream) as peer:
        tasks = [asyncio.create_task(_streaming(direct, resolve(peer.url))) for _ in range(4)]
        await until(lambda: len(peer.asked) == 2, what="two under way")
        await turns(5)
        await direct.close()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        assert [type(result) for result in results] == [Lost, Lost, Unreached, Unreached]
        await over(direct, peer)
        with pytest.raises(Unreached, match="closed"):
            await ask(direct, peer.url)


@pytest.mark.parametrize("seed", range(3))
@both
async def test_in_any_disorder_nobody_gets_an_answer_that_is_not_his(seed: int) -> None:
    draw = random.Random(seed)
    direct = Direct(5)

    def moody(exchange: Exchange) -> None:
        fate = draw.random()
        if fate < 0.1:
            exchange.cut()
        elif fate < 0.2:
            exchange.half(exchange.body)
        elif fate < 0.3:
            writes(TWO.replace(b"ok", exchange.body) + TWO)(exchange)
        elif fate < 0.4:
            exchange.reply(exchange.body, extra=b"Connection: close\r\n")
        else:
            asyncio.get_running_loop().call_later(draw.random() * 0.01, exchange.reply, exchange.body)

    async def one(number: int) -> None:
        body = b"%d" % number
        try:
            async with asyncio.timeout(draw.random() * 0.2 + 0.005):
                assert await ask(direct, (peer, other)[draw.randrange(2)].url, body=body) == (200, body)
        except (Lost, TimeoutError):
            pass

    async with serving(moody) as peer, serving(moody) as other:
        for _ in range(4):
            await asyncio.gather(*(one(number) for number in range(10, 100)))
        await direct.close()
        await over(direct, peer)
        await over(direct, other)


@both
async def test_a_request_is_kept_back_at_the_last_moment_and_its_connection_stays() -> None:
    class Back(Exception):
        pass

    def refuse() -> None:
        raise Back

    async def doubt() -> None:
        await turns(3)
        raise Back

    direct = Direct(1)
    async with serving(echo) as peer:
        await ask(direct, peer.url)
        for gate in (refuse, doubt):
            with pytest.raises(Back):
                await direct.open("POST", resolve(peer.url), JSON, b"x", QUICK, gate)
        assert len(peer.asked) == 1
        assert repr(direct) == "<Direct 0 busy, 1 free, 0 waiting>"
        reply = await direct.open("POST", resolve(peer.url), JSON, b"y", QUICK, lambda: None)
        assert await Body(reply, QUICK).whole() == b"y"
        assert peer.connections == 1
        await direct.close()


@both
async def test_the_last_moment_comes_after_the_wait_for_a_connection() -> None:
    direct, order = Direct(1), []
    held: list[Exchange] = []
    async with serving(held.append) as peer:
        first = asyncio.ensure_future(ask(direct, peer.url))
        await until(lambda: held, what="the first request")
        second = asyncio.ensure_future(
            direct.open("POST", resolve(peer.url), JSON, b"", QUICK, lambda: order.append("gate"))
        )
        await turns(20)
        assert not order
        held[0].reply(b"ok")
        await first
        await until(lambda: len(held) == 2, what="the second request")
        assert order == ["gate"]
        held[1].reply(b"ok")
        (await second).close()
        await direct.close()


@both
async def test_a_connection_that_breaks_while_the_last_question_is_asked_is_no_harm() -> None:
    direct = Direct(2)
    async with serving(echo) as peer:
        await ask(direct, peer.url)

        async def slow() -> None:
            for wire in peer.open:
                wire.transport.abort()
            await until(lambda: not peer.open, what="the connection gone")
            await until(lambda: "0 busy, 0 free" in repr(direct), what="seen here too")

        with pytest.raises(Unreached):
            await direct.open("POST", resolve(peer.url), JSON, b"", QUICK, slow)
        assert (await ask(direct, peer.url, body=b"again"))[1] == b"again"
        await direct.close()
        await over(direct, peer)
