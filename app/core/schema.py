"""What Telegram sends, as far as we use it: structs, and how to read them. Pure.

Unknown fields are ignored, so newer Bot APIs do not hurt. Entity offsets count UTF-16 units; always cut with `utf16`.
"""

from __future__ import annotations

import re

import msgspec
from msgspec import Raw, Struct, field

from app.core.cut import members
from app.core.errors import Unparsable

# Names of fields that carry something a person sent; a message with none of them, nor text, is a service message.
MEDIA = (
    *("animation", "audio", "document", "live_photo", "paid_media", "photo", "sticker", "story", "video", "video_note"),
    *("voice", "checklist", "contact", "dice", "game", "poll", "venue", "location"),
    *("giveaway", "giveaway_winners", "invoice"),
)
# Fields of an update that we do not serve; their lane is still known, so that order and shard are right.
UNSERVED = (
    *("channel_post", "edited_channel_post", "business_connection", "business_message", "edited_business_message"),
    *("deleted_business_messages", "guest_message", "message_reaction", "message_reaction_count", "inline_query"),
    *("chosen_inline_result", "callback_query", "shipping_query", "pre_checkout_query", "purchased_paid_media", "poll"),
    *("poll_answer", "my_chat_member", "chat_member", "chat_join_request", "chat_boost", "removed_chat_boost"),
    *("stopped_message_generation", "subscription"),
)


class Me(Struct, frozen=True):
    """Who we are, from getMe."""

    id: int
    username: str
    first_name: str = ""
    can_read_all_group_messages: bool = False
    can_join_groups: bool = True


class User(Struct, gc=False):
    """A person or a bot."""

    id: int
    is_bot: bool = False
    first_name: str = ""
    username: str | None = None
    language_code: str | None = None


class Chat(Struct, gc=False):
    """Where a message stands; ``type`` is private, group, supergroup or channel."""

    id: int
    type: str = ""
    title: str | None = None
    first_name: str | None = None
    is_forum: bool = False


class MessageEntity(Struct, gc=False):
    """A marked piece of a text; ``offset`` and ``length`` in UTF-16 units."""

    type: str
    offset: int
    length: int
    user: User | None = None


class Quote(Struct, gc=False):
    """The part of the message replied to that a person chose."""

    text: str = ""
    is_manual: bool = False


class Message(Struct, gc=False):
    """A message. Fields of type Raw only say whether something is there."""

    chat: Chat
    message_id: int = 0
    date: int = 0
    from_: User | None = field(default=None, name="from")
    sender_chat: Chat | None = None
    text: str | None = None
    caption: str | None = None
    entities: list[MessageEntity] | None = None
    caption_entities: list[MessageEntity] | None = None
    message_thread_id: int | None = None
    is_topic_message: bool = False
    is_automatic_forward: bool = False
    reply_to_message: Message | None = None
    external_reply: Raw = Raw()
    quote: Quote | None = None
    via_bot: User | None = None
    forward_origin: Raw = Raw()
    forum_topic_created: Raw = Raw()
    edit_date: int | None = None
    business_connection_id: str | None = None
    media_group_id: str | None = None
    migrate_to_chat_id: int | None = None
    migrate_from_chat_id: int | None = None
    animation: Raw = Raw()
    audio: Raw = Raw()
    document: Raw = Raw()
    live_photo: Raw = Raw()
    paid_media: Raw = Raw()
    photo: Raw = Raw()
    sticker: Raw = Raw()
    story: Raw = Raw()
    video: Raw = Raw()
    video_note: Raw = Raw()
    voice: Raw = Raw()
    checklist: Raw = Raw()
    contact: Raw = Raw()
    dice: Raw = Raw()
    game: Raw = Raw()
    poll: Raw = Raw()
    venue: Raw = Raw()
    location: Raw = Raw()
    giveaway: Raw = Raw()
    giveaway_winners: Raw = Raw()
    invoice: Raw = Raw()


class Update(Struct, gc=False):
    """One update; at most one of the other fields is set."""

    update_id: int
    message: Message | None = None
    edited_message: Message | None = None
    channel_post: Raw = Raw()
    edited_channel_post: Raw = Raw()
    business_connection: Raw = Raw()
    business_message: Raw = Raw()
    edited_business_message: Raw = Raw()
    deleted_business_messages: Raw = Raw()
    guest_message: Raw = Raw()
    message_reaction: Raw = Raw()
    message_reaction_count: Raw = Raw()
    inline_query: Raw = Raw()
    chosen_inline_result: Raw = Raw()
    callback_query: Raw = Raw()
    shipping_query: Raw = Raw()
    pre_checkout_query: Raw = Raw()
    purchased_paid_media: Raw = Raw()
    poll: Raw = Raw()
    poll_answer: Raw = Raw()
    my_chat_member: Raw = Raw()
    chat_member: Raw = Raw()
    chat_join_request: Raw = Raw()
    chat_boost: Raw = Raw()
    removed_chat_boost: Raw = Raw()
    stopped_message_generation: Raw = Raw()
    subscription: Raw = Raw()


