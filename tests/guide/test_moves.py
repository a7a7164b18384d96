"""A group that becomes a supergroup goes on as if nothing had happened."""

from __future__ import annotations

from tests.guide.conftest import People
from tests.support.demo import ADA, BOT_NAME, GRACE, LINUS


async def test_a_group_that_becomes_a_supergroup_is_remembered(meet: People) -> None:
    ada = await meet(ADA)
    club = (await ada.rule("group", "", title="Book club", people=[GRACE, LINUS]))["chat"]
    await ada.answer(await ada.say(f"{BOT_NAME} we read Emma", club))
    supergroup = (await ada.rule("migrate", club))["chat"]
    answer = await ada.answer(await ada.say(f"{BOT_NAME} what do you remember?", supergroup), 10)
    assert "I remember 1 earlier message" in answer["text"]
