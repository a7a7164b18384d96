"""The chain: the onion's order, the router's choice, what a context knows, how errors end a turn."""

from __future__ import annotations

import time
from typing import Any

import pytest

from app.chain.compose import Handler, compose
from app.chain.context import Context
from app.chain.dispatch import Dispatch
from app.chain.over import over
from app.chain.router import Router
from app.core.claims import Claim
from app.core.clock import Manual
from app.core.errors import (
    Conflict,
    Dead,
    Doubtful,
    Flooded,
    Forbidden,
    Held,
    Later,
    Lost,
    Rejected,
    Stopped,
    StoreDown,
    StoreFull,
    Unparsable,
    Unsent,
    Unsure,
)
from app.core.outcome import Back, End, Fail, Gone, Outcome
from tests.unit.fakes import DATE, FORUM, GROUP, ME, claim, context, message, update

DONE = End("answered")


def handler(name: str, seen: list[str]) -> Handler:
    async def run(ctx: Context) -> Outcome:
        seen.append(name)
        return DONE

    return run


async def test_the_first_layer_is_the_outermost() -> None:
    seen: list[str] = []

    def layer(name: str) -> Any:
        async def run(ctx: Context, inner: Handler) -> Outcome:
            seen.append(name)
            outcome = await inner(ctx)
            seen.append(name)
            return outcome

        return run

    assert await compose([layer("a"), layer("b")], handler("h", seen))(context()) is DONE
    assert seen == ["a", "b", "h", "b", "a"]


@pytest.mark.parametrize(
    "fields, chosen",
    [
        ({"text": "hello"}, "default"),
        ({"text": "/help"}, "help"),
        ({"text": "/Help@lane_bot x"}, "help"),
        ({"text": "/nonsense"}, "hint"),
        ({"text": None, "photo": [{}]}, "other"),
        ({"text": None, "photo": [{}], "caption": "what is it"}, "default"),
        ({"text": "/help", "forward_origin": {"type": "user"}}, "default"),
    ],
)
async def test_a_turn_finds_its_handler(fields: dict[str, Any], chosen: str) -> None:
    seen: list[str] = []
    router = Router(
        {"help": handler("help", seen)}, handler("default", seen), handler("other", seen), handler("hint", seen)
    )
    await router(context(**fields))
    assert seen == [chosen]


class TestContext:
    def test_it_knows_who_speaks_and_where(self) -> None:
        ctx = context(text="/pause@lane_bot all 30m tea", chat=FORUM, message_thread_id=5, is_topic_message=True)
        assert (ctx.command, ctx.args, ctx.private, ctx.control, ctx.user_id) == (
            *("pause", "all 30m tea", False, True),
            7,
        )
        assert (ctx.address.chat, ctx.address.thread, ctx.address.reply) == (-100, 5, 11)
        assert (ctx.lane, ctx.ids) == ("!-100", "900")

    def test_a_channel_or_anonymous_admin_speaks_for_itself(self) -> None:
        assert context(chat=GROUP, sender_chat=GROUP).user_id == -100

    def test_an_edit_is_no_command_and_knows_that_it_is_one(self) -> None:
        ctx = context(update("edited_message", text="/new", edit_date=DATE + 5))
        assert (ctx.edit, ctx.command, ctx.text) == (True, "", "/new")

    def test_an_edit_that_overtook_its_waiting_original_is_a_question(self) -> None:
        raw = update("edited_message", uid=2, edit_date=DATE + 5)
        assert not context(claimed=claim(raw, uids="1+2", at_ms=DATE * 1000)).edit
        assert context(claimed=claim(raw, uids="2+3", at_ms=(DATE + 5) * 1000)).edit, "two edits of an answered one"

    def test_a_session_is_read_once(self) -> None:
        ctx = context()
        assert ctx.session is ctx.session
        assert not ctx.keep_bad

    def test_a_corrupt_session_begins_afresh_and_is_kept_aside(self) -> None:
        ctx = context(claimed=claim(update(), session=b"rubbish"))
        assert ctx.session.turns == []
        assert ctx.keep_bad


