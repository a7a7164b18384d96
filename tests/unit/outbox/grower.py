"""A turn whose answer grows, over real scripts and Telegram's paces, at the test's clock."""

from __future__ import annotations

import asyncio
from itertools import pairwise
from typing import Any

from app.core.claims import Claim
from app.core.clock import Manual
from app.core.updates import Address
from app.outbox.outbox import Outbox
from app.outbox.pacing import Pace
from tests.unit.lanes.desk import Desk
from tests.unit.outbox.desk import ENDLESS_MS, Phone, Scripts, age, office

WORDS = [f"word{number} " for number in range(400)]
LONG = "A sentence of a long answer, which goes on and on. " * 200


class Turn:
    """A turn that asks a model which says its words at their times, and shows them."""

    def __init__(self, outbox: Outbox, held: Claim, said: list[tuple[float, str]], address: Address | None = None):
        self.outbox, self.held, self.said = outbox, held, said
        self.clock: Any = outbox.post.clock
        self.address = address or Address(int(held.lane), reply=5)
        self.heard = 0
        self.closed = False
        self.stopped = False
        self.task = asyncio.ensure_future(self.run())

    async def run(self) -> str:
        try:
            async with self.outbox.growing(self.held, self.address) as growing:
                try:
                    for seconds, text in self.said:
                        await self.clock.sleep(seconds)
                        growing.add(text)
                        self.heard += 1
                finally:
                    self.closed = True
            self.stopped = growing.stopped
            text = growing.kept if growing.stopped else "".join(text for _, text in self.said).strip()
            await self.outbox.answer(self.held, self.address, text, markdown=True)
        finally:
            if self.held.on_end:
                self.held.on_end()
        return text

    async def end(self, seconds: float = 400) -> str:
        await age(self.clock, seconds, until=self.task.done)
        return await self.task


def slowly(words: list[str], each: float = 0.2) -> list[tuple[float, str]]:
    return [(each, word) for word in words]


def bureau(desk: Desk, stream: str = "edit", lane: str = "7") -> tuple[Outbox, Phone, Claim]:
    """An outbox over real scripts with Telegram's paces, and the claim of a question."""
    clock = Manual()
    phone = Phone(clock, strict=True)
    outbox = office(Scripts(shard=desk.shard, clock=clock), phone, Pace.of(30, 1, 20), stream=stream)
    desk.store(lane)
    return outbox, phone, desk.take(lease=ENDLESS_MS)


def gaps(phone: Phone, *kinds: str) -> list[float]:
    times = [at for at, kind, _ in phone.calls if not kinds or kind in kinds]
    return [later - earlier for earlier, later in pairwise(times)]
