"""The desk of a ledger, on the server that all tests of this process share."""

from collections.abc import Iterator

import pytest
from redis.asyncio import Redis

from tests.support.books import Books
from tests.support.shard import client
from tests.unit.model.books import Desk


@pytest.fixture
def books(valkey: str) -> Iterator[Books]:
    connection = client(valkey)
    yield Books(connection)
    connection.config_set("maxmemory", 0)
    connection.close()


@pytest.fixture
def desk(redis: Redis, books: Books) -> Desk:
    return Desk(books, redis)
