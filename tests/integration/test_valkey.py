"""The embedded Valkey: it lives and dies with its parent, and its data outlive both."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import pytest
from redis.asyncio import Redis

from app.core.durability import durability
from app.core.errors import SettingsError, StoreDown
from app.core.redis import connect
from app.core.valkey import Valkey, _ping, find_server
from tests.support.wait import until

PARENT = """
import asyncio, sys
from pathlib import Path
from app.core.valkey import Valkey

async def main():
    server = Valkey(Path(sys.argv[1]))
    await server.start()
    print(server.pid, server.url, flush=True)
    await asyncio.Event().wait()

asyncio.run(main())
"""


@contextmanager
def _parent(folder: Path) -> Iterator[tuple[subprocess.Popen[str], int, str]]:
    """A process of its own group that runs a server: (process, the server's id, its URL)."""
    with subprocess.Popen(
        [sys.executable, "-c", PARENT, str(folder)], stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        try:
            assert process.stdout is not None
            pid, url = process.stdout.readline().split()
            yield process, int(pid), url
        finally:
            process.kill()


@asynccontextmanager
async def _running(folder: Path) -> AsyncIterator[tuple[Valkey, Redis]]:
    server = Valkey(folder)
    await server.start()
    stores = connect(server.url)
    try:
        yield server, stores.work
    finally:
        await stores.close()
        await server.close()


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


async def test_it_is_ready_in_under_a_second_and_keeps_what_it_confirms(tmp_path: Path) -> None:
    started = time.monotonic()
    async with _running(tmp_path) as (server, client):
        assert time.monotonic() - started < 1
        assert await durability(client) == []
        socket = Path(server.url.removeprefix("unix://"))
        assert len(str(socket)) < 100
        assert socket.parent.stat().st_mode & 0o777 == 0o700
    assert not socket.parent.exists()


async def test_data_are_there_after_a_restart(tmp_path: Path) -> None:
    async with _running(tmp_path) as (_, client):
        await client.set("said", "yes")
    async with _running(tmp_path) as (_, client):
        assert await client.get("said") == b"yes"


async def test_a_torn_last_write_does_not_stop_the_next_start(tmp_path: Path) -> None:
    async with _running(tmp_path) as (_, client):
        await client.set("said", "yes")
    (log,) = (tmp_path / "valkey" / "appendonlydir").glob("*.incr.aof")
    with log.open("ab") as stream:
        stream.write(b"*3\r\n$3\r\nSET\r\n$4\r\nsa")
    async with _running(tmp_path) as (_, client):
        assert await client.get("said") == b"yes"


async def test_a_second_lanekeeper_on_the_folder_is_refused_in_one_line(tmp_path: Path) -> None:
    async with _running(tmp_path) as (_, client):
        with pytest.raises(SettingsError) as caught:
            await Valkey(tmp_path).start()
        assert caught.value.lines == [f"DATA_DIR={tmp_path}: is in use by another lanekeeper"]
        assert await client.ping()


async def test_a_folder_that_cannot_be_made_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SettingsError, match="cannot be used"):
        await Valkey(tmp_path / "file").start()


async def test_a_server_that_cannot_start_says_why_and_gives_up_the_folder(tmp_path: Path) -> None:
    async with _running(tmp_path):
        pass
    manifest = tmp_path / "valkey" / "appendonlydir" / "appendonly.aof.manifest"
    good = manifest.read_bytes()
    manifest.write_text("nonsense\n")
    with pytest.raises(StoreDown, match="did not start"):
        await Valkey(tmp_path).start()
    manifest.write_bytes(good)
    async with _running(tmp_path) as (_, client):
        assert await client.ping()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the parent-death signal is Linux's")
async def test_kill_9_of_the_parent_ends_the_server_and_the_next_one_goes_on_with_its_data(tmp_path: Path) -> None:
    with _parent(tmp_path) as (process, pid, url):
        client = connect(url).work
        await client.set("said", "yes")
        await client.aclose()
        process.kill()
        process.wait()
        async with _running(tmp_path) as (server, again):
            assert server.pid != pid
            assert await again.get("said") == b"yes"
            await until(lambda: not _alive(pid), what="the first server to be gone")
            assert not Path(url.removeprefix("unix://")).parent.exists()


async def test_a_server_that_survives_its_parent_for_a_while_is_waited_for(tmp_path: Path) -> None:
    with _parent(tmp_path) as (process, pid, _):
        os.kill(pid, signal.SIGSTOP)
        process.kill()
        process.wait()
        successor = Valkey(tmp_path)
        start = asyncio.create_task(successor.start())
        await asyncio.wait([start], timeout=0.3)
        assert not start.done()
        os.kill(pid, signal.SIGCONT)
        await asyncio.wait_for(start, 5)
        assert not _alive(pid)
        await successor.close()


async def test_ctrl_c_in_the_terminal_does_not_reach_the_server(tmp_path: Path) -> None:
    async with _running(tmp_path) as (server, client):
        assert os.getpgid(server.pid) == server.pid != os.getpgid(0)
        assert os.getsid(server.pid) == server.pid
        assert await client.ping()


async def test_a_server_that_dies_is_started_again_at_the_same_address(tmp_path: Path) -> None:
    async with _running(tmp_path) as (server, client):
        guard = asyncio.create_task(server.guard())
        await client.set("said", "yes")
        before, url = server.pid, server.url
        os.kill(before, signal.SIGKILL)
        await until(lambda: server.pid not in {0, before}, what="a new server")
        await until(lambda: _ping(url.removeprefix("unix://")) == b"+PONG\r\n", what="its answer")
        assert await client.get("said") == b"yes"
        assert server.url == url
        guard.cancel()


def test_without_the_wheel_a_server_on_path_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SettingsError, match="set REDIS_URL"):
        find_server()
    server = tmp_path / "redis-server"
    server.touch(mode=0o755)
    assert find_server() == server
