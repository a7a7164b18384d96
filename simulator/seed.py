"""The world of a first run: four people, a group, a forum with three topics, and the bot in all of them."""

from simulator import people
from simulator.records import GENERAL, Bot, Chat, Topic
from simulator.world import World

PEOPLE = (
    ("Ada Lovelace", "ada"),
    ("Grace Hopper", "grace"),
    ("Linus Torvalds", "linus"),
    ("Margaret Hamilton", "margaret"),
)
HIKERS, FORUM = -1001000000001, -1001000000002
TOPICS = ("Ideas", "Questions")


def bot(world: World, token: str, first_name: str = "Lanekeeper", username: str = "lanekeeper_bot") -> Bot:
    """Adds the bot of this token, or gives a known one this token; its id is the number before the colon."""
    number = int(token.partition(":")[0])
    known = world.bots.get(number)
    if known is None:
        known = Bot(number, token, first_name, username)
        world.put(known)
    elif known.token != token:
        known.token = token
        world.put(known)
    for person in world.people:
        people.meet(world, number, person)
    return known


def first_run(world: World) -> None:
    """Fills an empty world; the bot hears nothing of how the topics were opened."""
    for name, username in PEOPLE:
        people.enter(world, name, username)
    ada, grace, linus, margaret = list(world.people)[:4]
    group = {ada: "administrator", grace: "creator", linus: "member", margaret: "member"}
    world.put(Chat(HIKERS, "supergroup", "Weekend hikers", members=group))
    world.put(Chat(FORUM, "supergroup", "Lanekeeper forum", members=dict(group), topics=[Topic(GENERAL, "General")]))
    for name in TOPICS:
        people.open_topic(world, world.chats[0, FORUM], name, grace)


def join(world: World, number: int) -> None:
    """Makes a bot a member of the first run's groups."""
    for chat in (world.chats.get((0, HIKERS)), world.chats.get((0, FORUM))):
        if chat is not None:
            chat.bots[number] = "member"
            world.put(chat)