class Standing(Struct, gc=False):
    """What somebody is in a chat; the rest is given for those who are restricted, until a Unix time (0: for ever)."""

    status: str
    is_member: bool | None = None
    can_send_messages: bool | None = None
    until_date: int = 0

    @property
    def there(self) -> bool:
        """Whether they are in it."""
        return self.status in ("creator", "administrator", "member") or (
            self.status == "restricted" and bool(self.is_member)
        )

    @property
    def mute(self) -> str:
        """Until when they may only listen, Unix seconds, "0" for ever; "" if they may speak."""
        return str(self.until_date) if self.status == "restricted" and self.can_send_messages is False else ""


class Change(Struct, gc=False):
    """What became of us in a chat: my_chat_member. In a private chat "kicked" means blocked."""

    chat: Chat
    date: int
    from_: User = field(name="from")
    old_chat_member: Standing
    new_chat_member: Standing


class Event(Struct, gc=False):
    """What an update that we do not serve says about its place."""

    id: str | int | None = None
    poll_id: str | None = None
    chat: Chat | None = None
    from_: User | None = field(default=None, name="from")
    user: User | None = None
    message: Event | None = None
    message_thread_id: int | None = None
    is_topic_message: bool = False
    business_connection_id: str | None = None
    draft_id: int = 0


_update = msgspec.json.Decoder(Update)
_event = msgspec.json.Decoder(Event)
_change = msgspec.json.Decoder(Change)
_NUMBER = re.compile(rb"-?\d{1,19}")
# Only for what is no JSON at all; a quote inside a JSON string would have a backslash before it.
_UPDATE_ID = re.compile(rb'(?<!\\)"update_id"\s*:\s*(-?\d{1,19})(?![\d.eE])')
# Ids are bits of a bitmap and pass through Lua's doubles.
_MAX_ID = 2**53


def parse(raw: bytes) -> Update:
    """Read one update; raises Unparsable."""
    try:
        return _update.decode(raw)
    except (msgspec.MsgspecError, RecursionError, ValueError) as error:
        raise Unparsable(type(error).__name__) from None


def parse_event(raw: bytes) -> Event:
    """Read what an update that we do not serve says about its place; raises Unparsable."""
    try:
        return _event.decode(raw)
    except (msgspec.MsgspecError, RecursionError, ValueError) as error:
        raise Unparsable(type(error).__name__) from None


def parse_change(raw: bytes) -> Change:
    """Read what became of us in a chat; raises Unparsable."""
    try:
        return _change.decode(raw)
    except (msgspec.MsgspecError, RecursionError, ValueError) as error:
        raise Unparsable(type(error).__name__) from None


def update_id(raw: bytes) -> int:
    """The id of an update whose rest cannot be read; raises Unparsable when there is none that can be stored."""
    try:
        number = members(raw).get(b"update_id", b"")
    except Unparsable:
        found = _UPDATE_ID.search(raw)
        number = found[1] if found else b""
    if not _NUMBER.fullmatch(number):
        raise Unparsable("an update without an integer update_id")
    return checked(int(number))


def checked(uid: int) -> int:
    """``uid`` if the lanes can hold it, else raises Unparsable."""
    if not 0 <= uid < _MAX_ID:
        raise Unparsable("an update_id out of range")
    return uid


def utf16(text: str, offset: int, length: int) -> str:
    """The piece of ``text`` at ``offset``, both in UTF-16 units; "" where there is none."""
    if offset < 0 or length <= 0:
        return ""
    if text.isascii():
        return text[offset : offset + length]
    units = text.encode("utf-16-le", "surrogatepass")
    return units[2 * offset : 2 * (offset + length)].decode("utf-16-le", "replace")


def elsewhere(message: Message) -> Message | None:
    """What a message of this chat replies to in another, as a message without text; None for nothing readable."""
    if not message.external_reply:
        return None
    try:
        fields = msgspec.json.decode(message.external_reply, type=dict[str, Raw])
        carried = {name: fields[name] for name in MEDIA if name in fields}
        return msgspec.json.decode(msgspec.json.encode({"chat": {"id": 0, "type": ""}, **carried}), type=Message)
    except (msgspec.MsgspecError, RecursionError, ValueError):
        return None


def media_of(message: Message) -> str:
    """The kind of media a message carries, "" for none."""
    for name in MEDIA:
        if getattr(message, name):
            return name
    return ""
