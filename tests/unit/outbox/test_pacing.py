"""Permits and paces: never too many, nobody overtaken, and a command is confirmed while answers wait."""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass, field
from itertools import pairwise

import pytest

from app.core.clock import Manual
from app.core.errors import Later, StoreBroken
from app.core.updates import Address, chat_of
from app.outbox.pacing import Pace, Permits
from tests.support.shard import Shard
from tests.support.wait import turns
from tests.unit.lanes.desk import Desk
from tests.unit.outbox.desk import ENDLESS_MS, Grants, Phone, Scripts, age, claim, densest, office

RATE = 30
GAP_MS = Pace.of(RATE, 0, 0).everywhere_ms
DEFAULT = Pace.of(0, 1, 20)  # the chat's part of the default settings


@dataclass
class Budget(Grants):
    """Grants `stock` permits a fetch; `asking` fetches run at once."""

    stock: list[int] = field(default_factory=list)
    asking: int = 0
    most: int = 0
    fetches: int = 0
    error: Exception | None = None

    async def permit(self, wanted: int, gap_ms: float, burst: int, penalty_ms: int = 0) -> tuple[int, int]:
        self.asking += 1
        self.fetches += 1
        self.most = max(self.most, self.asking)
        await turns(5)
        self.asking -= 1
        if self.error:
            raise self.error
        granted = self.stock.pop(0) if self.stock else wanted
        return granted, 0 if granted else 100


async def queue(permits: Permits, names: list[str]) -> list[str]:
    """Everybody asks at once, in this order; who was served, in order. A name with `!` is a command's."""
    served: list[str] = []

    async def ask(name: str) -> None:
        await permits.take(urgent="!" in name)
        served.append(name)

    tasks = [asyncio.ensure_future(ask(name)) for name in names]
    await turns()
    assert isinstance(permits.clock, Manual)
    await age(permits.clock, 30, until=lambda: len(served) == len(names))
    await asyncio.gather(*tasks)
    return served


async def test_permits_are_fetched_by_one_for_all() -> None:
    budget = Budget()
    await queue(Permits(budget, GAP_MS, Manual()), [str(n) for n in range(40)])
    assert budget.most == 1
    assert budget.fetches < 40


async def test_who_asked_first_is_served_first_also_beside_a_new_stock() -> None:
    budget = Budget(stock=[1, 0, 2, 1, 3, 1])
    names = [str(n) for n in range(20)]
    assert await queue(Permits(budget, GAP_MS, Manual()), names) == names


async def test_who_comes_while_others_wait_does_not_overtake_them() -> None:
    clock, budget = Manual(), Budget(stock=[1, 0, 1, 1])
    permits, served = Permits(budget, GAP_MS, clock), []

    async def ask(name: str) -> None:
        await permits.take()
        served.append(name)

    early = [asyncio.ensure_future(ask(name)) for name in "abc"]
    await age(clock, 0.05, until=lambda: served)
    late = asyncio.ensure_future(ask("d"))
    await age(clock, 5, until=lambda: len(served) == 4)
    await asyncio.gather(*early, late)
    assert served == ["a", "b", "c", "d"]


async def test_commands_are_served_before_answers() -> None:
    budget = Budget(stock=[1] * 10)
    served = await queue(Permits(budget, GAP_MS, Manual()), ["a", "b", "!1", "c", "!2"])
    assert served == ["!1", "!2", "a", "b", "c"]


async def test_who_has_gone_costs_no_permit() -> None:
    clock, budget = Manual(), Budget(stock=[0, 1, 0, 0, 0])
    permits = Permits(budget, GAP_MS, clock)
    gone, here = asyncio.ensure_future(permits.take()), asyncio.ensure_future(permits.take())
    await turns(2)
    gone.cancel()
    await age(clock, 0.3, until=here.done)
    assert here.done()
    assert budget.fetches == 2


async def test_a_store_that_refuses_is_heard_by_all_who_wait_and_by_nobody_later() -> None:
    budget = Budget(error=StoreBroken("NOPERM"))
    permits = Permits(budget, GAP_MS, Manual())
    heard = await asyncio.gather(*(permits.take() for _ in range(3)), return_exceptions=True)
    assert [type(error) for error in heard] == [StoreBroken] * 3
    budget.error = None
    await permits.take()


async def flood(shard: Shard, pause: float) -> list[float]:
    """When permits were given: one, then after a pause as many as can be had for five seconds."""
    clock = Manual()
    permits, times = Permits(Scripts(shard=shard, clock=clock), GAP_MS, clock), []

    async def ask() -> None:
        await permits.take()
        times.append(clock.monotonic())

    asks = [asyncio.ensure_future(ask())]
    await age(clock, pause, 0.01)
    asks += [asyncio.ensure_future(ask()) for _ in range(300)]
    await age(clock, 5, 0.01)
    for task in asks:
        task.cancel()
    return times


@pytest.mark.parametrize("pause", [0.05, 0.5, 0.95, 2])
async def test_never_more_than_the_rate_in_any_second_and_hardly_less(pause: float, shard: Shard) -> None:
    times = await flood(shard, pause)
    assert densest(times, 1) <= RATE
    assert len(times) >= 4.5 * RATE


async def test_no_permit_is_spent_while_an_answer_waits_for_the_window() -> None:
    clock, budget = Manual(), Budget(stock=[1] * 9)
    phone = Phone(clock)
    outbox = office(budget, phone, Pace(GAP_MS, 0, 0), window=1)
    phone.ends.append(asyncio.get_running_loop().create_future())
    answers = [asyncio.ensure_future(outbox.answer(claim(c), Address(int(c)), "yes")) for c in ("7", "8")]
    await turns(60)
    assert (len(phone.heard), budget.fetches) == (1, 1)
    for answer in answers:
        answer.cancel()
    await asyncio.gather(*answers, return_exceptions=True)


