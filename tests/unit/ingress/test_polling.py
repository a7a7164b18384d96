"""Polling: stored before confirmed, by one process, and no failure ends it silently or moves the offset."""

from __future__ import annotations

import asyncio
from itertools import pairwise

import pytest

from app.core.botapi import Telegram as BotApi
from app.core.connections import Connections
from app.core.errors import (
    Conflict,
    Doubtful,
    Flooded,
    Forbidden,
    Rejected,
    StoreBroken,
    StoreDown,
    StoreFull,
    Unauthorised,
    Unsent,
)
from app.ingress.polling import ALLOWED, CONFLICT_ALARM_SECONDS, FULL_SECONDS, LAST_DELAY_SECONDS, POLL_SECONDS
from tests.support.wait import turns
from tests.unit.fakes import update
from tests.unit.ingress.desk import LEASE_SECONDS, Ingress, batch, raw, written

PAGE = b"<html><title>404 Not Found</title></html>"


def unauthorised(error: BaseException) -> bool:
    inner = getattr(error, "exceptions", ())
    return isinstance(error, Unauthorised) or any(unauthorised(one) for one in inner)


async def test_an_offset_confirms_only_what_every_shard_has_stored() -> None:
    ingress = Ingress(written(10, 11, 12))
    ingress.lanes.held = asyncio.Event()
    async with ingress.running():
        await ingress.age(60)
        assert set(ingress.telegram.offsets) == {0}
        assert ingress.lanes.uids == [11]
        ingress.lanes.held.set()
        await turns(40)
        assert ingress.telegram.offsets[-1] == 13
    assert ingress.lanes.uids == [10, 11, 12]


async def test_who_is_told_of_what_was_stored() -> None:
    ingress = Ingress(written(10, 11, 13))
    async with ingress.running():
        assert sorted(ingress.kicks) == [(0, 1), (1, 2)]
        assert [sorted(shards) for shards in ingress.hints] == [[0, 1]]
        assert ingress.watch.kinds["ok"] == 3


async def test_every_poll_names_its_kinds_and_its_time() -> None:
    ingress = Ingress(batch(), written(10), batch())
    async with ingress.running():
        await ingress.age(1)
        assert ingress.telegram.forms == [(POLL_SECONDS, ALLOWED)] * 4
        assert ingress.telegram.offsets == [0, 0, 11, 11]


FAILURES: dict[str, bytes | Exception] = {
    "unsent": Unsent("no connection"),
    "doubtful": Doubtful("answer lost"),
    "rejected": Rejected("Bad Request"),
    "forbidden": Forbidden("Forbidden"),
    "flood": Flooded(3),
    "conflict": Conflict("terminated by other getUpdates"),
    "no json": b"<html>",
    "not utf-8": b'{"ok":true,"result":["\xff"]}',
    "half": b'{"ok":true,"result":[{"upd',
    "empty": b"",
    "not ok": b'{"ok":false,"result":[]}',
    "no list": b'{"ok":true,"result":{"update_id":7}}',
    "another shape": b"[1,2,3]",
    "no id": batch(raw(message={"text": "hello"})),
    "a bad id": batch(raw(update_id="seven")),
}


@pytest.mark.parametrize("failure", FAILURES)
async def test_no_failure_moves_the_offset_or_ends_the_polling(failure: str) -> None:
    end = FAILURES[failure]
    ingress = Ingress(written(10), end, end, end, written(11))
    async with ingress.running() as task:
        await ingress.age(60)
        assert not task.done()
        assert ingress.telegram.offsets == [0, 11, 11, 11, 11, 12]
    assert ingress.lanes.uids == [10, 11]


@pytest.mark.parametrize("failure", sorted(set(FAILURES) - {"flood", "conflict"}))
async def test_a_poll_that_fails_again_and_again_is_asked_ever_more_rarely_but_within_20_seconds(failure: str) -> None:
    ingress = Ingress(*[FAILURES[failure]] * 40)
    async with ingress.running():
        await ingress.age(200)
        times = [at for at, _ in ingress.telegram.asked]
        gaps = [later - earlier for earlier, later in pairwise(times)]
    assert 0.5 <= gaps[0] <= 1.5
    assert min(gaps[5:]) >= 0.6 * LAST_DELAY_SECONDS
    assert max(gaps) <= 1.4 * LAST_DELAY_SECONDS


