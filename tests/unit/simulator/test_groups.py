"""Groups: who comes and goes, what bots hear of it, who speaks in whose name, and the move to a supergroup."""

from typing import Any

import pytest
from aiogram.types import Update

from simulator import bots, groups, people, seed
from simulator.bots import Words
from simulator.methods import Args, call
from simulator.people import Extra
from simulator.records import Chat, Denied, Refusal
from simulator.seed import HIKERS
from simulator.world import World

ADA, GRACE, LINUS = 1001, 1002, 1003
KEY = str(HIKERS)
HELLO = Words("Hello")


def updates(world: World, bot: int = 42) -> list[Update]:
    return [Update.model_validate_json(bytes(queued.raw)) for queued in world.queue(bot).waiting]


def kinds(world: World) -> list[str]:
    return [update.event_type for update in updates(world)]


def refused(world: World, chat: int) -> Refusal:
    with pytest.raises(Refusal) as caught:
        bots.post(world, 42, chat, HELLO)
    return caught.value


@pytest.fixture
def club(world: World) -> Chat:
    return groups.create(world, ADA, "Book club", [GRACE], [42])


def test_a_new_group_is_told_to_the_bot_that_is_in_it(world: World, club: Chat) -> None:
    first, second = updates(world)
    assert first.my_chat_member is not None
    assert (first.my_chat_member.old_chat_member.status, first.my_chat_member.new_chat_member.status) == (
        "left", "member",
    )  # fmt: skip
    assert second.message is not None
    assert (second.message.group_chat_created, second.message.chat.type, club.id) == (True, "group", -4001)


@pytest.mark.parametrize(
    "deeds,states",
    [
        (["promote", "demote"], [("member", "administrator"), ("administrator", "member")]),
        (["mute"], [("member", "restricted")]),
        (["remove", "add"], [("member", "kicked"), ("kicked", "member")]),
    ],
)
def test_every_change_of_the_bots_place_is_told(world: World, deeds: list[str], states: list[tuple[str, str]]) -> None:
    for deed in deeds:
        groups.change(world, ADA, KEY, 42, deed)
    told = [update.my_chat_member for update in updates(world) if update.my_chat_member]
    assert [(one.old_chat_member.status, one.new_chat_member.status) for one in told] == states


def test_a_bot_that_was_removed_hears_that_alone_and_may_do_nothing(world: World) -> None:
    groups.change(world, ADA, KEY, 42, "remove")
    people.say(world, ADA, KEY, "secret")
    removal = updates(world)[1].message
    assert kinds(world) == ["my_chat_member", "message"]
    assert removal is not None
    assert removal.left_chat_member is not None
    for chat, words in ((HIKERS, "Forbidden: bot was kicked from the supergroup chat"),):
        assert (refused(world, chat).status, refused(world, chat).description) == (403, words)
    with pytest.raises(Refusal, match="kicked"):
        call(world, world.bots[42], "getChat", Args({"chat_id": HIKERS}))


def test_a_bot_that_leaves_is_no_member(world: World) -> None:
    call(world, world.bots[42], "leaveChat", Args({"chat_id": HIKERS}))
    assert refused(world, HIKERS).description == "Forbidden: bot is not a member of the supergroup chat"


def test_a_muted_bot_has_no_right_to_write(world: World) -> None:
    groups.change(world, ADA, KEY, 42, "mute")
    assert refused(world, HIKERS).description == "Bad Request: not enough rights to send text messages to the chat"
    people.say(world, ADA, KEY, "hi")
    assert kinds(world) == ["my_chat_member", "message"]


def test_only_administrators_rule(world: World) -> None:
    with pytest.raises(Denied, match="Only the group's administrators"):
        groups.change(world, LINUS, KEY, 42, "remove")
    with pytest.raises(Denied, match="Only administrators speak"):
        people.say(world, LINUS, KEY, "hi", extra=Extra(speaker=HIKERS))


def test_a_group_becomes_a_supergroup_and_the_old_id_says_where_it_went(world: World, club: Chat) -> None:
    people.say(world, ADA, str(club.id), "before")
    sent = bots.post(world, 42, club.id, HELLO)
    world.queue(42).clear()
    fresh = groups.migrate(world, ADA, str(club.id))
    told = [update.message for update in updates(world)]
    assert [(one.chat.id, one.migrate_to_chat_id, one.migrate_from_chat_id) for one in told if one] == [
        (club.id, fresh.id, None), (fresh.id, None, club.id),
    ]  # fmt: skip
    refusal = refused(world, club.id)
    assert (refusal.status, refusal.description, refusal.moved) == (
        400, "Bad Request: group chat was upgraded to a supergroup chat", fresh.id,
    )  # fmt: skip
    assert bots.rewrite(world, 42, club.id, sent.id, Words("Edited")).text == "Edited", "edits still reach old messages"
    assert bots.post(world, 42, fresh.id, HELLO).id == 2
    with pytest.raises(Denied, match="became a supergroup"):
        people.say(world, ADA, str(club.id), "hi")
    with pytest.raises(Denied, match="supergroup already"):
        groups.migrate(world, ADA, str(fresh.id))


