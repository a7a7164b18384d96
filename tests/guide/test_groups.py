"""Several people, and the bot among them."""

from __future__ import annotations

from tests.guide.conftest import People
from tests.support.demo import ADA, BOT_NAME, GRACE, HIKERS, IDEAS, LINUS, QUESTIONS


async def test_in_a_group_it_answers_those_who_mention_it_and_lets_others_talk(meet: People) -> None:
    linus = await meet(LINUS)
    chatter = await linus.say("Shall we walk on Sunday?", HIKERS)
    question = await linus.say(f"{BOT_NAME} will it rain?", HIKERS)
    assert "Linus: will it rain?" in (await linus.answer(question))["text"]
    assert not linus.answers(chatter)


async def test_a_reply_to_its_words_needs_no_mention(meet: People) -> None:
    linus, grace = await meet(LINUS), await meet(GRACE)
    await linus.say(f"{BOT_NAME} what shall we pack?", HIKERS)
    await grace.until(
        lambda: any("what shall we pack" in one["text"] and one["from"]["bot"] for one in grace.heard.values())
    )
    words = next(one for one in grace.heard.values() if one["from"]["bot"])
    answer = await grace.answer(await grace.reply(words, "And a map?"))
    assert "Grace: And a map?" in answer["text"]


async def test_each_topic_of_a_forum_is_a_conversation_of_its_own(meet: People) -> None:
    linus = await meet(LINUS)
    idea, question = [await linus.say(f"{BOT_NAME} let us begin", place) for place in (IDEAS, QUESTIONS)]
    assert (await linus.answer(idea))["chat"] == IDEAS
    assert (await linus.answer(question))["chat"] == QUESTIONS
    answer = await linus.answer(await linus.say(f"{BOT_NAME} what do you remember?", QUESTIONS))
    assert answer["text"] == "I remember 1 earlier message of this conversation."


async def test_an_admin_decides_whether_it_answers_everything(meet: People) -> None:
    ada, linus = await meet(ADA), await meet(LINUS)
    assert "every message" in (await ada.answer(await ada.say("/mode always", HIKERS)))["text"]
    assert "Linus: who brings tea?" in (await linus.answer(await linus.say("who brings tea?", HIKERS)))["text"]
    await ada.answer(await ada.say("/mode mention", HIKERS))
    chatter = await linus.say("I do", HIKERS)
    await linus.answer(await linus.say(f"{BOT_NAME} thank you", HIKERS))
    assert not linus.answers(chatter)
