"""The world's rules: who hears what, and what a bot may not do."""

from typing import Any

import msgspec
import pytest

from simulator import bots, people, seed
from simulator.bots import Reply, Words
from simulator.limits import CHAT_CALLS
from simulator.records import Denied, Record, Refusal
from simulator.seed import FORUM, HIKERS
from simulator.world import Event, World
from tests.unit.simulator.conftest import DECODER, START, Clock

ADA, GRACE = 1001, 1002
QUESTIONS = 3
HELLO = Words("Hello")


def updates(world: World) -> list[dict[str, Any]]:
    return [msgspec.json.decode(bytes(queued.raw)) for queued in world.queue(42).waiting]


def refused(do: Any, *args: Any) -> str:
    with pytest.raises(Refusal) as caught:
        do(*args)
    return caught.value.description


def test_a_first_world_has_people_a_group_and_a_forum_and_the_bot_has_heard_nothing(world: World) -> None:
    assert len(world.people) == 4
    assert [topic.name for topic in world.chats[0, FORUM].topics] == ["General", "Ideas", "Questions"]
    assert world.chats[0, HIKERS].members[ADA] == "administrator"
    assert updates(world) == []


def test_update_ids_begin_at_the_unix_time(world: World) -> None:
    people.say(world, ADA, "1001", "one")
    people.say(world, ADA, "1001", "two")
    assert [update["update_id"] for update in updates(world)] == [int(START), int(START) + 1]


def test_private_chats_share_a_counter_and_a_supergroup_has_its_own(world: World) -> None:
    assert people.say(world, ADA, "1001", "hi").id == 1
    assert people.say(world, GRACE, "1002", "hi").id == 2
    assert people.say(world, ADA, str(HIKERS), "hi").id == 1


def test_a_message_in_a_topic_names_it_and_carries_the_message_that_opened_it(world: World) -> None:
    people.say(world, ADA, f"{FORUM}:{QUESTIONS}", "hi")
    message = updates(world)[0]["message"]
    assert (message["message_thread_id"], message["is_topic_message"]) == (QUESTIONS, True)
    assert message["reply_to_message"]["forum_topic_created"]["name"] == "Questions"


def test_a_message_in_general_names_no_topic(world: World) -> None:
    people.say(world, ADA, f"{FORUM}:1", "hi")
    message = updates(world)[0]["message"]
    assert message["chat"]["is_forum"] is True
    assert not {"message_thread_id", "is_topic_message", "reply_to_message"} & set(message)


def test_a_reply_in_a_group_names_its_thread_without_being_a_topic_message(world: World) -> None:
    first = people.say(world, ADA, str(HIKERS), "first")
    second = people.say(world, GRACE, str(HIKERS), "second", first.id)
    people.say(world, ADA, str(HIKERS), "third", second.id)
    message = updates(world)[2]["message"]
    assert message["message_thread_id"] == first.id
    assert "is_topic_message" not in message
    assert message["reply_to_message"]["message_id"] == second.id
    assert "reply_to_message" not in message["reply_to_message"]


def test_a_quote_is_the_part_that_was_meant(world: World) -> None:
    first = people.say(world, ADA, "1001", "\U0001f600 one two")
    people.say(world, ADA, "1001", "what?", first.id, "two")
    assert updates(world)[1]["message"]["quote"] == {"text": "two", "position": 7, "is_manual": True}


def test_an_edit_is_an_edited_message_with_its_date(world: World, clock: Clock) -> None:
    message = people.say(world, ADA, "1001", "one")
    clock.time += 5
    people.revise(world, ADA, "1001", message.id, "two /help")
    edited = updates(world)[1]["edited_message"]
    assert (edited["text"], edited["date"], edited["edit_date"]) == ("two /help", START, START + 5)
    assert edited["entities"] == [{"type": "bot_command", "offset": 4, "length": 5}]


@pytest.mark.parametrize("words", ["\x00\x01", "\u202e\u202a", "\u200b\x07 \u2028", "\n"])
def test_a_message_of_nothing_visible_needs_some_text_and_is_not_called_too_long(world: World, words: str) -> None:
    with pytest.raises(Denied, match="needs some text"):
        people.say(world, ADA, "1001", words)
    with pytest.raises(Denied, match="at most 4096"):
        people.say(world, ADA, "1001", words + "x" * 4097)
    with pytest.raises(Denied, match="at most 4096"):
        people.say(world, ADA, "1001", "x" * 40_000)


