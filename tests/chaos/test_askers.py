"""A thousand people ask at once, and there are three keys: everyone is answered or told when, and no key is pestered.

What counts as an end: an answer of the model, or words of the bot in reply that name a time (HH:MM UTC).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import pytest

from tests.chaos.conftest import Bots
from tests.support import judge
from tests.support.audit import Audit
from tests.support.bot import Bot
from tests.support.keyed import Key
from tests.support.remote import Remote
from tests.support.valkey import Valkey
from tests.support.wait import until
from tests.support.window import earned

pytestmark = pytest.mark.chaos

FIRST, SECOND, THIRD = "sk-first-0123456789aaaa", "sk-second-0123456789bbbb", "sk-third-0123456789cccc"
ORDER = (FIRST, SECOND, THIRD)
TIME = re.compile(r"\b[0-2]\d:[0-5]\d UTC")


@dataclass(frozen=True, slots=True)
class Scene:
    """How many ask, of how many processes, and how many of those are killed while they work."""

    processes: int = 1
    kills: int = 0
    askers: int = 1000
    amount: int = 300
    window: float = 16


async def team(world: Remote, bots: Bots, audit: Audit, count: int, **settings: object) -> list[Bot]:
    """Live processes; the first of them polls."""
    members = [bots(lease_seconds=3, attempts=20, **settings) for _ in range(count)]
    await members[0].start()
    for member in members[1:]:
        member.launch()
    await until(lambda: audit.processes() >= count, seconds=40, what=f"{count} live processes")
    return members


async def crowd(world: Remote, bots: Bots, durable: Valkey, scene: Scene) -> int:
    """All ask at once, each in a private chat; when each of them has an end, how many may have been answered twice."""
    audit, doubles = Audit(durable), 0
    members = await team(world, bots, audit, scene.processes, model_api_keys=",".join(ORDER), hold_minutes=1)
    world.model(delay_ms=100)
    world.keys(
        Key(FIRST, scene.amount, scene.window, ends=0.25 * scene.window, tells="ms"),
        Key(SECOND, scene.amount, scene.window, ends=0.6 * scene.window, tells="after"),
        Key(THIRD, scene.amount, scene.window, tells="reset"),
    )
    world.add(scene.askers, chats=scene.askers)
    for kill in range(scene.kills):
        await world.reach(40, answered=(kill + 1) * scene.askers // 4)
        members[kill].kill()  # the first is the one that polls
        doubles += earned(members[kill].log)
    await audit.all_ended(scene.askers, 3 * scene.window)
    await until(lambda: world.verdict["unanswered"] == 0, seconds=5, what="the last words")
    return doubles


def judged(world: Remote, scene: Scene, doubles: int) -> None:
    """Every promise about the keys, and an end for everyone."""
    requests, verdict = world.requests(), world.verdict
    words = [message for message in world.sent() if message["index"] < 0]
    assert not [message["text"] for message in words if not TIME.search(message["text"])]
    assert verdict["answered"] + verdict["apologies"] == scene.askers
    world.clean(apologies=scene.askers, remarks=scene.askers, doubles=doubles)
    counts = {key: sum(one.status == 200 for one in requests if one.key == key) for key in ORDER}
    assert counts[FIRST] >= scene.amount
    assert sum(one.status == 429 for one in requests if one.key == FIRST), "the allowance was never used up"
    assert not judge.pestered(requests)
    assert not judge.disordered(requests, ORDER)
    assert not judge.rushed(requests, ORDER)
    unused = judge.returns(requests, FIRST, max(message["at"] for message in world.sent()))
    assert unused, "the primary did not return while anybody waited: nothing was measured"
    assert max(unused) <= judge.BACK_SECONDS


async def test_a_thousand_askers_of_three_keys_have_an_end_and_no_key_is_pestered(
    world: Remote, bots: Bots, durable: Valkey
) -> None:
    scene = Scene()
    judged(world, scene, await crowd(world, bots, durable, scene))


@pytest.mark.soak  # with two of them killed it is asked each time
async def test_four_processes_share_what_they_know_of_the_keys(world: Remote, bots: Bots, durable: Valkey) -> None:
    scene = Scene(processes=4)
    judged(world, scene, await crowd(world, bots, durable, scene))


async def test_two_of_four_processes_killed_take_nobodys_answer_along(
    world: Remote, bots: Bots, durable: Valkey
) -> None:
    scene = Scene(processes=4, kills=2)
    judged(world, scene, await crowd(world, bots, durable, scene))


@pytest.mark.soak
@pytest.mark.timeout(300)
@pytest.mark.parametrize("kills", [0, 2])
async def test_three_thousand_askers_outlive_several_windows(
    world: Remote, bots: Bots, durable: Valkey, kills: int
) -> None:
    scene = Scene(processes=4, kills=kills, askers=3000, window=30)
    judged(world, scene, await crowd(world, bots, durable, scene))
