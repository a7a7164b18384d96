"""Answers that grow, under floods, lost answers and kills at any moment: the finished text always arrives.

Each run is one question. Its turn is killed, or gives back, and its successor asks a model that says something else.
The scripts are real, Telegram is strict, the clock is the test's.
"""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass, field
from typing import Any

import pytest

from app.core.claims import Claim
from app.core.clock import Manual
from app.core.errors import Doubtful, Flooded, Later, Rejected, Unsent, Unsure
from app.core.updates import Address
from app.outbox.display import GOES_ON
from app.outbox.markup import parts
from app.outbox.outbox import Outbox
from app.outbox.pacing import Pace
from tests.support.shard import START_MS
from tests.support.wait import turns
from tests.unit.lanes.desk import Desk
from tests.unit.outbox.conftest import desk, shard
from tests.unit.outbox.desk import Phone, Scripts, age, office

__all__ = ["desk", "shard"]
RUNS = 40
LEASE_MS = 3000
ADDRESS = Address(7, reply=5)


@dataclass
class Story:
    """One question and what becomes of it."""

    desk: Desk
    r: random.Random
    stream: str
    clock: Manual = field(default_factory=Manual)
    text: str = ""
    kills: int = 0
    died: int = 0

    def __post_init__(self) -> None:
        self.phone = Phone(self.clock, strict=True, killed=lambda: self.r.random() < 0.5)
        self.lanes = Scripts(shard=self.desk.shard, clock=self.clock)
        self.outbox: Outbox = office(self.lanes, self.phone, Pace.of(30, 1, 20), stream=self.stream)

    def faults(self) -> None:
        """Some calls fail from now on."""
        for _ in range(self.r.choice([0, 0, 2, 12])):
            good: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            good.set_result(None)
            ends: list[Any] = [Flooded(self.r.choice([1, 4, 20])), Unsent("down"), Doubtful("done"), Doubtful("lost")]
            self.phone.ends.append(self.r.choice([good, good, good, good, *ends]))
        if self.r.random() < 0.1:
            self.phone.draftless = Rejected("Bad Request: TEXTDRAFT_PEER_INVALID")

    def claim(self) -> Claim:
        self.desk.shard.now_ms = START_MS + round(self.clock.monotonic() * 1000)
        found: Claim = self.desk.take(lease=LEASE_MS, attempts=99)
        return found

    async def ask(self, held: Claim) -> None:
        """A turn, as the reply handler does it."""
        if "answer" in held.journal:
            self.text = held.journal["answer"]
        else:
            words = [f"w{n} " for n in range(self.r.choice([1, 30, 200, 1100]))]
            self.text = f"attempt {held.attempt} {''.join(words)}".strip()
            chunk, pause = self.r.choice([3, 40, 400]), self.r.choice([0.0, 0.02, 0.3])
            async with self.outbox.growing(held, ADDRESS) as growing:
                await self.clock.sleep(self.r.choice([0.0, 0.5, 6.0]))
                for at in range(0, len(self.text), max(chunk, len(self.text) // 100)):
                    growing.add(self.text[at : at + max(chunk, len(self.text) // 100)])
                    await self.clock.sleep(pause)
        await self.outbox.answer(held, ADDRESS, self.text, markdown=True)

    async def turn(self) -> str:
        """One claim: "done", "unsure", or "" if it has to be claimed again."""
        held = self.claim()
        task = asyncio.ensure_future(self.ask(held))
        kill = self.kills > 0 and self.r.random() < 0.8
        steps, at = self.r.randrange(1, 200), self.r.choice([1.3, 4.0, 20.0]) * self.r.random()
        await age(self.clock, at if kill else 600, until=task.done)
        if kill and not task.done():
            await turns(steps % 12)
            self.kills -= 1
            self.died += 1
            await die(task)
            await age(self.clock, LEASE_MS / 1000 + 0.1)
            return ""
        (ended,) = await asyncio.gather(task, return_exceptions=True)
        if isinstance(ended, Later):
            assert self.desk.release(held, ended.delay_ms, ended.op) == "ok"
            await age(self.clock, ended.delay_ms / 1000 + 0.01)
            return ""
        if isinstance(ended, Unsure):
            return "unsure"
        if isinstance(ended, Flooded | Unsent | Doubtful):
            assert self.desk.release(held, 5000, held.unsent()) == "ok"
            await age(self.clock, 5.01)
            return ""
        assert ended is None, repr(ended)
        assert self.desk.complete(held) == ("ok", 0)
        return "done"

    def judge(self, end: str) -> None:
        """What stands in the chat, and how it came there."""
        phone, made = self.phone, [part.text for part in parts(self.text)]
        assert not phone.sins
        sends = [text.removesuffix(GOES_ON) for kind, text in phone.perhaps if kind == "send"]
        firsts = [text for text in sends if text.startswith("attempt")]
        assert len(firsts) <= 2, "part 1"
        assert len(sends) - len(firsts) <= 2, "part 2"
        if end == "unsure":
            assert len(sends) + self.died >= 2, "a turn that dies between mark and send leaves a doubt too"
            return
        stand = list(phone.stands.values())
        assert all(part in stand for part in made), (made, stand)
        assert len(stand) - len(made) <= len(sends) - len(made), "what else stands was sent twice"


async def die(task: asyncio.Task[None]) -> None:
    """SIGKILL: nothing of the turn runs any more."""
    while not task.done():
        task.cancel()
        for other in asyncio.all_tasks() - {asyncio.current_task()}:
            other.cancel()
        await turns()


@pytest.mark.parametrize("seed", range(RUNS))
@pytest.mark.parametrize("stream", ["edit", "draft", "off"])
async def test_the_finished_text_arrives_whatever_happens(desk: Desk, stream: str, seed: int) -> None:
    r = random.Random(seed)
    story = Story(desk, r, stream, kills=r.choice([0, 0, 1, 3]))
    desk.store()
    for _ in range(40):
        story.faults()
        if end := await story.turn():
            break
    else:
        raise AssertionError("it must come to an end")
    story.judge(end)
