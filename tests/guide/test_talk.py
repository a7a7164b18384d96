"""A person talks with the bot."""

from __future__ import annotations

from tests.guide.conftest import People
from tests.support.demo import ADA, GRACE, LINUS, MARGARET


async def test_a_question_is_answered_in_reply_to_it(meet: People) -> None:
    ada = await meet(ADA)
    question = await ada.say("Good morning!")
    answer = await ada.answer(question)
    assert "You said: Good morning!" in answer["text"]
    assert answer["reply"]["id"] == question["id"]


async def test_it_remembers_the_conversation_until_new_is_asked_for(meet: People) -> None:
    grace = await meet(GRACE)
    for words in ("My boat is blue.", "My bicycle is red."):
        await grace.answer(await grace.say(words))
    answer = await grace.answer(await grace.say("What do you remember?"))
    assert answer["text"] == "I remember 2 earlier messages of this conversation."
    await grace.answer(await grace.say("/new"))
    answer = await grace.answer(await grace.say("What do you remember?"))
    assert "I remember 0 earlier messages" in answer["text"]


async def test_two_conversations_are_never_mixed(meet: People) -> None:
    linus, margaret = await meet(LINUS), await meet(MARGARET)
    first = await linus.say("I am Linus."), await margaret.say("I am Margaret.")
    assert "I am Linus." in (await linus.answer(first[0]))["text"]
    assert "I am Margaret." in (await margaret.answer(first[1]))["text"]
    answer = await linus.answer(await linus.say("What do you remember?"))
    assert answer["text"] == "I remember 1 earlier message of this conversation."


async def test_what_is_asked_at_once_is_answered_once_and_in_order(meet: People) -> None:
    ada = await meet(ADA)
    questions = [await ada.say(f"Question {n}") for n in range(6)]
    await ada.answer(questions[-1])
    answers = [answer for question in questions for answer in ada.answers(question)]
    asked = [[n for n in range(6) if f"Question {n}" in answer["text"]] for answer in answers]
    assert [n for several in asked for n in several] == list(range(6))
    assert [answer["id"] for answer in answers] == sorted(answer["id"] for answer in answers)


async def test_what_begins_with_the_ignore_prefix_is_not_for_the_bot(meet: People) -> None:
    ada = await meet(ADA)
    aside = await ada.say("$ignore a note to myself")
    await ada.answer(await ada.say("And this is for you."))
    assert not ada.answers(aside)


async def test_an_edited_question_is_answered_anew_in_the_same_message(meet: People) -> None:
    linus = await meet(LINUS)
    question = await linus.say("How far is the moon?")
    first = await linus.answer(question)
    await linus.edit(question, "How far is the sun?")
    await linus.until(lambda: "How far is the sun?" in linus.answers(question)[0]["text"])
    assert [one["id"] for one in linus.answers(question)] == [first["id"]]


async def test_retry_answers_the_last_question_once_more(meet: People) -> None:
    margaret = await meet(MARGARET)
    question = await margaret.say("Heads or tails?")
    await margaret.answer(question)
    await margaret.say("/retry")
    await margaret.until(lambda: len(margaret.answers(question)) == 2)


async def test_forget_leaves_nothing_of_a_conversation_and_privacy_says_what_there_is(meet: People) -> None:
    grace = await meet(GRACE)
    await grace.answer(await grace.say("My secret is a garden."))
    assert "/forget" in (await grace.answer(await grace.say("/privacy")))["text"]
    assert "forgotten everything" in (await grace.answer(await grace.say("/forget")))["text"]
    answer = await grace.answer(await grace.say("What do you remember?"))
    assert "I remember 0 earlier messages" in answer["text"]


async def test_help_names_the_commands(meet: People) -> None:
    linus = await meet(LINUS)
    text = (await linus.answer(await linus.say("/help")))["text"]
    assert "/new" in text
    assert "/pause" not in text, "what operators may do is said to operators"


async def test_an_unknown_command_gets_a_hint(meet: People) -> None:
    linus = await meet(LINUS)
    assert "/help" in (await linus.answer(await linus.say("/abracadabra")))["text"]


async def test_who_answers_can_be_chosen_and_the_conversation_starts_afresh(meet: People) -> None:
    margaret = await meet(MARGARET)
    await margaret.answer(await margaret.say("My cat is called Byte."))
    assert "keeper - Edda Marrow" in (await margaret.answer(await margaret.say("/persona")))["text"]
    greeting = (await margaret.answer(await margaret.say("/persona keeper")))["text"]
    assert "Edda Marrow, I keep this light" in greeting
    answer = await margaret.answer(await margaret.say("What do you remember?"))
    assert "I remember 0 earlier messages" in answer["text"]
    await margaret.answer(await margaret.say("/persona assistant"))
