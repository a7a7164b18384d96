"""Reactions under messages: one of each bot and of each person. Bots hear of people's only where they asked for it."""

from simulator import wire
from simulator.access import reach
from simulator.people import chat_of
from simulator.records import Chat, Denied, Message, bad
from simulator.world import World, copy

EMOJI = (
    "❤", "👍", "👎", "🔥", "🥰", "👏", "😁", "🤔", "🤯", "😱", "🤬", "😢", "🎉", "🤩", "🤮", "💩", "🙏", "👌", "🕊",
    "🤡", "🥱", "🥴", "😍", "🐳", "❤\u200d🔥", "🌚", "🌭", "💯", "🤣", "⚡", "🍌", "🏆", "💔", "🤨", "😐", "🍓", "🍾",
    "💋", "🖕", "😈", "😴", "😭", "🤓", "👻", "👨\u200d💻", "👀", "🎃", "🙈", "😇", "😨", "🤝", "✍", "🤗", "🫡", "🎅",
    "🎄", "☃", "💅", "🤪", "🗿", "🆒", "💘", "🙉", "🦄", "😘", "💊", "🙊", "😎", "👾", "🤷\u200d♂", "🤷",
    "🤷\u200d♀", "😡",
)  # fmt: skip
MOST = 1  # of a bot, or of a person without Premium


def react(world: World, bot: int, chat: int, number: int, given: list[str]) -> None:
    """A bot reacts to a message, or takes its reaction back with none; custom emoji arrive as ""."""
    where = reach(world, bot, chat, "read")
    message = world.message(where.home, number)
    if message is None:
        raise bad("Message to react not found")
    emoji = [plain(one) for one in given]
    if len(emoji) > MOST:
        raise bad("REACTIONS_TOO_MANY")
    if message.service is not None or any(one not in EMOJI for one in emoji):
        raise bad("REACTION_INVALID")
    _set(world, message, bot, emoji[0] if emoji else "")


def choose(world: World, person: int, key: str, number: int, emoji: str) -> Message:
    """A person reacts, or takes it back with ""; returns the message."""
    chat, _ = chat_of(world, person, key)
    message, emoji = world.message(chat.home, number), plain(emoji)
    if message is None or message.service is not None:
        raise Denied("The message is gone")
    if emoji and emoji not in EMOJI:
        raise Denied("That is no reaction")
    before = message.reactions.get(person, "")
    changed = _set(world, message, person, emoji)
    if changed is not message:
        _tell_bots(world, chat, changed, person, before)
    return changed


def plain(emoji: str) -> str:
    """Without the selector that asks for a coloured picture, as Telegram lists them."""
    return emoji.replace("\ufe0f", "")


def _set(world: World, message: Message, user: int, emoji: str) -> Message:
    if message.reactions.get(user, "") == emoji:
        return message
    others = {who: one for who, one in message.reactions.items() if who != user}
    return world.publish(copy(message, reactions=others | ({user: emoji} if emoji else {})), "edit")


def _tell_bots(world: World, chat: Chat, message: Message, person: int, before: str) -> None:
    """In groups only bots that are administrators hear of reactions."""
    content = {
        "chat": wire.chat(world, chat),
        "message_id": message.id,
        "user": wire.user(world.people[person]),
        "date": int(world.now()),
        "old_reaction": _kinds(before),
        "new_reaction": _kinds(message.reactions.get(person, "")),
    }
    for number, status in chat.bots.items():
        if number in world.bots and (chat.kind == "private" or status == "administrator"):
            world.notify(world.bots[number], "message_reaction", lambda: content)


def _kinds(emoji: str) -> list[wire.Json]:
    return [{"type": "emoji", "emoji": emoji}] if emoji else []
