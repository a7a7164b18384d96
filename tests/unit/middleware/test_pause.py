"""A pause gives back what has shown nothing, lets finish what has, and never swallows somebody else's cancel."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from app.chain.context import Context
from app.core.claims import Claim
from app.core.errors import ModelDown
from app.core.outcome import Back, End, Outcome
from middleware.deadline import Deadline
from middleware.pause import Pause
from tests.unit.fakes import Inner, claim, context, update

DONE = End("answered")


class Waiting:
    """A handler that waits until it is let go; notes whether it was cancelled."""

    def __init__(self) -> None:
        self.begun, self.go = asyncio.Event(), asyncio.Event()
        self.cancelled = False

    async def __call__(self, ctx: Context) -> Outcome:
        self.begun.set()
        try:
            await self.go.wait()
        except asyncio.CancelledError:
            self.cancelled = True
            raise
        return DONE


async def started(made: Claim) -> tuple[asyncio.Task[Outcome], Waiting]:
    inner = Waiting()

    async def run() -> Outcome:
        return await Pause()(context(claimed=made), inner)

    task = asyncio.create_task(run())
    await inner.begun.wait()
    return task, inner


async def test_a_turn_that_has_shown_nothing_is_given_back() -> None:
    made = claim(update())
    task, inner = await started(made)
    assert made.on_hold is not None
    made.op = "op1"
    made.on_hold()
    made.on_hold()
    assert await task == Back(op="op1")
    assert inner.cancelled
    assert task.cancelling() == 0
    assert made.on_hold is None


@pytest.mark.parametrize("fields", [{"shown": True}, {"sending": True}, {"journal": {"m:1": "55"}}])
async def test_a_turn_that_was_seen_or_is_being_sent_finishes(fields: dict[str, Any]) -> None:
    made = claim(update(), **fields)
    task, inner = await started(made)
    assert made.on_hold is not None
    made.on_hold()
    inner.go.set()
    assert await task is DONE


async def test_a_send_that_may_not_have_happened_counts_as_unseen() -> None:
    made = claim(update(), journal={"m:1": "?1:op0"})
    task, _ = await started(made)
    assert made.on_hold is not None
    made.on_hold()
    assert await task == Back()


async def test_a_pause_that_came_before_the_start_is_obeyed() -> None:
    inner = Inner(DONE)
    assert await Pause()(context(claimed=claim(update(), held=True)), inner) == Back()
    assert inner.texts == []


async def test_commands_run_on_while_paused() -> None:
    made = claim(update(text="/resume"), held=True)
    assert await Pause()(context(claimed=made), Inner(DONE)) is DONE


@pytest.mark.parametrize("first", ["pause", "runner"])
async def test_the_runners_cancel_goes_through(first: str) -> None:
    made = claim(update())
    task, _ = await started(made)
    hold = made.on_hold
    assert hold is not None
    for who in (first, "runner" if first == "pause" else "pause"):
        if who == "pause":
            hold()
        else:
            task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_the_turn_after_a_hold_can_still_wait() -> None:
    made = claim(update())
    inner = Waiting()

    async def run() -> str:
        await Pause()(context(claimed=made), inner)
        await asyncio.wait_for(asyncio.Event().wait(), 0.01)
        return "not reached"

    task = asyncio.create_task(run())
    await inner.begun.wait()
    assert made.on_hold is not None
    made.on_hold()
    with pytest.raises(TimeoutError):
        await task


async def test_a_hold_inside_a_deadline_is_no_timeout() -> None:
    made = claim(update())
    inner = Waiting()

    async def run() -> Outcome:
        return await Pause()(context(claimed=made), lambda ctx: Deadline(30)(ctx, inner))

    task = asyncio.create_task(run())
    await inner.begun.wait()
    assert made.on_hold is not None
    made.on_hold()
    assert await task == Back()


async def test_other_errors_pass() -> None:
    with pytest.raises(ModelDown):
        await Pause()(context(), Inner(ModelDown()))