def test_blocking_is_told_and_closes_the_chat_both_ways(world: World) -> None:
    people.say(world, ADA, "1001", "hi")
    people.block(world, ADA, 42, True)
    change = updates(world)[1]["my_chat_member"]
    assert (change["old_chat_member"]["status"], change["new_chat_member"]["status"]) == ("member", "kicked")
    assert refused(bots.post, world, 42, ADA, HELLO) == "Forbidden: bot was blocked by the user"
    assert refused(bots.act, world, 42, ADA, 0) == "Forbidden: bot was blocked by the user"
    with pytest.raises(Denied, match="Unblock"):
        people.say(world, ADA, "1001", "hi")
    people.block(world, ADA, 42, False)
    assert bots.post(world, 42, ADA, HELLO).text == "Hello"


def test_a_bot_cannot_write_first(world: World) -> None:
    assert refused(bots.post, world, 42, ADA, HELLO) == "Forbidden: bot can't initiate conversation with a user"
    stranger = people.enter(world, "Barbara Liskov")
    assert refused(bots.post, world, 42, stranger.id, HELLO) == "Bad Request: chat not found"
    assert refused(bots.post, world, 42, -1, HELLO) == "Bad Request: chat not found"


def test_what_is_answered_must_be_there_unless_the_bot_says_otherwise(world: World) -> None:
    message = people.say(world, ADA, "1001", "hi")
    people.remove(world, ADA, "1001", message.id)
    assert refused(bots.post, world, 42, ADA, HELLO, 0, Reply(message.id)) == (
        "Bad Request: message to be replied not found"
    )
    assert bots.post(world, 42, ADA, HELLO, 0, Reply(message.id, optional=True)).reply == 0


def test_general_cannot_be_named_when_sending_but_for_an_action(world: World) -> None:
    assert refused(bots.post, world, 42, FORUM, HELLO, 1) == "Bad Request: message thread not found"
    assert refused(bots.post, world, 42, FORUM, HELLO, 99) == "Bad Request: message thread not found"
    bots.act(world, 42, FORUM, 1)
    assert world.typing == {f"{FORUM}:1": START + 5}
    assert bots.post(world, 42, FORUM, HELLO).topic == 1
    assert world.typing == {}


def test_an_answer_without_topic_goes_where_the_question_is(world: World) -> None:
    question = people.say(world, ADA, f"{FORUM}:{QUESTIONS}", "hi")
    assert bots.post(world, 42, FORUM, HELLO, 0, Reply(question.id)).topic == QUESTIONS


def test_an_edit_must_change_something_and_be_the_bots_own(world: World) -> None:
    question = people.say(world, ADA, "1001", "hi")
    answer = bots.post(world, 42, ADA, HELLO)
    assert refused(bots.rewrite, world, 42, ADA, answer.id, HELLO) == (
        "Bad Request: message is not modified: specified new message content and reply markup are exactly the same"
        " as a current content and reply markup of the message"
    )
    assert refused(bots.rewrite, world, 42, ADA, 99, HELLO) == "Bad Request: message to edit not found"
    assert refused(bots.rewrite, world, 42, ADA, question.id, HELLO) == "Bad Request: message can't be edited"
    assert bots.rewrite(world, 42, ADA, answer.id, Words("Bye")).edited == START


def test_a_bot_deletes_its_own_and_in_a_group_no_others(world: World, clock: Clock) -> None:
    said = people.say(world, ADA, str(HIKERS), "hi")
    answer = bots.post(world, 42, HIKERS, HELLO)
    assert refused(bots.erase, world, 42, HIKERS, said.id) == "Bad Request: message can't be deleted"
    bots.erase(world, 42, HIKERS, answer.id)
    assert refused(bots.erase, world, 42, HIKERS, answer.id) == "Bad Request: message to delete not found"
    old = bots.post(world, 42, HIKERS, HELLO)
    clock.time += 48 * 3600 + 1
    assert refused(bots.erase, world, 42, HIKERS, old.id) == "Bad Request: message can't be deleted"


