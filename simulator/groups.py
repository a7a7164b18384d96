"""What the administrators of a group do: make it, let bots in and out, promote and mute them, turn it into a
supergroup, link a channel and post there."""

import msgspec

from simulator import text
from simulator.members import become, changed, note
from simulator.people import chat_of
from simulator.records import Bot, Chat, Denied, Message, Origin, Service
from simulator.world import Event, World

SUPERGROUP = -1_000_000_000_000
DEEDS = {"add": "member", "promote": "administrator", "demote": "member", "mute": "restricted", "remove": "kicked"}


def create(world: World, person: int, title: str, others: list[int], bots: list[int]) -> Chat:
    """A new small group of this person, the others and the bots."""
    title = title.strip()
    if not title or len(title) > 128:
        raise Denied("A group's name has 1 to 128 characters")
    if person not in world.people or any(one not in world.people for one in others):
        raise Denied("There is no such person")
    members = {person: "creator"} | {one: "member" for one in others if one != person}
    number = min([-4000, *(one.id for one in world.chats.values() if SUPERGROUP < one.id < 0)]) - 1
    invited = [_bot(world, one) for one in bots]
    chat = Chat(number, "group", title, members=members, bots={bot.id: "member" for bot in invited})
    world.put(chat)
    for bot in invited:
        changed(world, chat, bot, person, ("left", "member"))
    note(world, chat, person, Service("created"))
    world.tell(Event(world.number(), "commands"))
    return chat


def change(world: World, person: int, key: str, bot: int, deed: str) -> Chat:
    """An administrator adds, promotes, demotes, mutes or removes a bot."""
    chat, it = _command(world, person, key), _bot(world, bot)
    if deed not in DEEDS:
        raise Denied(f"The deed is one of {', '.join(DEEDS)}")
    if deed != "add" and not chat.has(bot):
        raise Denied("The bot is not in this group")
    if deed == "add" and chat.has(bot):
        raise Denied("The bot is in this group already")
    return become(world, chat, it, person, DEEDS[deed])


def leave(world: World, bot: int, chat: Chat) -> None:
    """A bot goes by itself."""
    become(world, chat, world.bots[bot], bot, "left")


def migrate(world: World, person: int, key: str) -> Chat:
    """Turns a small group into a supergroup with a new id; the old one only says where it went."""
    old = _command(world, person, key)
    if old.kind != "group":
        raise Denied("This is a supergroup already")
    number = min([SUPERGROUP - 1_000_000_100, *(one.id for one in world.chats.values())]) - 1
    bots = {bot: status for bot, status in old.bots.items() if old.has(bot)}
    fresh = Chat(number, "supergroup", old.title, members=dict(old.members), bots=bots, linked=old.linked)
    world.put(fresh)
    moved = msgspec.structs.replace(old, moved=number)
    world.put(moved)
    note(world, moved, person, Service("moved_to", number))
    note(world, fresh, person, Service("moved_from", old.id))
    world.tell(Event(world.number(), "commands"))
    return fresh


def announce(world: World, person: int, key: str, words: str) -> Message:
    """Posts in the channel that is linked to a group (made at the first time): the group gets it forwarded."""
    chat = _command(world, person, key)
    channel = world.find(0, chat.linked) if chat.linked else _channel(world, person, chat)
    if channel is None:
        raise Denied("The channel is gone")
    words, entities = text.clean(words, [])
    number = world.next_id(channel)
    post = Message(0, channel.id, number, person, int(world.now()), words, entities=entities, speaker=channel.id)
    world.publish(post)
    topic = chat_of(world, person, key)[1]
    copied = Message(0, chat.id, world.next_id(chat), person, int(world.now()), words, entities=entities, topic=topic)
    copied.speaker, copied.automatic = channel.id, True
    copied.origin = Origin(post.date, chat=channel.id, message=number)
    world.publish(copied)
    world.hear("message", copied)
    return copied


def _channel(world: World, person: int, chat: Chat) -> Chat:
    number = min([SUPERGROUP - 2_000_000_000, *(one.id for one in world.chats.values())]) - 1
    channel = Chat(number, "channel", f"{chat.title} news", members={person: "creator"})
    world.put(channel)
    world.put(msgspec.structs.replace(world.chat(chat.home), linked=number))
    return channel


def _command(world: World, person: int, key: str) -> Chat:
    """The group of a conversation, if this person commands there."""
    chat, _ = chat_of(world, person, key)
    if chat.kind == "private":
        raise Denied("This is no group")
    if not chat.chief(person):
        raise Denied("Only the group's administrators can do that")
    if chat.moved:
        raise Denied("This group became a supergroup")
    return chat


def _bot(world: World, number: int) -> Bot:
    bot = world.bots.get(number)
    if bot is None:
        raise Denied("There is no such bot")
    return bot
