"""👀: which conversations are looked at, what is done there, and that none of its failures is anybody's."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from app.core.clock import Manual
from app.core.errors import Flooded, Forbidden, Rejected, StoreDown, Unsent
from app.outbox.eyes import EYES, LOOKS, Eyes
from app.outbox.pacing import Pace
from tests.support.wait import turns
from tests.unit.fakes import GROUP, claim, update

NOW = 1_800_000_100.0
PACE = Pace(0.0, 1000.0, 3000.0)


class World:
    """Lanes, Telegram and the bot-wide budget; one message waits in each lane until it was asked for."""

    def __init__(self, failure: Exception | None = None, spare: int = 99) -> None:
        self.failure, self.left = failure, spare
        self.waiting: list[int] = []
        self.asked = 0
        self.reactions: list[tuple[int, int, str]] = []
        self.looked: list[tuple[str, float]] = []
        self.cooled: list[tuple[int | str, int]] = []

    async def glance(self, lane: str, waited_ms: int, most: int, gap_ms: float, burst: int) -> int:
        assert (waited_ms, most, burst) == (3000, 10, 3)
        self.asked += 1
        if not self.waiting:
            self.waiting = [4, 5, 0]
            self.looked.append((lane, gap_ms))
        return self.waiting.pop(0)

    async def cool(self, chat: int | str, ms: int) -> None:
        self.cooled.append((chat, ms))

    async def spare(self) -> bool:
        self.left -= 1
        return self.left >= 0

    async def react(self, chat: int, message_id: int, emoji: str) -> None:
        if self.failure:
            raise self.failure
        self.reactions.append((chat, message_id, emoji))


async def rounds(world: World, claims: list[Any], count: int = 1) -> None:
    clock = Manual(NOW)
    task = asyncio.create_task(Eyes(world, world, world, PACE, clock, lambda: claims).run())
    for _ in range(count):
        await turns()
        await clock.advance(1.0)
    await turns()
    task.cancel()
    assert not task.done(), "it goes on, whatever happened"


def running(lane: str = "-100", seconds: float = 5.0) -> Any:
    return claim(update(chat=GROUP), lane=lane, at_ms=round((NOW - seconds) * 1000))


async def test_behind_a_turn_that_runs_for_long_what_waits_gets_a_reaction() -> None:
    world = World()
    await rounds(world, [running()])
    assert world.reactions == [(-100, 4, EYES), (-100, 5, EYES)]
    assert world.looked == [("-100", 3000.0)]


@pytest.mark.parametrize("lane, seconds", [("-100", 0.5), ("!-100", 9), ("?-100", 9), ("x55", 9)])
async def test_quick_turns_commands_notices_and_what_is_no_chat_are_left_alone(lane: str, seconds: float) -> None:
    world = World()
    await rounds(world, [running(lane, seconds)])
    assert world.reactions == []


async def test_a_thousand_busy_conversations_cost_no_more_than_a_few() -> None:
    world = World()
    await rounds(world, [running(f"-{n}") for n in range(1, 1000)], 3)
    assert len(world.looked) == 3 * LOOKS


async def test_answers_have_the_bots_budget_first() -> None:
    world = World(spare=1)
    await rounds(world, [running("-1"), running("-2")])
    assert len(world.reactions) == 1


async def test_a_penalty_is_noted_for_the_chat() -> None:
    world = World(Flooded(7))
    await rounds(world, [running("-100:t5")])
    assert world.cooled == [("-100", 7000)]


async def test_a_chat_that_allows_no_reactions_is_not_asked_again() -> None:
    world = World(Rejected("Bad Request: REACTION_INVALID"))
    await rounds(world, [running("-100:t5")], 3)
    assert world.asked == 1


@pytest.mark.parametrize(
    "failure", [Rejected("Bad Request: message to react not found"), Forbidden("x"), Unsent("x"), StoreDown()]
)
async def test_what_cannot_be_done_now_is_left_out(failure: Exception) -> None:
    world = World(failure)
    await rounds(world, [running()], 2)
    assert world.asked == 2
