"""What every test may ask for: a real Valkey (one per pytest process) and a client on it, emptied before each test."""

from collections.abc import AsyncIterator, Iterator
from zlib import crc32

import pytest
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from tests.support.valkey import Valkey


@pytest.fixture(scope="session")
def _server() -> Iterator[Valkey]:
    server = Valkey().start()
    yield server
    server.close()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mix the files, always alike, so that each worker has tests that compute while others wait."""
    items.sort(key=lambda item: crc32(item.location[0].encode()))


@pytest.fixture(scope="session")
def valkey(_server: Valkey) -> str:
    """The path of the Unix socket of a real Valkey without append-only file."""
    return _server.socket


@pytest.fixture
async def redis(valkey: str) -> AsyncIterator[Redis]:
    """A client on `valkey`, which is empty; nothing is retried behind the test's back."""
    async with Redis(unix_socket_path=valkey, retry=Retry(NoBackoff(), 0)) as client:
        await client.flushall()
        yield client


@pytest.fixture
def durable() -> Iterator[Valkey]:
    """A Valkey of this test's own that writes each change to disk before it answers: to be killed and started again."""
    server = Valkey(appendonly=True).start()
    yield server
    server.close()
