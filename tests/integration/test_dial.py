"""How our own HTTP client comes to a connection, on both loops: names, addresses, TLS, and what is refused before."""

import asyncio
import shutil
import socket
import ssl
import subprocess
from pathlib import Path
from typing import Any

import pytest

from app.core.connections import Body, Connections
from app.core.dial import Dial
from app.core.direct import Direct
from app.core.exchange import Clocks, Failure, Unreached, resolve
from tests.integration.peer import Peer, says, serving, silent
from tests.support.loops import both
from tests.support.wait import turns, until
from tests.support.wire import Exchange

QUICK = Clocks(connect=5, first=5, between=5, total=10)
JSON = {"Content-Type": "application/json"}


async def ask(direct: Direct, url: str, clocks: Clocks = QUICK, body: bytes = b"") -> tuple[int, bytes]:
    reply = await direct.open("POST", resolve(url), JSON, body, clocks)
    return reply.status, await Body(reply, clocks).whole()


def echo(exchange: Exchange) -> None:
    exchange.reply(exchange.body)


def known(direct: Direct, name: str, port: int, *addresses: str) -> None:
    """The name has these addresses."""
    infos = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in addresses]
    direct._dial._names[name, port] = (float("inf"), infos)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate of our own for localhost, with its key in the same file."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("no openssl to make a certificate with")
    folder = tmp_path_factory.mktemp("tls")
    kind = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
    name = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    use = ["-addext", "keyUsage=critical,digitalSignature,keyCertSign"]
    files = ["-keyout", str(folder / "key"), "-out", str(folder / "certificate")]
    subprocess.run([openssl, "req", "-x509", *kind, *name, *use, *files], check=True, capture_output=True)
    both_in_one = folder / "both.pem"
    both_in_one.write_text((folder / "certificate").read_text() + (folder / "key").read_text())
    return both_in_one


