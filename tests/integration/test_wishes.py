"""What people wish for, through the whole bot: ignored, asked again, forgotten, told what is kept, seen at once.

Margaret (1004) operates; Ada is an admin of the groups, Linus is nobody.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from simulator.client import Json, Someone
from tests.integration.operated import Operated, kept, operated
from tests.support.demo import ADA, BOT_NAME, GRACE, HIKERS, LINUS, MARGARET
from tests.support.wait import until

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def bot(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Operated]:
    async with operated(tmp_path_factory.mktemp("wishes"), operator_ids=MARGARET) as bot:
        yield bot


async def ask(person: Someone, words: str, chat: str = "") -> Json:
    """Says something and waits for the answer."""
    return await person.answer(await person.say(words, chat))


async def stored(bot: Operated, words: str) -> list[str]:
    """The keys in Redis whose value holds these words."""
    return [key for key, value in (await kept(bot.bot.folder)).items() if words in value]


class TestIgnore:
    @pytest.mark.parametrize("words", ["$ignore this", "/ignore this", f"{BOT_NAME} $ignore this"])
    @pytest.mark.parametrize("chat", ["", HIKERS])
    async def test_people_may_talk_past_it(self, bot: Operated, words: str, chat: str) -> None:
        async with bot.someone(LINUS) as linus:
            aside = await linus.say(words, chat)
            await ask(linus, f"{BOT_NAME} and this is for you", chat)
            assert not linus.answers(aside)
            assert not any(asked == "this" or "ignore" in asked for asked in bot.model.asked)

    async def test_what_waits_can_be_taken_back(self, bot: Operated) -> None:
        async with bot.someone(ADA) as ada:
            first = await ada.say(f"{BOT_NAME} a slow start", HIKERS)
            await until(lambda: any("a slow start" in one for one in bot.model.asked), what="the question at the model")
            second = await ada.say(f"{BOT_NAME} never mind this", HIKERS)
            await ada.edit(second, f"{BOT_NAME} $ignore never mind this")
            bot.model.free.set()
            await ada.answer(first)
            await ask(ada, f"{BOT_NAME} next", HIKERS)
            bot.model.free.clear()
            assert not ada.answers(second)
            assert not any("never mind" in one for one in bot.model.asked)


class TestAgain:
    async def test_retry_answers_the_last_question_once_more(self, bot: Operated) -> None:
        async with bot.someone(LINUS) as linus:
            question = await linus.say("once more")
            await linus.answer(question)
            command = await linus.say("/retry")
            await linus.until(lambda: len(linus.answers(question)) == 2)
            assert not linus.answers(command)
            assert bot.model.asked[-2:] == ["once more", "once more"]

    async def test_an_edited_question_has_its_answer_edited(self, bot: Operated) -> None:
        async with bot.someone(LINUS) as linus:
            question = await linus.say("what is 2+2?")
            answer = await linus.answer(question)
            await linus.edit(question, "what is 3+3?")
            await linus.until(lambda: linus.answers(question)[0]["text"] == "Echo: what is 3+3?")
            (again,) = linus.answers(question)
            assert again["id"] == answer["id"]
            assert again["edited"]

    async def test_an_edit_that_fails_says_so_where_the_answer_was(self, bot: Operated) -> None:
        async with bot.someone(LINUS) as linus:
            question = await linus.say("what is 4+4?")
            await linus.answer(question)
            bot.model.status = 401
            await linus.edit(question, "what is 5+5?")
            await linus.until(lambda: "error " in linus.answers(question)[0]["text"])
            bot.model.status = 200
            await linus.edit(question, "what is 6+6?")
            await linus.until(lambda: linus.answers(question)[0]["text"] == "Echo: what is 6+6?")
            assert len(linus.answers(question)) == 1


class TestForget:
    async def test_in_private_nothing_of_what_was_said_is_left_anywhere(self, bot: Operated) -> None:
        async with bot.someone(LINUS) as linus:
            await ask(linus, "my cat is called Schroedinger")
            assert await stored(bot, "Schroedinger")
            assert "forgotten everything" in (await ask(linus, "/forget"))["text"]
            assert await stored(bot, "Schroedinger") == []
            asked = len(bot.model.asked)
            await ask(linus, "/retry")
            assert len(bot.model.asked) == asked, "there is nothing to ask again"

    async def test_what_is_being_answered_and_what_waits_is_forgotten_at_once(self, bot: Operated) -> None:
        async with bot.someone(LINUS) as linus:
            slow = await linus.say("a slow secret of Rumpelstilzchen")
            await until(lambda: any("Rumpelstilzchen" in one for one in bot.model.asked), what="the question")
            waits = await linus.say("and another of Rumpelstilzchen")
            assert "forgotten" in (await ask(linus, "/forget"))["text"]
            await until(lambda: any("Rumpelstilzchen" in one for one in bot.model.dropped), what="the end of the call")
            assert await stored(bot, "Rumpelstilzchen") == []
            assert "Echo: still here?" in (await ask(linus, "still here?"))["text"]
            assert linus.answers(slow) == linus.answers(waits) == []

    async def test_a_member_takes_back_their_own_words_and_nobody_elses(self, bot: Operated) -> None:
        async with bot.someone(LINUS) as linus, bot.someone(GRACE) as grace:
            await ask(grace, f"{BOT_NAME} graceful Pythagoras", HIKERS)
            await ask(linus, f"{BOT_NAME} my own Euclid", HIKERS)
            assert "what you said" in (await ask(linus, "/forget", HIKERS))["text"]
            assert await stored(bot, "Euclid") == []
            assert await stored(bot, "Pythagoras")

    async def test_an_admin_forgets_for_the_whole_group_its_settings_too(self, bot: Operated) -> None:
        async with bot.someone(ADA) as ada, bot.someone(LINUS) as linus:
            await ask(ada, "/mode always", HIKERS)
            await ask(linus, "we all like Archimedes", HIKERS)
            assert "everything of this group" in (await ask(ada, "/forget", HIKERS))["text"]
            assert await stored(bot, "Archimedes") == []
            talk = await linus.say("anybody?", HIKERS)
            await ask(linus, f"{BOT_NAME} hello", HIKERS)
            assert not linus.answers(talk)


async def test_what_people_may_ask_at_any_time_is_answered_while_an_answer_is_made(bot: Operated) -> None:
    async with bot.someone(ADA) as ada:
        slow = await ada.say(f"{BOT_NAME} a slow thought", HIKERS)
        await until(lambda: any("a slow thought" in one for one in bot.model.asked), what="the question at the model")
        for command in ("/usage", "/privacy", "/mode", "/stop"):
            assert await ask(ada, command, HIKERS)
        assert not ada.answers(slow)


async def test_privacy_tells_where_questions_go(bot: Operated) -> None:
    async with bot.someone(LINUS) as linus:
        text = (await ask(linus, "/privacy"))["text"]
        for part in ("127.0.0.1", "30 days", "20 questions", "/forget"):
            assert part in text


async def test_what_a_person_is_told_of_an_error_finds_it_in_status_and_log_without_a_word_of_theirs(
    bot: Operated,
) -> None:
    async with bot.someone(LINUS) as linus, bot.someone(MARGARET) as margaret:
        bot.model.status = 401
        told = (await ask(linus, "a question about my divorce"))["text"]
        bot.model.status = 200
        found = re.search(r"\(error ([0-9a-f]{6})\)", told)
        assert found
        assert "Incorrect API key" not in told
        status = (await ask(margaret, "/status"))["text"]
        assert f"Error {found[1]}: " in status
        assert "divorce" not in status
        assert found[1] in bot.bot.output
        assert "divorce" not in bot.bot.output


async def test_what_waits_behind_a_long_answer_is_seen_to_be_seen(bot: Operated) -> None:
    async with bot.someone(ADA) as ada, bot.someone(GRACE) as grace:
        first = await ada.say(f"{BOT_NAME} a slow climb", HIKERS)
        waits = await grace.say(f"{BOT_NAME} and the way down?", HIKERS)
        world = bot.simulator.world
        us, key = world.main, (0, int(HIKERS))

        def mark(message: Json) -> str:
            found = world.message(key, message["id"])
            return found.reactions.get(us, "") if found else ""

        await until(lambda: mark(waits) == "👀", seconds=8, what="a reaction to what waits")
        assert mark(first) == ""
        assert not grace.answers(waits)
        bot.model.free.set()
        assert "the way down" in (await grace.answer(waits))["text"]
        bot.model.free.clear()


async def test_each_kind_of_person_is_offered_the_commands_that_are_theirs(bot: Operated) -> None:
    menus = bot.simulator.world.bots[bot.simulator.world.main].commands
    await until(lambda: f"chat:{MARGARET}" in menus, what="the menu of an operator")
    offered = {scope: {one.command for one in menu} for scope, menu in menus.items() if "/" not in scope}
    assert {"retry", "privacy", "forget", "stop"} <= offered["default"]
    assert "mode" not in offered["default"] | offered["all_group_chats"]
    assert {"mode", "pause", "forget"} <= offered["all_chat_administrators"]
    assert "status" in offered[f"chat:{MARGARET}"]


@pytest.mark.parametrize("way, asked", [("strip", "I pizza"), ("name", "I :red_heart: pizza :flag_it:")])
async def test_emoji_reach_the_model_as_the_owner_wants(tmp_path: Path, way: str, asked: str) -> None:
    async with operated(tmp_path, emoji=way) as bot, bot.someone(LINUS) as linus:
        await ask(linus, "I ❤️ pizza 🇮🇹")
        assert bot.model.asked == [asked]
        if way == "strip":
            assert "no words" in (await ask(linus, "🍕🍕"))["text"]
