"""A shard with an owned clock, on the server that all tests of this process share."""

from collections.abc import Iterator

import pytest

from tests.support.shard import Shard, client
from tests.unit.lanes.desk import Desk


@pytest.fixture
def shard(valkey: str) -> Iterator[Shard]:
    connection = client(valkey)
    yield Shard(connection)
    connection.config_set("maxmemory", 0)
    connection.close()


@pytest.fixture
def desk(shard: Shard) -> Desk:
    return Desk(shard)
