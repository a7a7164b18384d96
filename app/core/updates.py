"""What travels: an update on its way in, the lane it waits in, the address its answer goes to. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal
from urllib.parse import quote as percent

from app.core.errors import Unparsable
from app.core.schema import UNSERVED, Me, Message, Update, User, parse_event

__all__ = [
    "Address",
    "Incoming",
    "Me",
    "Message",
    "Scope",
    "Update",
    "User",
    "address_of",
    "author_of",
    "chat_of",
    "lane_of",
    "message_lane",
    "renamed",
    "scope_of",
    "topic_of",
]

Scope = Literal["topic", "chat", "member"]


@dataclass(frozen=True, slots=True)
class Address:
    """Where an answer goes: chat, topic, the message it replies to; ``forum``: the General topic of a forum.

    General's thread id is 1: Telegram wants it left out when sending and given with a chat action. ``strict``: only as
    a reply, so only where the question still stands.
    """

    chat: int
    thread: int | None = None
    reply: int | None = None
    forum: bool = False
    strict: bool = False


@dataclass(slots=True)
class Incoming:
    """An update on its way into a lane; the arguments of `store`. ``at_ms`` 0: the time of arrival.

    ``kind``: "m" is answered, "c" goes to the control lane, "a" counts only in mode always, "e" edits something ("ea":
    both), "i" ends at once as ignored. ``group``: what waits beside it under the same name becomes one turn with it; an
    edit leaves that of what it edits only if it has the same. ``by_ms``: when it goes stale, Unix ms (0 never).
    """

    uid: int
    lane: str
    limit: int
    at_ms: int
    by_ms: int
    mid: int
    group: str
    kind: str
    raw: bytes


def topic_of(message: Message) -> int:
    """The topic, 0 for none and for a forum's General topic. A bare message_thread_id may be a mere reply thread."""
    thread = message.message_thread_id
    if thread is None or not message.is_topic_message or (thread == 1 and message.chat.type != "private"):
        return 0
    return thread


def author_of(message: Message) -> int:
    """Who speaks: the chat for anonymous admins and channels (``from`` is a stand-in there), else the user."""
    if message.sender_chat is not None:
        return message.sender_chat.id
    return message.from_.id if message.from_ is not None else message.chat.id


def lane_of(update: Update, scope: Scope = "topic") -> str:
    """The lane in which an update waits; a function of its conversation only."""
    message = update.message or update.edited_message
    if message is not None:
        return message_lane(message, scope)
    for name in UNSERVED:
        if raw := getattr(update, name):
            return _event_lane(name, bytes(raw), update.update_id)
    return f"x{update.update_id}"


def message_lane(message: Message, scope: Scope = "topic") -> str:
    """The lane of a message: chat, then topic, member and business connection where they apply."""
    chat = message.chat
    if scope == "topic" and not message.is_topic_message and message.business_connection_id is None:
        return str(chat.id)
    suffix = []
    if scope != "chat" and (topic := topic_of(message)):
        suffix.append(f"t{topic}")
    if scope == "member" and chat.type != "private":
        suffix.append(f"u{author_of(message)}")
    if message.business_connection_id is not None:
        suffix.append("b" + percent(message.business_connection_id, safe=""))
    return f"{chat.id}:{','.join(suffix)}" if suffix else str(chat.id)


def _event_lane(kind: str, raw: bytes, uid: int) -> str:
    try:
        event = parse_event(raw)
    except Unparsable:
        return f"x{uid}"
    place = event.message or event
    if place.chat is not None:
        business = place.business_connection_id or event.business_connection_id
        topic = place.message_thread_id if place.is_topic_message else None
        return message_lane(
            Message(
                place.chat, message_thread_id=topic, is_topic_message=topic is not None, business_connection_id=business
            )
        )
    if poll := event.poll_id or (str(event.id) if kind == "poll" and event.id else ""):
        return "p" + percent(poll, safe="")
    person = event.from_ or event.user
    return str(person.id) if person is not None else f"x{uid}"


def chat_of(lane: str) -> str:
    """The chat part of a lane's name."""
    return lane.lstrip("!?").partition(":")[0]


def renamed(lane: str, chat: int | str) -> str:
    """The lane of the same kind and suffix in another chat."""
    mark = lane[0] if lane[0] in "!?" else ""
    _, colon, suffix = lane.partition(":")
    return f"{mark}{chat}{colon}{suffix}"


def scope_of(message: Message, scope: Scope = "topic") -> str:
    """What a /pause in this message's place is about: the topic, else the chat."""
    topic = 0 if scope == "chat" else topic_of(message)
    return f"{message.chat.id}:t{topic}" if topic else str(message.chat.id)


def address_of(message: Message) -> Address:
    """Where the answer to a message goes."""
    chat = message.chat
    thread = topic_of(message) or None
    return Address(chat.id, thread, message.message_id or None, chat.is_forum and thread is None)
