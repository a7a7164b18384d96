"""What may be merged, and what a turn of several messages is to those who work on it."""

from dataclasses import replace
from typing import Any

import pytest

from app.chain.context import Context
from app.chain.dispatch import Dispatch
from app.core.outcome import End, Outcome
from app.sessions.session import Session, fresh
from tests.unit.fakes import ANN, BOB, GROUP, ME, claim, incoming, update

PHOTO: dict[str, Any] = {"text": None, "photo": [{"file_id": "x"}], "media_group_id": "77"}


def group(**fields: Any) -> str:
    return incoming(update(**fields), merge=True, ignore_prefix="$ignore").group


def test_plain_texts_of_a_person_in_a_private_chat_are_merged() -> None:
    assert group() == "t7"
    assert incoming(update()).group == ""


@pytest.mark.parametrize(
    "fields",
    [
        {"text": "/new"},
        {"text": "/unknown thing"},
        {"reply_to_message": {"message_id": 1, "date": 0, "chat": {"id": 7, "type": "private"}}},
        {"quote": {"text": "that"}},
        {"forward_origin": {"type": "hidden_user"}},
        {"via_bot": BOB | {"is_bot": True}},
        {"chat": GROUP},
        {"text": "$ignore me"},
        {"text": None, "photo": [{}]},
    ],
)
def test_what_carries_more_than_its_words_is_asked_alone(fields: dict[str, Any]) -> None:
    assert group(**fields) == ""


def test_the_parts_of_an_album_belong_together_everywhere() -> None:
    for chat in ({}, {"chat": GROUP}):
        assert group(**PHOTO, **chat) == "a77"
    assert group(**PHOTO | {"media_group_id": "7|7\n+"}) == "a7%7C7%0A%2B"


def test_an_edit_has_the_group_that_it_would_have_had() -> None:
    edit = update("edited_message", edit_date=5)
    assert (incoming(edit, merge=True).group, incoming(edit, merge=True).kind) == ("t7", "e")
    taken_back = update("edited_message", text="$ignore that", edit_date=5)
    assert incoming(taken_back, merge=True, ignore_prefix="$ignore").group == ""


async def seen(*raws: bytes, **fields: Any) -> Context:
    """The context of a turn of these updates."""
    found: list[Context] = []

    async def chain(ctx: Context) -> Outcome:
        found.append(ctx)
        return End("answered")

    made = claim(raws[0], **fields)
    entry = made.entries[0]
    made.entries = [replace(entry, uids=str(900 + n), raw=raw) for n, raw in enumerate(raws)]
    assert await Dispatch(chain, chain, ME)(made) == End("answered")  # type: ignore[arg-type]
    return found[0]


async def test_a_merged_turn_has_all_the_words_and_answers_the_last() -> None:
    ctx = await seen(*(update(text=text, message_id=n) for n, text in enumerate(("one", "two", "three"), 21)))
    assert ctx.text == "one\ntwo\nthree"
    assert [said.message_id for said in ctx.messages] == [21, 22, 23]
    assert (ctx.message.message_id, ctx.address.reply, ctx.ids) == (23, 23, "900+901+902")
    assert not ctx.edit


async def test_an_album_has_its_caption_wherever_it_stood() -> None:
    ctx = await seen(update(**PHOTO), update(**PHOTO, caption="what is this"), update(**PHOTO))
    assert (ctx.text, ctx.media, len(ctx.messages)) == ("what is this", "photo", 3)


async def test_one_that_was_edited_while_it_waited_is_no_edit() -> None:
    ctx = await seen(update(text="one"), update("edited_message", text="two, better", edit_date=99))
    assert (ctx.text, ctx.edit) == ("one\ntwo, better", False)


async def test_a_turn_of_one_message_is_as_before() -> None:
    ctx = await seen(update(text="/new now"))
    assert (ctx.messages, ctx.command, ctx.args) == ((ctx.message,), "new", "now")


def talk(*answers: str) -> Session:
    session = fresh()
    for n, answer in enumerate(answers, 5):
        session.add(str(n), n, f"q{n}", answer, keep_turns=20, by=ANN["id"])
    session.tokens = 10
    return session


async def test_what_was_inherited_stands_before_what_was_said_here() -> None:
    ctx = await seen(update(), session=talk("new").dump(), inherit=talk("first", "second").dump())
    assert [turn.answer for turn in ctx.session.turns] == ["first", "second", "new"]
    assert [turn.mid for turn in ctx.session.turns] == [0, 0, 5]
    assert (ctx.session.count, ctx.session.tokens) == (3, 20)


async def test_an_inherited_session_that_nobody_can_read_is_left_out() -> None:
    ctx = await seen(update(), session=talk("new").dump(), inherit=b"junk")
    assert [turn.answer for turn in ctx.session.turns] == ["new"]
    assert not ctx.keep_bad


def test_a_member_takes_along_only_what_they_asked() -> None:
    session = talk("to ann")
    session.add("9", 9, "bobs", "to bob", keep_turns=20, by=BOB["id"])
    assert not session.without(99, 100)
    assert session.without(ANN["id"], 100)
    assert [turn.answer for turn in session.turns] == ["to bob"]
    assert not session.without(BOB["id"], 9)
