"""When a model is asked again: what it asks for is obeyed, and patience ends."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from app.core.allowance import Limit
from app.core.clock import Manual, settle
from app.core.errors import ModelCut, ModelDown, ModelExhausted, ModelRefused, PromptTooLong, QuotaSpent
from app.model.retries import Passing, Patience, persist, uncut


def failing(*errors: Exception) -> Callable[[], Awaitable[str]]:
    left = list(errors)

    async def attempt() -> str:
        if left:
            raise left.pop(0)
        return "done"

    return attempt


DOWN = ModelDown("down")


async def test_the_asked_wait_passes_before_the_next_attempt() -> None:
    clock = Manual()
    task = asyncio.create_task(persist(failing(Passing(DOWN, 3)), Patience(10), clock))
    await settle()
    await clock.advance(2.9)
    assert not task.done()
    await clock.advance(0.2)
    assert await task == "done"


async def test_a_wait_beyond_all_patience_is_not_begun() -> None:
    with pytest.raises(ModelDown):
        await persist(failing(Passing(DOWN, 30)), Patience(13), Manual())


async def test_the_last_failure_is_the_one_that_is_told() -> None:
    errors = [Passing(ModelDown(f"number {number}"), 0) for number in range(9)]
    with pytest.raises(ModelDown, match="number 5"):
        await persist(failing(*errors), Patience(13), Manual())


async def test_without_a_word_the_waits_are_jittered_and_bounded() -> None:
    clock = Manual()
    errors = [Passing(DOWN) for _ in range(9)]
    task = asyncio.create_task(persist(failing(*errors), Patience(13), clock))
    await settle()
    await clock.advance(13.1)
    with pytest.raises(ModelDown):
        await task


async def test_what_cannot_pass_is_not_repeated() -> None:
    with pytest.raises(ModelRefused):
        await persist(failing(ModelRefused(404)), Patience(13), Manual())


async def test_a_model_that_loads_is_waited_for_longer() -> None:
    clock = Manual()
    loading = [Passing(DOWN, 20, loading=True) for _ in range(2)]
    task = asyncio.create_task(persist(failing(*loading), Patience(13), clock))
    await settle()
    await clock.advance(41)
    assert await task == "done"


async def test_a_model_that_never_has_loaded_is_given_up() -> None:
    clock = Manual()
    errors = [Passing(DOWN, 25, loading=True)] * 9
    task = asyncio.create_task(persist(failing(*errors), Patience(13), clock))
    await settle()
    await clock.advance(61)
    with pytest.raises(ModelDown):
        await task


async def test_a_person_is_told_what_a_model_needs_and_only_if_that_is_waited_for() -> None:
    clock, told = Manual(), []

    async def on_loading(seconds: float) -> None:
        told.append(seconds)

    errors = [Passing(DOWN, 50, loading=True), Passing(DOWN, 1), Passing(DOWN, 300, loading=True)]
    task = asyncio.create_task(persist(failing(*errors), Patience(60), clock, on_loading))
    await settle()
    await clock.advance(51)
    with pytest.raises(ModelDown):
        await task
    assert told == [50]
    assert clock.monotonic() == 51


async def test_where_others_can_answer_a_model_that_loads_is_not_waited_for() -> None:
    with pytest.raises(ModelDown):
        await persist(failing(Passing(DOWN, 20, loading=True)), Patience(2, attempts=2, loading=False), Manual())


SPENT = QuotaSpent("user", Limit(1, "r", "hour"), 0.0)


async def again(*errors: Exception, shown: bool = False) -> str:
    clock = Manual()
    task = asyncio.create_task(uncut(failing(*errors), clock, lambda: shown))
    await settle()
    await clock.advance(10)
    return await task


@pytest.mark.parametrize("then", [ModelDown(), ModelRefused(400), SPENT, ModelCut("Hel")])
async def test_what_came_of_a_broken_answer_is_kept_when_nobody_can_answer_then(then: Exception) -> None:
    with pytest.raises(ModelCut) as caught:
        await again(ModelCut("Hello"), then, then)
    assert caught.value.text == "Hello"


@pytest.mark.parametrize("then", [ModelExhausted(9.0), PromptTooLong(400)])
async def test_a_whole_answer_that_can_still_be_had_is_preferred_to_a_broken_one_that_nobody_reads(
    then: Exception,
) -> None:
    with pytest.raises(type(then)):
        await again(ModelCut("Hello"), then)
    with pytest.raises(ModelCut):
        await again(ModelCut("Hello"), then, shown=True)


@pytest.mark.parametrize("then", [ModelDown(), SPENT])
async def test_a_broken_answer_without_words_is_none(then: Exception) -> None:
    with pytest.raises(type(then)):
        await again(ModelCut(" "), then)
