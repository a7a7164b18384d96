"""A stream that is cut at any byte never ends as a full answer: it is asked for again, and when that does not help kept
with a last line that says so."""

from __future__ import annotations

import pytest

from tests.chaos.conftest import Bots
from tests.support.remote import Remote

pytestmark = pytest.mark.chaos

POINTS = [*range(0, 1500, 37), *range(-1, -620, -19)]
"""In bytes of a stream of some 1,500; from its end, where finish_reason, usage and [DONE] stand, more of them."""
TRIES = 3
"""As often an answer is asked for, if its first words had come each time."""


@pytest.mark.parametrize("kind", ["cut", "stop"])
async def test_a_stream_cut_at_any_byte_is_never_taken_for_a_whole_answer(world: Remote, bots: Bots, kind: str) -> None:
    await bots(stream="edit").start()
    world.model(chunks=6)  # the first piece holds all by which an answer is known
    for point in POINTS:
        world.fault("model", kind, text=f"point {point} of it", at=point, times=TRIES if point < 0 else 1)
    asked = [world.say(1000 + place, f"point {point} of it") for place, point in enumerate(POINTS)]
    await world.reach(ended=len(POINTS))
    for place in range(len(POINTS)):
        world.say(1000 + place, "and now?")
    await world.reach(ended=2 * len(POINTS))
    world.clean()
    texts = {message["index"]: message["text"] for message in world.sent()}
    kept = {index for index in asked if "cut off" in texts[index]}
    again = {index for index in asked if world.look(index)["calls"] > 1}
    assert kept, "no answer was cut to the end"
    assert again - kept, "no answer was whole in the end"
    assert kept <= again
