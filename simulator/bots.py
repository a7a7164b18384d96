"""What a bot may say in the world, and Telegram's words when it may not. The order of the checks is the server's."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from simulator import text, wire
from simulator.access import allow, reach, speak
from simulator.records import GENERAL, Button, Chat, Entity, Message, Quote, bad
from simulator.world import TYPING_SECONDS, Event, World, copy

DELETE_SECONDS = 48 * 3600
SAME = (
    "Message is not modified: specified new message content and reply markup are exactly the same as a current content"
    " and reply markup of the message"
)
Keyboard = list[list[Button]]


@dataclass(frozen=True, slots=True)
class Words:
    """What a bot wants to say."""

    text: str
    entities: Sequence[Entity] = ()
    link_preview: dict[str, Any] | None = None
    buttons: Sequence[list[Button]] = ()


@dataclass(frozen=True, slots=True)
class Reply:
    """What it answers; `optional`: it is sent all the same when that is gone."""

    to: int = 0
    optional: bool = False
    quote: str = ""


NO_REPLY = Reply()


def post(world: World, bot: int, chat: int, words: Words, topic: int = 0, reply: Reply = NO_REPLY) -> Message:
    """Sends a message as a bot; other bots hear it where both sides have bot-to-bot talk on."""
    where = speak(world, bot, chat)
    answered = world.message(where.home, reply.to)
    topic = _topic(where, topic, answered)
    if reply.to and answered is None and not reply.optional:
        raise bad("Message to be replied not found")
    body, entities = text.clean(words.text, known(world, words.entities))
    quote = _quote(answered, reply.quote)
    allow(world, bot, where)
    message = Message(where.bot, where.id, world.next_id(where), bot, int(world.now()), body, entities=entities)
    message.topic, message.link_preview, message.buttons = topic, words.link_preview, list(words.buttons)
    if answered is not None:
        message.reply, message.quote = answered.id, quote
        message.thread = (answered.thread or answered.id) if where.kind == "supergroup" and not where.forum else 0
    world.publish(message)
    world.hear("message", message)
    return message


def rewrite(world: World, bot: int, chat: int, number: int, words: Words) -> Message:
    """Changes the text of one of the bot's messages; buttons that are not given again go."""
    old = _own(world, bot, chat, number)
    if old.media is not None or old.service is not None:
        raise bad("there is no text in the message to edit")
    body, entities = text.clean(words.text, known(world, words.entities))
    changes = {"text": body, "entities": entities, "link_preview": words.link_preview, "buttons": list(words.buttons)}
    return _change(world, bot, old, changes)


def rebutton(world: World, bot: int, chat: int, number: int, buttons: Keyboard) -> Message:
    """Changes only the buttons of one of the bot's messages."""
    return _change(world, bot, _own(world, bot, chat, number), {"buttons": buttons})


def erase(world: World, bot: int, chat: int, number: int) -> None:
    """Deletes a message: its own, any in a private chat, others' only as an administrator; all within 48 hours."""
    where = reach(world, bot, chat)
    old = world.message(where.home, number)
    if old is None:
        raise bad("Message to delete not found")
    may = old.sender == bot or where.kind == "private" or where.chief(bot)
    if not may or old.opens or world.now() - old.date > DELETE_SECONDS:
        raise bad("Message can't be deleted")
    world.publish(copy(old, deleted=True), "delete")


def act(world: World, bot: int, chat: int, topic: int) -> None:
    """Shows that the bot is at work, for 5 s or until its next message; here General is named by its id."""
    where = reach(world, bot, chat)
    topic = topic or (GENERAL if where.forum else 0)
    if where.forum and where.topic(topic) is None:
        raise bad("Message thread not found")
    allow(world, bot, where, counts=False)
    topic = topic if where.forum else 0
    world.typing[world.key(where, topic)] = world.now() + TYPING_SECONDS
    world.tell(Event(world.number(), "typing", where, topic))


def known(world: World, given: Sequence[Entity]) -> list[Entity]:
    """The entities with their users as Telegram knows them."""
    entities = []
    for entity in given:
        if entity.type == "text_mention" and entity.user is not None:
            who = world.people.get(entity.user["id"])
            if who is None:
                raise bad("User not found")
            entities.append(msgspec.structs.replace(entity, user=wire.user(who)))
        else:
            entities.append(entity)
    return entities


def _own(world: World, bot: int, chat: int, number: int) -> Message:
    old = world.message(reach(world, bot, chat, "edit").home, number)
    if old is None:
        raise bad("Message to edit not found")
    if old.sender != bot:
        raise bad("Message can't be edited")
    return old


def _change(world: World, bot: int, old: Message, changes: dict[str, Any]) -> Message:
    allow(world, bot, world.chat(old.home))
    if all(getattr(old, name) == value for name, value in changes.items()):
        raise bad(SAME)
    return world.publish(copy(old, **changes, edited=int(world.now())), "edit")


def _topic(where: Chat, topic: int, answered: Message | None) -> int:
    """Named, or that of the answered message, or General; groups without topics ignore the number."""
    if topic and (where.kind == "private" or (where.forum and (topic == GENERAL or where.topic(topic) is None))):
        raise bad("Message thread not found")
    if not where.forum:
        return 0
    return topic or (answered.topic if answered is not None else GENERAL)


def _quote(answered: Message | None, part: str) -> Quote | None:
    if not part or answered is None:
        return None
    at = answered.text.find(part)
    if at < 0:
        raise bad("QUOTE_TEXT_INVALID")
    return Quote(part, text.units(answered.text[:at]))
