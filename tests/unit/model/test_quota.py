"""Quotas around a model: who is charged what, who waits, and what is said when nothing is left."""

import asyncio
from contextlib import aclosing

import pytest

from app.core.allowance import limits
from app.core.clock import settle
from app.core.errors import ModelBusy, ModelCut, ModelDown, PromptTooLong, QuotaSpent
from app.core.tokens import floor, tokens
from app.model.base import Chunk, Message, Prompt, Usage, whole
from app.model.quota import Quota
from tests.unit.model.asking import ASKED, HOUR, Make, Scripted, ask
from tests.unit.model.books import Desk, charge


async def test_what_the_endpoint_counted_is_charged_to_everyone_concerned(desk: Desk, make: Make) -> None:
    quota = make(Scripted(), user="1000t/hour,10r/day", chat="2000t/day", bot="9000t/month")
    assert await whole(quota, ask()) == ("hi", "stop", Usage(10, 20))
    charges = await quota.charges("7", "-5")
    assert [(line.scope, line.used, line.held) for line in await desk.ledger.usage(charges)] == [
        ("u7", 30, 0), ("u7", 1, 0), ("c-5", 30, 0), ("b", 30, 0),
    ]  # fmt: skip


async def test_where_no_limit_applies_nothing_is_asked_of_the_books(desk: Desk, make: Make) -> None:
    model = Scripted()
    await whole(make(model), ask())
    await whole(make(model, user="1r/hour", chat="1r/hour"), ask(user="1"))
    await whole(make(model, user="1r/hour"), ask(user=""))
    assert desk.books.calls == 0
    assert model.prompts[0] == ask()


async def test_operators_are_held_to_the_bots_quota_alone(make: Make) -> None:
    quota = make(Scripted(), user="1r/hour", chat="1r/hour", bot="2r/hour")
    assert await quota.charges("1", "-5") == [charge("b", "2r/hour")]


async def test_a_chats_own_limits_stand_in_place_of_the_setting(desk: Desk, make: Make) -> None:
    quota = make(Scripted(), chat="1r/hour")
    await desk.ledger.override(-5, limits("3r/hour"))
    await desk.ledger.override(-6, ())
    assert await quota.charges("7", "-5") == [charge("c-5", "3r/hour")]
    assert await quota.charges("7", "-6") == []
    assert await quota.charges("7", "-7") == [charge("c-7", "1r/hour")]


async def test_the_answer_is_no_longer_than_what_was_reserved(desk: Desk, make: Make) -> None:
    model = Scripted()
    quota = make(model, user="1000t/hour")
    await whole(quota, ask())
    await whole(quota, ask(cap=40))
    await whole(quota, ask(cap=400))
    await desk.use("other", HOUR, tokens=1000 - 90 - ASKED - 70)
    await whole(quota, ask())
    assert [prompt.max_tokens for prompt in model.prompts] == [100, 40, 100, 70]
    assert model.prompts[0].turn == "t1"


async def test_a_spent_quota_is_named_with_its_reset_and_nothing_is_asked(desk: Desk, make: Make) -> None:
    model = Scripted()
    quota = make(model, user="9r/day", chat="1r/hour", bot="9r/hour")
    await whole(quota, ask("t1"))
    with pytest.raises(QuotaSpent) as error:
        await whole(quota, ask("t2"))
    assert (error.value.scope, str(error.value.limit)) == ("chat", "1r/hour")
    assert error.value.resets == desk.clock.now() + 3600
    assert len(model.prompts) == 1


SYSTEM = Message(role="system", content="x" * 56)
LONG, LONGER = (Message(role="user", content="x" * size) for size in (28, 64))
SHORTEST = 93
"""Tokens of any question after this prompt, with the least answer; the other two need 102 and 115."""


async def refused(quota: Quota, question: Message) -> QuotaSpent:
    with pytest.raises(QuotaSpent) as error:
        await whole(quota, Prompt([SYSTEM, question], "7", "-5", "t"))
    return error.value


class TestTooLittle:
    @pytest.mark.parametrize("used, left", [(1000 - 101, 101), (1000 - 93, 93), (1000 - 92, 0), (1000, 0), (2000, 0)])
    async def test_what_is_left_is_told_if_it_does_for_any_question(
        self, desk: Desk, make: Make, used: int, left: int
    ) -> None:
        await desk.ask("other", HOUR, prompt=1, output=1, least=1)
        await desk.ledger.settle("other", used)
        error = await refused(make(Scripted(), user="1000t/hour"), LONG)
        assert (error.left, error.resets) == (left, desk.clock.now() + 3600)
        assert error.rest == max(0, 1000 - used), "it is not used up while something is left"
        assert floor([SYSTEM], 100) == SHORTEST

    async def test_a_quota_that_this_question_will_never_fit_names_no_reset(self, make: Make) -> None:
        model = Scripted()
        error = await refused(make(model, user="9r/day", chat="114t/hour"), LONGER)
        assert (error.scope, str(error.limit), error.left, error.resets) == ("chat", "114t/hour", 114, 0)
        quota = make(model, user="9r/day", chat="115t/hour")
        await whole(quota, Prompt([SYSTEM, LONGER], "7", "-5", "t"))

    async def test_a_quota_that_no_question_will_ever_fit_has_nothing_left_and_no_reset(self, make: Make) -> None:
        error = await refused(make(Scripted(), bot="92t/day"), LONG)
        assert (error.scope, error.left, error.resets) == ("bot", 0, 0)

    async def test_a_few_requests_are_not_taken_for_a_few_tokens(self, desk: Desk, make: Make) -> None:
        await desk.use("other", charge("u7", "1r/hour"))
        error = await refused(make(Scripted(), user="1r/hour"), LONG)
        assert (error.left, error.resets) == (0, desk.clock.now() + 3600)


