"""The way around the lanes: an operator's /pause that a full Redis cannot store is obeyed, and nothing else is."""

from __future__ import annotations

from typing import Any

import pytest

from app.core.clock import Manual
from app.core.errors import StoreFull
from app.core.updates import Scope
from app.ops.bypass import Bypass
from tests.support.wait import turns
from tests.unit.fakes import ANN, BOB, DATE, FORUM, GROUP, incoming, update


class Desk:
    """A bypass, a second after the command was written. Ann operates."""

    def __init__(self, scope: Scope = "topic") -> None:
        self.paused: list[tuple[Any, ...]] = []
        self.refusals: list[Exception] = []
        self.bypass = Bypass(self, frozenset({ANN["id"]}), scope, Manual(DATE + 1.0))

    async def pause(self, scope: str, until_ms: int, reason: str, author: str, ver: str) -> bool:
        await turns(2)
        if self.refusals:
            raise self.refusals.pop()
        self.paused.append((scope, until_ms, reason, author, ver))
        return True

    async def show(self, text: str, **fields: Any) -> list[tuple[Any, ...]]:
        """What is paused after this could not be stored."""
        self.bypass.obey([incoming(update(text=text, **fields))])
        await turns(20)
        return self.paused


async def test_an_operators_pause_is_obeyed_as_it_was_written() -> None:
    assert await Desk().show("/pause all new model") == [("*", 0, "new model", "7", f"{DATE}.900")]


async def test_a_pause_with_an_end_ends_as_long_after_now() -> None:
    assert await Desk().show("/pause all 30m") == [("*", (DATE + 1 + 1800) * 1000, "", "7", f"{DATE}.900")]


@pytest.mark.parametrize(
    "scope, where, paused",
    [
        ("topic", {}, "7"),
        ("topic", {"chat": GROUP}, "-100"),
        ("topic", {"chat": FORUM, "message_thread_id": 5, "is_topic_message": True}, "-100:t5"),
        ("chat", {"chat": FORUM, "message_thread_id": 5, "is_topic_message": True}, "-100"),
    ],
)
async def test_a_pause_here_is_of_the_place_where_it_was_written(
    scope: Scope, where: dict[str, Any], paused: str
) -> None:
    assert [one[0] for one in await Desk(scope).show("/pause", **where)] == [paused]


@pytest.mark.parametrize(
    "text, fields",
    [
        ("/pause all", {"from_": BOB}),
        ("/pause all", {"from_": BOB, "chat": GROUP}),
        ("/pause all", {"sender_chat": GROUP, "chat": GROUP}),
        ("/pause all", {"forward_origin": {"type": "hidden_user"}}),
        ("/pause all", {"date": DATE - 60}),
        ("/pause@other_bot all", {"chat": GROUP}),
        ("/pause all -5m", {}),
        ("please /pause all", {}),
        ("/resume all", {}),
        ("/status", {}),
        ("/paused", {}),
        ("hello", {}),
    ],
)
async def test_nothing_else_goes_around_the_lanes(text: str, fields: dict[str, Any]) -> None:
    assert await Desk().show(text, **fields) == []


async def test_what_is_shown_again_and_again_is_obeyed_once() -> None:
    desk = Desk()
    for _ in range(5):
        await desk.show("/pause all")
    assert len(desk.paused) == 1


async def test_a_pause_that_redis_refuses_is_tried_again_when_it_is_shown_again() -> None:
    desk = Desk()
    desk.refusals = [StoreFull("OOM")]
    assert await desk.show("/pause all") == []
    assert len(await desk.show("/pause all")) == 1


async def test_an_update_that_cannot_be_read_is_passed_over() -> None:
    desk = Desk()
    desk.bypass.obey([incoming(b'{"update_id":5,"message":7}'), incoming(update(text="/pause"))])
    await turns(20)
    assert len(desk.paused) == 1
