"""The boundary: a failing model costs one honest sentence, and every error has an end that loses nothing."""

from __future__ import annotations

import re
from typing import Any

import pytest

from app.chain.context import Context, Sorry
from app.core import words
from app.core.clock import Manual
from app.core.errors import (
    Dead,
    Flooded,
    KeyRefused,
    KeysTooSmall,
    KeyUnpaid,
    Later,
    Lost,
    ModelBusy,
    ModelCut,
    ModelDown,
    ModelFailed,
    ModelRefused,
    PromptTooLong,
    Rejected,
    StoreDown,
    Unsure,
)
from app.core.outcome import Back, End, Fail, Gone, Outcome
from app.sessions.session import load
from middleware.boundary import Boundary
from tests.unit.fakes import DATE, GROUP, Inner, Outbox, claim, context, update

DONE = End("answered")


def boundary(outbox: Outbox) -> Boundary:
    return Boundary(outbox, Manual(500.0), history_turns=5)


def asking(error: Exception) -> object:
    """A handler that has asked the model and then fails."""

    async def handler(ctx: Context) -> Outcome:
        ctx.question = "what?"
        raise error

    return handler


class TestIds:
    """What somebody is told of an error carries an id that the log and /status know too."""

    async def noted(self, error: Exception, outbox: Outbox) -> tuple[Outcome, list[tuple[str, str]]]:
        notes: list[tuple[str, str]] = []
        layer = Boundary(outbox, Manual(500.0), lambda error_id, kind: notes.append((error_id, kind)), history_turns=5)
        return await layer(context(), asking(error)), notes  # type: ignore[arg-type]

    async def test_an_apology_carries_it(self) -> None:
        outbox = Outbox()
        _, ((error_id, kind),) = await self.noted(ModelRefused(400, "secret reason"), outbox)
        assert outbox.texts[0].endswith(f"(error {error_id}).")
        assert kind == "ModelRefused 400"

    @pytest.mark.parametrize("error, sentence", [(Rejected("secret"), words.UNSENT()), (Unsure(), words.UNSURE())])
    async def test_and_so_does_a_notice(self, error: Exception, sentence: str) -> None:
        outcome, ((error_id, kind),) = await self.noted(error, Outbox())
        assert outcome == End("apologised", notice=f"{sentence[:-1]} (error {error_id}).", session=outcome.session)  # type: ignore[union-attr]
        assert kind == type(error).__name__

    async def test_what_nobody_is_told_of_has_none(self) -> None:
        for error in (Lost(), Later(900, "op"), StoreDown(), Dead()):
            assert (await self.noted(error, Outbox()))[1] == []


async def test_what_ends_well_passes() -> None:
    assert await boundary(Outbox())(context(), Inner(DONE)) is DONE


@pytest.mark.parametrize(
    "error, sentence",
    [
        (ModelDown("secret host"), words.SORRY_DOWN()),
        (ModelBusy(3), words.SORRY_BUSY()),
        (ModelRefused(400, "secret reason"), words.SORRY_FAILED()),
        (ModelRefused(400, "secret words triggered our content management policy"), words.SORRY_FILTERED()),
        (KeyRefused(401, "secret key"), words.SORRY_DOWN()),
        (KeyUnpaid(402, "secret account"), words.SORRY_DOWN()),
        (PromptTooLong(400, "secret length"), words.SORRY_LONG()),
        (KeysTooSmall("secret key"), words.SORRY_SMALL()),
        (ModelFailed("secret"), words.SORRY_FAILED()),
        (ModelCut(""), words.SORRY_FAILED()),
        (Sorry(words.SORRY_SLOW, "deadline"), words.SORRY_SLOW()),
    ],
)
async def test_a_failing_model_costs_one_polite_sentence_with_an_id(error: Exception, sentence: str) -> None:
    outbox = Outbox()
    outcome = await boundary(outbox)(context(), asking(error))  # type: ignore[arg-type]
    (text,) = outbox.texts
    assert re.fullmatch(re.escape(sentence) + r" \(error [0-9a-f]{6}\)\.", text)
    assert "secret" not in text
    assert words.is_apology(text)
    assert isinstance(outcome, End)
    assert outcome.kind == "apologised"
    (turn,) = load(outcome.session).turns
    assert (turn.ids, turn.mid, turn.question, turn.answer) == ("900", 11, "what?", None)


async def test_a_question_that_a_layer_within_apologised_for_is_noted_too() -> None:
    async def told(ctx: Context) -> Outcome:
        ctx.question = "what?"
        return End("apologised")

    outcome = await boundary(Outbox())(context(), told)
    assert isinstance(outcome, End)
    assert [turn.question for turn in load(outcome.session).turns] == ["what?"]


async def test_an_apology_before_the_question_was_read_changes_no_session() -> None:
    outcome = await boundary(Outbox())(context(), Inner(Sorry(words.SORRY_SLOW, "deadline")))
    assert outcome == End("apologised")


@pytest.mark.parametrize(
    "failure, outcome", [(Later(3000, "op"), Back(3000, "op")), (Lost(), Gone()), (Flooded(2), Back(2000))]
)
async def test_an_apology_that_cannot_be_sent_now_is_not_lost(failure: Exception, outcome: Outcome) -> None:
    assert await boundary(Outbox(failure))(context(), asking(ModelDown())) == outcome  # type: ignore[arg-type]


