"""Quotas in tokens, to the token, while processes are killed: never exceeded at any moment, nothing held at rest.

What was spent is known exactly but for calls that were whole at the model while their process died: such a call was
charged or was not. For each person one choice of them must add up to what Redis says, and all persons to the bot.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import pytest

from app.core.allowance import Limit, limits
from app.model.ledger import Line
from tests.chaos.conftest import Bots
from tests.chaos.test_kills import pass_by
from tests.support.audit import Audit, Charges, Sampler
from tests.support.bot import Bot
from tests.support.remote import Remote
from tests.support.valkey import Valkey
from tests.support.wait import until
from tests.support.window import earned

pytestmark = pytest.mark.chaos

MOST_TOKENS = 100
QUESTION_TOKENS = 700
"""More than any question with its history is estimated at here."""
KINDS = {"answered", "apologised", "dropped: quota"}


@pytest.fixture
def world() -> Iterator[Remote]:
    """Without history, of which who is near a limit would be asked with less."""
    world = Remote(turns=0)
    yield world
    world.close()


@dataclass(frozen=True, slots=True)
class Load:
    """`groups` of people: (how many, questions of all, first chat); the more they ask the sooner they reach a limit."""

    kills: int
    user: int
    bot: int
    groups: tuple[tuple[int, int, int], ...]
    seconds: float

    @property
    def questions(self) -> int:
        return sum(questions for _, questions, _ in self.groups)

    @property
    def people(self) -> list[int]:
        return [first + place for people, _, first in self.groups for place in range(people)]

    def charges(self) -> Charges:
        """Everything that is counted: each person, and the bot."""
        each: list[tuple[str, tuple[Limit, ...]]] = [(f"u{one}", limits(f"{self.user}t/h")) for one in self.people]
        return [*each, ("b", limits(f"{self.bot}t/h"))]


def sums(amounts: Iterable[int]) -> set[int]:
    """What any choice of these amounts adds up to."""
    found = {0}
    for amount in amounts:
        found |= {one + amount for one in found}
    return found


def readies(bot: Bot) -> int:
    return bot.log.count('"event": "ready"') + bot.log.count('"event":"ready"')


async def torment(members: list[Bot], kills: int, seed: int) -> int:
    """One after the other is killed and started; each had begun to work. How many answers that may have doubled."""
    draw, doubles = random.Random(seed), 0
    for number in range(kills):
        victim = members[number % len(members)]
        begun = number // len(members) + 1
        await until(lambda v=victim, n=begun: readies(v) >= n, seconds=30, what="a process that is ready")  # type: ignore[misc]
        await pass_by(draw.uniform(0.02, 0.5))
        victim.kill()
        doubles += earned(victim.log)
        victim.launch()
    return doubles


async def spend(world: Remote, bots: Bots, audit: Audit, load: Load, seed: int) -> tuple[list[Line], int]:
    """People ask, processes die, limits are reached; the quotas at rest, and how many answers may have doubled."""
    settings = {"quota_user": f"{load.user}t/hour", "quota_bot": f"{load.bot}t/hour", "model_max_tokens": MOST_TOKENS}
    members = [bots(lease_seconds=2, attempts=1000, history_turns=0, **settings) for _ in range(2)]
    world.model(delay_ms=200, spread=150)
    for people, questions, first in load.groups:
        world.add(questions, chats=people, first=first, rate=questions / load.seconds, seed=seed)
    await members[0].start()
    members[1].launch()
    sampler = Sampler(audit, load.charges())
    sampler.start()
    try:
        doubles = await torment(members, load.kills, seed)
        await audit.all_ended(load.questions, 30 + load.seconds)
    finally:
        await sampler.stop()
    assert not sampler.broken, f"{len(sampler.broken)} of {sampler.looks} looks: {sampler.broken[:3]}"
    assert sampler.looks > 100, "nobody looked"
    return await at_rest(audit, load), doubles


async def at_rest(audit: Audit, load: Load) -> list[Line]:
    """The quotas when nothing is held any more."""
    lines: list[Line] = []

    async def rested() -> bool:
        lines[:] = await audit.lines(load.charges())
        return not any(line.held for line in lines)

    await until(rested, seconds=10, what="nothing held")
    return lines


def exact(world: Remote, load: Load, lines: list[Line]) -> None:
    """What Redis says was used is what the model gave, person by person and in all."""
    used = {line.scope: line.used for line in lines}
    shown = {message["call"] for message in world.sent() if message["index"] >= 0}
    spent: dict[int, int] = defaultdict(int)
    open_ones: dict[int, list[int]] = defaultdict(list)
    for one in world.requests():
        if one.done and one.call in shown:
            spent[one.chat] += one.prompt + one.answer
        elif one.done:
            open_ones[one.chat].append(one.prompt + one.answer)
    broken = sum(one.status == 200 and one.call not in shown for one in world.requests())
    assert broken >= load.kills, "the kills hit nothing"
    for person in load.people:
        over = used[f"u{person}"] - spent[person]
        assert over in sums(open_ones[person]), f"person {person}: {over} tokens over, open: {open_ones[person]}"
    assert used["b"] == sum(used[f"u{person}"] for person in load.people)


def reached(load: Load, lines: list[Line]) -> None:
    """Limits were met, and nobody was stuck far below one."""
    full = [line for line in lines if line.limit.amount - line.used < QUESTION_TOKENS]
    assert any(line.scope == "b" for line in full), "the bot's quota was not used up"
    assert any(line.scope != "b" for line in full), "no person's quota was used up"


async def keeps(world: Remote, bots: Bots, durable: Valkey, load: Load, seed: int) -> None:
    audit = Audit(durable)
    lines, doubles = await spend(world, bots, audit, load, seed)
    ends = audit.ends()
    assert ends.keys() <= KINDS, ends
    assert ends.get("dropped: quota", 0), "nobody was refused"
    exact(world, load, lines)
    reached(load, lines)
    world.clean(
        unanswered=ends["dropped: quota"],
        apologies=len(load.people),
        remarks=load.kills,
        doubles=doubles,
    )


async def test_quotas_are_exact_to_the_token_while_processes_are_killed(
    world: Remote, bots: Bots, durable: Valkey
) -> None:
    groups = ((4, 160, 1000), (10, 200, 2000), (40, 100, 3000))
    await keeps(world, bots, durable, Load(kills=10, user=2000, bot=36_000, groups=groups, seconds=12), 5)


@pytest.mark.soak
@pytest.mark.timeout(900)
async def test_quotas_are_exact_to_the_token_after_200_kills(world: Remote, bots: Bots, durable: Valkey) -> None:
    groups = ((40, 2400, 1000), (100, 3000, 2000), (400, 1600, 3000))
    await keeps(world, bots, durable, Load(kills=200, user=5000, bot=850_000, groups=groups, seconds=240), 6)
