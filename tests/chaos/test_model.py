"""The model fails in every way it can: one honest apology within 30 s, nothing lost, and on with the next question."""

from __future__ import annotations

import pytest

from tests.chaos.conftest import Bots
from tests.support.remote import Remote

pytestmark = pytest.mark.chaos

ALWAYS = 1_000_000
WAYS = {
    "overloaded": {"kind": "status", "status": 503},
    "gateway": {"kind": "page", "status": 502},
    "silent": {"kind": "hang"},
    "cutoff": {"kind": "cut"},
    "halved": {"kind": "half"},
    "keyless": {"kind": "status", "status": 401},
    "errorous": {"kind": "error"},
    "garbled": {"kind": "broken"},
    "hollow": {"kind": "empty"},
}
SHORT = ("overloaded", "gateway", "halved", "hollow")
"""Of these nothing came, so that the question can be asked again."""


@pytest.mark.parametrize("stream", ["edit", "off"])
async def test_a_failing_model_costs_one_apology_within_30_seconds(world: Remote, bots: Bots, stream: str) -> None:
    bot = await bots(stream=stream).start()
    # What came of a stream that broke off is kept; without streaming there is no clock between chunks.
    kept = {"cutoff", "errorous"} if stream == "edit" else {"silent"}
    ways = {name: way for name, way in WAYS.items() if name not in kept}
    for name, way in ways.items():
        world.fault("model", text=name, times=ALWAYS, **way)  # type: ignore[arg-type]
    asked = [world.say(1000 + place, f"please say {name}", label="sick") for place, name in enumerate(ways)]
    well = [world.say(3000 + place, "hello", label="well") for place in range(10)]
    await world.answered("well", 10, 10)
    await world.answered("sick", len(asked), 31)
    assert world.latency("sick")["max"] <= 30
    for place in range(len(ways)):
        world.say(1000 + place, "and now?")
    await world.reach(15, ended=2 * len(asked) + len(well))
    for index in asked:
        assert len(world.look(index)["said"]) == 1, world.look(index)
    world.clean(apologies=len(asked))
    assert bot.running, bot.tail()


async def test_a_short_illness_of_the_model_is_not_noticed(world: Remote, bots: Bots) -> None:
    await bots(stream="edit").start()
    for place, (name, way) in enumerate(WAYS.items()):
        if name in SHORT:
            world.fault("model", text=name, times=1, **way)  # type: ignore[arg-type]
            world.say(1000 + place, f"please say {name}")
    world.fault("model", "flood", text="briefly", retry_after=1)
    world.say(5000, "briefly")
    await world.reach(25, ended=len(SHORT) + 1)
    world.clean()


async def test_a_model_that_nobody_serves_is_said_so_within_30_seconds(world: Remote, bots: Bots) -> None:
    bot = await bots(model_base_url="http://127.0.0.1:9/v1").start()
    asked = [world.say(1000 + place, "hello?", label="down") for place in range(20)]
    await world.answered("down", 20, 31)
    assert world.latency("down")["max"] <= 30
    world.clean(apologies=len(asked))
    assert bot.running, bot.tail()


async def test_a_stream_that_ends_early_is_never_taken_for_a_whole_answer(world: Remote, bots: Bots) -> None:
    await bots(stream="edit").start()
    world.fault("model", "stop", text="early", times=1)
    index = world.say(1000, "early")
    await world.reach(15, ended=1)
    world.say(1000, "and then?")
    await world.reach(15, ended=2)
    (answer,) = [message["text"] for message in world.sent() if message["index"] == index]
    assert "cut off" in answer or world.look(index)["calls"] == 2
    world.clean()
