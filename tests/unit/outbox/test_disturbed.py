"""An answer that grows and is disturbed: floods, refusals, /stop, crashes. It is finished in the same message."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from app.core.claims import ANEW
from app.core.clock import Manual
from app.core.errors import Dead, Doubtful, Flooded, Forbidden, Held, Lost, Rejected, Stopped, Unsent
from app.core.updates import Address
from app.lanes.answers import Marked
from app.outbox.display import GOES_ON, PRIVATE_SECONDS
from tests.support.wait import turns
from tests.unit.lanes.desk import Desk
from tests.unit.outbox.desk import ENDLESS_MS, Grants, Phone, age, claim, office
from tests.unit.outbox.grower import WORDS, Turn, bureau, gaps, slowly

# -- what goes wrong ---------------------------------------------------------------------------------


async def test_a_flood_holds_the_edits_makes_them_rarer_and_the_finished_text_arrives(desk: Desk) -> None:
    outbox, phone, held = bureau(desk)
    phone.ends.extend([turned(), Flooded(6)])
    text = await Turn(outbox, held, slowly(WORDS[:100])).end()
    assert phone.stands == {1: text}
    assert gaps(phone)[1] >= 5.99
    assert min(gaps(phone)[2:-1]) >= 2 * PRIVATE_SECONDS - 0.06


def turned() -> Any:
    done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    done.set_result(None)
    return done


async def test_entities_that_are_refused_cost_the_markup_only(desk: Desk) -> None:
    outbox, phone, held = bureau(desk)
    phone.plain = True
    await Turn(outbox, held, slowly(["This ", "is ", "**bold ", "and ", "strong** ", *WORDS[:20]])).end()
    ((_, shown),) = phone.stands.items()
    assert shown.startswith("This is bold and strong word0")


async def test_a_finished_answer_whose_entities_are_refused_is_sent_plain_at_once(desk: Desk) -> None:
    outbox, phone, held = bureau(desk, stream="off")
    phone.plain = True
    await outbox.answer(held, Address(7), "**bold** and `code`", markdown=True)
    assert phone.made("send") == ["bold and code"] * 2
    assert phone.stands == {2: "bold and code"}


async def test_our_own_words_are_literal(desk: Desk) -> None:
    outbox, phone, held = bureau(desk, stream="off")
    await outbox.answer(held, Address(7), "**not** `markup`")
    assert phone.stands == {1: "**not** `markup`"}


async def test_a_message_that_was_deleted_is_sent_anew_once_and_completed_there(desk: Desk) -> None:
    outbox, phone, held = bureau(desk)
    turn = Turn(outbox, held, slowly(WORDS[:60]))
    await age(phone.clock, 5, until=lambda: bool(phone.stands))
    phone.stands.clear()
    text = await turn.end()
    assert phone.stands == {2: text}
    assert f"m:{1 + ANEW}" in held.journal


async def test_a_doubtful_beginning_leaves_the_second_send_to_the_answer(desk: Desk) -> None:
    outbox, phone, held = bureau(desk)
    phone.ends.append(Doubtful("done"))
    text = await Turn(outbox, held, slowly(WORDS[:60])).end()
    assert len(phone.made("send")) == 2
    assert phone.stands[2] == text


@pytest.mark.parametrize(
    "ends, marks, kind",
    [
        ([Forbidden("Forbidden: bot was blocked by the user")], [], Dead),
        ([Rejected("Bad Request: chat not found")], [], Dead),
        ([], [Marked("refused")], Lost),
        ([], [Marked("hold")], Held),
        ([], [Marked("grant", stop=True)], Stopped),
    ],
)
async def test_what_ends_the_turn_ends_the_models_call_at_once(ends: list[Any], marks: list[Marked], kind: Any) -> None:
    lanes, phone = Grants(), Phone(Manual())
    lanes.answers.extend([Marked("wait", 1), *marks])  # the first is asked for typing
    phone.ends.extend(ends)
    turn = Turn(office(lanes, phone, stream="edit"), claim("7"), [(1.0, "Hello "), (1000.0, "never")])
    await age(phone.clock, 5, until=turn.task.done)
    assert (turn.closed, turn.heard) == (True, 1)
    with pytest.raises(kind):
        await turn.task


async def test_what_passes_is_shown_with_the_next_step(desk: Desk) -> None:
    outbox, phone, held = bureau(desk)
    phone.ends.extend([Unsent("down"), turned(), Unsent("down"), Doubtful("lost"), Doubtful("done")])
    text = await Turn(outbox, held, slowly(WORDS[:60])).end()
    assert phone.stands == {next(iter(phone.stands)): text}


async def test_the_finished_text_never_overtakes_a_step_that_is_under_way(desk: Desk) -> None:
    outbox, phone, held = bureau(desk)
    slow: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    phone.ends.extend([turned(), slow])
    turn = Turn(outbox, held, slowly(WORDS[:30]))
    await age(phone.clock, 20)
    assert len(phone.calls) == 2
    slow.set_result(None)
    assert phone.stands
    text = await turn.end()
    assert phone.stands == {1: text}


async def test_a_step_takes_no_slot_that_an_answer_of_the_chat_could_need(desk: Desk) -> None:
    outbox, phone, held = bureau(desk, lane="-7")
    desk.store("-7:t4")
    other = desk.take(lease=ENDLESS_MS)
    turn = Turn(outbox, held, slowly(WORDS[:300]))
    await age(phone.clock, 30.3)
    before = phone.clock.monotonic()
    await outbox.answer(other, Address(-7, thread=4), "at once")
    assert phone.clock.monotonic() == before
    await turn.end()


# -- /stop -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("stream", ["edit", "draft"])
async def test_a_stop_ends_the_call_and_keeps_what_was_seen(desk: Desk, stream: str) -> None:
    outbox, phone, held = bureau(desk, stream=stream)
    turn = Turn(outbox, held, slowly(WORDS))
    await age(phone.clock, 6.1)
    seen = (phone.drafted[-1][2] if phone.drafted else phone.stands[1]).removesuffix(GOES_ON)
    held.stop = True
    assert held.on_stop
    held.on_stop()
    await turns(30)
    assert turn.closed
    await turn.end()
    assert (turn.stopped, phone.stands) == (True, {1: seen})
    assert turn.task.cancelling() == 0


async def test_a_stop_that_another_process_was_told_is_seen_at_the_next_step(desk: Desk) -> None:
    outbox, phone, held = bureau(desk)
    turn = Turn(outbox, held, slowly(WORDS))
    await age(phone.clock, 6.1)
    assert desk.signal("7", "900", 99)[0] == "ok"
    await age(phone.clock, 2, until=turn.task.done)
    assert (await turn.end(), turn.stopped) == (phone.stands[1], True)


async def test_a_stop_while_the_first_words_go_out_keeps_them(desk: Desk) -> None:
    outbox, phone, held = bureau(desk)
    slow: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    phone.ends.append(slow)
    turn = Turn(outbox, held, slowly(WORDS))
    await age(phone.clock, 5, until=lambda: bool(phone.calls))
    held.stop = True
    assert held.on_stop
    held.on_stop()
    await turns(30)
    assert not turn.closed, "nothing is known to be seen yet"
    slow.set_result(None)
    await turn.end(3)
    assert (turn.stopped, list(phone.stands)) == (True, [1])


async def test_a_cancelled_turn_stays_cancelled_although_it_was_stopped(desk: Desk) -> None:
    outbox, phone, held = bureau(desk)
    turn = Turn(outbox, held, slowly(WORDS))
    await age(phone.clock, 6)
    assert held.on_stop
    held.on_stop()
    turn.task.cancel()
    await asyncio.wait([turn.task])
    assert turn.task.cancelled()


# -- successors --------------------------------------------------------------------------------------


async def test_a_successor_goes_on_in_the_same_message(desk: Desk) -> None:
    outbox, phone, held = bureau(desk)
    turn = Turn(outbox, held, slowly(WORDS))
    await age(phone.clock, 6)
    turn.task.cancel()
    await asyncio.wait([turn.task])
    assert desk.turn()["m:1"] == "1"
    assert "answer" not in desk.turn()
    assert desk.release(held) == "ok"
    heir = desk.take(lease=ENDLESS_MS)
    text = await Turn(outbox, heir, slowly(WORDS[:50])).end()
    assert (phone.stands, len(phone.made("send"))) == ({1: text}, 1)


async def test_a_successor_of_a_finished_answer_only_finishes_its_message(desk: Desk) -> None:
    outbox, phone, held = bureau(desk)
    phone.stands[1] = "the begin …"
    held.journal |= {"m:1": "1", "answer": "the beginning and the **end**"}
    held.shown = True
    await outbox.answer(held, Address(7), "", markdown=True)
    assert phone.calls == [(0.0, "edit", "the beginning and the end")]


async def test_a_shorter_answer_takes_away_the_messages_that_it_does_not_fill(desk: Desk) -> None:
    outbox, phone, held = bureau(desk)
    phone.stands |= {1: "one …", 2: "two …"}
    held.journal |= {"m:1": "1", "m:2": "2"}
    held.shown = True
    await Turn(outbox, held, [(0.1, "short")]).end()
    assert phone.stands == {1: "short"}


async def test_a_repetition_replaces_what_was_cut_once_it_is_longer(desk: Desk) -> None:
    outbox, phone, held = bureau(desk)

    async def cut_once() -> None:
        async with outbox.growing(held, Address(7)) as growing:
            for words in (WORDS[:30], WORDS[:60]):
                growing.anew()
                for word in words:
                    await phone.clock.sleep(0.2)
                    growing.add(word)

    task = asyncio.ensure_future(cut_once())
    await age(phone.clock, 20, until=task.done)
    await task
    lengths = [len(text) for _, _, text in phone.calls]
    assert lengths == sorted(lengths)
    assert len(lengths) > 6


@pytest.mark.parametrize("stream", ["edit", "off"])
async def test_who_has_blocked_the_bot_is_found_out_by_the_first_sign_and_costs_no_more_words(
    desk: Desk, stream: str
) -> None:
    outbox, phone, held = bureau(desk, stream=stream)
    phone.flood = Forbidden("Forbidden: bot was blocked by the user")
    turn = Turn(outbox, held, [(20, "At "), *slowly(WORDS)])
    await age(phone.clock, 1, until=turn.task.done)
    assert (turn.task.done(), turn.heard, phone.calls) == (True, 0, [])
    with pytest.raises(Dead):
        await turn.task
