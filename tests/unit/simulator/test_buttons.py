"""Buttons and reactions: what a bot may put under a message, and what it hears when people use them."""

from typing import Any

import pytest
from aiogram.types import Message, Update

from simulator import buttons, people, reactions, wire
from simulator.methods import Args, call
from simulator.records import Denied, Refusal
from simulator.seed import HIKERS
from simulator.world import Event, World
from tests.unit.simulator.conftest import Clock

ADA, KEY = 1001, "1001"


@pytest.fixture
def met(world: World) -> World:
    people.say(world, ADA, KEY, "hi")
    world.bots[42].allowed = ["message", "callback_query", "message_reaction"]
    world.queue(42).clear()
    return world


def do(world: World, method: str, **given: Any) -> Any:
    return call(world, world.bots[42], method, Args(given))[0]


def ask(world: World, *row: dict[str, Any]) -> Any:
    return do(world, "sendMessage", chat_id=ADA, text="Yes or no?", reply_markup={"inline_keyboard": [list(row)]})


def updates(world: World) -> list[Update]:
    return [Update.model_validate_json(bytes(queued.raw)) for queued in world.queue(42).waiting]


def refused(world: World, method: str, **given: Any) -> str:
    with pytest.raises(Refusal) as caught:
        do(world, method, **given)
    return caught.value.description.removeprefix("Bad Request: ")


YES = {"text": "Yes", "callback_data": "yes"}


def test_a_pressed_button_is_a_callback_query_and_its_answer_reaches_the_person(met: World) -> None:
    sent = ask(met, YES, {"text": "Read", "url": "example.org"})
    assert sent["reply_markup"]["inline_keyboard"][0][1].url == "http://example.org/"
    told: list[Event] = []
    met.listeners.append(told.append)
    query = buttons.press(met, ADA, KEY, sent["message_id"], "yes")
    heard = updates(met)[-1].callback_query
    assert heard is not None
    assert (heard.id, heard.data, heard.from_user.id) == (query, "yes", ADA)
    assert isinstance(heard.message, Message)
    assert do(met, "answerCallbackQuery", callback_query_id=query, text="Thanks") is True
    (answer,) = [event for event in told if event.kind == "answer"]
    assert (answer.person, answer.more) == (ADA, {"query": query, "text": "Thanks", "alert": False})


def test_a_press_is_answered_once_and_in_time(met: World, clock: Clock) -> None:
    number = ask(met, YES)["message_id"]
    query = buttons.press(met, ADA, KEY, number, "yes")
    do(met, "answerCallbackQuery", callback_query_id=query)
    late = "query is too old and response timeout expired or query ID is invalid"
    assert refused(met, "answerCallbackQuery", callback_query_id=query) == late
    query = buttons.press(met, ADA, KEY, number, "yes")
    assert refused(met, "answerCallbackQuery", callback_query_id=query, text="x" * 201) == "MESSAGE_TOO_LONG"
    clock.time += 16
    assert refused(met, "answerCallbackQuery", callback_query_id=query) == late


@pytest.mark.parametrize(
    "markup,words",
    [
        ({"inline_keyboard": [[{"text": "x", "callback_data": "я" * 33}]]}, "BUTTON_DATA_INVALID"),
        ({"inline_keyboard": [[{"text": " ", "callback_data": "x"}]]}, "inline keyboard button text must be non-empty"),
        (
            {"inline_keyboard": [[{"text": "x"}]]},
            "can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard",
        ),
        (
            {"inline_keyboard": [[{"callback_data": "x"}]]},
            "can't parse inline keyboard button: Can't find field \"text\"",
        ),
        (
            {"inline_keyboard": [{"text": "x"}]},
            'field "inline_keyboard" of the InlineKeyboardMarkup must be an Array of Arrays',
        ),
        ({"inline_keyboard": [[{"text": "x", "url": "nowhere"}]]}, "inline keyboard button URL 'nowhere' is invalid"),
        ([], "object expected as reply markup"),
    ],
)
def test_buttons_that_cannot_be_are_refused(met: World, markup: Any, words: str) -> None:
    assert refused(met, "sendMessage", chat_id=ADA, text="x", reply_markup=markup).startswith(words)


