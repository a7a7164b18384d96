"""While Redis stores nothing: polled on, unconfirmed and unhurried. While there is nothing new: unhurried too."""

from __future__ import annotations

import asyncio
from itertools import pairwise

import pytest

from app.core.errors import Conflict, Flooded, StoreBroken, StoreDown, StoreFull, Unauthorised, Unsent
from app.ingress.polling import FULL_SECONDS, IDLE_SECONDS
from tests.support.wait import turns
from tests.unit.fakes import update
from tests.unit.ingress.desk import Ingress, batch, raw, written


def gaps(ingress: Ingress) -> list[float]:
    return [later - earlier for (earlier, _), (later, _) in pairwise(ingress.telegram.asked)]


async def test_a_store_that_does_not_answer_leaves_the_poll_young_and_confirms_nothing() -> None:
    ingress = Ingress(written(10, 11))
    ingress.lanes.held = asyncio.Event()
    async with ingress.running() as task:
        before = ingress.watch.polls
        await ingress.age(60)
        assert not task.done()
        assert 60 / FULL_SECONDS - 1 <= ingress.watch.polls - before <= 60 / FULL_SECONDS
        assert set(ingress.telegram.offsets) == {0}
        assert ingress.watch.kinds["ok"] == 1, "what is looked at is not stored a second time"
        ingress.lanes.held.set()
        await turns(40)
        assert ingress.telegram.offsets[-1] == 12
    assert ingress.lanes.uids == [10, 11]


async def test_a_store_that_answers_soon_is_not_polled_beside() -> None:
    ingress = Ingress(written(10))
    ingress.lanes.held = asyncio.Event()
    async with ingress.running():
        await ingress.age(FULL_SECONDS - 0.5)
        ingress.lanes.held.set()
        await ingress.age(FULL_SECONDS)
        assert ingress.telegram.offsets == [0, 11]


@pytest.mark.parametrize("refusal", [Unsent("down"), Conflict("another"), Flooded(12), b"<html>", batch(b"{}")])
async def test_a_look_that_fails_hurries_nobody_and_ends_nothing(refusal: bytes | Exception) -> None:
    ingress = Ingress(written(10))
    ingress.lanes.held = asyncio.Event()
    ingress.telegram.glances.extend([refusal] * 3)
    async with ingress.running() as task:
        await ingress.age(60)
        assert not task.done()
        assert min(gaps(ingress)) >= FULL_SECONDS - 0.01
        ingress.lanes.held.set()
        await ingress.age(20)
        assert ingress.telegram.offsets[-1] == 11


async def test_a_flood_met_while_waiting_is_waited_out_even_if_the_store_answers_meanwhile() -> None:
    ingress = Ingress(written(10))
    ingress.lanes.held = asyncio.Event()
    ingress.telegram.glances.append(Flooded(30))
    async with ingress.running():
        await ingress.age(FULL_SECONDS + 1)
        ingress.lanes.held.set()
        await ingress.age(28)
        assert ingress.telegram.offsets == [0, 0]
        await ingress.age(2)
        assert ingress.telegram.offsets == [0, 0, 11]


async def test_a_token_refused_while_waiting_ends_the_polling() -> None:
    ingress = Ingress(written(10))
    ingress.lanes.held = asyncio.Event()
    ingress.telegram.glances.append(Unauthorised("Unauthorized"))
    async with ingress.running() as task:
        await ingress.age(FULL_SECONDS + 1)
        assert task.done()
        assert task.exception() is not None


async def test_a_stop_while_waiting_ends_at_once() -> None:
    ingress = Ingress(written(10))
    ingress.lanes.held = asyncio.Event()
    async with ingress.running() as task:
        await ingress.age(FULL_SECONDS + 1)
        await ingress.polling.stop()
        assert task.done()
        assert task.exception() is None
    assert ingress.lanes.uids == []


async def test_what_a_full_redis_refuses_is_shown_at_once_and_what_comes_later_within_seconds() -> None:
    ingress = Ingress(written(10, 11))
    ingress.lanes.refusals[0].extend([StoreFull("OOM")] * 3)
    ingress.telegram.glances.append(written(10, 11, 12, 13))
    async with ingress.running():
        assert ingress.unstored == [[10]], "the other shard had room"
        await ingress.age(FULL_SECONDS + 1)
        assert [10, 11, 12, 13] in ingress.unstored
        await ingress.age(2 * FULL_SECONDS)
        assert ingress.telegram.offsets[-1] == 12, "only what was stored is confirmed"
        shown = len(ingress.unstored)
        await ingress.age(60)
        assert len(ingress.unstored) == shown


@pytest.mark.parametrize("error", [StoreBroken("NOPERM"), StoreDown("gone")])
async def test_only_a_full_redis_shows_what_it_refuses(error: Exception) -> None:
    ingress = Ingress(written(10))
    ingress.lanes.refusals[0].extend([error] * 3)
    ingress.telegram.glances.append(written(10, 11))
    async with ingress.running():
        await ingress.age(4 * FULL_SECONDS)
    assert ingress.unstored == []
    assert ingress.lanes.uids == [10]


USELESS = {
    "nothing": (batch(), 0),
    "what is known": (written(10), 11),
    "what is known and what no lane can hold": (batch(update(uid=10), raw(update_id=2**60)), 11),
}


@pytest.mark.parametrize("kind", USELESS)
async def test_a_server_that_says_nothing_new_at_once_is_asked_once_a_second_in_the_end(kind: str) -> None:
    answer, offset = USELESS[kind]
    ingress = Ingress(*[answer] * 500)
    async with ingress.running() as task:
        await ingress.age(60, 0.01)
        assert not task.done()
        assert ingress.telegram.offsets[-1] == offset
        assert len(ingress.telegram.asked) < 75
        assert max(gaps(ingress)) <= 1.1 * IDLE_SECONDS[1]


async def test_whoever_writes_is_not_kept_waiting_by_empty_polls_before() -> None:
    ingress = Ingress(batch(), batch(), *(written(n) for n in range(10, 60)))
    async with ingress.running():
        await ingress.age(0.3, 0.01)
        await turns(2000)
        assert ingress.lanes.uids == [*range(10, 60)]


async def test_a_poll_that_was_held_is_followed_at_once() -> None:
    ingress = Ingress()
    ingress.telegram.hold_seconds = 30.0
    ingress.telegram.answers.extend([batch()] * 10)
    async with ingress.running():
        await ingress.age(200, 0.5)
        assert gaps(ingress) == [30.0] * len(gaps(ingress))
