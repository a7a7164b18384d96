"""Quotas around a model: who is charged what, who waits, and what is said when nothing is left."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass, field

import pytest

from app.core.allowance import limits
from app.core.clock import settle
from app.core.errors import Later, ModelCut, ModelDown, PromptTooLong, QuotaSpent
from app.core.tokens import conversation, tokens
from app.model.base import Chunk, Model, Prompt, Usage, whole
from app.model.quota import Quota
from tests.unit.model.books import Desk, charge

ASKED = conversation([{"role": "user", "content": "x" * 28}])  # 14
HOUR = charge("u7", "1000t/hour")


def ask(turn: str = "t1", user: str = "7", chat: str = "-5", cap: int = 0) -> Prompt:
    return Prompt([{"role": "user", "content": "x" * 28}], user, chat, turn, cap)


@dataclass(slots=True)
class Scripted:
    """Says its chunks, then raises its failure; each `None` waits for `go`."""

    chunks: list[Chunk | None] = field(default_factory=lambda: [Chunk("hi", "stop", Usage(10, 20))])
    failure: Exception | None = None
    prompts: list[Prompt] = field(default_factory=list)
    go: asyncio.Event = field(default_factory=asyncio.Event)
    closed: int = 0

    async def stream(self, prompt: Prompt) -> AsyncGenerator[Chunk, None]:
        self.prompts.append(prompt)
        try:
            for chunk in self.chunks:
                if chunk is None:
                    await self.go.wait()
                else:
                    yield chunk
            if self.failure:
                raise self.failure
        finally:
            self.closed += 1


Make = Callable[..., Quota]


@pytest.fixture
async def make(desk: Desk) -> Make:
    await desk.ledger.overrides()  # known, so that no socket is waited for while the clock stands still

    def make(inner: Model, **given: str) -> Quota:
        quotas = {name: limits(given.get(name, "")) for name in ("user", "chat", "bot")}
        return Quota(
            inner, desk.ledger, **quotas, operators=frozenset({1}), max_tokens=100, clock=desk.clock
        )  # fmt: skip

    return make


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


async def test_a_conversation_that_no_window_can_hold_is_too_long(make: Make) -> None:
    with pytest.raises(PromptTooLong):
        await whole(make(Scripted(), user=f"{ASKED + 63}t/hour"), ask())
    await whole(make(Scripted(), user=f"{ASKED + 64}t/hour"), ask())


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


# Who waits for room


async def test_room_that_comes_free_here_is_taken_at_once_first_come_first_served(desk: Desk, make: Make) -> None:
    model, told = Scripted([None, Chunk("hi", "stop", Usage(10, 20))]), []
    quota = make(model, bot="1r/minute")  # only released ones leave room
    model.failure, model.chunks = ModelDown("gone"), [None]

    async def person(name: str) -> None:
        with pytest.raises(ModelDown):
            await whole(quota, ask(name))
        told.append(name)

    people = [asyncio.ensure_future(person(name)) for name in "abcd"]
    await settle()
    assert [prompt.turn for prompt in model.prompts] == ["a"]
    model.go.set()
    await settle(60)
    assert told == ["a", "b", "c", "d"], "without any time passing"
    await asyncio.gather(*people)


async def test_room_that_comes_free_elsewhere_is_found_within_half_a_second(desk: Desk, make: Make) -> None:
    elsewhere = desk.other()
    await elsewhere.reserve("e", [charge("b", "1r/minute")], 0, 0, 0)
    model = Scripted()
    people = [asyncio.ensure_future(whole(make(model, bot="1r/minute"), ask("a")))]
    await settle()
    calls = desk.books.calls
    await desk.clock.advance(0.4)
    assert desk.books.calls == calls, "nobody asks in between"
    await elsewhere.release("e")
    await desk.clock.advance(0.1)
    await asyncio.gather(*people)
    assert len(model.prompts) == 1


async def test_whoever_gets_no_room_in_two_seconds_gives_the_lane_back(desk: Desk, make: Make) -> None:
    await desk.ask("elsewhere", charge("b", "1r/minute"))
    model = Scripted()
    quota = make(model, bot="1r/minute")
    first = asyncio.ensure_future(whole(quota, ask("a")))
    await settle()
    await desk.clock.advance(1)
    second = asyncio.ensure_future(whole(quota, ask("b")))
    await settle()
    await desk.clock.advance(1)
    with pytest.raises(Later) as error:
        await first
    assert 1000 <= error.value.delay_ms <= 3000
    assert not second.done()
    await desk.clock.advance(1)
    with pytest.raises(Later):
        await second
    assert not quota._queues._queues
    assert not model.prompts
    assert desk.clock.sleeping == 0


async def test_one_who_waits_for_their_own_quota_keeps_nobody_else_waiting(desk: Desk, make: Make) -> None:
    model = Scripted([None, Chunk("hi", "stop", Usage(10, 20))])
    quota = make(model, user="1r/minute", bot="50r/minute")
    people = [asyncio.ensure_future(whole(quota, ask(f"{n}", user=f"{user}"))) for n, user in enumerate([7, 7, 8])]
    await settle()
    assert [prompt.user for prompt in model.prompts] == ["7", "8"]
    model.go.set()
    await settle(30)
    (spent,) = [
        error for error in await asyncio.gather(*people, return_exceptions=True) if isinstance(error, Exception)
    ]
    assert isinstance(spent, QuotaSpent)


async def test_one_who_goes_while_waiting_leaves_the_place_to_the_next(desk: Desk, make: Make) -> None:
    model = Scripted([None], ModelDown("gone"))
    quota = make(model, bot="1r/minute")
    people = [asyncio.ensure_future(whole(quota, ask(name))) for name in "abc"]
    await settle()
    people[1].cancel()
    await settle()
    model.go.set()
    await settle(60)
    assert [prompt.turn for prompt in model.prompts] == ["a", "c"]
    await asyncio.gather(*people, return_exceptions=True)
    assert not quota._queues._queues


async def test_turns_without_a_name_do_not_replace_each_other(desk: Desk, make: Make) -> None:
    model = Scripted([None, Chunk("hi", "stop", Usage(10, 20))])
    quota = make(model, user="1000t/hour")
    people = [asyncio.ensure_future(whole(quota, ask(""))) for _ in range(3)]
    await settle()
    assert await desk.figures(HOUR) == (0, 3 * (ASKED + 100))
    model.go.set()
    await asyncio.gather(*people)
    assert await desk.figures(HOUR) == (90, 0)
