"""/stop with the real outbox, at every moment: what was sent counts as answered, what was not is never shown."""

from __future__ import annotations

import asyncio

from app.core.claims import Claim
from app.core.clock import Manual
from app.core.errors import TurnOver
from app.core.outcome import End, Outcome
from app.core.updates import Address
from app.outbox.outbox import Outbox
from tests.support.wait import turns, until
from tests.unit.outbox.desk import Grants, Phone, office
from tests.unit.runner.desk import Lanes
from tests.unit.runner.test_runner import running


class Sending(Phone):
    """Notes sends that were cancelled on their way."""

    cut = 0

    async def send(self, address: Address, text: str) -> int:
        try:
            await turns(3)
            return await super().send(address, text)
        except asyncio.CancelledError:
            self.cut += 1
            raise


async def stopped(point: int) -> tuple[str, int, int, bool]:
    """A turn stopped after so many steps: its end, messages sent, sends cancelled, whether it had ended before."""
    lanes = Lanes(Manual())
    phone = Sending(lanes.clock)
    outbox: Outbox = office(Grants(), phone)
    begun: list[Claim] = []

    async def work(claim: Claim) -> Outcome:
        begun.append(claim)
        await turns(2)
        try:
            await outbox.answer(claim, Address(7), "yes")
        except TurnOver:
            return End("dropped: stopped")
        return End("answered")

    lanes.put("7", "a")
    async with running(lanes, work) as runner:
        while not begun:
            await turns()
        await turns(point)
        over = bool(lanes.calls)
        runner.turns.deliver("7", "stop", begun[0].token)
        await until(lambda: lanes.calls)
        await turns(10)
    ((_, _, end),) = lanes.calls
    return end, len(phone.heard), phone.cut, over


async def test_a_stop_never_cancels_a_send_and_never_calls_a_sent_answer_stopped() -> None:
    seen = set()
    for point in range(80):
        end, sent, cut, over = await stopped(point)
        assert cut == 0, f"a send was cancelled at {point}"
        assert (end, sent) in {("answered", 1), ("dropped: stopped", 0)}, f"at {point}: {end}, {sent} sent"
        seen.add(end)
        if over:
            break
    else:
        raise AssertionError("the loop must reach the end of the turn")
    assert seen == {"answered", "dropped: stopped"}