def test_privacy_mode_lets_only_commands_and_replies_through(world: World) -> None:
    world.bots[42].reads_all = False
    answer = bots.post(world, 42, HIKERS, HELLO)
    for words in ("hi", "hi @lanekeeper_bot", "/start@other_bot"):
        people.say(world, ADA, str(HIKERS), words)
    for words in ("/start", "/start@Lanekeeper_bot"):
        people.say(world, ADA, str(HIKERS), words)
    people.say(world, ADA, str(HIKERS), "yes", answer.id)
    assert [update["message"]["text"] for update in updates(world)] == ["/start", "/start@Lanekeeper_bot", "yes"]


def test_an_update_that_was_not_asked_for_never_comes(world: World) -> None:
    world.bots[42].allowed = ["message"]
    message = people.say(world, ADA, "1001", "one")
    people.revise(world, ADA, "1001", message.id, "two")
    people.block(world, ADA, 42, True)
    assert [set(update) for update in updates(world)] == [{"update_id", "message"}]


def test_flood_limits_answer_429_and_count_only_what_was_let_through(world: World, clock: Clock) -> None:
    world.limits = {}
    people.say(world, ADA, "1001", "hi")
    for _ in range(CHAT_CALLS):
        bots.post(world, 42, ADA, HELLO)
    assert refused(bots.post, world, 42, ADA, HELLO) == "Too Many Requests: retry after 6"
    clock.time += 5.5
    assert refused(bots.post, world, 42, ADA, HELLO) == "Too Many Requests: retry after 3", "0.5 s left, 2 s more"
    clock.time += 2.5
    assert bots.post(world, 42, ADA, HELLO).text == "Hello"


def test_a_group_takes_twenty_messages_a_minute(world: World, clock: Clock) -> None:
    world.limits = {}
    for _ in range(20):
        bots.post(world, 42, HIKERS, HELLO)
        clock.time += 1
    assert refused(bots.post, world, 42, HIKERS, HELLO) == "Too Many Requests: retry after 40"


def test_two_bots_share_a_group_and_no_private_chat(world: World) -> None:
    seed.bot(world, "43:other", "Other", "other_bot")
    seed.join(world, 43)
    people.say(world, ADA, str(HIKERS), "hi all")
    people.say(world, ADA, "43/1001", "hi other")
    assert [update["message"]["text"] for update in updates(world)] == ["hi all"]
    assert len(world.queue(43).waiting) == 2
    assert bots.post(world, 43, ADA, HELLO).home == (43, ADA)


@pytest.mark.parametrize("key", ["", "x", "1002", "-5", f"{FORUM}", f"{FORUM}:77", f"{HIKERS}:1"])
def test_nobody_speaks_where_they_are_not(world: World, key: str) -> None:
    with pytest.raises(Denied):
        people.say(world, ADA, key, "hi")


def test_events_reach_listeners_with_growing_numbers(world: World) -> None:
    events: list[Event] = []
    world.listeners.append(events.append)
    people.say(world, ADA, "1001", "hi")
    bots.act(world, 42, ADA, 0)
    bots.post(world, 42, ADA, HELLO)
    assert [event.kind for event in events] == ["message", "read", "typing", "message"]
    assert sorted({event.n for event in events}) == [event.n for event in events]


def test_a_world_comes_back_from_its_journal(world: World, journal: list[bytes], clock: Clock) -> None:
    question = people.say(world, ADA, f"{FORUM}:{QUESTIONS}", "hi")
    people.say(world, ADA, "1001", "one")
    people.revise(world, ADA, "1001", 1, "two")
    bots.post(world, 42, FORUM, Words("Hello", link_preview={"is_disabled": True}), 0, Reply(question.id))
    world.queue(42).take(int(START) + 1, 1, START)
    again = World(42, clock)
    for record in map(DECODER.decode, journal):
        again.restore(record)
    assert sorted(lines(again)) == sorted(lines(world))
    assert again.next_id(again.chats[0, FORUM]) == world.next_id(world.chats[0, FORUM])
    assert again.thread(f"{FORUM}:{QUESTIONS}") == world.thread(f"{FORUM}:{QUESTIONS}")


def lines(world: World) -> list[bytes]:
    def line(record: Record) -> bytes:
        return msgspec.json.encode(record)

    return [line(record) for record in world.snapshot(100)]
