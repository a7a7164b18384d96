"""A topic that closes or goes ends its own answers at most, never those of its chat."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from app.chain.over import over
from app.core.errors import Dead, Rejected
from app.core.outcome import End
from app.core.updates import Address
from tests.unit.lanes.desk import Desk
from tests.unit.outbox.desk import Phone
from tests.unit.outbox.grower import WORDS, Turn, bureau, slowly

GONE = "Bad Request: message thread not found"
UNASKED = "Bad Request: message to be replied not found"
TOPIC = Address(-5, thread=9, reply=5)


def forum(phone: Phone, *refusals: Callable[[Address], str]) -> list[Address]:
    """Lets Telegram refuse what a rule names; the addresses that were written to."""
    written: list[Address] = []
    send = phone.send

    async def wary(address: Address, text: str, entities: Any = None) -> int:
        written.append(address)
        if words := next(filter(None, (rule(address) for rule in refusals)), ""):
            raise Rejected(words)
        return await send(address, text, entities)

    phone.send = wary  # type: ignore[method-assign]
    return written


def no_thread(address: Address) -> str:
    return GONE if address.thread else ""


def no_question(address: Address) -> str:
    return UNASKED if address.strict else ""


@pytest.mark.parametrize("stream", ["off", "edit"])
@pytest.mark.parametrize("lane", ["7", "-5"])
async def test_an_answer_to_a_topic_that_is_none_any_more_still_replies_to_its_question(
    desk: Desk, lane: str, stream: str
) -> None:
    outbox, phone, held = bureau(desk, stream, lane)
    written = forum(phone, no_thread)
    text = await Turn(outbox, held, slowly(WORDS[:40]), Address(int(lane), thread=9, reply=5)).end()
    assert phone.stands == {1: text}
    assert (written[-1].thread, written[-1].reply, written[-1].strict) == (None, 5, True)


async def test_where_the_question_went_with_its_topic_nothing_is_said_elsewhere(desk: Desk) -> None:
    outbox, phone, held = bureau(desk, "off", "-5")
    forum(phone, no_thread, no_question)
    with pytest.raises(Dead):
        await Turn(outbox, held, slowly(WORDS[:1]), TOPIC).end()
    assert not phone.stands


@pytest.mark.parametrize("address", [TOPIC, Address(-5, reply=5, forum=True)])
@pytest.mark.parametrize("words", [GONE, "Bad Request: TOPIC_CLOSED", "Bad Request: TOPIC_DELETED"])
async def test_a_topic_that_is_closed_does_not_silence_the_rest_of_its_chat(
    desk: Desk, address: Address, words: str
) -> None:
    outbox, phone, held = bureau(desk, "off", "-5")
    forum(phone, lambda _: words)
    with pytest.raises(Dead) as ended:
        await Turn(outbox, held, slowly(WORDS[:1]), address).end()
    assert over(held, ended.value) == End("undeliverable")


async def test_a_server_that_sends_nothing_without_its_question_gets_the_answer_without_it(desk: Desk) -> None:
    outbox, phone, held = bureau(desk, "off", "7")
    written = forum(phone, lambda address: UNASKED if address.reply else "")
    text = await Turn(outbox, held, slowly(WORDS[:3])).end()
    assert phone.stands == {1: text}
    assert [address.reply for address in written] == [5, None]
