"""What a person sees on the page: who commands, which menu, and whom a message answers."""

import pytest

from simulator import bots, people
from simulator.bots import Reply, Words
from simulator.chat import View
from simulator.methods import Args, call
from simulator.seed import FORUM, HIKERS
from simulator.world import World

ADA, GRACE, LINUS = 1001, 1002, 1003


def offered(world: World, person: int, key: str) -> list[str]:
    """The commands that complete for this person in this chat."""
    chats = View(world, world.people[person]).state()["chats"]
    return [one["command"] for chat in chats if chat["key"] == key for one in chat["commands"]]


def menu(world: World, command: str, **scope: object) -> None:
    given = {"commands": [{"command": command, "description": "x"}]} | ({"scope": scope} if scope else {})
    call(world, world.bots[42], "setMyCommands", Args(given))


@pytest.mark.parametrize(
    "scope, seen",
    [
        ({"type": "chat", "chat_id": ADA}, ["Ada alone"]),
        ({"type": "all_private_chats"}, ["Ada alone", "Linus alone"]),
        ({"type": "all_group_chats"}, ["Ada in a group", "Linus in a group"]),
        ({"type": "chat", "chat_id": HIKERS}, ["Ada in a group", "Linus in a group"]),
        ({"type": "all_chat_administrators"}, ["Ada in a group"]),
        ({"type": "chat_administrators", "chat_id": HIKERS}, ["Ada in a group"]),
        ({"type": "chat_member", "chat_id": HIKERS, "user_id": LINUS}, ["Linus in a group"]),
        ({"type": "chat_member", "chat_id": FORUM, "user_id": LINUS}, []),
    ],
)
def test_the_menu_of_a_scope_is_offered_there_and_nowhere_else(
    world: World, scope: dict[str, object], seen: list[str]
) -> None:
    menu(world, "help")
    menu(world, "special", **scope)
    places = {
        **{f"{name} alone": offered(world, person, str(person)) for name, person in (("Ada", ADA), ("Linus", LINUS))},
        "Ada in a group": offered(world, ADA, str(HIKERS)),
        "Linus in a group": offered(world, LINUS, str(HIKERS)),
    }
    assert places == {place: ["special"] if place in seen else ["help"] for place in places}


def test_who_commands_is_said_beside_the_name(world: World) -> None:
    world.tags[ADA] = "operator"
    state = View(world, world.people[LINUS]).state()
    assert {one["id"]: one["tag"] for one in state["people"] if one["tag"]} == {ADA: "operator"}
    roles = {chat["key"]: chat["roles"] for chat in state["chats"]}
    assert roles[str(HIKERS)] == {str(ADA): "admin", str(GRACE): "owner"}
    assert roles[str(LINUS)] == {}


def test_a_tag_is_of_the_page_and_not_kept_with_the_world(world: World, journal: list[bytes]) -> None:
    world.tags[ADA] = "operator"
    people.say(world, ADA, str(ADA), "hi")
    assert not [line for line in journal if b"operator" in line]


def test_a_message_says_whether_it_answers_oneself_and_whether_it_quotes_a_part(world: World) -> None:
    asked = people.say(world, ADA, str(HIKERS), "one two")
    bots.post(world, 42, HIKERS, Words("yes"), reply=Reply(asked.id))
    people.say(world, GRACE, str(HIKERS), "no", asked.id, "two")
    shown = {
        person: [
            (one["reply"]["mine"], one["reply"]["part"])
            for one in View(world, world.people[person]).messages(str(HIKERS), 0, 9)
            if one["reply"]
        ]
        for person in (ADA, GRACE)
    }
    assert shown == {ADA: [(True, False), (True, True)], GRACE: [(False, False), (False, True)]}


def test_names_in_a_group_carry_the_role_and_the_tag_goes_before_it(world: World) -> None:
    world.tags[ADA] = "operator"
    for person in (ADA, GRACE, LINUS):
        people.say(world, person, str(HIKERS), "hi")
    shown = View(world, world.people[LINUS]).messages(str(HIKERS), 0, 9)
    assert [one["from"]["tag"] for one in shown] == ["operator", "owner", ""]
