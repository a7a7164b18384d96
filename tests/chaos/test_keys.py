"""Keys come to their limit, are revoked, changed and return: questions are answered, held or refused in plain words."""

from __future__ import annotations

import re
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from tests.chaos.conftest import Bots
from tests.support import judge
from tests.support.audit import Audit
from tests.support.bot import Bot
from tests.support.keyed import Key
from tests.support.remote import Remote
from tests.support.valkey import Valkey
from tests.support.wait import until

pytestmark = pytest.mark.chaos

A, B, C = "sk-alpha-0123456789aaaa", "sk-beta-0123456789bbbb", "sk-gamma-0123456789cccc"
OPERATOR = 900
TIME = re.compile(r"\b[0-2]\d:[0-5]\d UTC")
IDLE_CALLS_PER_SECOND = 60
"""Scripts that a process at rest may run: heartbeats, leases, claims that find nothing."""


def words(world: Remote, since: float = 0) -> list[dict[str, Any]]:
    """What the bot said of its own accord, to anybody but the operator."""
    return [one for one in world.sent(since=since) if one["index"] < 0 and one["chat"] != OPERATOR]


def given(world: Remote) -> dict[str, int]:
    """Answers that were begun, by key."""
    counts: dict[str, int] = {}
    for one in world.requests():
        if one.status == 200:
            counts[one.key] = counts.get(one.key, 0) + 1
    return counts


@pytest.mark.parametrize("status", [401, 402])
async def test_a_key_that_is_lost_is_left_alone_others_take_over_and_operators_hear_of_it_once(
    world: Remote, bots: Bots, durable: Valkey, status: int
) -> None:
    settings = {"model_api_keys": f"{A},{B}", "operator_ids": OPERATOR}
    await bots(**settings).start()
    bots(**settings).launch()
    await until(lambda: Audit(durable).processes() == 2, seconds=30, what="two processes")
    world.keys(Key(A), Key(B))
    world.model(delay_ms=50)
    world.add(400, chats=100, rate=150)
    await world.reach(answered=80)
    world.do("turn", secret=A, status=status)
    await world.reach(ended=400)
    requests = world.requests()
    assert sum(one.status == status for one in requests) > 0, "the key was not in use"
    assert not judge.pestered(requests)
    assert not judge.disordered(requests, (A, B))
    world.clean()
    await until(lambda: world.sent(OPERATOR), seconds=5, what="an alarm")
    alarms = [one["text"] for one in world.sent(OPERATOR)]
    assert len(alarms) == 1, alarms
    assert A[-4:] in alarms[0]
    assert A not in alarms[0]


async def ask(world: Remote, chat: int) -> str:
    """One question and its answer; the key that was used for it."""
    index = world.say(chat, "hello?")
    await until(lambda: world.look(index)["replies"], seconds=10, what="an answer")
    return world.requests()[-1].key


@pytest.mark.parametrize("how", ["told", "noticed"])
async def test_a_changed_file_of_keys_holds_without_a_restart(
    world: Remote, bots: Bots, tmp_path: Path, how: str
) -> None:
    path = tmp_path / "keys"
    path.write_text(f"{A}\n")
    bot: Bot = await bots(model_api_keys=None, model_api_keys_file=path).start()
    world.keys(Key(A), Key(B), Key(C))
    assert [await ask(world, 1000 + place) for place in range(3)] == [A] * 3
    path.write_text(f"{B},{C}\n")
    changed = time.monotonic()
    if how == "told":
        bot.signal(signal.SIGHUP)
    place = 2000
    while await ask(world, place) == A:
        place += 1
        assert time.monotonic() - changed < (2 if how == "told" else 15), "it still uses the old key"
    assert [await ask(world, 3000 + place) for place in range(3)] == [B] * 3
    path.write_text("\n")
    bot.signal(signal.SIGHUP)
    assert [await ask(world, 4000 + place) for place in range(3)] == [B] * 3, "an empty file takes no key away"
    assert bot.running, bot.tail()
    world.clean()


async def test_a_keys_own_limits_hold_for_all_processes_together(world: Remote, bots: Bots, durable: Valkey) -> None:
    settings = {"model_api_keys": f"{A};40r/hour,{B};25r/h;900r/mo,{C}"}
    await bots(**settings).start()
    bots(**settings).launch()
    await until(lambda: Audit(durable).processes() == 2, seconds=30, what="two processes")
    world.keys(Key(A), Key(B), Key(C))
    world.add(100, chats=100)
    await world.reach(ended=100)
    assert given(world) == {A: 40, B: 25, C: 35}
    world.clean()