async def test_a_good_poll_forgets_the_delay() -> None:
    ingress = Ingress(*[Unsent("down")] * 6, batch(), Unsent("down"))
    async with ingress.running():
        await ingress.age(90)
        last, back = ingress.telegram.asked[-2:]
        assert back[0] - last[0] <= 1.6


async def test_an_unreadable_update_costs_its_neighbours_nothing() -> None:
    good = update(uid=12)
    ingress = Ingress(batch(raw(message={"text": "no id"}), good, raw(update_id=True), raw(update_id=14, message=7)))
    async with ingress.running():
        await ingress.age(5)
        assert ingress.lanes.uids == [12, 14]
        assert ingress.watch.bad == 2
        assert ingress.telegram.offsets == [0, 15]


async def test_a_token_that_telegram_refuses_ends_the_polling_loudly() -> None:
    ingress = Ingress(written(10), Unauthorised("Unauthorized"))
    async with ingress.running() as task:
        await turns(20)
        assert task.done()
        error = task.exception()
    assert error is not None
    assert unauthorised(error)
    assert any("token" in line for line in ingress.log.errors)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 413, 429, 500, 502, 504])
async def test_a_page_that_a_gateway_wrote_does_not_end_the_polling(status: int) -> None:
    async with Connections(1) as connections:
        verdict = BotApi(connections, "424242:x").verdict(status, PAGE)
    ingress = Ingress(written(10), verdict, written(11))
    async with ingress.running() as task:
        await ingress.age(20)
        assert not task.done()
        assert ingress.telegram.offsets == [0, 11, 11, 12]


async def test_a_429_is_waited_for_to_its_end() -> None:
    ingress = Ingress(Flooded(37), batch())
    async with ingress.running():
        await ingress.age(36.5)
        assert len(ingress.telegram.asked) == 1
        await ingress.age(1)
        assert len(ingress.telegram.asked) >= 2
    assert ingress.watch.kinds["429"] == 1


async def test_a_409_is_met_calmly_and_cried_out_once_a_minute_has_passed() -> None:
    ingress = Ingress(*[Conflict("terminated by other getUpdates")] * 80)
    async with ingress.running():
        await ingress.age(CONFLICT_ALARM_SECONDS - 5)
        times = [at for at, _ in ingress.telegram.asked]
        assert ingress.log.errors == []
        assert all(3 <= later - earlier <= 5.5 for earlier, later in pairwise(times))
        await ingress.age(15)
        assert len(ingress.log.errors) == 1
        await ingress.age(120)
        assert len(ingress.log.errors) == 1


@pytest.mark.parametrize("refusal", [None, Unsent("down"), Rejected("no")])
async def test_a_webhook_is_removed_once_and_never_with_what_waits(refusal: Exception | None) -> None:
    ingress = Ingress(*[Conflict("can't use getUpdates method while webhook is active")] * 20, written(10))
    ingress.telegram.refusal = refusal
    async with ingress.running() as task:
        await ingress.age(50)
        assert not task.done()
        assert ingress.telegram.called == ["deleteWebhook"]
        assert len(ingress.telegram.asked) < 20, "a hot loop"
        await ingress.age(60)
    assert ingress.lanes.uids == [10]


async def test_a_409_that_ended_is_counted_anew() -> None:
    ingress = Ingress(*[Conflict("another")] * 10, batch(), *[Conflict("another")] * 10)
    async with ingress.running():
        await ingress.age(85)
    assert len(ingress.telegram.asked) > 12
    assert ingress.log.errors == []


