"""/forget as handlers call it: everything of a chat, or what one member said there, in every place it may stand."""

from typing import Any

import pytest

from app.chain.forget import Forget
from app.core.errors import Later
from app.lanes.chats import Chats
from app.lanes.lanes import Lanes
from app.sessions.session import load
from tests.unit.chain.desk import Desk
from tests.unit.fakes import ANN, BOB, FORUM, GROUP, mention

ANNS, BOBS = "anns secret @lane_bot", "bobs word @lane_bot"
LATER = 10_000


@pytest.fixture
def desk(lanes: Lanes) -> Desk:
    return Desk(lanes)


@pytest.fixture
def forget(desk: Desk) -> Forget:
    return Forget(Chats(desk.lanes), desk, desk)


async def say(desk: Desk, text: str, who: dict[str, Any], **given: Any) -> str:
    return await desk.write(text, given.pop("chat", GROUP), who, entities=mention(text), **given)


async def test_of_a_chat_no_word_is_left_anywhere(desk: Desk, forget: Forget) -> None:
    await say(desk, ANNS, ANN)
    await desk.answer("-100", "anns secret answer", by=7)
    for _ in range(2):
        await say(desk, ANNS, ANN)
    await desk.bury("-100")
    assert await forget.chat(-100, LATER) == 2
    assert b"secret" not in await desk.everything()


@pytest.mark.parametrize("scope", ["topic", "chat", "member"])
async def test_a_member_forgets_what_is_theirs_and_nothing_else(scope: str, lanes: Lanes) -> None:
    desk = Desk(lanes, {"scope": scope})
    forget = Forget(Chats(lanes), desk, desk)
    topic = {"chat": FORUM, "message_thread_id": 5, "is_topic_message": True}
    for who, text in ((ANN, ANNS), (BOB, BOBS)):
        for where in ({}, topic):
            await say(desk, text, who, **where)
            name = "-100" if scope != "topic" or not where else "-100:t5"
            if scope == "member":
                name = f"-100:t5,u{who['id']}" if where else f"-100:u{who['id']}"
            await desk.answer(name, text, by=who["id"])
    for who, text in ((ANN, ANNS), (BOB, BOBS)):
        await say(desk, text, who)
    assert await forget.member(-100, ANN["id"], LATER) == 1
    left = await desk.everything()
    assert b"secret" not in left
    assert left.count(b"bobs word") == 3  # two answers, and one that waits


async def test_a_members_dead_letters_go_too(desk: Desk, forget: Forget) -> None:
    for who, text in ((ANN, ANNS), (BOB, BOBS)):
        await say(desk, text, who)
        await desk.bury("-100")
    await forget.member(-100, ANN["id"], LATER)
    left = await desk.everything()
    assert (b"secret" in left, b"bobs word" in left) == (False, True)


async def test_who_knows_what_was_forgotten_starts_again_without_it(desk: Desk, forget: Forget) -> None:
    await say(desk, ANNS, ANN)
    await desk.answer("-100", by=7)
    await say(desk, BOBS, BOB)
    claim = await desk.claim("-100")
    await forget.member(-100, ANN["id"], LATER)
    assert desk.told == [("-100", "stop", claim.token)]
    assert desk.lanes.shard_of("-100") in desk.kicked
    again = await desk.claim("-100")
    assert (again.attempt, again.session) == (1, b"")


async def test_a_session_that_changes_meanwhile_is_read_again(desk: Desk, forget: Forget, monkeypatch: Any) -> None:
    for who, text in ((ANN, ANNS), (BOB, BOBS)):
        await say(desk, text, who)
        await desk.answer("-100", by=who["id"])
    await say(desk, BOBS, BOB)
    kept, read = Chats.kept, list[str]()

    async def slow(chats: Chats, chat: str) -> Any:
        found = await kept(chats, chat)
        if not read:
            await desk.answer("-100", by=BOB["id"])
        read.append(chat)
        return found

    monkeypatch.setattr(Chats, "kept", slow)
    await forget.member(-100, ANN["id"], LATER)
    await say(desk, BOBS, BOB)
    session = load((await desk.claim("-100")).session)
    assert [turn.by for turn in session.turns] == [BOB["id"]] * 2
    assert len(read) == 3  # in vain, then done, then nothing was left


async def test_a_question_that_is_answered_meanwhile_goes_too(desk: Desk, forget: Forget, monkeypatch: Any) -> None:
    await say(desk, ANNS, ANN)
    kept, read = Chats.kept, list[str]()

    async def slow(chats: Chats, chat: str) -> Any:
        found = await kept(chats, chat)
        if not read:
            await desk.answer("-100", "anns secret answer", by=ANN["id"])
        read.append(chat)
        return found

    monkeypatch.setattr(Chats, "kept", slow)
    await forget.member(-100, ANN["id"], LATER)
    assert b"secret" not in await desk.everything()


async def test_turns_of_nobody_known_go_with_any_members(desk: Desk, forget: Forget) -> None:
    await say(desk, ANNS, ANN)
    await desk.answer("-100", by=0)
    await forget.member(-100, BOB["id"], LATER)
    assert b"session:" not in await desk.everything()


async def test_what_comes_from_a_chat_that_moves_here_is_forgotten_with_it(desk: Desk, forget: Forget) -> None:
    old = {"id": -50, "type": "group", "title": "Neighbours"}
    await say(desk, ANNS, ANN, chat=old)
    await desk.answer("-50", "anns secret", by=7)
    await say(desk, ANNS, ANN, chat=old)
    chats = forget.chats
    await chats.hold("-50", "-100", 60_000)
    await forget.chat(-100, 5)
    assert b"secret" not in await desk.everything()
    parcel = await chats.out("-50", "-100")
    assert parcel is not None
    assert not await chats.into("-50", "-100", {}, {})


async def test_a_chat_that_moved_is_forgotten_down_to_its_dead_letters(desk: Desk, forget: Forget) -> None:
    old = {"id": -50, "type": "group", "title": "Neighbours"}
    await say(desk, ANNS, ANN, chat=old)
    await desk.bury("-50")
    client: Any = desk.lanes.pipe.client
    await client.delete(f"lk:{{1.{desk.lanes.shard_of('-50')}}}:lane:?-50")
    await forget.chats.into("-50", "-100", {}, {})
    await forget.chat(-100, 5)
    assert b"secret" not in await desk.everything()


async def test_while_a_parcel_is_on_its_way_a_member_is_asked_to_wait(desk: Desk, forget: Forget) -> None:
    await forget.chats.hold("-50", "-100", 60_000)
    await forget.chats.out("-50", "-100")
    with pytest.raises(Later):
        await forget.member(-100, ANN["id"], LATER)