async def test_a_key_that_names_no_time_is_cooled_and_tried_again_now_and_then(world: Remote, bots: Bots) -> None:
    await bots(model_api_keys=f"{A},{B}").start()
    world.keys(Key(A, amount=20, seconds=3, tells="nothing"), Key(B))
    world.add(300, chats=100, rate=50)
    await world.reach(ended=300)
    requests = world.requests()
    refused = [one.at for one in requests if one.status == 429]
    assert sum(at > refused[0] + judge.GRACE_SECONDS for at in refused) <= 6, "it was hardly left alone"
    assert given(world)[A] > 20, "it was never tried again"
    world.clean()


async def exhausted(world: Remote, bots: Bots, first: float, **settings: object) -> float:
    """Both keys have given all they had; the first gives again in `first` seconds. Their first 429 is still to come."""
    await bots(model_api_keys=f"{A},{B}", **settings).start()
    world.keys(Key(A, 30, 600, ends=first, tells="ms"), Key(B, 30, 600, ends=first + 300))
    ends = time.monotonic() + first
    world.add(60, chats=60, first=5000)
    await world.reach(answered=60)
    assert not words(world)
    return ends


async def test_questions_are_held_while_every_key_is_cooled_and_answered_when_one_returns(
    world: Remote, bots: Bots, durable: Valkey
) -> None:
    audit = Audit(durable)
    ends = await exhausted(world, bots, 9, hold_minutes=1)
    asked = world.status["asked"]
    for _ in range(2):
        world.add(12, chats=12, label="held")
    await until(lambda: len(words(world)) == 12, seconds=5, what="a notice for each chat")
    calls, began = audit.calls(), time.monotonic()
    await until(lambda: time.monotonic() > ends - 1, what="the time before the return")
    assert audit.calls() - calls < IDLE_CALLS_PER_SECOND * (time.monotonic() - began), "a hot loop in Redis"
    assert world.status["asked"] - asked <= 2 * 12, "each may have asked each key once, all at the same time"
    assert world.status["answered"] == 60
    await world.reach(30, answered=84)
    notices = words(world)
    assert sorted(one["chat"] for one in notices) == sorted({one["chat"] for one in notices}), "one notice per chat"
    assert len(notices) == 12
    assert all(TIME.search(one["text"]) for one in notices)
    requests = world.requests()
    assert not judge.pestered(requests)
    assert not judge.rushed(requests, (A, B))
    (unused,) = judge.returns(requests, A, max(one["at"] for one in world.sent()))
    assert unused <= judge.BACK_SECONDS
    world.clean(remarks=12)


async def test_a_lone_question_is_asked_as_soon_as_its_key_returns(world: Remote, bots: Bots) -> None:
    await bots(model_api_keys=A, hold_minutes=1).start()
    world.keys(Key(A, 1, 3.5, ends=3.5, tells="ms"))
    world.add(3, chats=3)  # one in each window
    await world.reach(15, answered=3)
    unused = judge.returns(world.requests(), A, world.requests()[-1].at + judge.BACK_SECONDS)
    assert len(unused) == 2
    assert max(unused) <= judge.BACK_SECONDS, unused
    assert world.status["asked_429"] <= 3 + 2


@pytest.mark.alone
@pytest.mark.parametrize("settings", [{"model_exhausted": "apologise"}, {"model_exhausted": "hold", "hold_minutes": 1}])
async def test_who_cannot_be_answered_in_time_is_told_the_time_at_once(
    world: Remote, bots: Bots, settings: dict[str, object]
) -> None:
    await exhausted(world, bots, 300, **settings)
    world.add(12, chats=12, label="late")
    await world.answered("late", 12, 5)
    assert world.latency("late")["max"] < 2
    sorry = words(world)
    assert len(sorry) == 12
    assert all(TIME.search(one["text"]) for one in sorry)
    asked = world.status["asked"]
    world.add(12, chats=12, first=3000, label="later")
    await world.answered("later", 12, 5)
    assert world.status["asked"] == asked, "everybody knew"
    world.clean(apologies=24)
