"""What triage makes of updates: kind, lane, limits, address; and that nothing can make it fail."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.core.errors import Unparsable
from app.core.schema import parse, utf16
from app.core.updates import Address, address_of, chat_of, lane_of, scope_of
from tests.unit.fakes import (
    ANN,
    BOB,
    DATE,
    FORUM,
    GROUP,
    OURSELVES,
    PRIVATE,
    incoming,
    mention,
    message,
    update,
)

TOPIC: dict[str, Any] = {"chat": FORUM, "message_thread_id": 5, "is_topic_message": True}
PHOTO = [{"file_id": "x", "width": 1, "height": 1}]


def kind(**fields: Any) -> str:
    return incoming(update(**fields)).kind


def test_a_private_message_is_answered_in_the_lane_of_its_chat() -> None:
    found = incoming(update(uid=77, text="hi"), stale_ms=60_000)
    assert (found.uid, found.lane, found.kind, found.mid, found.group) == (77, "7", "m", 11, "")
    assert (found.at_ms, found.by_ms, found.limit) == (DATE * 1000, DATE * 1000 + 60_000, 1000)


def test_no_stale_minutes_means_never() -> None:
    assert incoming(update(), stale_ms=0).by_ms == 0


@pytest.mark.parametrize("scope, lane", [("topic", "-100:t5"), ("chat", "-100"), ("member", "-100:t5,u7")])
def test_a_topic_is_a_lane_as_the_owner_chose(scope: str, lane: str) -> None:
    assert incoming(update(**TOPIC), scope=scope).lane == lane


def test_a_thread_that_is_no_topic_makes_no_lane() -> None:
    found = parse(update(chat=GROUP, message_thread_id=5)).message
    assert found is not None
    assert lane_of(parse(update(chat=GROUP, message_thread_id=5))) == "-100"
    assert address_of(found) == Address(-100, None, 11, False)


def test_the_general_topic_is_the_chat_and_keeps_its_thread_for_typing_only() -> None:
    for fields in ({"chat": FORUM}, {"chat": FORUM, "message_thread_id": 1, "is_topic_message": True}):
        found = parse(update(**fields)).message
        assert found is not None
        assert incoming(update(**fields)).lane == "-100"
        assert address_of(found) == Address(-100, None, 11, forum=True)
        assert scope_of(found) == "-100"


def test_an_answer_goes_to_its_topic_as_a_reply() -> None:
    found = parse(update(**TOPIC)).message
    assert found is not None
    assert address_of(found) == Address(-100, 5, 11, forum=False)
    assert (scope_of(found), scope_of(found, "chat")) == ("-100:t5", "-100")


def test_a_topic_of_a_private_chat_is_a_lane() -> None:
    assert incoming(update(message_thread_id=1, is_topic_message=True)).lane == "7:t1"


def test_with_scope_member_a_private_chat_has_one_lane() -> None:
    assert incoming(update(), scope="member").lane == "7"


def test_an_anonymous_member_is_the_chat_that_speaks() -> None:
    assert incoming(update(chat=GROUP, sender_chat=GROUP), scope="member").lane == "-100:u-100"


def test_a_lane_tells_its_chat() -> None:
    assert [chat_of(lane) for lane in ("7", "!-100", "?-100:t5", "-100:t5,u7")] == ["7", "-100", "-100", "-100"]


def test_business_messages_have_lanes_of_their_own_and_are_not_served() -> None:
    found = incoming(update("business_message", business_connection_id="a+b|c"))
    assert (found.lane, found.kind) == ("7:ba%2Bb%7Cc", "i")
    assert kind(business_connection_id="abc") == "i"


def test_the_lane_of_an_event_without_chat_is_the_persons() -> None:
    raw = msgspec.json.encode({"update_id": 5, "inline_query": {"id": "1", "from": ANN, "query": "", "offset": ""}})
    assert (incoming(raw).lane, incoming(raw).kind) == ("7", "i")
    pressed = {"id": "1", "from": ANN, "message": {"chat": GROUP, "message_id": 3, "date": 0}, "chat_instance": "x"}
    assert incoming(msgspec.json.encode({"update_id": 5, "callback_query": pressed})).lane == "-100"
    answered = {"poll_id": "55", "user": ANN, "option_ids": []}
    assert incoming(msgspec.json.encode({"update_id": 5, "poll_answer": answered})).lane == "p55"
    assert incoming(msgspec.json.encode({"update_id": 5, "poll": {"id": "66"}})).lane == "p66"


def test_an_unknown_kind_has_a_lane_of_its_own() -> None:
    found = incoming(b'{"update_id": 12, "something_of_bot_api_11": {"chat": {"id": 1}}}')
    assert (found.lane, found.kind) == ("x12", "i")


@pytest.mark.parametrize("kind_", ["channel_post", "edited_channel_post", "my_chat_member", "guest_message"])
def test_what_we_do_not_serve_is_ignored(kind_: str) -> None:
    assert incoming(update(kind_)).kind == "i"


@pytest.mark.parametrize(
    "fields",
    [
        {"from_": {"id": 99, "is_bot": True, "first_name": "Other"}},
        {"from_": OURSELVES},
        {"text": None, "new_chat_members": [ANN]},
        {"text": None, "forum_topic_created": {"name": "x", "icon_color": 1}, **TOPIC},
        {"text": None, "pinned_message": {"message_id": 1}},
        {"chat": {"id": -5, "type": "channel"}},
        {"is_automatic_forward": True, "chat": GROUP, "sender_chat": {"id": -5, "type": "channel"}},
        {"via_bot": OURSELVES},
    ],
)
def test_nobody_waits_for_an_answer_to_these(fields: dict[str, Any]) -> None:
    assert kind(**fields) == "i"


def test_media_is_a_message() -> None:
    assert kind(text=None, photo=PHOTO) == "m"
    assert kind(text=None, sticker={"file_id": "x"}) == "m"


class TestGroups:
    def test_talk_among_people_counts_only_in_mode_always(self) -> None:
        assert kind(text="lunch?", chat=GROUP) == "a"

    @pytest.mark.parametrize("text", ["@lane_bot hi", "hi @LANE_Bot!", "👨‍👩‍👧🇩🇪 @lane_bot", "ß𝔊 @lane_bot 𝔊"])
    def test_a_mention_speaks_to_us_wherever_it_stands(self, text: str) -> None:
        name = next(word.rstrip("!") for word in text.split() if word.startswith("@"))
        assert kind(text=text, chat=GROUP, entities=mention(text, name)) == "m"

    def test_offsets_count_utf16_units(self) -> None:
        text = "🎈🎈 @lane_bot"
        wrong = [{"type": "mention", "offset": text.index("@"), "length": 9}]
        assert kind(text=text, chat=GROUP, entities=wrong) == "a"
        assert utf16(text, 5, 9) == "@lane_bot"
        assert utf16("abc", -1, 2) == utf16("abc", 5, 2) == utf16("🎈", 9, 2) == ""

    def test_a_mention_of_somebody_else_does_not(self) -> None:
        text = "@lane_bot2 hi"
        assert kind(text=text, chat=GROUP, entities=mention(text, "@lane_bot2")) == "a"

    def test_a_name_without_entity_is_no_mention(self) -> None:
        assert kind(text="mail me@lane_bot", chat=GROUP) == "a"

    def test_a_text_mention_of_us_counts(self) -> None:
        entity = {"type": "text_mention", "offset": 0, "length": 4, "user": OURSELVES}
        assert kind(text="Lane hi", chat=GROUP, entities=[entity]) == "m"
        assert kind(text="Lane hi", chat=GROUP, entities=[entity | {"user": BOB}]) == "a"

    def test_a_mention_in_a_caption_counts(self) -> None:
        caption = "what is this, @lane_bot"
        fields = {"text": None, "photo": PHOTO, "caption": caption, "chat": GROUP}
        assert kind(**fields, caption_entities=mention(caption)) == "m"
        assert kind(**fields) == "a"

    def test_a_reply_to_us_counts_and_to_others_does_not(self) -> None:
        ours = message("yes", message_id=3, from_=OURSELVES, chat=GROUP)
        assert kind(chat=GROUP, reply_to_message=ours) == "m"
        assert kind(chat=GROUP, reply_to_message=message("yes", from_=BOB, chat=GROUP)) == "a"

    def test_in_a_topic_that_we_opened_not_every_message_is_a_reply_to_us(self) -> None:
        root = message(None, message_id=5, from_=OURSELVES, chat=FORUM, forum_topic_created={"name": "x"})
        assert kind(**TOPIC, reply_to_message=root) == "a"
        assert kind(**TOPIC, reply_to_message=message(None, message_id=5, from_=OURSELVES, chat=FORUM)) == "a"
        assert kind(**TOPIC, reply_to_message=message("yes", message_id=6, from_=OURSELVES, chat=FORUM)) == "m"

    def test_a_command_speaks_to_us_unless_it_names_another_bot(self) -> None:
        assert kind(text="/help", chat=GROUP) == "m"
        assert kind(text="/help@LANE_bot", chat=GROUP) == "m"
        assert kind(text="/help@other_bot", chat=GROUP) == "i"
        assert kind(text="/help@other_bot") == "i"

    def test_edits_are_told_apart_by_address(self) -> None:
        edit = incoming(update("edited_message", text="lunch!", chat=GROUP, edit_date=DATE + 9))
        assert (edit.kind, edit.at_ms) == ("ea", (DATE + 9) * 1000)
        text = "@lane_bot hi"
        assert incoming(update("edited_message", text=text, chat=GROUP, entities=mention(text))).kind == "e"
        assert incoming(update("edited_message", text="hi")).kind == "e"
        assert incoming(update("edited_message", from_=OURSELVES, chat=GROUP)).kind == "i"


class TestControl:
    @pytest.mark.parametrize("text", ["/pause", "/PAUSE all", "/resume@lane_bot", "/status", "/stop now"])
    def test_control_commands_of_anybody_go_ahead_of_everything(self, text: str) -> None:
        for chat, lane in ((PRIVATE, "!7"), (GROUP, "!-100"), (FORUM, "!-100")):
            found = incoming(update(text=text, chat=chat), stale_ms=1, lane_limit=3, scope="member")
            assert (found.kind, found.lane, found.limit) == ("c", lane, 50)
            assert (found.at_ms, found.by_ms) == (0, DATE * 1000 + 60_000)

    def test_a_command_in_a_topic_is_on_the_chats_control_lane(self) -> None:
        assert incoming(update(text="/pause", **TOPIC)).lane == "!-100"

    @pytest.mark.parametrize(
        "fields",
        [
            {"forward_origin": {"type": "hidden_user", "date": 1, "sender_user_name": "x"}},
            {"via_bot": BOB | {"is_bot": True}},
            {"entities": []},
            {"entities": [{"type": "bot_command", "offset": 1, "length": 5}]},
            {"entities": [{"type": "code", "offset": 0, "length": 6}]},
        ],
    )
    def test_only_a_plain_command_commands(self, fields: dict[str, Any]) -> None:
        assert kind(text="/pause", **fields) == "m"
        assert kind(text="/pause", chat=GROUP, **fields) == "a"

    def test_an_edit_or_a_caption_never_commands(self) -> None:
        assert incoming(update("edited_message", text="/pause")).kind == "e"
        entity = [{"type": "bot_command", "offset": 0, "length": 6}]
        assert kind(text=None, photo=PHOTO, caption="/pause", caption_entities=entity) == "m"

    def test_a_command_for_another_bot_and_of_another_bot_is_nobodys(self) -> None:
        assert kind(text="/pause@other_bot", chat=GROUP) == "i"
        assert kind(text="/pause", from_={"id": 99, "is_bot": True, "first_name": "x"}, chat=GROUP) == "i"

    def test_an_anonymous_admin_commands_although_his_stand_in_is_a_bot(self) -> None:
        stand_in = {"id": 1087968824, "is_bot": True, "first_name": "Group", "username": "GroupAnonymousBot"}
        assert kind(text="/pause", chat=GROUP, from_=stand_in, sender_chat=GROUP) == "c"


class TestUnreadable:
    @pytest.mark.parametrize(
        "raw",
        [
            b'{"update_id":5,"message":"nonsense"}',
            b'{"update_id":5,"message":{"chat":{"id":"seven"}}}',
            b'{"update_id":5,"message":{"chat":{"id":7},"date":[]}}',
            b'{"message":{"chat":{"id":7},"text":"\\"update_id\\":9","date":[]},"update_id":5}',
            b'{"update_id":5,"message":{"text":"\\ud800","chat":{"id":7}}}',
            b'{"update_id":5,"message":{"text":"\xff","chat":{"id":7}}}',
            b'{"update_id":5,"message":{',
            b'{"update_id":5,"deep":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        ],
    )
    def test_it_fails_alone_in_a_lane_of_its_own(self, raw: bytes) -> None:
        found = incoming(raw)
        assert (found.uid, found.lane, found.kind, found.raw) == (5, "x5", "m", raw)

    @pytest.mark.parametrize(
        "raw", [b"", b"null", b"[]", b'{"message":{}}', b'{"update_id":"x"}', b'{"update_id":1.5}']
    )
    def test_without_an_integer_id_it_is_no_update(self, raw: bytes) -> None:
        with pytest.raises(Unparsable):
            incoming(raw)

    @pytest.mark.parametrize("uid", [-1, 2**53, 10**30])
    def test_an_id_that_no_bitmap_can_hold_is_refused(self, uid: int) -> None:
        with pytest.raises(Unparsable):
            incoming(b'{"update_id":%d}' % uid)

    def test_an_odd_event_that_we_ignore_anyway_stays_ignored(self) -> None:
        assert incoming(b'{"update_id":5,"callback_query":{"from":7}}').kind == "i"


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
_entity = st.fixed_dictionaries(
    {
        "type": st.sampled_from(["mention", "bot_command", "text_mention"]) | _json,
        "offset": st.integers() | _json,
        "length": st.integers() | _json,
    }
)
_NAMES = [
    *("message_id", "date", "from", "sender_chat", "text", "caption", "entities", "caption_entities", "quote"),
    *("message_thread_id", "is_topic_message", "reply_to_message", "via_bot", "forward_origin", "edit_date"),
    *("business_connection_id", "photo", "voice", "chat"),
]
_odd_message = st.builds(
    lambda base, odd, entities: base | odd | ({"entities": entities} if entities else {}),
    st.sampled_from([message(), message("/pause"), message(chat=GROUP), message("x @lane_bot", **TOPIC)]),
    st.dictionaries(st.sampled_from(_NAMES), _json, max_size=2),
    st.lists(_entity, max_size=2),
)
_kinds = st.sampled_from(
    [
        *("message", "edited_message", "callback_query", "poll", "channel_post", "nobody_knows", "my_chat_member"),
        "stopped_message_generation",
    ]
)


@settings(max_examples=300, deadline=None)
@given(_kinds, _odd_message | _json, st.integers(0, 2**53 - 1), st.sampled_from(["topic", "chat", "member"]))
def test_triage_never_fails_on_anything_with_an_id(kind_: str, body: Any, uid: int, scope: str) -> None:
    found = incoming(msgspec.json.encode({"update_id": uid, kind_: body}), scope=scope)
    assert found.uid == uid
    assert found.kind in {"m", "i", "a", "e", "ea", "c"}
    assert found.lane
    assert not set(found.lane) & set("|+\n? ")


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=60))
def test_bytes_are_an_update_or_said_not_to_be(tail: bytes) -> None:
    assert incoming(b'{"update_id":5,' + tail).uid == 5
