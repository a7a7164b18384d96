"""Drafts: how a bot shows a message while it grows, in private chats, and how a person stops it.

A draft lives 30 s after its last change and ends with the bot's next message. After Stop the same draft id shows
nothing more; that the bot is told at all needs `stopped_message_generation` in its allowed_updates.
"""

from simulator import text, wire
from simulator.access import allow, reach
from simulator.bots import Words, known
from simulator.people import chat_of
from simulator.records import Chat, Denied, Draft, bad
from simulator.world import Event, World

DRAFT_SECONDS = 30.0


def show(world: World, bot: int, chat: int, words: Words, number: int, *, can_stop: bool, keep_on_stop: bool) -> None:
    """Shows or changes the draft `number` of a private chat; without text it says that the bot thinks."""
    where = reach(world, bot, chat)
    if where.kind != "private":
        raise bad("TEXTDRAFT_PEER_INVALID")
    if not number:
        raise bad("RANDOM_ID_INVALID")
    body, entities = text.clean(words.text, known(world, words.entities), empty=True)
    allow(world, bot, where)
    key = world.key(where)
    if world.stopped.get(key) != number:
        world.drafts[key] = Draft(number, body, entities, world.now() + DRAFT_SECONDS, can_stop, keep_on_stop)
        tell(world, where)


def stop(world: World, person: int, key: str, number: int) -> None:
    """The person presses Stop."""
    where, _ = chat_of(world, person, key)
    draft = current(world, key)
    if draft is None or draft.id != number or not draft.can_stop:
        raise Denied("There is nothing to stop any more")
    world.stopped[key] = number
    if draft.keep_on_stop:
        world.drafts[key] = Draft(number, draft.text, draft.entities, draft.until)
    else:
        del world.drafts[key]
    content = {"chat": wire.chat(world, where), "draft_id": number}
    world.notify(world.bots[where.bot], "stopped_message_generation", lambda: content)
    tell(world, where)


def current(world: World, key: str) -> Draft | None:
    """The draft of a conversation, unless its time is over."""
    draft = world.drafts.get(key)
    return draft if draft is not None and draft.until > world.now() else None


def shown(world: World, key: str) -> wire.Json | None:
    """The draft as the page draws it; `left_ms` until it goes by itself."""
    draft = current(world, key)
    if draft is None:
        return None
    left = int((draft.until - world.now()) * 1000)
    return {
        "id": draft.id,
        "text": draft.text,
        "entities": draft.entities,
        "can_stop": draft.can_stop,
        "left_ms": left,
    }


def tell(world: World, where: Chat) -> None:
    """Lets the page know what the draft is now."""
    world.tell(Event(world.number(), "draft", where, more={"draft": shown(world, world.key(where))}))