def test_an_edit_takes_the_buttons_away_and_counts_them_as_a_change(met: World) -> None:
    sent = ask(met, YES)
    place = {"chat_id": ADA, "message_id": sent["message_id"]}
    same = {"inline_keyboard": [[YES]]}
    assert refused(met, "editMessageText", **place, text="Yes or no?", reply_markup=same).startswith(
        "message is not modified"
    )
    assert "reply_markup" not in do(met, "editMessageText", **place, text="Yes or no?")
    assert refused(met, "editMessageReplyMarkup", **place).startswith("message is not modified")
    assert "reply_markup" in do(met, "editMessageReplyMarkup", **place, reply_markup=same)
    with pytest.raises(Denied, match="button is gone"):
        buttons.press(met, ADA, KEY, sent["message_id"], "no")


def test_entities_alone_are_a_change_and_the_same_ones_are_none(met: World) -> None:
    place = {"chat_id": ADA, "message_id": do(met, "sendMessage", chat_id=ADA, text="Hello")["message_id"]}
    bold = [{"type": "bold", "offset": 0, "length": 5}]
    assert do(met, "editMessageText", **place, text="Hello", entities=bold)["entities"]
    halves = [{"type": "bold", "offset": 0, "length": 2}, {"type": "bold", "offset": 2, "length": 3}]
    words = refused(met, "editMessageText", **place, text=" Hello ", entities=[{**bold[0], "offset": 1}])
    assert words.startswith("message is not modified"), "what is trimmed away is no change"
    assert refused(met, "editMessageText", **place, text="Hello", entities=halves).startswith("message is not modified")


def test_a_bot_has_one_reaction_on_a_message(met: World) -> None:
    message = met.thread(KEY)[0]
    place = {"chat_id": ADA, "message_id": message.id}
    for emoji in ("👀", "❤\ufe0f"):
        assert do(met, "setMessageReaction", **place, reaction=[{"type": "emoji", "emoji": emoji}], is_big=True) is True
    assert met.thread(KEY)[0].reactions == {42: "❤"}
    assert do(met, "setMessageReaction", **place) is True
    assert met.thread(KEY)[0].reactions == {}
    assert wire.message(met, met.thread(KEY)[0]).keys().isdisjoint({"edit_date", "reactions"})


@pytest.mark.parametrize(
    "reaction,words",
    [
        ([{"type": "emoji", "emoji": "🦑"}], "REACTION_INVALID"),
        ([{"type": "custom_emoji", "custom_emoji_id": "5"}], "REACTION_INVALID"),
        ([{"type": "emoji", "emoji": "👀"}, {"type": "emoji", "emoji": "🔥"}], "REACTIONS_TOO_MANY"),
        ([{"type": "paid"}], "can't parse ReactionType: invalid reaction type specified"),
        ({"type": "emoji"}, "expected an Array of ReactionType"),
        ("[", "can't parse reaction types JSON object"),
    ],
)
def test_reactions_that_cannot_be_are_refused(met: World, reaction: Any, words: str) -> None:
    place = {"chat_id": ADA, "message_id": met.thread(KEY)[0].id}
    assert refused(met, "setMessageReaction", **place, reaction=reaction) == words


def test_there_must_be_a_message_to_react_to(met: World) -> None:
    assert refused(met, "setMessageReaction", chat_id=ADA, message_id=99) == "message to react not found"


def test_a_persons_reaction_reaches_bots_that_asked_and_in_groups_administrators_alone(met: World) -> None:
    reactions.choose(met, ADA, KEY, met.thread(KEY)[0].id, "🔥")
    said = people.say(met, ADA, str(HIKERS), "hi")
    reactions.choose(met, ADA, str(HIKERS), said.id, "🔥")
    kinds = [update.event_type for update in updates(met)]
    assert kinds == ["message_reaction", "message"]
    with pytest.raises(Denied, match="no reaction"):
        reactions.choose(met, ADA, KEY, met.thread(KEY)[0].id, "🦑")
