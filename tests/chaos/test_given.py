"""What a question costs that was asked and not answered: one request when a person stops it, nothing for a restart."""

from __future__ import annotations

import pytest

from app.core.allowance import limits
from app.model.ledger import Line
from tests.chaos.conftest import Bots
from tests.support.audit import Audit
from tests.support.remote import Remote
from tests.support.valkey import Valkey

pytestmark = pytest.mark.chaos

QUOTA = "900000t/day,900r/day"


async def figures(durable: Valkey, *people: int) -> list[Line]:
    return await Audit(durable).lines([(f"u{person}", limits(QUOTA)) for person in people])


async def test_turns_that_a_drain_gives_back_count_once(world: Remote, bots: Bots, durable: Valkey) -> None:
    bot = await bots(drain_seconds=1, quota_user=QUOTA).start()
    world.model(delay_ms=60_000)
    world.add(20, chats=20, first=1000)
    await world.reach(running=20)
    await bot.stop(8)
    people = range(1000, 1020)
    lines = await figures(durable, *people)
    assert {line.used for line in lines if line.limit.unit == "r"} == {1}, "they were asked"
    assert min(line.used for line in lines if line.limit.unit == "t") > 0
    world.model(delay_ms=0)
    await bot.start()
    await world.reach(8, ended=20)  # less than a lease: they were given back
    world.clean()
    spent = {one.chat: one.prompt + one.answer for one in world.requests() if one.done}
    for line in await figures(durable, *people):
        person = int(line.scope.removeprefix("u"))
        assert (line.used, line.held) == (1 if line.limit.unit == "r" else spent[person], 0)


async def test_a_question_that_a_person_stops_counts(world: Remote, bots: Bots, durable: Valkey) -> None:
    await bots(quota_user=QUOTA).start()
    world.model(delay_ms=60_000)
    world.say(1000, "tell me everything")
    await world.reach(running=1)
    stop = world.say(1000, "/stop")
    await world.replied(stop, 10)
    await Audit(durable).all_ended(2, 10)
    tokens, requests = await figures(durable, 1000)
    assert (requests.used, requests.held, tokens.held) == (1, 0, 0)
    assert tokens.used > 10


async def test_a_question_that_the_endpoint_answers_with_an_error_is_free(
    world: Remote, bots: Bots, durable: Valkey
) -> None:
    await bots(quota_user=QUOTA).start()
    world.fault("model", "status", status=400, description="no such thing")
    refused = world.say(1000, "hm?")
    await world.replied(refused, 20)
    tokens, requests = await figures(durable, 1000)
    assert (requests.used, requests.held, tokens.used, tokens.held) == (0, 0, 0, 0)