# -- the chat's pace, by the real scripts ------------------------------------------------------------


class House:
    """Claims what is ready each so often, as the runner does, and sends one answer for each claim."""

    def __init__(self, desk: Desk, every: float = 1.0) -> None:
        self.desk, self.every, self.clock = desk, every, Manual()
        self.scripts = Scripts(shard=desk.shard, clock=self.clock)
        self.phone = Phone(self.clock)
        self.outbox = office(self.scripts, self.phone, DEFAULT)
        self.tasks: set[asyncio.Task[None]] = set()
        self.text = "yes"
        self.confirmed: list[float] = []

    async def turn(self, found: object) -> None:
        held = claim(getattr(found, "lane"), getattr(found, "token"))  # noqa: B009  a claim of the real scripts
        held.journal = dict(getattr(found, "journal"))  # noqa: B009
        try:
            await self.outbox.answer(held, Address(int(chat_of(held.lane))), self.text if held.lane[0] != "!" else "ok")
        except Later as later:
            self.desk.release(held, later.delay_ms, later.op)
        else:
            self.desk.complete(held)
            if held.lane[0] == "!":
                self.confirmed.append(self.clock.monotonic())
        finally:
            if held.on_end:
                held.on_end()

    async def live(self, seconds: float) -> None:
        end = self.clock.monotonic() + seconds
        while self.clock.monotonic() < end - 1e-9:
            self.scripts.ask("cool", "0", 0)  # only moves the server's clock
            for found in self.desk.claim(20, 8, lease=ENDLESS_MS).claims:
                task = asyncio.ensure_future(self.turn(found))
                self.tasks.add(task)
                task.add_done_callback(self.tasks.discard)
            await age(self.clock, min(self.every, end - self.clock.monotonic()))

    async def command(self, chat: int) -> float:
        """How long a command of this chat takes from its claim to its confirmation."""
        began, seen = self.clock.monotonic(), len(self.confirmed)
        self.desk.store(f"!{chat}", kind="c")
        every, self.every = self.every, 0.05
        while len(self.confirmed) == seen and self.clock.monotonic() < began + 30:
            await self.live(0.05)
        self.every = every
        return self.confirmed[seen] - began if len(self.confirmed) > seen else 30.0

    async def close(self) -> None:
        tasks = list(self.tasks)
        for task in tasks:
            task.cancel()
        ends = await asyncio.gather(*tasks, return_exceptions=True)
        assert [end for end in ends if isinstance(end, Exception)] == []


async def waits(desk: Desk, lanes: list[str], chat: int) -> list[float]:
    """How long commands wait, while every lane of the chat has more to say than may be said."""
    house = House(desk)
    for lane in lanes:
        for _ in range(60):
            desk.store(lane)
    await house.live(17)
    took = []
    for pause in (2.3, 61, 60.5, 0):
        took.append(await house.command(chat))
        await house.live(pause)
    await house.close()
    return took


@pytest.mark.parametrize("lane", ["7", "-100"])
async def test_a_command_is_confirmed_within_a_second_while_answers_use_up_the_pace(lane: str, desk: Desk) -> None:
    assert max(await waits(desk, [lane], int(lane))) <= 1.0


@pytest.mark.parametrize("topics", [3, 6])
async def test_a_command_is_confirmed_within_a_second_also_while_topics_wait(topics: int, desk: Desk) -> None:
    assert max(await waits(desk, [f"-100:t{n}" for n in range(2, 2 + topics)], -100)) <= 1.0


@pytest.mark.parametrize("seed", range(4))
async def test_a_group_never_hears_more_than_20_in_any_minute_even_with_commands(seed: int, desk: Desk) -> None:
    draw = random.Random(seed)
    house = House(desk, every=draw.choice([0.3, 0.7, 1.0]))
    for topic in range(2, 2 + draw.choice([1, 2, 5])):
        for _ in range(60):
            desk.store(f"-100:t{topic}")
    for _ in range(16):
        for _ in range(draw.choice([0, 1, 1, 4])):
            desk.store("!-100", kind="c")
        await house.live(draw.uniform(3, 25))
    await house.close()
    times = house.phone.times(-100)
    assert len(times) > 30
    assert densest(times, 60) <= 20


async def test_an_answer_of_many_parts_ends_in_a_group_and_each_part_is_sent_once(desk: Desk) -> None:
    house = House(desk)
    house.text = "line of an answer\n" * 1500
    desk.store("-100")
    await house.live(60)
    await house.close()
    assert [what for _, what, _ in house.phone.calls] == ["send"] * 7
    assert "".join(text for _, _, text in house.phone.calls).count("line of an answer") == 1500
    assert not desk.claim(1).claims, "the turn has ended"


@pytest.mark.parametrize("topics", [1, 5])
async def test_no_two_messages_of_a_chat_within_a_second_whoever_sends_them(topics: int, desk: Desk) -> None:
    house = House(desk, every=0.3)
    for topic in range(2, 2 + topics):
        for _ in range(4):
            desk.store(f"-100:t{topic}")
    desk.store("!-100", kind="c")
    await house.live(12)
    await house.close()
    times = house.phone.times(-100)
    assert len(times) >= 5
    assert min(later - earlier for earlier, later in pairwise(times)) >= 1.0