async def test_a_finished_answer_is_never_replaced_by_an_apology() -> None:
    outbox = Outbox()
    ctx = context(claimed=claim(update(), journal={"answer": "42"}, op="op1"))
    assert await boundary(outbox)(ctx, Inner(Sorry(words.SORRY_SLOW, "deadline"))) == Back(5000, "op1")
    ctx.claim.sending = True  # this one may be out: the attempt counts, and the op is not taken back
    assert await boundary(outbox)(ctx, Inner(Sorry(words.SORRY_SLOW, "deadline"))) == Fail("Sorry")
    assert outbox.texts == []


@pytest.mark.parametrize("error", [Unsure(), Rejected("too strange")])
async def test_an_answer_of_doubtful_fate_is_noted_as_apologised(error: Exception) -> None:
    outcome = await boundary(Outbox())(context(), asking(error))  # type: ignore[arg-type]
    assert isinstance(outcome, End)
    assert (outcome.kind, bool(outcome.notice)) == ("apologised", True)
    assert [turn.answer for turn in load(outcome.session).turns] == [None]


async def test_store_and_unknown_errors_come_again() -> None:
    assert await boundary(Outbox())(context(), Inner(StoreDown())) == Back(1000)
    assert await boundary(Outbox())(context(), Inner(ZeroDivisionError())) == Fail("ZeroDivisionError")


async def test_a_session_that_was_changed_is_written_even_if_nobody_can_be_told() -> None:
    async def cleared(ctx: Context) -> Outcome:
        ctx.session.count = 9
        ctx.changed = True
        raise Dead

    outcome = await boundary(Outbox())(context(), cleared)
    assert isinstance(outcome, End)
    assert outcome.kind == "undeliverable"
    assert load(outcome.session).count == 9


async def test_a_corrupt_session_is_kept_aside() -> None:
    async def reads(ctx: Context) -> Outcome:
        return End("answered", session=ctx.session.dump())

    outcome = await boundary(Outbox())(context(claimed=claim(update(), session=b"rubbish")), reads)
    assert isinstance(outcome, End)
    assert outcome.keep_bad
    assert load(outcome.session).turns == []


class TestDeadChats:
    async def run(self, dead: str) -> tuple[Outcome, list[str]]:
        inner = Inner(DONE)
        ctx = context(claimed=claim(update(), chat_fields={"refused": dead}))
        return await boundary(Outbox())(ctx, inner), inner.texts

    async def test_what_was_written_before_costs_nothing(self) -> None:
        assert await self.run(f"{DATE * 1000 + 1000}.") == (End("undeliverable"), [])

    @pytest.mark.parametrize("last", [900, 905])
    async def test_what_waited_when_a_send_was_refused_costs_nothing(self, last: int) -> None:
        assert await self.run(f"{DATE * 1000 + 700}.{last}") == (End("undeliverable"), [])

    async def test_who_writes_later_is_answered_and_the_mark_goes(self) -> None:
        for refused in (f"{DATE * 1000 - 1}.", f"{DATE * 1000 + 700}.", f"{DATE * 1000 + 700}.899"):
            assert await self.run(refused) == (End("answered", fields=(("refused", ""),)), ["hello"])
        assert (await self.run("rubbish"))[1] == ["hello"]

    async def test_the_mark_goes_together_with_what_the_turn_sets(self) -> None:
        ctx = context(claimed=claim(update(), chat_fields={"dead": "1"}))
        outcome = await boundary(Outbox())(ctx, Inner(End("answered", fields=(("persona", "keeper"),))))
        assert outcome == End("answered", fields=(("persona", "keeper"), ("dead", "")))
        outcome = await boundary(Outbox())(ctx, Inner(End("undeliverable", fields=(("dead", "9"),))))
        assert outcome == End("undeliverable", fields=(("dead", "9"),))


class TestMute:
    async def run(self, until: str, **fields: Any) -> tuple[Outcome, list[str]]:
        inner = Inner(DONE)
        ctx = context(claimed=claim(update(chat=GROUP, **fields), chat_fields={"mute": until}))
        return await boundary(Outbox())(ctx, inner), inner.texts

    @pytest.mark.parametrize("until, asked", [("0", False), ("501", False), ("499", True), ("rubbish", True)])
    async def test_where_it_may_only_listen_no_answer_is_paid_for(self, until: str, asked: bool) -> None:
        outcome, texts = await self.run(until)
        assert (outcome, texts) == ((DONE, ["hello"]) if asked else (End("undeliverable"), []))

    async def test_what_is_commanded_is_done(self) -> None:
        assert await self.run("0", text="/new") == (DONE, ["/new"])

    async def test_an_answer_that_could_be_sent_ends_it(self) -> None:
        async def answers(ctx: Context) -> Outcome:
            ctx.claim.shown = True
            return DONE

        ctx = context(claimed=claim(update(chat=GROUP, text="/new"), chat_fields={"mute": "0"}))
        assert await boundary(Outbox())(ctx, answers) == End("answered", fields=(("mute", ""),))
