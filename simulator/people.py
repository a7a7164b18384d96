"""What people do in the world: write, reply, edit, read, block a bot. Denied says why an app would not let them."""

from dataclasses import dataclass

import msgspec

from simulator import members, text
from simulator.records import (
    Chat,
    Denied,
    Entity,
    Media,
    Message,
    Origin,
    Person,
    Quote,
    Refusal,
    Seen,
    Topic,
)
from simulator.world import Event, World, copy

FIRST_PERSON = 1001
EDIT_SECONDS = 48 * 3600
LANGUAGES = ("en", "zh", "ja", "es", "ru", "de")


@dataclass(frozen=True, slots=True)
class Extra:
    """What a message has besides words; `speaker` is the chat in whose name one speaks, `album` joins several."""

    media: Media | None = None
    album: str = ""
    speaker: int = 0
    origin: Origin | None = None
    entities: tuple[Entity, ...] = ()


PLAIN = Extra()


def chat_of(world: World, person: int, key: str) -> tuple[Chat, int]:
    """The chat and topic of a conversation that this person takes part in."""
    try:
        home, topic = world.home(key)
    except ValueError:
        raise Denied("There is no such chat") from None
    chat = world.chats.get(home)
    if person not in world.people or chat is None or person not in chat.members or (chat.forum != bool(topic)):
        raise Denied("There is no such chat for this person")
    if topic and chat.topic(topic) is None:
        raise Denied("There is no such topic")
    return chat, topic


def say(
    world: World, person: int, key: str, words: str, reply: int = 0, quote: str = "", extra: Extra = PLAIN
) -> Message:
    """Writes a message as this person; `quote` is the part of the answered message that is meant."""
    chat, topic = chat_of(world, person, key)
    if chat.moved:
        raise Denied("This group became a supergroup")
    if chat.bot and chat.bot in world.people[person].blocks:
        raise Denied("You blocked this bot. Unblock it to write to it")
    answered = world.message(chat.home, reply)
    if reply and (answered is None or (chat.forum and answered.topic != topic)):
        raise Denied("The message to reply to is gone")
    if extra.speaker and not chat.chief(person):
        raise Denied("Only administrators speak in the name of a chat")
    words, entities = _checked(words, extra.media is not None, list(extra.entities))
    message = Message(chat.bot, chat.id, world.next_id(chat), person, int(world.now()), words, entities=entities)
    message.topic, message.media, message.album = topic, extra.media, extra.album
    message.speaker, message.origin = extra.speaker, extra.origin
    if answered is not None:
        message.reply, message.quote = reply, _quote(answered, quote)
        message.thread = (answered.thread or reply) if chat.kind == "supergroup" and not chat.forum else 0
    world.publish(message)
    read(world, person, key, message.id)
    world.hear("message", message)
    return message


def forward(world: World, person: int, key: str, number: int, to: str, hidden: bool = False) -> Message:
    """Forwards a message to another conversation; `hidden`: its writer lets nobody link to them."""
    chat, _ = chat_of(world, person, key)
    old = world.message(chat.home, number)
    if old is None or old.opens or old.service is not None:
        raise Denied("The message is gone")
    origin = old.origin or Origin(old.date, 0 if old.speaker else old.sender, chat=old.speaker)
    if hidden:
        origin = Origin(old.date, name=world.name(old.sender))
    return say(world, person, to, old.text, extra=Extra(old.media, origin=origin, entities=tuple(old.entities)))


def revise(world: World, person: int, key: str, number: int, words: str) -> Message:
    """Changes the text of one's own message."""
    old = _own(world, person, key, number)
    if world.now() - old.date > EDIT_SECONDS:
        raise Denied("A message can be edited for 48 hours")
    words, entities = _checked(words, old.media is not None)
    if words == old.text:
        raise Denied("The text is the same as before")
    message = world.publish(copy(old, text=words, entities=entities, edited=int(world.now())), "edit")
    world.hear("edited_message", message)
    return message


def remove(world: World, person: int, key: str, number: int) -> Message:
    """Deletes one's own message; no bot hears of it."""
    return world.publish(copy(_own(world, person, key, number), deleted=True), "delete")


