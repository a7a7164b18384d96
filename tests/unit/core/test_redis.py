"""The client factory and the one place where redis-py's errors become ours."""

import pytest
from redis import exceptions as theirs

from app.core.errors import SettingsError, StoreBroken, StoreDown, StoreError, StoreFull
from app.core.redis import BlockingSentinelPool, connect, retryable, translate


@pytest.mark.parametrize(
    "error, kind, again",
    [
        (theirs.ConnectionError("refused"), StoreDown, True),
        (theirs.TimeoutError("late"), StoreDown, True),
        (TimeoutError(), StoreDown, True),
        (ConnectionResetError("reset"), StoreDown, True),
        (theirs.BusyLoadingError("LOADING it"), StoreDown, True),
        (theirs.ReadOnlyError("READONLY it"), StoreDown, True),
        (theirs.MovedError("1 h:1"), StoreDown, True),
        (theirs.ResponseError("BUSY Redis is busy running a script"), StoreDown, True),
        (theirs.ResponseError("ERR Script attempted to access a non local key in a cluster node"), StoreDown, True),
        (theirs.OutOfMemoryError("OOM it"), StoreFull, True),
        (theirs.ResponseError("ERR Error running script: -OOM command not allowed"), StoreFull, True),
        (theirs.ResponseError("MISCONF Errors writing to the AOF file"), StoreFull, True),
        (theirs.NoPermissionError("NOPERM no"), StoreBroken, False),
        (theirs.AuthenticationError("WRONGPASS no"), StoreBroken, False),
        (theirs.ResponseError("WRONGTYPE no"), StoreBroken, False),
        (theirs.DataError("no"), StoreBroken, False),
    ],
)
def test_each_error_has_its_kind(error: Exception, kind: type[StoreError], again: bool) -> None:
    assert type(translate(error)) is kind
    assert retryable(error) is again


def test_an_error_without_words_says_its_name() -> None:
    assert str(translate(TimeoutError())) == "TimeoutError"


@pytest.mark.parametrize("url", ["redis+cluster://h:1", "http://h", "redis+sentinel://h:1", "redis://h:99999"])
def test_an_address_that_cannot_be_used_is_a_setting_to_correct(url: str) -> None:
    with pytest.raises(SettingsError, match="REDIS_URL"):
        connect(url)


@pytest.mark.parametrize(
    "url", ["redis+sentinel://a:hunter2/@h/x", "redis://:hunter2/@h/0", "redis://:hunter2@h/x?db=y"]
)
def test_of_an_address_that_cannot_be_used_no_part_is_shown(url: str) -> None:
    with pytest.raises(SettingsError) as caught:
        connect(url)
    assert "hunter2" not in str(caught.value)


async def test_sentinel_addresses_keep_name_database_and_password() -> None:
    stores = connect("redis+sentinel://:p%40ss@one:1,two/prime/3")
    pool = stores.work.connection_pool
    assert isinstance(pool, BlockingSentinelPool)
    assert (pool.service_name, pool.connection_kwargs["db"], pool.connection_kwargs["password"]) == ("prime", 3, "p@ss")
    hosts = [client.connection_pool.connection_kwargs for client in pool.sentinel_manager.sentinels]
    assert [(kwargs["host"], kwargs["port"]) for kwargs in hosts] == [("one", 1), ("two", 26379)]
    await stores.close()
