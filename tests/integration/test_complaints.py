"""What people complain of in other bots, where only the whole bot shows that it is not so here (docs/complaints.md)."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from middleware.paste import PIECE
from tests.integration.operated import Operated, operated
from tests.support.demo import ADA, BOT_NAME, GRACE, HIKERS, IDEAS, LINUS, QUESTIONS
from tests.support.wait import until

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def bot(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Operated]:
    async with operated(tmp_path_factory.mktemp("complaints")) as bot:
        yield bot


async def test_a_text_that_an_app_cut_into_pieces_is_one_question(bot: Operated) -> None:
    """It takes the second and a half for which a piece waits."""
    async with bot.someone(ADA) as ada:
        first = await ada.say("pasted " * (PIECE // 7 + 1))
        await until(lambda: '"end":"back"' in bot.bot.output, what="the first piece to wait")
        rest = await ada.say("and the rest")
        answer = await ada.answer(rest)
        assert answer["text"].startswith("Echo: pasted pasted")
        assert answer["text"].endswith("and the rest")
        assert not ada.answers(first)
        assert len(bot.model.asked) == 1


async def test_a_question_does_not_interrupt_the_answer_to_somebody_else(bot: Operated) -> None:
    async with bot.someone(GRACE) as grace, bot.someone(LINUS) as linus:
        slow = await grace.say(f"{BOT_NAME} a slow one", HIKERS)
        await until(lambda: "Grace: a slow one" in bot.model.asked, what="the question at the model")
        quick = await linus.say(f"{BOT_NAME} a quick one", HIKERS)
        await linus.answer(await linus.say("elsewhere"))
        assert not linus.answers(quick)
        bot.model.free.set()
        first, second = await grace.answer(slow), await linus.answer(quick)
        assert (first["text"], second["text"]) == ("Echo: Grace: a slow one", "Echo: Linus: a quick one")
        assert first["id"] < second["id"]
        assert bot.model.dropped == []


async def test_an_answer_finds_its_question_although_the_topics_id_is_not_taken(bot: Operated) -> None:
    async with bot.someone(LINUS) as linus:
        place, number = bot.deliver(LINUS, IDEAS, f"{BOT_NAME} where?", message_thread_id=4040)
        answer = await linus.answer({"chat": place, "id": number, "text": "where?"})
        assert (answer["text"], answer["chat"]) == ("Echo: Linus: where?", IDEAS)
        elsewhere = await linus.answer(await linus.say(f"{BOT_NAME} and here?", QUESTIONS))
        assert elsewhere["text"] == "Echo: Linus: and here?"
