"""What the settings ask for is put together; keys change while it runs, and none is ever sent to another endpoint."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from redis.asyncio import Redis

from app.core import keys
from app.core.clock import Manual
from app.core.connections import Connections
from app.core.errors import SettingsError
from app.core.settings import Settings, load
from app.model.base import Prompt, whole
from app.model.choose import Models, choose, probes
from app.model.health import BUSY
from tests.support.clocked import Clocked
from tests.support.wait import turns

FIRST, SECOND = "http://first.test/v1", "http://second.test/v1"
SETTINGS = {
    "MODEL_BASE_URL": FIRST,
    "MODEL_API_KEYS": "sk-first-key-0001,sk-first-key-0002;300r/hour",
    "MODEL_NAME": "m",
    "MODEL_FALLBACKS": json.dumps(
        [{"name": "n"}, {"base_url": SECOND, "keys": "sk-other-key-003"}, {"base_url": SECOND}]
    ),
}


def given(folder: Path = Path(), **more: str) -> Settings:
    return load({**SETTINGS, **more}, folder)


@pytest.fixture
async def connections() -> AsyncIterator[Connections]:
    async with Connections(2) as connections:
        yield connections


@pytest.fixture
def made(redis: Redis, connections: Connections) -> Callable[[Settings], Models]:
    clock = Manual()
    return lambda settings: choose(settings, connections, clock, Clocked(redis, clock), redis, 1)


async def test_what_a_fallback_leaves_out_is_the_first_ones_but_keys_only_at_its_address(
    made: Callable[[Settings], Models],
) -> None:
    rows = made(given()).report()
    assert [(row.host, row.model, len(row.keys), row.state) for row in rows] == [
        ("first.test", "m", 2, "ready"),
        ("first.test", "n", 2, "ready"),
        ("second.test", "m", 1, "ready"),
        ("second.test", "m", 1, "ready"),
    ]
    assert rows[0].keys == rows[1].keys, "a key is the same key whichever model it is used for"
    assert [row.keys[0].shown for row in rows[2:]] == [f"…-003 ({rows[2].keys[0].label})", "no key"]
    assert str(rows[0].keys[1].limits[0]) == "300r/hour"


async def test_without_an_endpoint_the_stand_in_answers_within_the_quotas(
    made: Callable[[Settings], Models],
) -> None:
    models = made(load({}, Path()))
    assert (models.name, await models.start(), models.report()) == ("offline", "offline", [])
    await models.run()
    clock = models.health._clock
    assert isinstance(clock, Manual)
    task = asyncio.create_task(whole(models.model, Prompt([{"role": "user", "content": "hi"}])))
    while not task.done():
        await clock.advance(0.1)
    assert "offline stand-in" in task.result()[0]


async def test_new_keys_are_used_and_those_that_a_person_may_have_healed_return(
    made: Callable[[Settings], Models], redis: Redis
) -> None:
    models = made(given())
    first = models.pools[0].ring.slots
    await models.health.cool(first[0].scope, 0, "refused", 86_400, BUSY)
    await models.reload(given(MODEL_API_KEYS="sk-new-key-000004,sk-first-key-0001"))
    now = models.pools[0].ring.slots
    assert [slot.access.shown[:5] for slot in now] == ["…0004", "…0001"]
    assert now[1].scope == first[0].scope
    assert [row.state for row in models.report()[0].keys] == ["ready", "returning"]
    assert [slot.access.shown[:5] for slot in models.pools[1].ring.slots] == ["…0004", "…0001"]
    assert "sk-" not in str(await redis.hgetall(keys.health(1)))


async def test_a_key_at_the_limit_of_one_model_is_still_asked_for_another_but_a_refused_one_for_none(
    made: Callable[[Settings], Models],
) -> None:
    models = made(given())
    first, second = models.pools[0].ring.slots, models.pools[1].ring.slots
    await models.health.cool(first[0].field, 0, "busy", 30, BUSY)
    assert [[key.state for key in row.keys] for row in models.report()[:2]] == [["busy", "ready"], ["ready", "ready"]]
    await models.health.cool(first[1].scope, 0, "refused", 86_400, BUSY)
    assert [[key.state for key in row.keys] for row in models.report()[:2]] == [
        ["busy", "refused"],
        ["ready", "refused"],
    ]
    prompt = Prompt([{"role": "user", "content": "hi"}])
    taken = await models.pools[1].ring.take(prompt, set(), alone=True)
    assert taken.slot is second[0]
    assert taken.slot.scope == first[0].scope, "its own limits are one for all models"


async def test_a_start_and_a_reload_let_a_key_be_tried_whose_return_is_far(made: Callable[[Settings], Models]) -> None:
    models = made(given())
    far, near = (slot.field for slot in models.pools[1].ring.slots)
    for heal in (models.start, lambda: models.reload(given())):
        await models.health.cool(far, models.health.get(far).gen, "busy", 20 * 86_400, BUSY)
        await models.health.cool(near, 0, "busy", 60, BUSY)
        await heal()
        assert [row.state for row in models.report()[1].keys] == ["returning", "busy"]


@pytest.mark.parametrize(
    "bases, hosts",
    [
        (["https://a.test/v1"], ["a.test"]),
        (["http://me:secret@a.test:8080/v1", "http://b.test:8080/v1"], ["a.test", "b.test"]),
        (["http://a.test:8080/v1", "http://a.test:8081/v1"], ["a.test:8080", "a.test:8081"]),
        (["http://a.test:8080/v1", "http://me:secret@a.test:8080/v2"], ["a.test:8080/v1", "a.test:8080/v2"]),
        (["http://a.test/v1", "http://a.test:8080/v1", "http://b.test"], ["a.test", "a.test:8080", "b.test"]),
        (["http://a.test/v1", "http://a.test/v2", "http://a.test/v1"], ["a.test/v1", "a.test/v2", "a.test/v1"]),
        (["http://[::1]:8080/v1", "http://[::1]:8081/v1"], ["[::1]:8080", "[::1]:8081"]),
    ],
)
async def test_endpoints_on_one_host_are_told_apart(
    made: Callable[[Settings], Models], connections: Connections, bases: list[str], hosts: list[str]
) -> None:
    first, *others = bases
    fallbacks = json.dumps([{"base_url": other, "name": "n"} for other in others])
    settings = load({"MODEL_BASE_URL": first, "MODEL_NAME": "m", "MODEL_FALLBACKS": fallbacks}, Path())
    models = made(settings)
    assert [row.host for row in models.report()] == hosts
    assert all(key.keyless for row in models.report() for key in row.keys)
    found = probes(settings, connections, Manual())
    assert [(probe.host, probe.model, probe.keyless) for probe in found] == [
        (host, "n" if number else "m", True) for number, host in enumerate(hosts)
    ]


async def test_keys_of_other_endpoints_are_not_taken_over(made: Callable[[Settings], Models]) -> None:
    models = made(given())
    before = [pool.ring.slots for pool in models.pools]
    for others in (given(MODEL_BASE_URL=SECOND), given(MODEL_FALLBACKS="")):
        with pytest.raises(SettingsError, match="name other endpoints now: that needs a restart"):
            await models.reload(others)
    assert [pool.ring.slots for pool in models.pools] == before


async def test_an_endpoint_that_had_keys_is_not_asked_without_one_because_a_setting_was_emptied(
    made: Callable[[Settings], Models],
) -> None:
    models = made(given())
    before = [pool.ring.slots for pool in models.pools]
    with pytest.raises(SettingsError) as caught:
        await models.reload(given(MODEL_API_KEYS=""))
    (line,) = caught.value.lines
    assert line.startswith(f"no key is set any more for {models.pools[0].endpoint.host}; ")
    assert [pool.ring.slots for pool in models.pools] == before


async def test_a_start_lets_retired_keys_be_tried_again(made: Callable[[Settings], Models]) -> None:
    models = made(given())
    scope = models.pools[0].ring.slots[0].scope
    await models.health.cool(scope, 0, "refused", 86_400, BUSY)
    assert await models.start() == "m"
    assert models.health.returning(scope)


async def test_every_key_of_every_endpoint_is_probed(connections: Connections) -> None:
    found = probes(given(), connections, Manual())
    assert [(probe.host, probe.key[:5]) for probe in found] == [
        ("first.test", "…0001"),
        ("first.test", "…0002"),
        ("first.test", "…0001"),
        ("first.test", "…0002"),
        ("second.test", "…-003"),
        ("second.test", "no ke"),
    ]
    assert probes(load({}, Path()), connections, Manual()) == []


async def test_a_model_that_is_down_at_the_start_is_only_said(redis: Redis, connections: Connections) -> None:
    said: list[str] = []
    clock = Manual()
    settings = load({"MODEL_BASE_URL": "http://127.0.0.1:1/v1"}, Path())
    models = choose(settings, connections, clock, Clocked(redis, clock), redis, 1, report=said.append)
    task = asyncio.create_task(models.begin())
    while not task.done():
        await clock.advance(1.0)
        await turns()
    assert [line.split(":")[0] for line in said] == ["the model does not answer"]


async def test_a_warm_up_that_fails_is_only_said(redis: Redis, connections: Connections) -> None:
    said: list[str] = []
    settings = load({"MODEL_BASE_URL": "http://127.0.0.1:1/v1", "MODEL_NAME": "m", "MODEL_WARM_UP": "yes"}, Path())
    clock = Manual()
    models = choose(settings, connections, clock, Clocked(redis, clock), redis, 1, report=said.append)
    task = asyncio.create_task(models.run())
    while not task.done():
        await clock.advance(1.0)
        await turns()
    assert [line.split(":")[0] for line in said] == ["the warm-up failed"]
