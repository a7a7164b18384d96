"""Who waits for room in a quota: first come, first served, for two seconds at most."""

import asyncio

import pytest

from app.core.clock import settle
from app.core.errors import Later, ModelDown, QuotaSpent
from app.model.base import Chunk, Usage, whole
from tests.unit.model.asking import Make, Scripted, ask
from tests.unit.model.books import Desk, charge


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