@pytest.mark.parametrize("method,given", [("getChatMember", {"user_id": ADA}), ("getChatAdministrators", {})])
def test_who_is_in_a_small_group_is_told_to_its_members_alone_and_only_until_it_moves(
    world: World, club: Chat, method: str, given: dict[str, Any]
) -> None:
    asked = Args({"chat_id": club.id} | given)
    groups.change(world, ADA, str(club.id), 42, "remove")
    assert call(world, world.bots[42], "getChat", asked)[0], "that it is there may be known"
    with pytest.raises(Refusal, match="Forbidden: bot was kicked from the group chat"):
        call(world, world.bots[42], method, asked)
    groups.change(world, ADA, str(club.id), 42, "add")
    fresh = groups.migrate(world, ADA, str(club.id))
    with pytest.raises(Refusal, match="upgraded to a supergroup") as caught:
        call(world, world.bots[42], method, asked)
    assert caught.value.moved == fresh.id
    assert call(world, world.bots[42], "getChat", asked)[0]


def test_an_anonymous_administrator_is_the_group(world: World) -> None:
    people.say(world, ADA, KEY, "hi", extra=Extra(speaker=HIKERS))
    message = updates(world)[0].message
    assert message is not None
    assert message.from_user is not None
    assert message.sender_chat is not None
    assert (message.from_user.username, message.from_user.is_bot, message.sender_chat.id) == (
        "GroupAnonymousBot", True, HIKERS,
    )  # fmt: skip


def test_a_post_of_the_linked_channel_is_forwarded_to_the_group_by_itself(world: World) -> None:
    groups.announce(world, ADA, KEY, "News")
    groups.announce(world, ADA, KEY, "More news")
    first, second = [update.message for update in updates(world)]
    assert first is not None
    assert second is not None
    assert first.sender_chat is not None
    assert first.from_user is not None
    assert (first.sender_chat.type, first.from_user.id, first.is_automatic_forward) == ("channel", 777000, True)
    assert first.forward_origin is not None
    assert (first.forward_origin.type, second.sender_chat) == ("channel", first.sender_chat)


def test_a_forwarded_message_names_its_writer_unless_that_is_hidden(world: World) -> None:
    said = people.say(world, GRACE, KEY, "Where do we meet?")
    people.forward(world, ADA, KEY, said.id, str(ADA))
    people.forward(world, ADA, KEY, said.id, str(ADA), hidden=True)
    origins = [update.message.forward_origin for update in updates(world)[1:] if update.message]
    assert [one.type for one in origins if one] == ["user", "hidden_user"]


def test_bots_do_not_hear_each_other_unless_both_want_to(world: World) -> None:
    other = seed.bot(world, "43:other", "Other", "other_bot")
    seed.join(world, 43)
    bots.post(world, 43, HIKERS, HELLO)
    assert updates(world) == []
    other.talks = world.bots[42].talks = True
    bots.post(world, 43, HIKERS, HELLO)
    message = updates(world)[0].message
    assert message is not None
    assert message.from_user is not None
    assert message.from_user.is_bot


def test_each_person_has_a_language_and_a_menu_in_it(world: World) -> None:
    def menu(description: str, **more: Any) -> None:
        given = {"commands": [{"command": "help", "description": description}], **more}
        call(world, world.bots[42], "setMyCommands", Args(given))

    menu("Help")
    menu("Hilfe", language_code="de")
    menu("Ayuda", language_code="es", scope={"type": "all_private_chats"})
    people.choose_language(world, ADA, "de")
    people.say(world, ADA, str(ADA), "Hallo")
    message = updates(world)[0].message
    assert message is not None
    assert message.from_user is not None
    assert message.from_user.language_code == "de"
    read = call(world, world.bots[42], "getMyCommands", Args({"language_code": "de"}))[0]
    assert [one.description for one in read] == ["Hilfe"]  # type: ignore[attr-defined]
    with pytest.raises(Refusal, match="nvalid language code"):
        menu("x", language_code="deutsch")
    with pytest.raises(Denied, match="A language is one of"):
        people.choose_language(world, ADA, "tlh")
