"""One person cannot have the bot, and its owner's money, for himself alone."""

from __future__ import annotations

from tests.guide.conftest import People
from tests.support.demo import LINUS, MARGARET

SETTINGS = {"user_messages_per_minute": 2, "merge_waiting": "off"}


async def test_who_writes_too_fast_is_told_so_once_and_others_do_not_notice(meet: People) -> None:
    linus, margaret = await meet(LINUS), await meet(MARGARET)
    messages = [await linus.say(f"Message {n}") for n in range(4)]
    await linus.until(lambda: bool(linus.answers(messages[2])))
    said = [one["text"] for one in await linus.read() if one["from"]["bot"]]
    assert sum("That was a lot at once" in text for text in said) == 1
    assert sum("You said: " in text for text in said) == 2
    assert "You said: Hello" in (await margaret.answer(await margaret.say("Hello")))["text"]