def read(world: World, person: int, key: str, up_to: int) -> None:
    """Notes that this person has read a conversation up to a message."""
    chat, topic = chat_of(world, person, key)
    if up_to > world.seen.get((person, key), 0):
        world.put(Seen(person, key, up_to))
        world.tell(Event(world.number(), "read", chat, topic, person=person))


def block(world: World, person: int, bot: int, blocked: bool) -> None:
    """Blocks or unblocks a bot, which hears of it as my_chat_member."""
    who, it = world.people.get(person), world.bots.get(bot)
    if who is None or it is None:
        raise Denied("There is no such person or bot")
    if (bot in who.blocks) == blocked:
        return
    blocks = [*who.blocks, bot] if blocked else [other for other in who.blocks if other != bot]
    world.put(msgspec.structs.replace(who, blocks=blocks))
    states = ("member", "kicked") if blocked else ("kicked", "member")
    members.changed(world, world.chats[bot, person], it, person, states)
    world.tell(Event(world.number(), "read", world.chats[bot, person], person=person))


def enter(world: World, name: str, username: str = "", number: int = 0, language: str = "en") -> Person:
    """A new person, with an empty private chat with every bot."""
    words = name.split()
    if not words or len(name) > 64:
        raise Denied("A name has 1 to 64 characters")
    number = number or max([FIRST_PERSON - 1, *world.people]) + 1
    person = Person(number, words[0], " ".join(words[1:]), username or _username(world, words[0], number))
    person.language = language
    world.put(person)
    for bot in world.bots:
        meet(world, bot, number)
    world.tell(Event(world.number(), "commands"))  # every open page looks anew, and finds the newcomer
    return person


def choose_language(world: World, person: int, language: str) -> None:
    """Sets the language of a person's app."""
    who = world.people.get(person)
    if who is None or language not in LANGUAGES:
        raise Denied(f"A language is one of {', '.join(LANGUAGES)}")
    world.put(msgspec.structs.replace(who, language=language))
    world.tell(Event(world.number(), "commands"))


def meet(world: World, bot: int, person: int) -> None:
    """Opens the private chat of a bot and a person, if there is none."""
    if (bot, person) not in world.chats:
        world.put(Chat(person, "private", bot=bot, members={person: "member"}, bots={bot: "member"}))


def open_topic(world: World, chat: Chat, name: str, person: int) -> int:
    """Opens a topic in a forum; its id is that of the service message, which bots hear too."""
    number = world.next_id(chat)
    world.put(msgspec.structs.replace(chat, topics=[*chat.topics, Topic(number, name)]))
    message = Message(chat.bot, chat.id, number, person, int(world.now()), "", topic=number, opens=name)
    world.publish(message)
    world.hear("message", message)
    return number


def _checked(words: str, media: bool = False, entities: list[Entity] | None = None) -> tuple[str, list[Entity]]:
    longest = text.LONGEST_CAPTION if media else text.LONGEST
    try:
        return text.clean(words, entities or [], longest, empty=media)
    except Refusal as refusal:
        if refusal.description.endswith("too long"):
            raise Denied(f"A {'caption' if media else 'message'} has at most {longest} characters") from None
        raise Denied("A message needs some text") from None


def _own(world: World, person: int, key: str, number: int) -> Message:
    chat, topic = chat_of(world, person, key)
    message = world.message(chat.home, number)
    if message is None or message.topic != topic or message.opens or message.service is not None:
        raise Denied("The message is gone")
    if message.sender != person:
        raise Denied("Only one's own messages can be changed")
    return message


def _quote(answered: Message, part: str) -> Quote | None:
    if not part:
        return None
    at = answered.text.find(part)
    if at < 0:
        raise Denied("The quoted words are not in the message")
    return Quote(part, text.units(answered.text[:at]))


def _username(world: World, first: str, number: int) -> str:
    plain = "".join(char for char in first.lower() if char.isascii() and char.isalnum())
    taken = {person.username for person in world.people.values()}
    return "" if not plain else plain if plain not in taken and len(plain) > 4 else f"{plain}_{number}"
