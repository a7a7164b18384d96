"""Who is in a chat, and how bots hear that they came, went, rose or fell: my_chat_member."""

import msgspec

from simulator import wire
from simulator.records import PRESENT, Bot, Chat, Message, Service
from simulator.world import Event, World


def changed(world: World, chat: Chat, bot: Bot, person: int, states: tuple[str, str]) -> None:
    """Tells a bot that `person` (it may be itself) changed its status here from the first state to the second."""
    content = {
        "chat": wire.chat(world, chat),
        "from": wire.user(world.people.get(person) or world.bots[person]),
        "date": int(world.now()),
        "old_chat_member": wire.member(bot, states[0]),
        "new_chat_member": wire.member(bot, states[1]),
    }
    world.notify(bot, "my_chat_member", lambda: content)


def become(world: World, chat: Chat, bot: Bot, person: int, status: str) -> Chat:
    """Gives a bot a new status in a group, with its service message where people see one; returns the changed group."""
    before = chat.bots.get(bot.id, "left")
    if before == status:
        return chat
    fresh = msgspec.structs.replace(chat, bots=chat.bots | {bot.id: status})
    world.put(fresh)
    changed(world, fresh, bot, person, (before, status))
    if (before in PRESENT) != (status in PRESENT):
        note(world, fresh, person, Service("joined" if status in PRESENT else "left", bot.id))
    world.tell(Event(world.number(), "commands"))
    return fresh


def note(world: World, chat: Chat, person: int, service: Service) -> Message:
    """Puts a service message, which every bot hears, also one that just left."""
    message = Message(chat.bot, chat.id, world.next_id(chat), person, int(world.now()), "", service=service)
    world.publish(message)
    for number in {*chat.bots, service.who} & set(world.bots):
        if chat.has(number) or (service.kind == "left" and service.who == number):
            world.notify(world.bots[number], "message", lambda: wire.message(world, message))
    return message
