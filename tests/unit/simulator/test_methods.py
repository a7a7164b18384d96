"""The Bot API's methods: what they read, and that nothing they are given breaks them."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator import methods, people, seed
from simulator.methods import METHODS, Args
from simulator.records import Refusal
from simulator.seed import FORUM, HIKERS
from simulator.world import World

ADA = 1001
NAMES = (
    "chat_id", "user_id", "message_id", "message_thread_id", "text", "entities", "reply_parameters", "action",
    "commands", "scope", "url", "link_preview_options", "allowed_updates", "draft_id", "reaction", "reply_markup",
    "callback_query_id", "file_id", "language_code", "can_stop",
)  # fmt: skip
LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8)
JSON = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3)
)
ENTITY = st.fixed_dictionaries(
    {"type": st.sampled_from(["bold", "text_mention", "text_link", "pre", "url", "x"]), "offset": JSON, "length": JSON},
    optional={"user": JSON | st.just({"id": ADA}), "url": JSON, "language": JSON},
)
KNOWN = st.sampled_from(
    [
        ADA,
        str(ADA),
        HIKERS,
        FORUM,
        1,
        2,
        3,
        42,
        "typing",
        [],
        {},
        [{"type": "emoji", "emoji": "👀"}],
        {"inline_keyboard": [[{"text": "x", "callback_data": "y"}]]},
        '{"message_id":1}',
        "hello",
        "https://a.b",
    ]
)
VALUE = JSON | KNOWN | st.lists(ENTITY, max_size=3) | JSON.map(lambda value: msgspec.json.encode(value).decode())


def made() -> World:
    world = World(42)
    seed.first_run(world)
    seed.bot(world, "42:x")
    seed.join(world, 42)
    people.say(world, ADA, str(ADA), "hi")
    return world


def call(world: World, method: str, **given: Any) -> Any:
    return methods.call(world, world.bots[42], method, Args(given))[0]


def refused(method: str, **given: Any) -> str:
    with pytest.raises(Refusal) as caught:
        call(made(), method, **given)
    return caught.value.description


@given(st.sampled_from(sorted(METHODS)), st.dictionaries(st.sampled_from(NAMES), VALUE, max_size=6))
def test_whatever_is_given_is_answered_or_refused(method: str, given: dict[str, Any]) -> None:
    world = made()
    answer: object = None
    status = 200
    try:
        answer = call(world, method, **given)
    except Refusal as refusal:
        status = refusal.status
    assert status in {200, 400, 403}
    assert msgspec.json.encode(answer)


@pytest.mark.parametrize(
    "method,given,words",
    [
        ("sendMessage", {"text": "x"}, "chat_id is empty"),
        ("sendMessage", {"chat_id": ADA}, "message text is empty"),
        (
            "sendMessage",
            {"chat_id": ADA, "text": "x", "parse_mode": "HTML"},
            "the simulator reads entities only, no parse_mode",
        ),
        ("sendMessage", {"chat_id": ADA, "text": "x", "reply_parameters": "[]"}, "object expected as reply parameters"),
        (
            "sendMessage",
            {"chat_id": ADA, "text": "x", "reply_parameters": "{"},
            "can't parse reply parameters JSON object",
        ),
        ("editMessageText", {"text": "x"}, "message identifier is not specified"),
        (
            "sendMessage",
            {"chat_id": ADA, "text": "x", "link_preview_options": "{"},
            "can't parse link preview options JSON object",
        ),
        ("deleteMessage", {"message_id": 1}, "chat identifier is not specified"),
        ("deleteMessage", {"chat_id": ADA}, "message identifier is not specified"),
        ("deleteMessage", {"chat_id": ADA, "message_id": 99}, "message to delete not found"),
        ("setMessageReaction", {"chat_id": ADA, "message_id": 99}, "message to react not found"),
        (
            "setMessageReaction",
            {"chat_id": ADA, "message_id": 1, "reaction": [{"type": "custom_emoji"}]},
            "can't parse ReactionType: Can't find field \"custom_emoji_id\"",
        ),
        ("sendChatAction", {"chat_id": ADA, "action": "dancing"}, "wrong parameter action in request"),
        ("getChatMember", {"chat_id": HIKERS}, "invalid user_id specified"),
        ("getChatMember", {"chat_id": HIKERS, "user_id": 77}, "PARTICIPANT_ID_INVALID"),
        ("getChatAdministrators", {"chat_id": ADA}, "there are no administrators in the private chat"),
        ("setMyCommands", {"commands": [{"command": "No", "description": "x"}]}, "BOT_COMMAND_INVALID"),
        (
            "setMyCommands",
            {"commands": [{"command": "no"}]},
            "can't parse BotCommand: Can't find field \"description\"",
        ),
        ("setMyCommands", {"scope": {"type": "moon"}}, "can't parse BotCommandScope: Unsupported type specified"),
        ("setMyCommands", {"scope": "moon"}, "can't parse BotCommandScope JSON object"),
        ("setMyCommands", {"scope": []}, "can't parse BotCommandScope: BotCommandScope must be an Object"),
        ("setMyCommands", {"scope": {}}, "can't parse BotCommandScope: Can't find field \"type\""),
        ("setMyCommands", {"scope": {"type": "chat"}}, "can't parse BotCommandScope: Can't find field \"chat_id\""),
        (
            "setMyCommands",
            {"scope": {"type": "chat_member", "chat_id": HIKERS}},
            "can't parse BotCommandScope: Invalid user_id specified",
        ),
        ("setMyCommands", {"scope": {"type": "chat", "chat_id": 77}}, "chat not found"),
        ("getMyCommands", {"scope": {"type": "chat", "chat_id": 77}}, "chat not found"),
        ("setWebhook", {"url": "http://a.b"}, "bad webhook: An HTTPS URL must be provided for webhook"),
    ],
)
def test_what_cannot_be_done_is_refused_in_telegrams_words(method: str, given: dict[str, Any], words: str) -> None:
    assert refused(method, **given) == f"Bad Request: {words}"


def test_a_menu_for_private_chats_goes_before_the_default_one() -> None:
    world = made()
    call(world, "setMyCommands", commands=[{"command": "help", "description": "Help"}])
    call(world, "setMyCommands", commands=[], scope='{"type":"all_private_chats"}')
    assert [one.command for one in call(world, "getMyCommands")] == ["help"]
    assert call(world, "getMyCommands", scope={"type": "all_private_chats"}) == []


def test_somebody_who_never_wrote_and_is_in_none_of_its_groups_is_no_chat_to_a_bot() -> None:
    world = made()
    stranger = people.enter(world, "Zoë Müller").id
    for method, more in (("getChat", {}), ("setMyCommands", {"scope": {"type": "chat", "chat_id": stranger}})):
        with pytest.raises(Refusal, match="chat not found"):
            call(world, method, chat_id=stranger, **more)
    people.say(world, stranger, str(stranger), "Hello")
    assert call(world, "getChat", chat_id=stranger)["id"] == stranger


def test_a_mentioned_person_is_shown_as_telegram_knows_them() -> None:
    mention = {"type": "text_mention", "offset": 0, "length": 3, "user": {"id": ADA, "first_name": "Mallory"}}
    sent = call(made(), "sendMessage", chat_id=ADA, text="Ada", entities=[mention])
    assert sent["entities"][0].user["first_name"] == "Ada"
    mention["user"] = {"id": 9}
    assert refused("sendMessage", chat_id=ADA, text="Ada", entities=[mention]) == "Bad Request: user not found"
