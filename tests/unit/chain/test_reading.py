"""Files are read as the settings say: whose key listens, and in whose quota a recording counts."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from redis.asyncio import Redis

from app.chain.reading import Hearing, logins, reader
from app.core.allowance import limits
from app.core.botapi import Telegram
from app.core.clock import Manual
from app.core.connections import Connections
from app.core.errors import QuotaSpent
from app.core.settings import Settings, load
from app.media.found import Asker, Unheard
from app.model.choose import Models, choose
from app.model.health import BUSY
from app.model.quota import Quota
from tests.support.books import Books
from tests.support.clocked import Clocked
from tests.support.shard import client
from tests.unit.model.books import Desk, charge

BASE, OTHER = "http://first.test/v1", "http://voice.test/v1"
KEYS = {"MODEL_BASE_URL": BASE, "MODEL_API_KEYS": "sk-first-key-0001,sk-first-key-0002", "MODEL_NAME": "m"}
LISTENS = {**KEYS, "TRANSCRIBE_MODEL": "whisper-1"}
OWN = {"TRANSCRIBE_API_KEY": "sk-voice-key-0003"}


def given(**settings: str) -> Settings:
    return load(settings, Path())


@pytest.fixture
async def connections() -> AsyncIterator[Connections]:
    async with Connections(2) as connections:
        yield connections


@pytest.fixture
def made(redis: Redis, connections: Connections) -> Callable[[Settings], Models]:
    clock = Manual()
    return lambda settings: choose(settings, connections, clock, Clocked(redis, clock), redis, 1)


@pytest.mark.parametrize(
    "settings, used",
    [
        (LISTENS, ["Bearer sk-first-key-0001", "Bearer sk-first-key-0002"]),
        ({**LISTENS, "TRANSCRIBE_BASE_URL": f"{BASE}/"}, ["Bearer sk-first-key-0001", "Bearer sk-first-key-0002"]),
        ({**LISTENS, "TRANSCRIBE_BASE_URL": OTHER}, [""]),
        ({**LISTENS, **OWN, "TRANSCRIBE_BASE_URL": OTHER}, ["Bearer sk-voice-key-0003"]),
        ({**LISTENS, **OWN}, ["Bearer sk-voice-key-0003"]),
        ({"TRANSCRIBE_MODEL": "w", "TRANSCRIBE_BASE_URL": OTHER}, [""]),
    ],
)
def test_a_key_is_sent_to_no_other_endpoint_than_its_own(
    made: Callable[[Settings], Models], settings: dict[str, str], used: list[str]
) -> None:
    read = given(**settings)
    assert logins(read, made(read))() == used


async def test_a_key_that_is_at_its_limit_is_used_last(made: Callable[[Settings], Models]) -> None:
    models = made(given(**LISTENS))
    first = models.pools[0].ring.slots[0]
    await models.health.cool(first.field, 0, "busy", 60.0, BUSY)
    await models.refresh()
    assert logins(given(**LISTENS), models)() == ["Bearer sk-first-key-0002", "Bearer sk-first-key-0001"]


async def test_keys_that_are_read_again_are_used_at_once(made: Callable[[Settings], Models]) -> None:
    models = made(given(**LISTENS))
    usable = logins(given(**LISTENS), models)
    await models.reload(given(**{**LISTENS, "MODEL_API_KEYS": "sk-new-key-00009"}))
    assert usable() == ["Bearer sk-new-key-00009"]


@pytest.mark.parametrize(
    "settings, hears",
    [(LISTENS, True), (KEYS, False), ({"TRANSCRIBE_MODEL": "w"}, False)],
    ids=["set", "not", "nowhere"],
)
def test_recordings_are_listened_to_where_somebody_can(
    made: Callable[[Settings], Models], connections: Connections, settings: dict[str, str], hears: bool
) -> None:
    read = given(**settings)
    found = reader(read, connections, Telegram(connections, "42:x"), made(read), Manual())
    assert found.hears == hears
    assert bool(read.warnings) == ("TRANSCRIBE_MODEL" in settings and not hears)


def test_the_key_is_shown_nowhere() -> None:
    read = given(**LISTENS, **OWN)
    assert "sk-voice-key-0003" in read.secrets()
    assert "sk-voice" not in repr(read)


@pytest.fixture
def desk(valkey: str, redis: Redis) -> Iterator[Desk]:
    connection = client(valkey)
    yield Desk(Books(connection), redis)
    connection.close()


def hearing(desk: Desk, words: str | Exception, quota: str) -> Hearing:
    desk.clock = Manual(desk.books.now_ms / 1000)

    async def listen(recording: bytes, mime: str) -> str:
        if isinstance(words, Exception):
            raise words
        return words

    inner = cast(Any, None)
    around = Quota(
        inner, desk.ledger, user=limits(quota), chat=(), bot=(), operators=frozenset(), max_tokens=100, clock=desk.clock
    )
    return Hearing(cast(Any, listen), cast(Any, type("Models", (), {"model": around})))


async def test_a_recording_counts_as_a_request_and_with_its_words(desk: Desk) -> None:
    quota = "2r/hour,1000t/hour"
    hear = hearing(desk, "x" * 28, quota)
    assert await hear(Asker("7", "7", "1v0"), b"OggS", "audio/ogg") == "x" * 28
    assert await desk.figures(charge("u7", "2r/hour")) == (1, 0)
    assert await desk.figures(charge("u7", "1000t/hour")) == (14, 0)  # ten for its words, four for the call


async def test_where_nothing_is_left_nobody_listens(desk: Desk) -> None:
    hear = hearing(desk, "hello", "1r/hour")
    await hear(Asker("7", "7", "1v0"), b"OggS", "audio/ogg")
    with pytest.raises(QuotaSpent):
        await hear(Asker("7", "7", "2v0"), b"OggS", "audio/ogg")


async def test_what_fails_costs_nothing(desk: Desk) -> None:
    hear = hearing(desk, Unheard("no answer"), "1r/hour")
    with pytest.raises(Unheard):
        await hear(Asker("7", "7", "1v0"), b"OggS", "audio/ogg")
    assert await desk.figures(charge("u7", "1r/hour")) == (0, 0)
