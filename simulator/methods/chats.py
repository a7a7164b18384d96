"""Methods about chats and who is in them."""

from simulator import groups, wire
from simulator.access import reach
from simulator.methods.args import Args
from simulator.records import Bot, Chat, bad
from simulator.world import World


def get_me(_world: World, bot: Bot, _args: Args) -> object:
    """getMe."""
    return wire.me(bot)


def get_chat(world: World, bot: Bot, args: Args) -> object:
    """getChat."""
    return wire.full_chat(world, reach(world, bot.id, args.chat(), "read"))


def get_chat_member(world: World, bot: Bot, args: Args) -> object:
    """getChatMember."""
    user = args.number("user_id")
    if user <= 0:
        raise bad("Invalid user_id specified")
    return _member(world, reach(world, bot.id, args.chat(), "read" if user == bot.id else "members"), user)


def get_chat_administrators(world: World, bot: Bot, args: Args) -> object:
    """getChatAdministrators."""
    chat = reach(world, bot.id, args.chat(), "members")
    if chat.kind == "private":
        raise bad("there are no administrators in the private chat")
    chiefs = [user for user in chat.members | chat.bots if chat.chief(user)]
    return [_member(world, chat, user) for user in chiefs]


def leave_chat(world: World, bot: Bot, args: Args) -> object:
    """leaveChat."""
    chat = reach(world, bot.id, args.chat())
    if chat.kind == "private":
        raise bad("chat member status can't be changed in private chats")
    groups.leave(world, bot.id, chat)
    return True


def _member(world: World, chat: Chat, user: int) -> wire.Json:
    who = world.people.get(user) or world.bots.get(user)
    if who is None or (chat.kind == "private" and user not in chat.members | chat.bots):
        raise bad("PARTICIPANT_ID_INVALID" if chat.kind != "private" else "User not found")
    return wire.member(who, (chat.members | chat.bots).get(user, "left"))
