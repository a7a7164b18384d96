"""Whether a bot may: where it is, to whom it may write, and how fast. The order of the checks is the server's."""

from simulator.limits import Limits
from simulator.records import Chat, Refusal, bad
from simulator.world import World, flooded


def reach(world: World, bot: int, chat: int, right: str = "write") -> Chat:
    """The chat a bot may use to read, edit or write; a stranger who never wrote to it is no chat at all.

    right: read, members (which in a small group is more than read), edit or write.
    """
    where = world.find(bot, chat)
    if where is None or bot not in where.bots:
        raise bad("Chat not found")
    if where.kind == "private":
        _acquainted(world, bot, where, right)
        return where
    if where.moved and right in {"write", "members"}:
        raise Refusal("Bad Request: group chat was upgraded to a supergroup chat", moved=where.moved)
    status = where.bots[bot]
    if not where.has(bot) and not where.moved and (right != "read" or where.kind != "group"):
        verb = "was kicked from" if status == "kicked" else "is not a member of"
        raise Refusal(f"Forbidden: bot {verb} the {where.kind} chat", status=403)
    return where


def speak(world: World, bot: int, chat: int) -> Chat:
    """The chat a bot may send messages to."""
    where = reach(world, bot, chat)
    if where.bots[bot] == "restricted":
        raise bad("not enough rights to send text messages to the chat")
    return where


def allow(world: World, bot: int, where: Chat, counts: bool = True) -> None:
    """Refuses where the person blocked the bot, or where limits are on and it is too fast."""
    if blocked(world, bot, where):
        raise Refusal("Forbidden: bot was blocked by the user", status=403)
    if world.limits is not None and counts:
        seconds = world.limits.setdefault(bot, Limits()).refuse_for(where.id, world.now())
        if seconds:
            raise flooded(seconds)


def blocked(world: World, bot: int, where: Chat) -> bool:
    """Whether the person of a private chat wants to hear nothing of the bot."""
    return where.kind == "private" and bot in world.people[where.id].blocks


def _acquainted(world: World, bot: int, where: Chat, right: str) -> None:
    if world.messages[where.home] or blocked(world, bot, where):
        return
    if any(where.id in other.members and bot in other.bots for other in world.chats.values() if not other.bot):
        if right != "write":
            return
        raise Refusal("Forbidden: bot can't initiate conversation with a user", status=403)
    raise bad("Chat not found")
