"""What becomes of an update when it arrives: its lane, its limits, and one of six kinds. Pure, and it cannot fail.

Kinds: "m" is answered; "c" goes to the control lane; "a" only counts in mode always (a group message not meant for
us); "e" edits something, "ea" as both; "i" ends at once as ignored. What cannot be read becomes an "m" in a lane of
its own, `x<update id>`, so that it fails there alone.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import quote as percent

from app.core.errors import Unparsable
from app.core.schema import (
    Me,
    Message,
    MessageEntity,
    Update,
    checked,
    media_of,
    parse,
    parse_change,
    parse_event,
    update_id,
    utf16,
)
from app.core.text import ignored
from app.core.updates import Incoming, Scope, author_of, lane_of, message_lane

LASTING = frozenset({"mode", "language", "privacy", "forget"})  # what they ask for holds, however late they come
CONTROL = LASTING | {"pause", "resume", "status", "stop", "usage", "keys", "quota"}
# A control lane is short, and any other command that comes late no longer means what it meant.
CONTROL_LIMIT = 50
CONTROL_MS = 60_000

_COMMAND = re.compile(r"/([A-Za-z0-9_]{1,32})(?:@([A-Za-z0-9_]+))?\Z")


@dataclass(frozen=True, slots=True)
class Policy:
    """What the owner set: what a lane is, how many may wait in it, after how many ms a message is stale (0 never).

    ``ignore_prefix``: what begins with it is nobody's ("" for none). ``merge``: a person's plain texts in a private
    chat that wait together become one turn.
    """

    scope: Scope = "topic"
    lane_limit: int = 1000
    stale_ms: int = 0
    ignore_prefix: str = ""
    merge: bool = False


def triage(raw: bytes, me: Me, policy: Policy) -> Incoming:
    """Sort one raw update in; raises Unparsable only where there is no update id to remember it by."""
    try:
        update = parse(raw)
    except Unparsable:
        uid = update_id(raw)
        return Incoming(uid, f"x{uid}", policy.lane_limit, 0, 0, 0, "", "m", raw)
    uid = checked(update.update_id)
    message = update.message or update.edited_message
    if update.my_chat_member and (chat := _standing(update)):
        # Ahead of what waits there: nothing of it is worth a model's answer in a chat that is gone.
        return Incoming(uid, f"!{chat}", CONTROL_LIMIT, 0, 0, 0, "", "c", raw)
    if update.stopped_message_generation and (chat := _pressed(update)):
        return Incoming(uid, f"!{chat}", CONTROL_LIMIT, 0, 0, 0, "", "c", raw)
    if message is None:
        return Incoming(uid, lane_of(update, policy.scope), policy.lane_limit, 0, 0, 0, "", "i", raw)
    if message.migrate_to_chat_id:  # also while the chat is paused
        return Incoming(uid, f"!{message.chat.id}", CONTROL_LIMIT, 0, 0, 0, "", "c", raw)
    if message.migrate_from_chat_id:  # the first of the new chat: whoever asks there waits behind it
        return Incoming(uid, str(message.chat.id), policy.lane_limit, 0, 0, 0, "", "m", raw)
    kind = _kind(update, message, me, policy)
    if kind == "c":
        name, _, _ = command_of(message) or ("", "", "")
        by_ms = 0 if name in LASTING else message.date * 1000 + CONTROL_MS
        return Incoming(uid, f"!{message.chat.id}", CONTROL_LIMIT, 0, by_ms, message.message_id, "", kind, raw)
    at_ms = (message.date if update.message is not None else message.edit_date or message.date) * 1000
    by_ms = at_ms + policy.stale_ms if policy.stale_ms else 0
    lane = message_lane(message, policy.scope)
    group = "" if kind == "i" else _group(message, policy, me)
    return Incoming(uid, lane, policy.lane_limit, at_ms, by_ms, message.message_id, group, kind, raw)


def _group(message: Message, policy: Policy, me: Me) -> str:
    """What waits beside it in the lane under the same name becomes one turn with it; "" for nothing.

    What carries more than its words, such as a reply or a forwarded text, is a question of its own.
    """
    if message.media_group_id:
        return f"a{percent(message.media_group_id, safe='')}"
    if not policy.merge or message.chat.type != "private" or not message.text:
        return ""
    if replied_to(message) or message.quote or message.forward_origin or message.via_bot:
        return ""
    if command_of(message) or ignored(message.text, policy.ignore_prefix, me.username):
        return ""
    return f"t{author_of(message)}"


def _standing(update: Update) -> int:
    """The chat in which something became of us; 0 for a channel, which is nobody to talk with."""
    try:
        chat = parse_change(bytes(update.my_chat_member)).chat
    except Unparsable:
        return 0
    return chat.id if chat.type != "channel" else 0


def _pressed(update: Update) -> int:
    """The chat in which somebody pressed Stop; 0 if that cannot be read."""
    try:
        chat = parse_event(bytes(update.stopped_message_generation)).chat
    except Unparsable:
        return 0
    return chat.id if chat is not None else 0


def _kind(update: Update, message: Message, me: Me, policy: Policy) -> str:
    new = update.message is not None
    # An edit may take back a question that waits: it goes on, and is ignored in its turn.
    if _unserved(message, me) or (
        new and ignored(message.text or message.caption or "", policy.ignore_prefix, me.username)
    ):
        return "i"
    private = message.chat.type == "private"
    if new and (command := command_of(message)):
        name, target, _ = command
        if target and target != me.username.lower():
            return "i"
        return "c" if name in CONTROL else "m"
    if private or addressed(message, me):
        return "m" if new else "e"
    return "a" if new else "ea"


def _unserved(message: Message, me: Me) -> bool:
    """Whether nobody expects an answer: bots, ourselves, channels, what Telegram itself says."""
    if message.chat.type == "channel" or message.is_automatic_forward or message.business_connection_id is not None:
        return True
    if message.via_bot is not None and message.via_bot.id == me.id:
        return True
    author = message.from_
    if author is not None and (author.id == me.id or (author.is_bot and message.sender_chat is None)):
        return True
    return not message.text and not message.caption and not media_of(message)


def command_of(message: Message) -> tuple[str, str, str] | None:
    """Name, target ("" or the bot it names, lower case) and arguments of a command; None if it is none.

    Only plain messages command: a forwarded or inline one repeats somebody else's words.
    """
    entities = message.entities
    if not entities or message.via_bot is not None or message.forward_origin:
        return None
    first = next((each for each in entities if each.type == "bot_command" and each.offset == 0), None)
    text = message.text or ""
    if first is None or (found := _COMMAND.match(utf16(text, 0, first.length))) is None:
        return None
    return found[1].lower(), (found[2] or "").lower(), text[found.end() :].strip()


def addressed(message: Message, me: Me) -> bool:
    """Whether a group message speaks to us: it mentions us or replies to a message of ours."""
    reply = replied_to(message)
    if reply is not None and reply.from_ is not None and reply.from_.id == me.id:
        return True
    if message.entities and _mentions(message.text or "", message.entities, me):
        return True
    return bool(message.caption_entities) and _mentions(message.caption or "", message.caption_entities or [], me)


def replied_to(message: Message) -> Message | None:
    """The message that a person chose to reply to.

    In a topic every message that replies to nothing "replies" to the service message that opened the topic.
    """
    reply = message.reply_to_message
    if reply is None or reply.forum_topic_created:
        return None
    return None if message.is_topic_message and reply.message_id == message.message_thread_id else reply


def _mentions(text: str, entities: list[MessageEntity], me: Me) -> bool:
    for each in entities:
        if each.type == "mention":
            if utf16(text, each.offset, each.length).lower() == "@" + me.username.lower():
                return True
        elif each.type == "text_mention" and each.user is not None and each.user.id == me.id:
            return True
    return False
