"""What a bot may do in the world, and Telegram's words when it may not. The order of the checks is the server's."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from simulator import text, wire
from simulator.limits import Limits
from simulator.records import GENERAL, Chat, Entity, Message, Quote, Refusal, bad
from simulator.world import TYPING_SECONDS, Event, World, copy, flooded

DELETE_SECONDS = 48 * 3600
SAME = (
    "Message is not modified: specified new message content and reply markup are exactly the same as a current content"
    " and reply markup of the message"
)


@dataclass(frozen=True, slots=True)
class Words:
    """What a bot wants to say."""

    text: str
    entities: Sequence[Entity] = ()
    link_preview: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Reply:
    """What it answers; `optional`: it is sent all the same when that is gone."""

    to: int = 0
    optional: bool = False
    quote: str = ""


NO_REPLY = Reply()


def post(world: World, bot: int, chat: int, words: Words, topic: int = 0, reply: Reply = NO_REPLY) -> Message:
    """Sends a message as a bot."""
    where = reach(world, bot, chat)
    answered = world.message(where.home, reply.to)
    topic = _topic(where, topic, answered)
    if reply.to and answered is None and not reply.optional:
        raise bad("Message to be replied not found")
    body, entities = text.clean(words.text, _entities(world, words))
    quote = _quote(answered, reply.quote)
    allow(world, bot, where)
    message = Message(where.bot, where.id, world.next_id(where), bot, int(world.now()), body, entities=entities)
    message.topic, message.link_preview = topic, words.link_preview
    if answered is not None:
        message.reply, message.quote = answered.id, quote
        message.thread = (answered.thread or answered.id) if where.kind == "supergroup" and not where.forum else 0
    return world.publish(message)


def rewrite(world: World, bot: int, chat: int, number: int, words: Words) -> Message:
    """Changes the text of one of the bot's messages."""
    where = reach(world, bot, chat, write=False)
    old = world.message(where.home, number)
    if old is None:
        raise bad("Message to edit not found")
    if old.sender != bot:
        raise bad("Message can't be edited")
    body, entities = text.clean(words.text, _entities(world, words))
    allow(world, bot, where)
    if (body, entities, words.link_preview) == (old.text, old.entities, old.link_preview):
        raise bad(SAME)
    changes = {"text": body, "entities": entities, "link_preview": words.link_preview, "edited": int(world.now())}
    return world.publish(copy(old, **changes), "edit")


def erase(world: World, bot: int, chat: int, number: int) -> None:
    """Deletes a message: its own, any in a private chat, others' only as an administrator; all within 48 hours."""
    where = reach(world, bot, chat)
    old = world.message(where.home, number)
    if old is None:
        raise bad("Message to delete not found")
    may = old.sender == bot or where.kind == "private" or where.bots[bot] == "administrator"
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


def reach(world: World, bot: int, chat: int, write: bool = True) -> Chat:
    """The chat a bot may use; a stranger who never wrote to it is no chat at all."""
    where = world.find(bot, chat)
    if where is None or bot not in where.bots:
        raise bad("Chat not found")
    if where.kind != "private" or not write or world.messages[where.home] or _blocked(world, bot, where):
        return where
    if any(chat in other.members and bot in other.bots for other in world.chats.values() if not other.bot):
        raise Refusal("Forbidden: bot can't initiate conversation with a user", status=403)
    raise bad("Chat not found")


def allow(world: World, bot: int, where: Chat, counts: bool = True) -> None:
    """Refuses where the person blocked the bot, or where limits are on and it is too fast."""
    if _blocked(world, bot, where):
        raise Refusal("Forbidden: bot was blocked by the user", status=403)
    if world.limits is not None and counts:
        seconds = world.limits.setdefault(bot, Limits()).refuse_for(where.id, world.now())
        if seconds:
            raise flooded(seconds)


def _entities(world: World, words: Words) -> list[Entity]:
    """The entities with their users as Telegram knows them."""
    entities = []
    for entity in words.entities:
        if entity.type == "text_mention" and entity.user is not None:
            who = world.people.get(entity.user["id"])
            if who is None:
                raise bad("User not found")
            entities.append(msgspec.structs.replace(entity, user=wire.user(who)))
        else:
            entities.append(entity)
    return entities


def _blocked(world: World, bot: int, where: Chat) -> bool:
    return where.kind == "private" and bot in world.people[where.id].blocks


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
