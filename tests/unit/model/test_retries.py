"""When a model is asked again: what it asks for is obeyed, and patience ends."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from app.core.clock import Manual, settle
from app.core.errors import ModelDown, ModelRefused
from app.model.retries import Passing, Patience, asked_wait, persist

NOW = 1_700_000_000.0


@pytest.mark.parametrize(
    "headers, seconds",
    [
        ({"retry-after-ms": "1500", "retry-after": "9"}, 1.5),
        ({"retry-after": "9"}, 9),
        ({"retry-after": "Tue, 14 Nov 2023 22:13:30 GMT"}, 10),
        ({"retry-after": "Tue, 14 Nov 2023 22:13:10 GMT"}, 0),
        ({"retry-after": "soon"}, None),
        ({"x-ratelimit-reset-requests": "1m30s"}, 90),
        ({"x-ratelimit-reset-tokens": "20ms"}, 0.02),
        ({"x-ratelimit-reset": str(int(NOW) + 5)}, 5),
        ({"x-ratelimit-reset": str((int(NOW) + 5) * 1000)}, 5),
        (
            {
                "x-ratelimit-reset-requests": "2s",
                "x-ratelimit-remaining-requests": "0",
                "x-ratelimit-reset-tokens": "1s",
                "x-ratelimit-remaining-tokens": "100",
            },
            2,
        ),
        ({"x-ratelimit-reset-requests": "2s", "x-ratelimit-reset-tokens": "1s"}, 1),
        ({}, None),
    ],
)
def test_the_wait_that_is_asked_for_is_understood(headers: dict[str, str], seconds: float | None) -> None:
    assert asked_wait(headers, NOW) == seconds


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
    loading = [Passing(DOWN, 20, loading=20) for _ in range(2)]
    task = asyncio.create_task(persist(failing(*loading), Patience(13), clock))
    await settle()
    await clock.advance(41)
    assert await task == "done"


async def test_a_model_that_never_has_loaded_is_given_up() -> None:
    clock = Manual()
    errors = [Passing(DOWN, 30, loading=99)] * 9
    task = asyncio.create_task(persist(failing(*errors), Patience(13), clock))
    await settle()
    await clock.advance(61)
    with pytest.raises(ModelDown):
        await task


async def test_where_others_can_answer_a_model_that_loads_is_not_waited_for() -> None:
    with pytest.raises(ModelDown):
        await persist(failing(Passing(DOWN, 20, loading=20)), Patience(2, attempts=2, loading=False), Manual())