class TestDispatch:
    async def run(self, raw: bytes, chain: Handler | None = None, **fields: Any) -> Outcome:
        async def notices(claim: Claim) -> Outcome:
            return End("told")

        return await Dispatch(chain or handler("h", []), notices, ME)(claim(raw, **fields))

    async def test_an_update_goes_through_the_chain(self) -> None:
        assert await self.run(update()) is DONE

    async def test_a_notice_goes_to_the_notices(self) -> None:
        assert await self.run(b'{"kind":"dead","lane":"7","mid":3}', lane="?7") == End("told")

    async def test_what_cannot_be_read_is_a_dead_letter_at_once(self) -> None:
        assert await self.run(b'{"update_id":5,"message":"x"}') == Fail("unparsable", final=True)

    async def test_an_update_without_message_ends_as_ignored(self) -> None:
        assert await self.run(b'{"update_id":5,"poll":{"id":"1"}}') == End("dropped: ignored")

    async def test_whatever_breaks_becomes_an_outcome(self) -> None:
        async def broken(ctx: Context) -> Outcome:
            raise ZeroDivisionError

        assert await self.run(update(), broken) == Fail("ZeroDivisionError")


class TestOver:
    @pytest.mark.parametrize(
        "error, outcome",
        [
            (Lost(), Gone()),
            (Held("op7"), Back(op="op7")),
            (Later(2500, "op7"), Back(2500, "op7")),
            (Stopped(), End("dropped: stopped")),
            (Flooded(7), Back(7000, "op1")),
            (Unsent("x"), Back(5000, "op1")),
            (Conflict("x"), Back(5000, "op1")),
            (Doubtful("x"), Fail("Doubtful", 5000, "op1")),
            (StoreDown(), Back(1000, "op1")),
            (StoreFull(), Back(1000, "op1")),
            (KeyError("secret words"), Fail("KeyError", 1000, "op1")),
            (Unparsable(), Fail("Unparsable", 1000, "op1")),
        ],
    )
    def test_each_error_has_its_outcome(self, error: Exception, outcome: Outcome) -> None:
        assert over(claim(update(), op="op1"), error) == outcome

    def test_an_operation_that_may_have_happened_is_not_taken_back(self) -> None:
        assert over(claim(update(), op="op1", sending=True), KeyError()) == Fail("KeyError")

    def test_what_telegram_cannot_take_for_long_counts_as_an_attempt(self) -> None:
        old = claim(update(), t0_ms=int(time.time() * 1000) - 20 * 60_000)
        assert over(old, Unsent("x")) == Fail("Unsent", 5000)

    def test_a_stopped_turn_that_was_seen_is_answered(self) -> None:
        assert over(claim(update(), shown=True), Stopped()) == End("answered")

    @pytest.mark.parametrize("error", [Dead(), Forbidden("blocked")])
    def test_a_chat_that_is_gone_is_marked(self, error: Exception) -> None:
        assert over(claim(update()), error, Manual(50.0)) == End("undeliverable", fields=(("refused", "50000."),))

    @pytest.mark.parametrize("error", [Unsure(), Rejected("message is too strange")])
    def test_a_doubtful_or_refused_answer_is_told_by_a_notice(self, error: Exception) -> None:
        outcome = over(claim(update()), error)
        assert isinstance(outcome, End)
        assert outcome.kind == "apologised"
        assert outcome.notice

    def test_a_failure_is_logged_without_the_words_of_anybody(self, capsys: pytest.CaptureFixture[str]) -> None:
        try:
            raise ValueError(message("my secret")["text"])
        except ValueError as error:
            over(claim(update(text="my secret")), error)
        said = capsys.readouterr().out
        assert "ValueError" in said
        assert "test_chain" in said
        assert "my secret" not in said.replace('message("my secret")', "")
