"""A group that becomes a supergroup keeps what was said, its settings, pause and quota, whoever dies meanwhile."""

from typing import Any

import pytest

from app.chain.dispatch import Dispatch
from app.chain.move import Mover
from app.core.clock import Manual
from app.core.outcome import End
from app.lanes.chats import Chats
from app.lanes.lanes import Lanes
from tests.unit.chain.desk import Desk
from tests.unit.fakes import ANN, GROUP, ME, claim, mention, update

OLD: dict[str, Any] = {"id": -50, "type": "group", "title": "Neighbours"}
TEXT = "what do you think @lane_bot"


@pytest.fixture
def desk(lanes: Lanes) -> Desk:
    return Desk(lanes)


@pytest.fixture
def mover(desk: Desk) -> Mover:
    return Mover(Chats(desk.lanes), Manual(), desk.kick)


async def say(desk: Desk, chat: dict[str, Any]) -> str:
    return await desk.write(TEXT, chat, ANN, entities=mention(TEXT))


async def arrived(desk: Desk, mover: Mover) -> None:
    """Until the mover has nothing left to do, its clock going on."""
    while mover._moving:
        assert isinstance(mover.clock, Manual)
        await mover.clock.advance(5)
        await desk.lanes.pipe.client.ping()


async def test_history_and_counters_go_on_in_the_new_chat(desk: Desk, mover: Mover) -> None:
    await say(desk, OLD)
    await desk.answer("-50", "old answer", by=7)
    await mover.begin(-50, -100)
    await arrived(desk, mover)
    assert await say(desk, GROUP) == "ok"
    session = await desk.answer("-100", "new answer", by=7)
    assert [turn.answer for turn in session.turns] == ["old answer", "new answer"]
    assert (session.count, session.turns[0].mid) == (2, 0)
    assert await say(desk, OLD) == "to -100"


async def test_what_waits_in_the_old_chat_is_answered_first(desk: Desk, mover: Mover) -> None:
    await say(desk, OLD)
    await mover.begin(-50, -100)
    await say(desk, GROUP)
    shard = desk.lanes.shard_of("-100")
    assert (await desk.lanes.claim(shard, 5, 0, 0)).claims == []
    await desk.answer("-50", by=7)
    await arrived(desk, mover)
    assert shard in desk.kicked
    assert len((await desk.answer("-100", by=7)).turns) == 2


async def test_a_pause_holds_in_the_new_chat_too_and_a_newer_resume_wins(desk: Desk, mover: Mover) -> None:
    lanes = desk.lanes
    await lanes.hold(lanes.shard_of("-50"), "-50", on=True, ver="5.1", record=(0, "hold", 0, "ann", "lunch"))
    await mover.begin(-50, -100)
    assert await lanes.paused("-100")
    await lanes.hold(lanes.shard_of("-100"), "-100", on=False, ver="6.1", record=(0, "", 0, "", ""))
    await arrived(desk, mover)
    assert not await lanes.paused("-100")


async def test_what_became_of_us_in_the_old_chat_says_nothing_about_the_new(desk: Desk, mover: Mover) -> None:
    await say(desk, OLD)
    claim = await desk.claim("-50")
    gone = (("dead", "1900000000000.101"), ("refused", "1900000000000"), ("back", "1800000000000.100"), ("mute", "0"))
    await desk.lanes.complete(claim, End("answered", fields=(*gone, ("mode", "always"))))
    await mover.begin(-50, -100)
    await arrived(desk, mover)
    await say(desk, GROUP)
    chat = (await desk.claim("-100")).chat
    assert (chat.pop("was"), chat) == ("-50", {"mode": "always"})


async def test_quotas_go_along(desk: Desk) -> None:
    seen = []

    async def quota(old: int, new: int) -> None:
        seen.append((old, new))

    mover = Mover(Chats(desk.lanes), Manual(), desk.kick, quota)
    await mover.begin(-50, -100)
    await arrived(desk, mover)
    assert seen == [(-50, -100)]


async def test_who_sees_a_move_left_alone_goes_on_with_it(desk: Desk, mover: Mover) -> None:
    await say(desk, OLD)
    await desk.answer("-50", by=7)
    parcel = await mover.chats.out("-50", "-100")  # and then the process died
    assert parcel is not None
    mover.go("-50", "-100")
    mover.go("-50", "-100")
    await arrived(desk, mover)
    await say(desk, GROUP)
    assert len((await desk.answer("-100", by=7)).turns) == 2


async def test_news_that_come_twice_move_nothing_twice(desk: Desk, mover: Mover) -> None:
    await say(desk, OLD)
    await desk.answer("-50", by=7)
    for _ in range(3):
        await mover.begin(-50, -100)
        await arrived(desk, mover)
        await say(desk, GROUP)
        await desk.answer("-100", by=7)
    await say(desk, GROUP)
    assert len((await desk.answer("-100", by=7)).turns) == 5


async def test_a_chat_that_moved_on_meanwhile_is_followed(desk: Desk, mover: Mover) -> None:
    await say(desk, OLD)
    await desk.answer("-50", by=7)
    await mover.chats.out("-50", "-60")
    await mover.chats.out("-60", "-100")
    mover.go("-50", "-60")
    await arrived(desk, mover)
    await say(desk, GROUP)
    assert len((await desk.answer("-100", by=7)).turns) == 2


@pytest.mark.parametrize(
    "fields, lane",
    [
        ({"chat": OLD, "migrate_to_chat_id": -100}, "!-50"),  # a pause does not hold it up
        ({"chat": GROUP, "migrate_from_chat_id": -50}, "-100"),  # whoever asks there waits behind it
    ],
)
async def test_both_service_messages_begin_it(fields: dict[str, Any], lane: str) -> None:
    begun = []

    async def moved(old: int, new: int) -> None:
        begun.append((old, new))

    async def nobody(*_: Any) -> Any:
        raise AssertionError("nobody is to be answered")

    made = claim(update(text=None, **fields))
    assert made.lane == lane
    assert await Dispatch(nobody, nobody, ME, moved=moved)(made) == End("dropped: ignored")
    assert begun == [(-50, -100)]
