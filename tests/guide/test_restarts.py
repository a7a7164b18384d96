"""A restart, or a crash, leaves everything as it was."""

from __future__ import annotations

from tests.support.demo import ADA, GRACE, LINUS, Demo

SETTINGS = {"lease_seconds": 2}
"""What a killed process held is free again after this time; by default 15 s."""


async def test_a_restart_goes_on_with_the_same_conversation(bot: Demo) -> None:
    async with bot.someone(ADA) as ada:
        await ada.answer(await ada.say("Remember the milk."))
    await bot.stop()
    await bot.start()
    async with bot.someone(ADA) as ada:
        assert "Remember the milk." in [message["text"] for message in await ada.read()]
        answer = await ada.answer(await ada.say("What do you remember?"))
        assert answer["text"] == "I remember 1 earlier message of this conversation."


async def test_a_question_that_was_being_answered_when_the_bot_was_killed_is_answered(bot: Demo) -> None:
    async with bot.someone(GRACE) as grace:
        await grace.say("Are you well?")
        bot.kill()
    await bot.start()
    async with bot.someone(GRACE) as grace:
        [question] = await grace.read()
        await grace.until(lambda: bool(grace.answers(question)), 20, "the answer to what was asked before the crash")
        answer = await grace.answer(await grace.say("What do you remember?"))
        assert answer["text"] == "I remember 1 earlier message of this conversation."
        assert len(grace.answers(question)) == 1


async def test_a_pause_holds_through_a_restart(bot: Demo) -> None:
    async with bot.someone(ADA) as ada:
        await ada.answer(await ada.say("/pause all"))
    await bot.stop()
    await bot.start()
    async with bot.someone(LINUS) as linus, bot.someone(ADA) as ada:
        question = await linus.say("Anybody there?")
        assert "I am paused" in (await linus.answer(question, 10))["text"]
        await ada.say("/resume all")
        await linus.until(lambda: "You said: Anybody there?" in linus.answers(question)[-1]["text"])
