"""A text that an app had to cut into several messages is one question."""

from __future__ import annotations

from typing import Any

import pytest

from app.core.claims import Claim
from app.core.clock import Manual
from app.core.outcome import Back, End
from middleware.paste import PIECE, REMEMBERED, WAIT_MS, Paste
from tests.unit.fakes import DATE, Inner, claim, context, update

DONE = End("answered")
LONG = "x" * PIECE


def piece(text: str = LONG, group: str = "t7", **fields: Any) -> Claim:
    made = claim(update(text=text), **fields)
    made.entries[0].group = group
    return made


async def outcome(layer: Paste, made: Claim) -> object:
    return await layer(context(claimed=made), Inner(DONE))


async def test_a_piece_waits_once_for_the_rest() -> None:
    layer = Paste(Manual(DATE + 1))
    assert await outcome(layer, piece()) == Back(WAIT_MS)
    assert await outcome(layer, piece()) is DONE


@pytest.mark.parametrize(
    "made",
    [
        piece("short"),
        piece(group=""),
        piece(group="a77"),
        piece(attempt=2),
        piece(journal={"answer": "it is there"}),
        piece(at_ms=(DATE - 60) * 1000),
    ],
)
async def test_what_has_no_rest_or_beside_which_it_stands_is_answered_at_once(made: Claim) -> None:
    assert await outcome(Paste(Manual(DATE + 1)), made) is DONE


async def test_what_it_remembers_is_bounded() -> None:
    layer = Paste(Manual(DATE))
    for uid in range(2 * REMEMBERED):
        assert await outcome(layer, piece(uids=str(uid))) == Back(WAIT_MS)
    assert len(layer._waited) == REMEMBERED