@pytest.mark.parametrize("error", [StoreFull("OOM"), StoreBroken("NOPERM"), StoreDown("gone")])
async def test_a_store_that_refuses_is_asked_again_and_nothing_is_confirmed(error: Exception) -> None:
    ingress = Ingress(written(10, 11))
    ingress.lanes.refusals[0].extend([error] * 4)
    async with ingress.running() as task:
        await ingress.age(4 * FULL_SECONDS - 1)
        assert not task.done()
        assert set(ingress.telegram.offsets) == {0}
        assert ingress.lanes.uids == [11], "the other shard was stored, once"
        await ingress.age(2)
        assert ingress.telegram.offsets[-1] == 12
    assert ingress.lanes.uids == [10, 11]
    assert ingress.watch.kinds["store"] == 4
    assert len(ingress.log.errors) == 4


@pytest.mark.parametrize("error", [StoreFull("OOM"), StoreBroken("NOPERM"), StoreDown("gone")])
async def test_a_lease_that_the_store_refuses_is_asked_for_again(error: Exception) -> None:
    ingress = Ingress(written(10))
    ingress.lanes.lease_answers.extend([error, error])
    async with ingress.running() as task:
        assert ingress.telegram.asked == []
        await ingress.age(3 * FULL_SECONDS)
        assert not task.done()
        assert ingress.lanes.uids == [10]
        ingress.lanes.lease_answers.extend([error, error])
        await ingress.age(LEASE_SECONDS + 3 * FULL_SECONDS)
        assert not task.done()
        assert ingress.polling.leading


async def test_who_has_no_lease_does_not_poll_but_asks_each_second() -> None:
    ingress = Ingress(written(10))
    ingress.lanes.lease_answers.extend([False] * 5)
    async with ingress.running():
        await ingress.age(4)
        assert (ingress.telegram.asked, ingress.polling.leading) == ([], False)
        assert 4 <= len(ingress.lanes.leases) <= 6
        await ingress.age(2)
        assert ingress.polling.leading
    assert ingress.lanes.uids == [10]


async def test_a_lease_that_is_lost_stops_the_polling_and_a_new_one_starts_without_an_offset() -> None:
    ingress = Ingress(written(10))
    async with ingress.running() as task:
        assert ingress.telegram.held == 1
        ingress.lanes.lease_answers.extend([False] * 3)
        await ingress.age(LEASE_SECONDS / 3)
        assert (ingress.telegram.held, ingress.polling.leading) == (0, False)
        asked = len(ingress.telegram.asked)
        await ingress.age(1)
        assert len(ingress.telegram.asked) == asked
        await ingress.age(3)
        assert ingress.telegram.held == 1
        assert not task.done()
    assert ingress.telegram.offsets == [0, 11, 0]


async def test_a_stop_gives_the_lease_up_and_ends_quietly() -> None:
    ingress = Ingress(written(10))
    async with ingress.running() as task:
        await ingress.polling.stop()
        assert task.done()
        assert task.exception() is None
    assert ingress.lanes.leases[-1] == 0
    assert ingress.telegram.held == 0


async def test_what_comes_for_a_chat_that_moved_is_stored_in_its_new_place_before_it_is_confirmed() -> None:
    ingress = Ingress(written(10, 11))
    ingress.lanes.moved = {"10": "13", "13": "15"}
    ingress.lanes.held = asyncio.Event()
    async with ingress.running():
        assert set(ingress.telegram.offsets) == {0}
        ingress.lanes.held.set()
        await turns(40)
        assert ingress.telegram.offsets[-1] == 12
    assert ingress.lanes.stored == [(1, [11]), (0, []), (1, []), (1, [10])]
    assert (ingress.lanes.rows[-1].lane, ingress.lanes.rows[-1].mid) == ("15", 0)


async def test_a_chat_that_moves_in_a_circle_does_not_stop_the_others() -> None:
    ingress = Ingress(written(10, 11))
    ingress.lanes.moved = {"10": "12", "12": "10"}
    async with ingress.running():
        await turns(40)
        assert ingress.telegram.offsets[-1] == 12
    assert [row.uid for row in ingress.lanes.rows] == [11]
