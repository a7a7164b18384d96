"""Nobody uses more than his share, and whoever has used it knows when he gets the next."""

from __future__ import annotations

import re

from redis.asyncio import Redis

from app.core.valkey import running
from tests.guide.conftest import People
from tests.support.demo import ADA, LINUS, MARGARET, Demo

SETTINGS = {"quota_user": "2r/hour"}
HOUR_MS = 3_600_000


async def an_hour_passes(bot: Demo) -> None:
    """Moves the windows of an hour back by one, and forgets what would be forgotten by then."""
    async with Redis.from_url(running(bot.folder / "data")) as client:
        async for key in client.scan_iter("lk:*:use:*:r/hour"):
            for moment in ("opened", "resets"):
                await client.hincrby(key, moment, -HOUR_MS)
        async for key in client.scan_iter("lk:*:notice:*"):
            if await client.pttl(key) <= HOUR_MS:
                await client.delete(key)


async def test_who_has_used_up_his_quota_is_told_once_until_when_and_is_answered_after_that(
    meet: People, bot: Demo
) -> None:
    linus, margaret = await meet(LINUS), await meet(MARGARET)
    for n in range(2):
        assert f"Question {n}" in (await linus.answer(await linus.say(f"Question {n}")))["text"]
    told = (await linus.answer(await linus.say("Question 2")))["text"]
    assert re.fullmatch(
        r"You have used up your 2 requests an hour; I can answer you again .*at \d\d:\d\d UTC\)?\.", told
    )

    silent = [await linus.say(f"Question {n}") for n in (3, 4)]
    used = (await linus.answer(await linus.say("/usage")))["text"]
    assert used.startswith("You: 2 of 2 requests this hour, back to 0 ")
    assert [linus.answers(question) for question in silent] == [[], []]
    assert "You said: Hello" in (await margaret.answer(await margaret.say("Hello")))["text"]

    await an_hour_passes(bot)
    assert "Question 5" in (await linus.answer(await linus.say("Question 5")))["text"]


async def test_an_operator_sets_what_a_chat_may_use(meet: People) -> None:
    ada, linus = await meet(ADA), await meet(LINUS)
    assert "Only my operators" in (await linus.answer(await linus.say(f"/quota {LINUS} off")))["text"]
    said = (await ada.answer(await ada.say(f"/quota {MARGARET} 5000t/day, 20r/hour")))["text"]
    assert said == f"Chat {MARGARET} may use 5,000 tokens a day and 20 requests an hour now."
    assert "no quota of its own" in (await ada.answer(await ada.say(f"/quota {MARGARET} off")))["text"]
