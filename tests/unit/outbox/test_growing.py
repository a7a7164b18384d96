"""An answer that grows: shown soon, in steps, within the pace, as edits or as a draft; and what that may cost."""

from __future__ import annotations

import asyncio

import pytest

from app.core.clock import Manual
from app.core.errors import Rejected
from app.core.updates import Address
from app.outbox.display import GOES_ON, GROUP_SECONDS, PRIVATE_SECONDS, settled
from app.outbox.share import MOST, Share
from app.outbox.signs import AFTER_SECONDS
from tests.support.wait import turns
from tests.unit.lanes.desk import Desk
from tests.unit.outbox.desk import Grants, Phone, claim, office
from tests.unit.outbox.grower import LONG, WORDS, Turn, bureau, gaps, slowly

# -- how it looks ------------------------------------------------------------------------------------


@pytest.mark.parametrize("lane", ["7", "-7"])
async def test_the_first_words_are_seen_a_second_after_the_first_token(desk: Desk, lane: str) -> None:
    outbox, phone, held = bureau(desk, lane=lane)
    said = [(3.0, "Good "), *slowly(WORDS[:30])]
    await Turn(outbox, held, said).end()
    first, kind, text = phone.calls[0]
    assert (kind, 3.95 <= first <= 4.2) == ("send", True)
    assert text.endswith(GOES_ON)
    assert text.removesuffix(GOES_ON).startswith("Good word0")


async def test_an_answer_that_is_done_sooner_is_sent_in_one_piece_and_asks_for_nothing_else() -> None:
    lanes, phone = Grants(), Phone(Manual())
    await Turn(office(lanes, phone, stream="edit"), claim("7"), [(0.1, "Hel"), (0.5, "lo")]).end()
    assert (phone.made("send"), len(phone.calls), lanes.marks) == (["Hello"], 1, 1)


@pytest.mark.parametrize("lane, least", [("7", PRIVATE_SECONDS), ("-7", GROUP_SECONDS)])
async def test_edits_are_apart_and_the_finished_text_stands_in_one_message(desk: Desk, lane: str, least: float) -> None:
    outbox, phone, held = bureau(desk, lane=lane)
    text = await Turn(outbox, held, slowly(WORDS[:90])).end()
    assert phone.stands == {1: text}
    assert len(phone.made("edit")) > 18 / (least + 3)
    assert min(gaps(phone)[:-1]) >= least - 0.06
    assert min(gaps(phone)) >= 1.0, "the finished text may come sooner"


async def test_each_step_is_the_beginning_of_the_answer_in_whole_words(desk: Desk) -> None:
    outbox, phone, held = bureau(desk)
    text = await Turn(outbox, held, slowly([LONG[at : at + 3] for at in range(0, 306, 3)])).end()
    steps = [step.removesuffix(GOES_ON) for _, _, step in phone.calls]
    assert all(text.startswith(step) for step in steps)
    assert [len(step) for step in steps] == sorted(len(step) for step in steps)
    assert all(step == text or step + " " in text for step in steps)


async def test_a_long_answer_goes_on_in_further_messages_each_a_reply_and_complete(desk: Desk) -> None:
    outbox, phone, held = bureau(desk)
    pieces = [LONG[at : at + 200] for at in range(0, len(LONG), 200)]
    text = await Turn(outbox, held, slowly(pieces, 0.5)).end()
    assert len(phone.stands) == 3
    assert "".join(phone.stands.values()).replace(" ", "") == text.replace(" ", "")
    assert phone.replies == [5, 5, 5]
    assert not any(GOES_ON in shown for shown in phone.stands.values())


async def test_typing_shows_until_the_text_grows(desk: Desk) -> None:
    outbox, phone, held = bureau(desk)
    await Turn(outbox, held, [(20, "At "), *slowly(WORDS[:100])]).end()
    (begun,) = [at for at, kind, _ in phone.calls if kind == "send"]
    assert len(phone.typed) == 5
    assert phone.typed[0] == pytest.approx(AFTER_SECONDS, abs=0.1)
    assert all(at < begun for at in phone.typed)


async def test_no_typing_just_before_a_text_that_comes_soon(desk: Desk) -> None:
    outbox, phone, held = bureau(desk)
    await Turn(outbox, held, slowly(WORDS[:30])).end()
    assert phone.typed == []