@pytest.mark.parametrize(
    "chunks, failure, used",
    [
        ([Chunk("x" * 28), Chunk("y" * 28), Chunk("", "stop")], None, ASKED + 20),
        ([Chunk("x" * 28), Chunk("", "stop", Usage(0, 0))], None, ASKED + 10),
        ([Chunk("a", usage=Usage(10, 1)), Chunk("b", "stop", Usage(10, 2))], None, 12),
        ([Chunk("", "content_filter")], None, ASKED),
        ([Chunk("x" * 28)], ModelCut("x" * 28), ASKED + 10),
        ([], ModelCut("x" * 28), ASKED + 10),
        ([Chunk("x" * 28)], ModelDown("gone"), ASKED + 10),
        ([], ModelCut(""), 0),
        ([], ModelDown("gone"), 0),
    ],
)
async def test_what_came_is_charged_and_what_did_not_come_is_not(
    desk: Desk, make: Make, chunks: list[Chunk | None], failure: Exception | None, used: int
) -> None:
    quota = make(Scripted(chunks, failure), user="1000t/hour,9r/day")
    if failure:
        with pytest.raises(type(failure)):
            await whole(quota, ask())
    else:
        await whole(quota, ask())
    lines = await desk.ledger.usage([charge("u7", "1000t/hour,9r/day")])
    assert [(line.used, line.held) for line in lines] == [(used, 0), (int(used > 0), 0)]


@pytest.mark.parametrize(
    "asks, failure, used",
    [
        (0, ModelCut(""), 0),
        (1, ModelCut(""), ASKED),
        (3, ModelCut(""), ASKED),
        (1, ModelDown("503"), 0),
        (1, ModelBusy(7), 0),
        (2, PromptTooLong(400), 0),
        (1, ConnectionError("not ours"), 0),
    ],
)
async def test_a_request_that_was_cut_before_its_first_word_counts_and_one_that_failed_does_not(
    desk: Desk, make: Make, asks: int, failure: Exception, used: int
) -> None:
    quota = make(Scripted([], failure, asks=asks), user="1000t/hour,9r/day")
    with pytest.raises(type(failure)):
        await whole(quota, ask())
    lines = await desk.ledger.usage([charge("u7", "1000t/hour,9r/day")])
    assert [(line.used, line.held) for line in lines] == [(used, 0), (int(used > 0), 0)]


@pytest.mark.parametrize("asks, used", [(0, 0), (1, ASKED)])
async def test_a_question_that_was_stopped_counts_from_the_moment_it_was_asked(
    desk: Desk, make: Make, asks: int, used: int
) -> None:
    turn = asyncio.ensure_future(whole(make(Scripted([None], asks=asks), user="1000t/hour"), ask()))
    await settle()
    turn.cancel()
    with pytest.raises(asyncio.CancelledError):
        await turn
    assert await desk.figures(HOUR) == (used, 0)


async def test_a_question_that_ran_out_of_time_counts(desk: Desk, make: Make) -> None:
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0):
            await whole(make(Scripted([None], asks=1), user="1000t/hour"), ask())
    assert await desk.figures(HOUR) == (ASKED, 0)


async def test_a_turn_that_is_given_back_and_made_again_counts_once(desk: Desk, make: Make) -> None:
    both = charge("u7", "1000t/hour,9r/day")
    model = Scripted([None, Chunk("hi", "stop", Usage(10, 20))], asks=1)
    drained = asyncio.ensure_future(whole(make(model, user="1000t/hour,9r/day"), ask()))
    await settle()
    drained.cancel()
    await asyncio.gather(drained, return_exceptions=True)
    model.go.set()
    await whole(make(model, user="1000t/hour,9r/day"), ask())
    assert [(line.used, line.held) for line in await desk.ledger.usage([both])] == [(30, 0), (1, 0)]


async def test_whoever_wants_to_know_that_it_was_asked_is_told_each_time(make: Make) -> None:
    told: list[str] = []
    for quota in (make(Scripted(asks=2), user="9r/hour"), make(Scripted(asks=2))):
        await whole(quota, Prompt(ask().messages, "7", turn="t", on_asked=lambda: told.append("asked")))
    assert told == ["asked"] * 4


async def test_an_answer_that_nobody_reads_to_its_end_is_settled(desk: Desk, make: Make) -> None:
    model = Scripted([Chunk("x" * 28), Chunk("never")])
    async with aclosing(make(model, user="1000t/hour").stream(ask())) as chunks:
        await anext(chunks)
    assert await desk.figures(HOUR) == (ASKED + tokens("x" * 28), 0)
    assert model.closed == 1


@pytest.mark.parametrize("chunks, used", [([None], 0), ([Chunk("x" * 28), None], ASKED + 10)])
async def test_a_cancelled_turn_leaves_nothing_held(
    desk: Desk, make: Make, chunks: list[Chunk | None], used: int
) -> None:
    turn = asyncio.ensure_future(whole(make(Scripted(chunks), user="1000t/hour"), ask()))
    await settle()
    assert (await desk.figures(HOUR))[1] == ASKED + 100
    turn.cancel()
    with pytest.raises(asyncio.CancelledError):
        await turn
    assert await desk.figures(HOUR) == (used, 0)


async def test_turns_without_a_name_do_not_replace_each_other(desk: Desk, make: Make) -> None:
    model = Scripted([None, Chunk("hi", "stop", Usage(10, 20))])
    quota = make(model, user="1000t/hour")
    people = [asyncio.ensure_future(whole(quota, ask(""))) for _ in range(3)]
    await settle()
    assert await desk.figures(HOUR) == (0, 3 * (ASKED + 100))
    model.go.set()
    await asyncio.gather(*people)
    assert await desk.figures(HOUR) == (90, 0)