@pytest.fixture
def tls(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> ssl.SSLContext:
    """A server's context whose certificate the machine trusts."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


@both
async def test_tls_carries_requests_of_any_size_on_one_connection(tls: ssl.SSLContext) -> None:
    direct = Direct(5)
    async with serving(echo, tls=tls) as peer:
        url = f"https://localhost:{peer.port}"
        for size in (0, 10, 3 << 20):
            assert await ask(direct, url, body=b"x" * size) == (200, b"x" * size)
        assert peer.connections == 1
        await direct.close()
        await until(lambda: not peer.open, what="the connection closed")


@both
async def test_a_certificate_for_another_name_is_refused_before_anything_is_sent(tls: ssl.SSLContext) -> None:
    direct = Direct(5)
    async with serving(echo, tls=tls) as peer:
        known(direct, "other.test", peer.port, "127.0.0.1")
        for host in ("other.test", "127.0.0.1"):
            with pytest.raises(Unreached, match="certificate"):
                await ask(direct, f"https://{host}:{peer.port}")
        assert not peer.asked
        await until(lambda: "0 busy, 0 free" in repr(direct) and not peer.open, what="nothing left")
        await direct.close()


@both
async def test_a_certificate_nobody_vouches_for_is_refused(
    tls: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "none").touch()
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "none"))
    direct = Direct(5)
    async with serving(echo, tls=tls) as peer:
        with pytest.raises(Unreached, match="certificate"):
            await ask(direct, f"https://localhost:{peer.port}")
        assert not peer.asked
        await direct.close()


@both
async def test_a_server_without_tls_is_not_spoken_to() -> None:
    direct = Direct(5)
    async with serving(lambda exchange: exchange.cut()) as peer:
        with pytest.raises(Unreached):
            await ask(direct, f"https://127.0.0.1:{peer.port}", Clocks(connect=0.3))
        assert not peer.asked
        await direct.close()


@both
async def test_a_handshake_without_end_is_bounded_by_the_clock_for_connecting() -> None:
    direct = Direct(5)
    async with serving(silent) as peer:
        with pytest.raises(Unreached, match="in time"):
            await ask(direct, f"https://127.0.0.1:{peer.port}", Clocks(connect=0.1))
        await until(lambda: not peer.open, what="the socket closed")
        assert direct._promised == 0
        await direct.close()


@both
async def test_the_place_of_a_connection_that_failed_goes_to_who_waits() -> None:
    direct = Direct(1)
    async with serving(silent) as never, serving(echo) as peer:
        first = asyncio.create_task(ask(direct, f"https://127.0.0.1:{never.port}", Clocks(connect=0.1)))
        await turns()
        assert await ask(direct, peer.url, body=b"mine") == (200, b"mine")
        with pytest.raises(Unreached):
            await first
        await direct.close()


@both
async def test_a_connection_closed_as_soon_as_it_is_made_is_unreached(monkeypatch: pytest.MonkeyPatch) -> None:
    async def connect(_: Dial, origin: Any, protocol: Any) -> None:
        protocol().connection_lost(None)

    monkeypatch.setattr(Dial, "connect", connect)
    direct = Direct(1)
    for _ in range(2):
        with pytest.raises(Unreached, match="closed at once"):
            await ask(direct, "http://127.0.0.1:1")
    assert repr(direct) == "<Direct 0 busy, 0 free, 0 waiting>"


@both
async def test_cancelled_at_any_moment_of_a_handshake_nothing_is_left(tls: ssl.SSLContext) -> None:
    direct = Direct(2)
    async with serving(silent, tls=tls) as peer:
        for steps in range(60):
            url = f"https://localhost:{peer.port}"
            tasks = [asyncio.create_task(ask(direct, url)) for _ in range(3)]
            await turns(steps)
            for task in tasks:
                task.cancel()
            results = await asyncio.gather(*tasks, return_exceptions=True)
            assert all(isinstance(result, asyncio.CancelledError) for result in results), results
            await until(lambda: repr(direct) == "<Direct 0 busy, 0 free, 0 waiting>" and not peer.open, what="an end")
            assert direct._promised == 0
        await direct.close()


@both
async def test_closing_ends_a_handshake() -> None:
    direct = Direct(5)
    async with serving(silent) as peer:
        task = asyncio.create_task(ask(direct, f"https://127.0.0.1:{peer.port}"))
        await until(lambda: peer.open, what="the handshake begun")
        await direct.close()
        with pytest.raises(Unreached, match="closed"):
            await task
        await until(lambda: not peer.open, what="the socket closed")


@both
async def test_an_ipv6_address_is_reached_and_named_in_brackets() -> None:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("this machine has no IPv6")
    direct = Direct(5)
    async with serving(echo, host="::1") as peer:
        assert await ask(direct, peer.url, body=b"six") == (200, b"six")
        assert peer.asked[0].headers[b"host"] == b"[::1]:%d" % peer.port
        await direct.close()


@both
async def test_the_next_address_is_taken_when_the_first_refuses() -> None:
    direct = Direct(5)
    async with serving(echo) as peer:
        known(direct, "two.test", peer.port, "127.0.0.9", "127.0.0.1")
        assert await ask(direct, f"http://two.test:{peer.port}", body=b"2") == (200, b"2")
        await direct.close()


@both
async def test_the_next_address_is_tried_beside_one_that_is_silent() -> None:
    direct = Direct(5)
    with socket.create_server(("127.0.0.9", 0), backlog=0) as full, socket.socket() as first, socket.socket() as second:
        port = full.getsockname()[1]
        for filler in (first, second):  # a queue that is full answers no more
            filler.setblocking(False)
            filler.connect_ex(("127.0.0.9", port))
        server = await asyncio.get_running_loop().create_server(Peer(echo).connect, "127.0.0.1", port)
        known(direct, "two.test", port, "127.0.0.9", "127.0.0.1")
        assert await ask(direct, f"http://two.test:{port}", Clocks(connect=3), b"2") == (200, b"2")
        await direct.close()
        server.close()


@both
async def test_nobody_there_is_unreached_and_asked_for_anew() -> None:
    direct = Direct(5)
    async with serving(echo) as peer:
        known(direct, "gone.test", peer.port, "127.0.0.9", "127.0.0.8")
        with pytest.raises(Unreached, match="no connection to gone"):
            await ask(direct, f"http://gone.test:{peer.port}")
        assert not direct._dial._names
        await direct.close()


@both
async def test_a_name_is_asked_for_once_at_a_time_and_an_unknown_one_is_unreached(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[str] = []

    async def unknown(_: Dial, host: str, port: int) -> Any:
        asked.append(host)
        await turns(3)
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(Dial, "_resolve", unknown)
    direct = Direct(50)
    tasks = [asyncio.create_task(ask(direct, "http://nowhere.test")) for _ in range(20)]
    await turns(2)
    tasks[0].cancel()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert asked == ["nowhere.test"]
    assert isinstance(results[0], asyncio.CancelledError)
    assert {type(result) for result in results[1:]} == {Unreached}
    assert "nowhere.test:80: Name or service not known" in str(results[1])
    assert direct._promised == 0
    await direct.close()


@both
async def test_a_name_that_can_be_none_is_unreached() -> None:
    direct = Direct(5)
    with pytest.raises(Unreached):
        await ask(direct, f"http://{'x' * 70}.test", Clocks(connect=2))
    await direct.close()


@both
async def test_closing_gives_up_questions_for_names(monkeypatch: pytest.MonkeyPatch) -> None:
    async def never(_: Dial, host: str, port: int) -> Any:
        await asyncio.Event().wait()

    monkeypatch.setattr(Dial, "_resolve", never)
    direct = Direct(5)
    tasks = [asyncio.create_task(ask(direct, "http://nowhere.test")) for _ in range(3)]
    await turns(3)
    await direct.close()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert all(isinstance(result, Failure) for result in results)


@both
async def test_a_proxy_is_the_affair_of_aiohttp(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    async with serving(says(200, b"by proxy")) as proxy, Connections(2) as connections:
        monkeypatch.setenv("http_proxy", proxy.url)
        target = connections.target("http://bot.test/x")
        assert await connections.fetch("POST", target, JSON, b"", QUICK) == (200, b"by proxy")
        assert proxy.asked[0].path == "http://bot.test/x"
        assert repr(connections._direct) == "<Direct 0 busy, 0 free, 0 waiting>"


@pytest.mark.parametrize(
    "name, value",
    [("X-A", "1\r\nX-B: 2"), ("X-A", "1\rX"), ("X-A\n", "1"), ("X A", "1"), ("", "1"), ("X", "\0"), ("X", "ж")],
)
@both
async def test_a_header_that_would_be_two_is_not_sent(name: str, value: str) -> None:
    direct = Direct(5)
    async with serving(echo) as peer:
        with pytest.raises(Unreached):
            await direct.open("POST", resolve(peer.url), {name: value}, b"", QUICK)
        assert peer.connections == 0
        await direct.close()


@both
async def test_headers_that_are_ours_are_sent_once() -> None:
    headers = {"Host": "x", "content-length": "7", "Transfer-Encoding": "chunked", "Accept-Encoding": "br", "A": "1"}
    direct = Direct(5)
    async with serving(echo) as peer:
        await (await direct.open("POST", resolve(peer.url), headers, b"ab", QUICK)).readany()
        host = peer.url.removeprefix("http://").encode()
        assert peer.asked[0].headers == {b"host": host, b"a": b"1", b"content-length": b"2"}
        with pytest.raises(Unreached):
            await direct.open("HEAD", resolve(peer.url), JSON, b"", QUICK)
        await direct.close()
