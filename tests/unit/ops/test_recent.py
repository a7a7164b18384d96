"""The last errors, as /status shows them: by id and kind, in every process, without a word of anybody."""

from __future__ import annotations

import pytest
from redis.asyncio import Redis

from app.core import keys
from app.core.clock import Manual
from app.core.errors import StoreDown
from app.ops.recent import KEPT, SHOWN, Recent
from tests.support.wait import until


async def noted(recent: Recent) -> None:
    await until(lambda: not recent._tasks, what="the errors to be noted")


async def test_an_error_is_known_by_its_id_in_every_process(redis: Redis) -> None:
    clock = Manual(1000.0)
    recent = Recent(redis, 42, clock)
    recent("3f2a1c", "ModelDown 503")
    await noted(recent)
    await clock.advance(245.0)
    assert await Recent(redis, 42, clock).lines() == ["Error 3f2a1c: ModelDown 503, 4 min 5 s ago"]
    assert await Recent(redis, 43, clock).lines() == []


async def test_the_newest_come_first_and_only_so_many_are_kept(redis: Redis) -> None:
    recent = Recent(redis, 42, Manual(1000.0))
    for number in range(KEPT + 9):
        recent(f"{number:06x}", "ModelCut")
        await noted(recent)
    lines = await recent.lines()
    assert len(lines) == SHOWN
    assert f"{KEPT + 8:06x}" in lines[0]
    assert await redis.llen(keys.errors(42)) == KEPT
    assert 0 < await redis.ttl(keys.errors(42)) <= 7 * 86_400


async def test_without_redis_no_turn_suffers_and_status_says_why() -> None:
    nowhere = Recent(Redis(host="127.0.0.1", port=1), 42, Manual())
    nowhere("3f2a1c", "ModelDown")
    await noted(nowhere)
    with pytest.raises(StoreDown):
        await nowhere.lines()
