"""/pause, /resume, /status and /stop, through the whole bot: who may, where it holds, what it leaves alone.

Margaret (1004) operates this bot; Ada is an admin of the groups, Linus is nobody. That nothing was said to a message
is looked at after a later message of the same chat was answered.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from simulator.client import Json, Someone
from tests.integration.operated import Operated, operated
from tests.support.demo import ADA, BOT_NAME, GENERAL, GRACE, HIKERS, IDEAS, LINUS, MARGARET, QUESTIONS
from tests.support.wait import until

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.alone]
FORWARDED = {"type": "hidden_user", "sender_user_name": "Somebody", "date": 1}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def bot(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Operated]:
    async with operated(tmp_path_factory.mktemp("operated"), operator_ids=MARGARET) as bot:
        yield bot


async def ask(person: Someone, words: str, chat: str = "") -> Json:
    """Says something and waits for the answer."""
    return await person.answer(await person.say(words, chat))


async def test_a_groups_admin_pauses_and_resumes_the_group_and_nothing_else(bot: Operated) -> None:
    async with bot.someone(ADA) as ada, bot.someone(LINUS) as linus:
        began = time.monotonic()
        assert (await ask(ada, "/pause 30m lunch", HIKERS))["text"].endswith("Reason: lunch")
        assert time.monotonic() - began < 1
        questions = [await linus.say(f"{BOT_NAME} question {n}", HIKERS) for n in range(3)]
        notice = await linus.answer(questions[0])
        assert "I am paused at the moment" in notice["text"]
        assert "Echo: elsewhere" in (await ask(linus, "elsewhere"))["text"]
        assert not linus.answers(questions[1])

        assert "resumed in this chat" in (await ask(ada, "/resume", HIKERS))["text"]
        await linus.until(lambda: bool(linus.answers(questions[2])))
        said = [linus.answers(question)[-1] for question in questions]
        assert [f"question {n}" in one["text"] for n, one in enumerate(said)] == [True] * 3
        assert [one["id"] for one in said] == sorted(one["id"] for one in said)


async def test_an_admin_of_a_group_may_not_pause_everything(bot: Operated) -> None:
    async with bot.someone(ADA) as ada:
        assert "everywhere" in (await ask(ada, "/pause all", HIKERS))["text"]
        assert "Echo: hello" in (await ask(ada, "hello"))["text"]
        assert "Only my operators" in (await ask(ada, "/pause"))["text"], "in her private chat she is no admin"


async def test_a_plain_member_is_met_with_silence(bot: Operated) -> None:
    async with bot.someone(LINUS) as linus:
        commands = [await linus.say(words, HIKERS) for words in ("/pause", "/resume", "/status")]
        answer = await ask(linus, f"{BOT_NAME} still there?", HIKERS)
        assert "still there?" in answer["text"]
        await until_heard(bot, 3, "dropped: access")
        assert [linus.answers(command) for command in commands] == [[], [], []]


async def test_a_pause_in_a_topic_holds_that_topic_only(bot: Operated) -> None:
    async with bot.someone(GRACE) as grace:
        assert "in this topic" in (await ask(grace, "/pause", IDEAS))["text"]
        held = await grace.say(f"{BOT_NAME} an idea", IDEAS)
        assert "paused" in (await grace.answer(held))["text"]
        assert "a question" in (await ask(grace, f"{BOT_NAME} a question", QUESTIONS))["text"]
        assert len(grace.answers(held)) == 1
        assert "resumed in this topic" in (await ask(grace, "/resume", IDEAS))["text"]
        await grace.until(lambda: len(grace.answers(held)) == 2)
        assert "an idea" in grace.answers(held)[1]["text"]


async def test_a_resume_says_what_still_holds_and_what_ends_it(bot: Operated) -> None:
    async with bot.someone(GRACE) as grace:
        await ask(grace, "/pause", GENERAL)
        assert "in this chat as a whole (/resume in its General topic" in (await ask(grace, "/resume", IDEAS))["text"]
        held = await grace.say(f"{BOT_NAME} an idea of mine", IDEAS)
        assert "paused" in (await grace.answer(held))["text"]
        await ask(grace, "/pause", IDEAS)
        said = (await ask(grace, "/resume", GENERAL))["text"]
        assert said == "I am resumed in this chat, but still paused in topic 2 (/resume there ends that)."
        assert "a question" in (await ask(grace, f"{BOT_NAME} a question", QUESTIONS))["text"]
        assert len(grace.answers(held)) == 1
        assert (await ask(grace, "/resume", IDEAS))["text"] == "I am resumed in this topic."
        await grace.until(lambda: len(grace.answers(held)) == 2)


async def test_an_operator_pauses_everything(bot: Operated) -> None:
    async with bot.someone(MARGARET) as margaret, bot.someone(LINUS) as linus:
        assert "paused everywhere" in (await ask(margaret, "/pause all"))["text"]
        private, group = await linus.say("private"), await linus.say(f"{BOT_NAME} group", HIKERS)
        for question in (private, group):
            assert "I am paused at the moment" in (await linus.answer(question))["text"]
        assert "still paused everywhere" in (await ask(margaret, "/resume"))["text"]
        assert "resumed everywhere" in (await ask(margaret, "/resume all"))["text"]
        for question in (private, group):
            await linus.until(lambda question=question: len(linus.answers(question)) == 2)  # type: ignore[misc]


async def test_a_pause_with_an_end_ends_by_itself(bot: Operated) -> None:
    async with bot.someone(MARGARET) as margaret, bot.someone(LINUS) as linus:
        began = time.monotonic()
        assert " UTC" in (await ask(margaret, "/pause all 2s"))["text"]
        held = await linus.say("after a moment")
        await linus.until(lambda: any("Echo" in one["text"] for one in linus.answers(held)), 8)
        assert time.monotonic() - began > 1.5


async def test_status_says_how_the_bot_is_to_operators_only(bot: Operated) -> None:
    async with bot.someone(MARGARET) as margaret, bot.someone(LINUS) as linus:
        await ask(margaret, "/pause the night shift sleeps")
        text = (await ask(margaret, "/status"))["text"]
        await ask(margaret, "/resume")
        for words in ("Lanekeeper 0.", "up ", "Working on", "last asked", "Model: echo", "Redis: keeps"):
            assert words in text
        assert f"Chat {MARGARET} is paused by Margaret ({MARGARET}): the night shift sleeps" in text
        assert "paused" not in (await ask(margaret, "/status"))["text"]
        assert "Only my operators" in (await ask(linus, "/status"))["text"]


async def test_commands_that_come_late_are_repeated_words_or_are_meant_for_another_bot_do_nothing(
    bot: Operated,
) -> None:
    async with bot.someone(MARGARET) as margaret:
        key = str(MARGARET)
        unheard = [
            bot.deliver(MARGARET, key, "/pause all", late=120),
            bot.deliver(MARGARET, key, "/status", late=120),
            bot.deliver(MARGARET, HIKERS, "/pause@other_bot"),
        ]
        forwarded = bot.deliver(MARGARET, key, "/pause all", forward_origin=FORWARDED)
        assert "paused" not in (await ask(margaret, "/status"))["text"]
        assert (await ask(margaret, f"{BOT_NAME} here?", HIKERS))["text"].endswith("here?")
        assert "Echo: hello" in (await ask(margaret, "hello"))["text"]
        said = {(one["chat"], one["reply"]["id"]): one["text"] for one in margaret.heard.values() if one["reply"]}
        assert not said.keys() & set(unheard)
        assert "paused" not in said.get(forwarded, ""), "what is forwarded is talk, not a command"


async def test_stop_ends_a_slow_answer_within_a_second_and_the_next_question_is_answered(bot: Operated) -> None:
    async with bot.someone(LINUS) as linus:
        slow = await linus.say("a slow question")
        await until(lambda: "a slow question" in bot.model.asked, what="the question to reach the model")
        began = time.monotonic()
        assert (await ask(linus, "/stop"))["text"] == "I stopped."
        await until(lambda: "a slow question" in bot.model.dropped, what="the end of the call of the model")
        assert time.monotonic() - began < 1
        assert (await ask(linus, "and now?"))["text"] == "Echo: and now?"
        assert not linus.answers(slow)
        assert (await ask(linus, "/stop"))["text"] == "There is nothing to stop."


async def test_a_pause_is_obeyed_while_an_answer_is_being_made(bot: Operated) -> None:
    async with bot.someone(ADA) as ada:
        slow = await ada.say(f"{BOT_NAME} a slow walk", HIKERS)
        await until(lambda: any("slow walk" in asked for asked in bot.model.asked), what="the model to be asked")
        began = time.monotonic()
        await ask(ada, "/pause", HIKERS)
        await until(lambda: any("slow walk" in asked for asked in bot.model.dropped), what="the end of the call")
        assert time.monotonic() - began < 1
        notice = await ada.answer(slow)
        assert "I am paused at the moment" in notice["text"], "it waits now like one that came later"
        bot.model.free.set()
        await ask(ada, "/resume", HIKERS)
        await ada.until(lambda: any("slow walk" in one["text"] for one in ada.answers(slow)))


async def until_heard(bot: Operated, count: int, end: str) -> None:
    """Waits until so many updates came to this end."""
    await until(lambda: bot.bot.output.count(end) >= count, what=f"{count} × {end!r} in the log")
