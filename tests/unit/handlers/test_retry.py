"""Asking again: /retry gives another answer, an edit replaces the one that there is."""

from __future__ import annotations

from typing import Any

import pytest

from app.chain.context import Context
from app.core import words
from app.core.allowance import Limit
from app.core.claims import Claim
from app.core.errors import ModelDown, QuotaSpent
from app.core.outcome import End, Outcome
from app.core.schema import parse
from app.core.updates import Address
from app.sessions.session import load
from tests.unit.fakes import BOB, DATE, GROUP, ME, Outbox, claim, context, update
from tests.unit.handlers.test_reply import Bot, Model


class Chat(Outbox):
    """An outbox that writes each answer of one part into the message that the journal names, or into a new one."""

    def __init__(self) -> None:
        super().__init__()
        self.stands: dict[int, str] = {}

    async def answer(self, claim: Claim, address: Address, text: str, *, markdown: bool = False) -> None:
        await super().answer(claim, address, text, markdown=markdown)
        message = claim.journal.setdefault("m:1", str(500 + len(self.stands)))
        self.stands[int(message)] = text


def bot(*answers: str, **given: Any) -> Bot:
    made = Bot(Model(*answers, **given))
    made.outbox = made.reply._outbox = Chat()
    return made


def stands(bot: Bot) -> dict[int, str]:
    """What the chat shows, by message id."""
    assert isinstance(bot.outbox, Chat)
    return bot.outbox.stands


def keep(bot: Bot, outcome: Outcome) -> End:
    """The end, whose session the next turn gets."""
    assert isinstance(outcome, End)
    bot.session = outcome.session or bot.session
    return outcome


async def say(bot: Bot, text: str, mid: int, **fields: Any) -> None:
    await bot.turn(update(uid=mid, text=text, message_id=mid, **fields))


async def together(bot: Bot, *texts: str) -> None:
    """Several messages that waited and became one turn; their ids are 21 and up."""
    raws = [update(uid=mid, text=text, message_id=mid) for mid, text in enumerate(texts, 21)]
    made = claim(raws[-1], session=bot.session)
    *before, last = [read for raw in raws if (read := parse(raw).message)]
    keep(bot, await bot.reply(Context(made, parse(raws[-1]), last, ME, before)))


async def retry(bot: Bot, uid: int = 70, **fields: Any) -> End:
    made = claim(update(uid=uid, text="/retry", message_id=uid, **fields), session=bot.session)
    return keep(bot, await bot.reply.retry(context(claimed=made)))


class TestRetry:
    async def test_the_last_question_is_asked_anew_as_it_was_asked_first(self) -> None:
        asker = bot("a0", "a1", "a2")
        await say(asker, "q0", 21)
        await say(asker, "q1", 22)
        assert (await retry(asker)).kind == "answered"
        assert asker.asked() == [("system", "Be kind."), ("user", "q0"), ("assistant", "a0"), ("user", "q1")]
        assert asker.outbox.sent[-1] == (Address(7, None, 22), "a2"), "it replies to the question, not to the command"

    async def test_its_answer_takes_the_place_of_the_old_one_in_the_conversation(self) -> None:
        asker = bot("a0", "better", "fine")
        await say(asker, "q0", 21)
        await retry(asker)
        ((question, answer, mid),) = [(turn.question, turn.answer, turn.mid) for turn in load(asker.session).turns]
        assert (question, answer, mid) == ("q0", "better", 21)
        await asker.turn(text="and?")
        assert asker.asked()[1:] == [("user", "q0"), ("assistant", "better"), ("user", "and?")]

    async def test_a_question_that_only_got_an_apology_is_asked_again(self) -> None:
        asker = bot("a0")
        session = load(b"")
        session.add("1", 21, "lost", None, keep_turns=5)
        asker.session = session.dump()
        await retry(asker)
        assert asker.asked()[1:] == [("user", "lost")]

    async def test_in_a_group_the_name_of_who_asked_stays(self) -> None:
        asker = bot("a0", "a1")
        await say(asker, "hi", 21, chat=GROUP, from_=BOB)
        await retry(asker, chat=GROUP)
        assert asker.asked()[-1] == ("user", "Bob: hi")

    async def test_whoever_asks_it_again_the_words_stay_those_of_who_asked(self) -> None:
        asker = bot("a0", "a1")
        await say(asker, "hi", 21, chat=GROUP, from_=BOB)
        await retry(asker, chat=GROUP)
        assert load(asker.session).turns[0].by == BOB["id"], "or /forget would not find them"

    async def test_without_a_question_it_says_so_and_asks_nobody(self) -> None:
        asker = bot()
        assert await retry(asker) == End("answered")
        assert (asker.outbox.texts, asker.model.prompts) == ([words.NOTHING_TO_RETRY()], [])

    @pytest.mark.parametrize("failure", [ModelDown(), QuotaSpent("user", Limit(5, "r", "hour"), 0.0)])
    async def test_a_retry_that_fails_leaves_the_conversation_as_it_was(self, failure: Exception) -> None:
        asker = bot("a0", "x")
        await say(asker, "q0", 21)
        asker.model.failure = failure
        made = claim(update(uid=70, text="/retry"), session=asker.session)
        ctx = context(claimed=made)
        with pytest.raises(type(failure)):
            await asker.reply.retry(ctx)
        assert (ctx.question, ctx.session.dump()) == ("", asker.session)


