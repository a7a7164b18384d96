"""The clients of Redis on real sockets: nothing is sent twice, a busy pool waits, Sentinel's word is followed."""

import asyncio
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis.asyncio import Redis
from redis.exceptions import ConnectionError as Lost
from redis.exceptions import RedisError
from redis.exceptions import TimeoutError as Late

from app.core.redis import connect, translate
from app.core.valkey import find_server
from tests.support.ports import free_ports
from tests.support.valkey import Valkey
from tests.support.wait import until


@pytest.fixture
def short() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="lk-"))
    yield folder
    shutil.rmtree(folder)


async def test_a_write_whose_answer_is_lost_is_not_sent_again(short: Path) -> None:
    heard: list[bytes] = []

    async def deaf(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.read(1000))
        writer.close()

    async with await asyncio.start_unix_server(deaf, short / "s"):
        stores = connect(f"unix://{short}/s")
        with pytest.raises(Lost):
            await stores.work.rpush("list", "x")
        await stores.close()
    assert heard == [b"*3\r\n$5\r\nRPUSH\r\n$4\r\nlist\r\n$1\r\nx\r\n"]


async def test_an_answer_that_does_not_come_is_an_error_in_time(durable: Valkey) -> None:
    stores = connect(durable.url, answer_seconds=0.1)
    await stores.work.ping()
    durable.freeze()
    with pytest.raises(Late) as caught:
        await stores.work.set("a", "b")
    durable.thaw()
    assert type(translate(caught.value)).__name__ == "StoreDown"
    await stores.close()


async def test_more_callers_than_connections_wait_for_their_turn(valkey: str) -> None:
    stores = connect(f"unix://{valkey}", connections=2)
    await asyncio.gather(*(stores.work.incr("test:many") for _ in range(200)))
    assert await stores.work.get("test:many") == b"200"
    await stores.close()


async def test_waiting_for_a_message_does_not_time_out(valkey: str) -> None:
    stores = connect(f"unix://{valkey}", answer_seconds=0.05)
    async with stores.wait.pubsub() as heard:
        await heard.subscribe("here")
        assert await heard.get_message(timeout=1) is not None
        assert await heard.get_message(timeout=0.2) is None
        await stores.work.publish("here", "now")
        message = await heard.get_message(timeout=1)
    assert message is not None
    assert message["data"] == b"now"
    await stores.close()


async def test_sentinel_names_the_primary(short: Path) -> None:
    port, sentinel = free_ports(2)
    primary, watcher = short / "p.conf", short / "s.conf"
    primary.write_text(f'port {port}\nbind 127.0.0.1\nsave ""\ndir {short}\n')
    watcher.write_text(
        f"port {sentinel}\nbind 127.0.0.1\ndir {short}\n"
        f"sentinel monitor prime 127.0.0.1 {port} 1\nsentinel down-after-milliseconds prime 30000\n"
    )
    servers = [
        subprocess.Popen([find_server(), str(primary)], stdout=subprocess.DEVNULL),
        subprocess.Popen([find_server(), str(watcher), "--sentinel"], stdout=subprocess.DEVNULL),
    ]
    stores = connect(f"redis+sentinel://127.0.0.1:{sentinel}/prime/2")
    try:
        await until(lambda: _works(stores.work), what="the primary")
        await asyncio.gather(*(stores.work.incr("x") for _ in range(100)))
        assert await stores.work.get("x") == b"100"
        assert (await stores.work.info("keyspace"))["db2"]["keys"] == 2
    finally:
        await stores.close()
        for server in servers:
            server.kill()
            server.wait()


async def _works(client: Redis) -> bool:
    try:
        return bool(await client.set("ready", 1))
    except RedisError:
        return False
