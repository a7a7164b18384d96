"""The desk of a ledger, on the server that all tests of this process share."""

from collections.abc import Iterator

import pytest
from redis.asyncio import Redis

from app.core.allowance import limits
from app.model.base import Model
from app.model.quota import Quota
from tests.support.books import Books
from tests.support.shard import client
from tests.unit.model.asking import Make
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


@pytest.fixture
async def make(desk: Desk) -> Make:
    await desk.ledger.overrides()  # known, so that no socket is waited for while the clock stands still

    def make(inner: Model, **given: str) -> Quota:
        quotas = {name: limits(given.get(name, "")) for name in ("user", "chat", "bot")}
        return Quota(
            inner, desk.ledger, **quotas, operators=frozenset({1}), max_tokens=100, clock=desk.clock
        )  # fmt: skip

    return make
