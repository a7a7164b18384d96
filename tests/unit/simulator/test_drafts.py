"""Drafts: what is shown while a message grows, how long, and what Stop does."""

from typing import Any

import msgspec
import pytest
from aiogram.types import Update

from simulator import bots, drafts, people
from simulator.bots import Words
from simulator.chat import View
from simulator.limits import CHAT_CALLS
from simulator.methods import Args, call
from simulator.records import Denied, Entity, Refusal
from simulator.seed import HIKERS
from simulator.world import World
from tests.unit.simulator.conftest import Clock

ADA, KEY = 1001, "1001"


@pytest.fixture
def met(world: World) -> World:
    people.say(world, ADA, KEY, "hi")
    world.bots[42].allowed = ["message", "stopped_message_generation"]
    world.queue(42).clear()
    return world


def draft(world: World, words: str, **more: Any) -> object:
    return call(world, world.bots[42], "sendMessageDraft", Args({"chat_id": ADA, "draft_id": 7, "text": words} | more))[
        0
    ]


def shown(world: World) -> str | None:
    return (drafts.shown(world, KEY) or {}).get("text")


def updates(world: World) -> list[Update]:
    return [Update.model_validate_json(bytes(queued.raw)) for queued in world.queue(42).waiting]


def refused(world: World, **more: Any) -> str:
    with pytest.raises(Refusal) as caught:
        draft(world, "Hello", **more)
    return caught.value.description


def test_a_draft_grows_is_formatted_and_is_no_message(met: World) -> None:
    assert draft(met, "Hel") is True
    draft(met, "Hello", entities=[{"type": "bold", "offset": 0, "length": 5}])
    assert shown(met) == "Hello"
    assert met.drafts[KEY].entities == [Entity("bold", 0, 5)]
    assert [one.text for one in met.thread(KEY)] == ["hi"]


def test_a_draft_without_text_says_that_the_bot_thinks(met: World) -> None:
    assert draft(met, "") is True
    assert shown(met) == ""


def test_a_draft_goes_with_the_bots_next_message_or_after_half_a_minute(met: World, clock: Clock) -> None:
    draft(met, "Hello")
    bots.post(met, 42, ADA, Words("Hello there"))
    assert shown(met) is None
    draft(met, "Again")
    clock.time += 29.9
    assert shown(met) == "Again"
    clock.time += 0.1
    assert shown(met) is None
    assert View(met, met.people[ADA]).state()["chats"][0]["draft"] is None


def test_stop_ends_the_draft_for_good_and_tells_the_bot(met: World) -> None:
    draft(met, "Hello", can_stop=True)
    drafts.stop(met, ADA, KEY, 7)
    (update,) = updates(met)
    assert update.stopped_message_generation is not None
    assert (update.stopped_message_generation.chat.id, update.stopped_message_generation.draft_id) == (ADA, 7)
    assert draft(met, "Hello, and more") is True
    assert shown(met) is None
    draft(met, "Another", draft_id=8)
    assert shown(met) == "Another"


def test_a_draft_may_stay_after_stop_without_its_button(met: World) -> None:
    draft(met, "Hello", can_stop=True, keep_on_stop=True)
    drafts.stop(met, ADA, KEY, 7)
    assert shown(met) == "Hello"
    with pytest.raises(Denied, match="nothing to stop"):
        drafts.stop(met, ADA, KEY, 7)


def test_a_bot_that_did_not_ask_is_not_told_of_stop(met: World) -> None:
    met.bots[42].allowed = []
    draft(met, "Hello", can_stop=True)
    drafts.stop(met, ADA, KEY, 7)
    assert updates(met) == []


def test_what_is_no_draft_is_refused(met: World) -> None:
    people.say(met, ADA, str(HIKERS), "hi")
    assert refused(met, chat_id=HIKERS) == "Bad Request: TEXTDRAFT_PEER_INVALID"
    assert refused(met, draft_id=0) == "Bad Request: RANDOM_ID_INVALID"
    assert refused(met, text="x" * 4097) == "Bad Request: message is too long"
    assert refused(met, message_thread_id=5) == "Bad Request: message thread not found"
    people.block(met, ADA, 42, True)
    assert refused(met) == "Forbidden: bot was blocked by the user"


def test_drafts_count_like_messages(met: World) -> None:
    met.limits = {}
    for number in range(CHAT_CALLS):
        draft(met, f"{number}")
    assert refused(met) == "Too Many Requests: retry after 6"


def test_people_see_every_state_of_a_draft(met: World) -> None:
    seen: list[Any] = []
    met.listeners.append(lambda event: seen.append(View(met, met.people[ADA]).event(event)))
    draft(met, "Hello", can_stop=True)
    drafts.stop(met, ADA, KEY, 7)
    told = [event["draft"] for event in seen if event and event["type"] == "draft"]
    assert msgspec.to_builtins(told) == [
        {"id": 7, "text": "Hello", "entities": [], "can_stop": True, "left_ms": 30_000},
        None,
    ]