async def test_off_shows_nothing_before_the_answer_but_typing(desk: Desk) -> None:
    outbox, phone, held = bureau(desk, stream="off")
    text = await Turn(outbox, held, slowly(WORDS[:60])).end()
    assert [(kind, shown) for _, kind, shown in phone.calls] == [("send", text)]
    assert phone.typed


@pytest.mark.parametrize(
    "text, shown",
    [
        ("one two thr", "one two"),
        ("one two ", "one two"),
        ("one\ntw", "one"),
        ("\u4f60\u597d\u4e16\u754c", "\u4f60\u597d\u4e16\u754c"),
        ("\U0001f468\u200d", "\U0001f468"),
        ("\U0001f1e9", ""),
        ("a \U0001f468\u200d\U0001f469", "a"),
        ("", ""),
    ],
)
def test_no_half_of_a_word_or_of_a_composed_character_is_shown(text: str, shown: str) -> None:
    assert settled(text) == shown


# -- drafts ------------------------------------------------------------------------------------------


async def test_a_draft_grows_in_a_private_chat_and_the_answer_is_a_message(desk: Desk) -> None:
    outbox, phone, held = bureau(desk, stream="draft")
    text = await Turn(outbox, held, slowly(WORDS[:60])).end()
    assert len(phone.drafted) > 5
    assert {number for _, number, _ in phone.drafted} == {held.entries[-1].mid}
    assert (phone.made("send"), phone.made("edit")) == ([text], [])
    assert min(gaps(phone, "draft")) >= 1


async def test_a_draft_that_stands_still_is_kept_alive(desk: Desk) -> None:
    outbox, phone, held = bureau(desk, stream="draft")
    await Turn(outbox, held, [(0.1, "So far "), (70.0, "and then more")]).end()
    assert len(phone.drafted) == 4
    assert max(gaps(phone, "draft")) < 30


@pytest.mark.parametrize("words", ["Bad Request: TEXTDRAFT_PEER_INVALID", "Not Found: method not found"])
async def test_where_drafts_are_refused_messages_grow_and_it_is_remembered(desk: Desk, words: str) -> None:
    outbox, phone, held = bureau(desk, stream="draft")
    phone.draftless = Rejected(words)
    text = await Turn(outbox, held, slowly(WORDS[:60])).end()
    assert (phone.stands, len(phone.made("edit")) > 3) == ({1: text}, True)
    phone.draftless = None
    assert not outbox.drafts.serve(Address(7))
    assert outbox.drafts.serve(Address(8)) == ("PEER" in words)


async def test_groups_have_no_drafts(desk: Desk) -> None:
    outbox, phone, held = bureau(desk, stream="draft", lane="-7")
    await Turn(outbox, held, slowly(WORDS[:60])).end()
    assert (phone.drafted, len(phone.stands)) == ([], 1)


# -- the process -------------------------------------------------------------------------------------


async def test_three_hundred_texts_that_grow_take_a_fifth_of_the_process_at_most(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock, spent = Manual(), [0.0]
    monkeypatch.setattr("app.outbox.share.perf_counter", lambda: spent[0])
    share = Share(clock)
    done = []

    def render() -> None:
        spent[0] += 0.005

    async def grow(chat: int) -> None:
        while True:
            await share.take(render)
            done.append(chat)
            await clock.sleep(1.25)

    tasks = [asyncio.ensure_future(grow(chat)) for chat in range(300)]
    await turns(5)
    await clock.advance(30)  # until it knows what one costs
    before, done[:] = spent[0], []
    await clock.advance(60)
    assert spent[0] - before <= 60 * MOST * 1.1
    assert len(set(done)) == 300, "none is left out"
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_adding_costs_nothing_but_the_adding() -> None:
    lanes, phone = Grants(), Phone(Manual())
    outbox = office(lanes, phone, stream="edit")
    async with outbox.growing(claim("7"), Address(7)) as growing:
        before = len(asyncio.all_tasks())
        for word in WORDS:
            growing.add(word)
        assert len(asyncio.all_tasks()) == before
        assert growing.kept == "".join(WORDS)
    assert (lanes.marks, phone.calls) == (0, [])
