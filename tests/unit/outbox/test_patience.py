"""A ban that lasts for hours: it is waited for by the chat alone, in Redis, and by no turn of ours."""

from __future__ import annotations

import pytest

from app.chain.over import over
from app.core.errors import Flooded, Later
from app.core.outcome import Back
from app.core.updates import Address
from tests.unit.lanes.desk import Desk
from tests.unit.outbox.grower import bureau

HOURS = 13_938


async def test_a_ban_of_hours_is_waited_for_without_room_and_without_losing_an_attempt(desk: Desk) -> None:
    outbox, phone, held = bureau(desk, "off")
    phone.ends.append(Flooded(HOURS))
    with pytest.raises(Later) as later:
        await outbox.answer(held, Address(7, reply=5), "an answer")
    assert (phone.clock.monotonic(), len(phone.calls)) == (0, 1), "nobody slept, and nobody called again"
    given = over(held, later.value)
    assert isinstance(given, Back)
    assert given.delay_ms == pytest.approx(HOURS * 1000, abs=1)
    desk.release(held, delay=given.delay_ms)
    desk.shard.tick(given.delay_ms - 1)
    assert desk.claim().claims == []
    desk.shard.tick(1)
    again = desk.take()
    assert (again.attempt, again.journal["answer"]) == (1, "an answer")