class TestEdit:
    async def edited(self, asker: Bot, text: str, mid: int, uid: int = 80, **fields: Any) -> End:
        raw = update("edited_message", uid=uid, text=text, message_id=mid, edit_date=DATE + 5, **fields)
        made = claim(raw, session=asker.session)
        return keep(asker, await asker.reply(context(claimed=made)))

    async def test_an_edit_of_the_last_question_replaces_its_answer_where_it_stands(self) -> None:
        asker = bot("it is 4", "it is 6")
        await say(asker, "2+2?", 21)
        assert stands(asker) == {500: "it is 4"}
        await self.edited(asker, "3+3?", 21)
        assert stands(asker) == {500: "it is 6"}, "no second message"
        (turn,) = load(asker.session).turns
        assert (turn.question, turn.answer, turn.shown) == ("3+3?", "it is 6", [500])

    async def test_and_so_does_an_edit_of_that(self) -> None:
        asker = bot("it is 4", "it is 6", "it is 8")
        await say(asker, "2+2?", 21)
        await self.edited(asker, "3+3?", 21)
        await self.edited(asker, "4+4?", 21, uid=81)
        assert stands(asker) == {500: "it is 8"}

    async def test_two_edits_while_it_was_answered_are_one_even_within_a_second(self) -> None:
        asker = bot("it is 4", "it is 6")
        await say(asker, "2+2?", 21)
        raw = update("edited_message", uid=81, text="3+3?", message_id=21, edit_date=DATE)
        made = claim(raw, session=asker.session, uids="80+81", at_ms=DATE * 1000)
        keep(asker, await asker.reply(context(claimed=made)))
        assert (stands(asker), len(load(asker.session).turns)) == ({500: "it is 6"}, 1)

    async def test_an_edit_after_a_retry_replaces_the_newer_answer(self) -> None:
        asker = bot("one", "two", "three")
        await say(asker, "q", 21)
        await retry(asker)
        await self.edited(asker, "Q", 21)
        assert stands(asker) == {500: "one", 501: "three"}

    @pytest.mark.parametrize("text, mid", [("2+2?", 21), ("other", 20)], ids=["nothing changed", "an older question"])
    async def test_other_edits_pass_in_silence_and_cost_nothing(self, text: str, mid: int) -> None:
        asker = bot("it is 4")
        await say(asker, "2+2?", 21)
        assert await self.edited(asker, text, mid) == End("dropped: ignored")
        assert (len(asker.model.prompts), stands(asker)) == (1, {500: "it is 4"})

    @pytest.mark.parametrize("mid, question", [(21, "ONE\ntwo"), (22, "one\nONE")])
    async def test_of_several_messages_each_may_be_edited_and_the_others_are_asked_again_with_it(
        self, mid: int, question: str
    ) -> None:
        asker = bot("a", "b", "c")
        await together(asker, "one", "two")
        await self.edited(asker, "ONE", mid)
        assert (asker.asked()[1:], stands(asker)) == ([("user", question)], {500: "b"})
        await self.edited(asker, "1", 21, uid=81)
        assert asker.asked()[1:] == [("user", "1\n" + question.partition("\n")[2])]
        assert (stands(asker), len(load(asker.session).turns)) == ({500: "c"}, 1)

    async def test_a_retry_of_several_messages_leaves_them_to_be_edited(self) -> None:
        asker = bot("a", "b", "c")
        await together(asker, "one", "two")
        await retry(asker)
        await self.edited(asker, "ONE", 21)
        assert (asker.asked()[-1], stands(asker)) == (("user", "ONE\ntwo"), {500: "a", 501: "c"})

    async def test_an_edit_of_one_of_several_that_changes_nothing_passes_in_silence(self) -> None:
        asker = bot("a")
        await together(asker, "one", "two")
        assert await self.edited(asker, "one", 21) == End("dropped: ignored")
        assert (len(asker.model.prompts), stands(asker)) == (1, {500: "a"})

    async def test_what_was_not_asked_when_it_was_written_is_asked_by_its_edit(self) -> None:
        asker = bot("a", "b")
        await say(asker, "q", 20)
        await self.edited(asker, "@lane_bot and now?", 21)
        assert (asker.asked()[-1][1], stands(asker)) == ("@lane_bot and now?", {500: "a", 501: "b"})
        assert [turn.mid for turn in load(asker.session).turns] == [20, 21]

    @pytest.mark.parametrize("mid, later", [(21, 300), (19, 5)], ids=["long ago", "before the last question"])
    async def test_but_not_what_nobody_waits_for_any_more(self, mid: int, later: int) -> None:
        asker = bot("a")
        await say(asker, "q", 20)
        raw = update("edited_message", uid=80, text="late", message_id=mid, edit_date=DATE + later)
        assert await asker.reply(context(claimed=claim(raw, session=asker.session))) == End("dropped: ignored")
        assert len(asker.model.prompts) == 1

    async def test_what_a_member_asked_is_noted_as_theirs(self) -> None:
        asker = bot("a", "b")
        await asker.turn(text="hi", chat=GROUP, from_=BOB)
        assert load(asker.session).turns[0].by == BOB["id"]
