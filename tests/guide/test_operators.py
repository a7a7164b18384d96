"""Who operates the bot stops it with one word, and nothing is lost by that. In the demo Ada does."""

from __future__ import annotations

from tests.guide.conftest import People
from tests.support.demo import ADA, LINUS


async def test_a_pause_holds_messages_and_a_resume_answers_them_in_order(meet: People) -> None:
    ada, linus = await meet(ADA), await meet(LINUS)
    assert "paused everywhere" in (await ada.answer(await ada.say("/pause all a rest")))["text"]
    questions = [await linus.say(f"Question {n}") for n in range(3)]
    notice = await linus.answer(questions[0])
    assert "I am paused at the moment" in notice["text"]
    assert "a rest" in (await ada.answer(await ada.say("/status")))["text"]
    assert not linus.answers(questions[1])

    assert "resumed everywhere" in (await ada.answer(await ada.say("/resume all")))["text"]
    await linus.until(lambda: bool(linus.answers(questions[2])))
    [answer] = linus.answers(questions[2])
    assert "Question 0\nQuestion 1\nQuestion 2" in answer["text"], "what waited together is answered together, in order"


async def test_nobody_else_can_pause_it(meet: People) -> None:
    linus = await meet(LINUS)
    assert "Only my operators" in (await linus.answer(await linus.say("/pause all")))["text"]
    assert "You said: still there?" in (await linus.answer(await linus.say("still there?")))["text"]
