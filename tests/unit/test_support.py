"""The tests' own tools keep their word."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from redis.asyncio import Redis

from tests.support.valkey import Valkey
from tests.support.wait import until


async def test_each_test_starts_with_an_empty_store(redis: Redis) -> None:
    assert await redis.dbsize() == 0
    await redis.set("left", "behind")


async def test_each_test_starts_with_an_empty_store_also_after_another(redis: Redis) -> None:
    assert await redis.dbsize() == 0


async def test_a_killed_durable_server_comes_back_with_what_it_acknowledged(durable: Valkey) -> None:
    async with Redis(unix_socket_path=durable.socket) as client:
        await client.set("kept", "yes")
    durable.kill()
    durable.start()
    async with Redis(unix_socket_path=durable.socket) as client:
        assert await client.get("kept") == b"yes"


async def test_the_server_dies_with_the_process_that_started_it() -> None:
    code = "from tests.support.valkey import Valkey; v = Valkey().start(); print(v.pid, flush=True); input()"
    parent = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    with parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        assert _alive(pid)
        parent.send_signal(signal.SIGKILL)
    await until(lambda: not _alive(pid), what="the server to end")


async def test_waiting_in_vain_says_for_what() -> None:
    with pytest.raises(AssertionError, match="for the moon"):
        await until(lambda: False, seconds=0.01, what="the moon")


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"  # not merely unburied
