"""Whom a message in a group is for, who wrote it, and what comes of us there: what triage decides about groups."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.core.schema import parse, parse_change
from app.core.triage import CONTROL
from app.core.updates import author_of
from tests.unit.fakes import ANN, DATE, FORUM, GROUP, ME, OURSELVES, PRIVATE, incoming, mention, units, update

ANONYMOUS = {"id": 1087968824, "is_bot": True, "first_name": "Group", "username": "GroupAnonymousBot"}
CHANNEL_BOT = {"id": 136817688, "is_bot": True, "first_name": "Channel", "username": "Channel_Bot"}
CHANNEL = {"id": -200, "type": "channel", "title": "News"}


def kind(**fields: Any) -> str:
    return incoming(update(**fields), ignore_prefix="$ignore").kind


def change(was: Any, now: Any, chat: dict[str, Any] = GROUP, **more: Any) -> bytes:
    """my_chat_member, as Telegram tells it; ``was`` and ``now``: a status, or a member's fields."""
    was, now = ({"status": one} if isinstance(one, str) else one for one in (was, now))
    user = {"id": ME.id, "is_bot": True, "first_name": "Lane", "username": ME.username}
    content = {
        "chat": chat,
        "from": ANN,
        "date": DATE,
        "old_chat_member": {"user": user, **was},
        "new_chat_member": {"user": user, **now, **more},
    }
    return msgspec.json.encode({"update_id": 900, "my_chat_member": content})


class TestChange:
    @pytest.mark.parametrize("chat, lane", [(PRIVATE, "!7"), (GROUP, "!-100"), (FORUM, "!-100")])
    def test_what_becomes_of_us_goes_ahead_of_all_that_waits_in_the_chat_and_never_grows_stale(
        self, chat: dict[str, Any], lane: str
    ) -> None:
        found = incoming(change("member", "kicked", chat), stale_ms=1)
        assert (found.kind, found.lane, found.by_ms) == ("c", lane, 0)

    def test_a_channel_is_nobody_to_talk_with(self) -> None:
        assert incoming(change("left", "administrator", CHANNEL)).kind == "i"

    def test_what_cannot_be_read_of_it_is_ignored(self) -> None:
        raw = msgspec.json.encode({"update_id": 5, "my_chat_member": {"chat": {"id": 7}, "date": "x"}})
        assert incoming(raw).kind == "i"

    @pytest.mark.parametrize(
        "status, more, there",
        [
            ("creator", {}, True),
            ("administrator", {}, True),
            ("member", {}, True),
            ("restricted", {"is_member": True}, True),
            ("restricted", {"is_member": False}, False),
            ("left", {}, False),
            ("kicked", {}, False),
            ("something of Bot API 11", {}, False),
        ],
    )
    def test_we_are_in_a_chat_or_not(self, status: str, more: dict[str, Any], there: bool) -> None:
        raw = parse(change("left", status, GROUP, **more)).my_chat_member
        assert parse_change(bytes(raw)).new_chat_member.there is there


@given(st.text(max_size=40), st.text(max_size=40))
@example("👨\u200d👩\u200d👧🇩🇪", "ß𝔊")
def test_a_mention_speaks_to_us_wherever_it_stands_and_the_bare_words_never_do(before: str, after: str) -> None:
    text = f"{before} @lane_bot {after}"
    assert kind(text=text, chat=GROUP) in {"a", "i", "m"}
    if not before.strip().startswith(("/", "$")):
        assert kind(text=text, chat=GROUP) == "a"
        entity: dict[str, Any] = {"type": "mention", "offset": units(before + " "), "length": 9}
        assert kind(text=text, chat=GROUP, entities=[entity]) == "m"
        assert kind(text=text, chat=GROUP, entities=[entity | {"offset": entity["offset"] + 1}]) == "a"


class TestOthers:
    """Bots answer bots for ever, if one of them does not stop."""

    def test_no_other_bot_is_answered_whatever_it_says(self) -> None:
        other = {"id": 99, "is_bot": True, "first_name": "Other", "username": "other_bot"}
        for text in ("@lane_bot hi", "/help", "/pause", "/help@lane_bot"):
            entities = mention(text) if text.startswith("@") else None
            more = {"entities": entities} if entities else {}
            assert kind(text=text, from_=other, chat=GROUP, **more) == "i"
            assert kind(text=text, from_=other, chat=PRIVATE, **more) == "i"
        ours = {"message_id": 3, "date": DATE, "chat": GROUP, "from": OURSELVES, "text": "yes"}
        assert kind(text="and?", from_=other, chat=GROUP, reply_to_message=ours) == "i"
        assert incoming(update("edited_message", text="x", from_=other, chat=GROUP)).kind == "i"

    def test_what_we_wrote_through_a_person_is_not_answered(self) -> None:
        assert kind(via_bot=OURSELVES, chat=GROUP) == "i"
        assert kind(via_bot={"id": 98, "is_bot": True, "first_name": "Gif"}) == "m", "a person chose it"

    def test_what_a_linked_channel_posts_is_not_for_us_even_if_it_names_us(self) -> None:
        text = "@lane_bot is here"
        telegram = {"id": 777000, "is_bot": False, "first_name": "Telegram"}
        posted = {"sender_chat": CHANNEL, "is_automatic_forward": True, "from_": telegram, "entities": mention(text)}
        assert kind(text=text, chat=GROUP, **posted) == "i"

    @pytest.mark.parametrize(
        "speaker, stand_in, author", [(GROUP, ANONYMOUS, -100), (CHANNEL, CHANNEL_BOT, -200)], ids=["admin", "channel"]
    )
    def test_anonymous_admins_and_channels_are_answered_and_counted_as_themselves(
        self, speaker: dict[str, Any], stand_in: dict[str, Any], author: int
    ) -> None:
        text = "@lane_bot hello"
        raw = update(text=text, chat=GROUP, sender_chat=speaker, from_=stand_in, entities=mention(text))
        assert incoming(raw).kind == "m"
        message = parse(raw).message
        assert message is not None
        assert author_of(message) == author
        assert kind(text="hello", chat=GROUP, sender_chat=speaker, from_=stand_in) == "a"


class TestWishes:
    @pytest.mark.parametrize("text", ["$ignore this", "@lane_bot $ignore this", "/ignore this", "/ignore@lane_bot x"])
    @pytest.mark.parametrize("chat", [PRIVATE, GROUP])
    def test_what_people_want_ignored_never_waits_in_a_lane(self, text: str, chat: dict[str, Any]) -> None:
        more = {"entities": mention(text)} if text.startswith("@") else {}
        assert kind(text=text, chat=chat, **more) == "i"

    def test_so_in_a_caption(self) -> None:
        assert kind(text=None, photo=[{"file_id": "x"}], caption="$ignore my cat") == "i"

    def test_an_edit_that_takes_a_question_back_reaches_the_question(self) -> None:
        raw = update("edited_message", text="$ignore this", edit_date=DATE + 1)
        assert incoming(raw, ignore_prefix="$ignore").kind == "e"

    def test_an_owner_may_have_no_prefix(self) -> None:
        assert incoming(update(text="$ignore this"), ignore_prefix="").kind == "m"

    @pytest.mark.parametrize("command", ["mode", "privacy", "forget"])
    def test_what_a_person_asks_to_be_forgotten_is_forgotten_however_late_it_comes(self, command: str) -> None:
        found = incoming(update(text=f"/{command}", chat=GROUP), stale_ms=1)
        assert (found.kind, found.lane, found.by_ms) == ("c", "!-100", 0)
        assert command in CONTROL
