"""Bad settings: one clear line each, exit code 78, no traceback, no secret."""

from __future__ import annotations

import pytest

from tests.chaos.conftest import Bots
from tests.support.remote import Remote

pytestmark = pytest.mark.chaos

BAD = {
    "TELEGRAM_BOT_TOKEN": "no-colon-hunter2",
    "CONCURRENCY": "many",
    "LEASE_SECONDS": "-1",
    "ATTEMPTS": "0",
    "OPERATOR_IDS": "@boss",
    "STREAM": "sideways",
    "GROUP_MODE": "loudly",
    "HISTORY_TURNS": "3.5",
    "REDIS_URL": "ftp://127.0.0.1",
    "MODEL_BASE_URL": "127.0.0.1",
    "WEB_PORT": "99999",
    "LOG_LEVEL": "whisper",
    "SHARDS": "0",
    "REDIS_DURABILITY": "perhaps",
    "LANE_SCOPE": "planet",
    "DRAIN_SECONDS": "soon",
}


async def test_all_bad_settings_are_named_at_once_in_one_line_each(world: Remote, bots: Bots) -> None:
    bot = bots(**{name.lower(): value for name, value in BAD.items()}).launch()
    assert await bot.ended(10) == 78
    lines = [line for line in bot.log.splitlines() if line.strip()]
    for name in BAD:
        named = [line for line in lines if name in line]
        assert len(named) == 1, f"{name} in {named}"
    assert len(lines) <= len(BAD) + 1
    assert "Traceback" not in bot.log
    assert "hunter2" not in bot.log


async def test_one_bad_setting_is_one_line(world: Remote, bots: Bots) -> None:
    bot = bots(concurrency="many").launch()
    assert await bot.ended(10) == 78
    assert sum("CONCURRENCY" in line for line in bot.log.splitlines()) == 1, bot.log
    assert world.status["polls"] == 0


async def test_another_number_of_shards_than_at_the_first_start_is_refused(world: Remote, bots: Bots) -> None:
    first = await bots().start()
    await first.stop()
    second = bots(shards=8).launch()
    assert await second.ended(10) == 78
    assert "SHARDS" in second.log


async def test_a_redis_that_may_forget_is_refused_if_so_required(world: Remote, bots: Bots, valkey: str) -> None:
    bot = bots(redis_url=f"unix://{valkey}", redis_durability="require").launch()
    assert await bot.ended(15) == 78
    assert "REDIS_DURABILITY" in bot.log
    assert "Traceback" not in bot.log
    assert world.status["confirmed"] == 0
