"""The world of a first run: four people, a group, a forum with three topics, and the bot in all of them."""

from simulator import people
from simulator.records import GENERAL, Bot, Chat, Topic
from simulator.world import World

PEOPLE = (("Ada Lovelace", "ada"), ("Grace Hopper", "grace"), ("Linus Torvalds", "linus"), ("Margaret Hamilton", "margaret"))
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
    """Makes the bot a member of every group that has none."""
    for chat in list(world.chats.values()):
        if not chat.bot and not chat.bots:
            chat.bots[number] = "member"
            world.put(chat)


def group(world: World, title: str, members: dict[int, str], *, forum: bool = False, bots: list[int] | None = None) -> Chat:
    """A new supergroup for tests; a forum begins with its General topic."""
    number = min([FORUM, *(chat.id for chat in world.chats.values())]) - 1
    topics = [Topic(GENERAL, "General")] if forum else []
    chat = Chat(number, "supergroup", title, members=members, topics=topics)
    chat.bots = dict.fromkeys(bots if bots is not None else [world.main], "member")
    world.put(chat)
    return chat
