"""/stop with the real outbox, at every moment: what was sent counts as answered, what was not is never shown."""

from __future__ import annotations

import asyncio

from app.core.claims import Claim
from app.core.clock import Manual
from app.core.errors import TurnOver
from app.core.outcome import End, Outcome
from app.core.updates import Address
from app.outbox.outbox import Outbox
from app.outbox.seams import Entities
from tests.support.wait import turns, until
from tests.unit.outbox.desk import Grants, Phone, office
from tests.unit.runner.desk import Lanes
from tests.unit.runner.test_runner import running


class Sending(Phone):
    """Notes sends that were cancelled on their way."""

    cut = 0

    async def send(self, address: Address, text: str, entities: Entities | None = None) -> int:
        try:
            await turns(3)
            return await super().send(address, text, entities)
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


async def stopped_while_growing(point: int) -> tuple[str, Sending, bool]:
    """A turn whose answer grows, stopped after so many steps: its end, Telegram, whether it had ended before."""
    lanes = Lanes(Manual())
    phone = Sending(lanes.clock)
    outbox = office(Grants(), phone, stream="edit")
    begun: list[Claim] = []

    async def work(claim: Claim) -> Outcome:
        begun.append(claim)
        async with outbox.growing(claim, Address(7)) as growing:
            for number in range(12):
                growing.add(f"word{number} ")
                await lanes.clock.sleep(0.3)
        await outbox.answer(claim, Address(7), growing.kept, markdown=True)
        return End("answered")

    lanes.put("7", "a")
    async with running(lanes, work) as runner:
        while not begun:
            await turns()
        for _ in range(point // 8):
            await lanes.clock.advance(0.3)
        await turns(point % 8)
        over = bool(lanes.calls)
        runner.turns.deliver("7", "stop", begun[0].token)
        for _ in range(4):  # a second, and a little for what is on its way
            await lanes.clock.advance(0.3)
        await until(lambda: lanes.calls)
    ((_, _, end),) = lanes.calls
    return end, phone, over


async def test_a_stop_at_any_moment_of_an_answer_that_grows_keeps_what_was_seen_and_nothing_else() -> None:
    seen = set()
    for point in range(400):
        end, phone, over = await stopped_while_growing(point)
        assert phone.cut == 0, f"a send was cancelled at {point}"
        assert (end, len(phone.stands)) in {("answered", 1), ("dropped: stopped", 0)}, f"at {point}: {end}"
        assert not any(text.endswith("…") for text in phone.stands.values()), f"at {point}"
        seen.add(end)
        if over:
            break
    else:
        raise AssertionError("the loop must reach the end of the turn")
    assert seen == {"answered", "dropped: stopped"}
