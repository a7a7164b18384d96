"""The Bot API's JSON: users, chats, messages and updates as a bot sees them, in the form of Telegram's server."""

from typing import Any, Protocol

import msgspec

from simulator.records import GENERAL, Bot, Chat, File, Home, Media, Message, Origin, Person, Service

Json = dict[str, Any]
ADMIN_RIGHTS = (
    "can_manage_chat", "can_change_info", "can_delete_messages", "can_invite_users", "can_restrict_members",
    "can_pin_messages", "can_manage_topics", "can_promote_members", "can_manage_video_chats", "can_post_stories",
    "can_edit_stories", "can_delete_stories", "can_send_welcome_messages", "can_manage_tags",
)  # fmt: skip
PERMISSIONS = (
    "can_send_messages", "can_send_audios", "can_send_documents", "can_send_photos", "can_send_videos",
    "can_send_video_notes", "can_send_voice_notes", "can_send_polls", "can_send_other_messages",
    "can_add_web_page_previews", "can_change_info", "can_invite_users", "can_pin_messages", "can_manage_topics",
)  # fmt: skip
# Who stands in `from` where a chat speaks: an anonymous administrator, a channel's post, a channel as a member.
GROUP = {"id": 1087968824, "is_bot": True, "first_name": "Group", "username": "GroupAnonymousBot"}
TELEGRAM = {"id": 777000, "is_bot": False, "first_name": "Telegram"}
CHANNEL = {"id": 136817688, "is_bot": True, "first_name": "Channel", "username": "Channel_Bot"}
FOLDERS = {
    "photo": "photos", "document": "documents", "voice": "voice", "audio": "music", "video": "videos",
    "sticker": "stickers",
}  # fmt: skip
PREFIXES = {
    "photo": "AgACAgIA", "document": "BQACAgIA", "voice": "AwACAgIA", "audio": "CQACAgIA", "video": "BAACAgIA",
    "sticker": "CAACAgIA",
}  # fmt: skip
GIFTS = ("unlimited_gifts", "limited_gifts", "unique_gifts", "premium_subscription", "gifts_from_channels")


class Places(Protocol):
    """What is looked up while writing."""

    people: dict[int, Person]
    bots: dict[int, Bot]
    files: dict[str, File]

    def find(self, bot: int, chat: int) -> Chat | None:
        """What is meant by a chat id."""

    def chat(self, home: Home) -> Chat:
        """The chat of this home."""

    def message(self, home: Home, number: int) -> Message | None:
        """A message that is not deleted."""


def user(who: Person | Bot) -> Json:
    """A User."""
    if isinstance(who, Bot):
        return {"id": who.id, "is_bot": True, "first_name": who.first_name, "username": who.username}
    names = {"first_name": who.first_name, "last_name": who.last_name, "username": who.username}
    return {"id": who.id, "is_bot": False} | {k: v for k, v in names.items() if v} | {"language_code": who.language}


def me(bot: Bot) -> Json:
    """The User of getMe."""
    return user(bot) | {
        "can_join_groups": True,
        "can_read_all_group_messages": bot.reads_all,
        "supports_inline_queries": False,
        "supports_guest_queries": False,
        "can_connect_to_business": False,
        "has_main_web_app": False,
        "has_topics_enabled": False,
        "allows_users_to_create_topics": False,
        "can_manage_bots": False,
    }


def chat(places: Places, it: Chat) -> Json:
    """A Chat."""
    if it.kind == "private":
        person = user(places.people[it.id])
        names = {name: person[name] for name in ("first_name", "last_name", "username") if name in person}
        return {"id": it.id} | names | {"type": "private"}
    name = {"username": it.username} if it.username else {}
    return {"id": it.id, "title": it.title} | name | ({"is_forum": True} if it.forum else {}) | {"type": it.kind}


def full_chat(places: Places, it: Chat) -> Json:
    """The ChatFullInfo of getChat."""
    extra: Json = {"accent_color_id": abs(it.id) % 7, "max_reaction_count": 11}
    extra["accepted_gift_types"] = dict.fromkeys(GIFTS, False)
    if it.kind != "private":
        extra["permissions"] = dict.fromkeys(PERMISSIONS, True)
    return chat(places, it) | extra


def member(who: Person | Bot, status: str) -> Json:
    """A ChatMember of this status."""
    base: Json = {"user": user(who), "status": status}
    if status == "creator":
        return base | {"is_anonymous": False}
    if status == "administrator":
        return base | {"can_be_edited": False} | dict.fromkeys(ADMIN_RIGHTS, True) | {"is_anonymous": False}
    if status == "restricted":
        denied = dict.fromkeys(PERMISSIONS, False)
        return (
            base | {"is_member": True, "until_date": 0, "can_react_to_messages": False, "can_edit_tag": False} | denied
        )
    return base | ({"until_date": 0} if status == "kicked" else {})


def message(places: Places, it: Message, nested: bool = False) -> Json:
    """A Message; one that stands inside another as `reply_to_message` shows no reply of its own."""
    where = places.chat(it.home)
    out: Json = {"message_id": it.id} | _sender(places, it, where) | {"chat": chat(places, where), "date": it.date}
    if it.edited:
        out["edit_date"] = it.edited
    topic = it.topic if it.topic > GENERAL else 0
    if topic or it.thread:
        out["message_thread_id"] = topic or it.thread
    if it.origin is not None:
        out["forward_origin"] = _origin(places, it.origin)
        out |= {"is_automatic_forward": True} if it.automatic else {}
    # In a topic every message that answers none carries the service message that opened the topic.
    answered = places.message(it.home, it.reply or (topic if topic != it.id else 0))
    if answered is not None and not nested:
        out["reply_to_message"] = message(places, answered, nested=True)
    if it.quote is not None:
        out["quote"] = it.quote
    if it.album:
        out["media_group_id"] = it.album
    out |= _content(places, it)
    if it.buttons:
        out["reply_markup"] = {"inline_keyboard": it.buttons}
    if topic:
        out["is_topic_message"] = True
    return out


def _sender(places: Places, it: Message, where: Chat) -> Json:
    """from and sender_chat."""
    if not it.speaker:
        return {"from": user(places.people.get(it.sender) or places.bots[it.sender])}
    speaker = places.find(0, it.speaker) or where
    stand_in = GROUP if it.speaker == where.id else TELEGRAM if it.automatic else CHANNEL
    return {"from": stand_in, "sender_chat": chat(places, speaker)}


def _origin(places: Places, it: Origin) -> Json:
    """A MessageOrigin."""
    base: Json = {"date": it.date}
    if it.chat:
        source = places.find(0, it.chat)
        shown = chat(places, source) if source else {"id": it.chat, "type": "channel"}
        if it.message:
            return {"type": "channel", "chat": shown, "message_id": it.message} | base
        return {"type": "chat", "sender_chat": shown} | base
    known = places.people.get(it.user) or places.bots.get(it.user)
    if known is None:
        return {"type": "hidden_user", "sender_user_name": it.name} | base
    return {"type": "user", "sender_user": user(known)} | base


def _content(places: Places, it: Message) -> Json:
    """What the message is: text, media with its caption, or something that happened to the chat."""
    if it.opens:
        return {"forum_topic_created": {"name": it.opens, "icon_color": 0x6FB9F0}}
    if it.service is not None:
        return _service(places, it.service)
    words, marks = ("text", "entities") if it.media is None else ("caption", "caption_entities")
    out = {} if it.media is None else media(places, it.media)
    out |= {words: it.text} if it.text or it.media is None else {}
    out |= {marks: it.entities} if it.entities else {}
    return out | ({"link_preview_options": it.link_preview} if it.link_preview is not None else {})


def _service(places: Places, it: Service) -> Json:
    who = places.people.get(it.who) or places.bots.get(it.who)
    if it.kind == "joined" and who is not None:
        return {"new_chat_members": [user(who)]}
    if it.kind == "left" and who is not None:
        return {"left_chat_member": user(who)}
    if it.kind == "created":
        return {"group_chat_created": True}
    return {"migrate_to_chat_id" if it.kind == "moved_to" else "migrate_from_chat_id": it.who}


def media(places: Places, it: Media) -> Json:
    """The field of a Message that holds what it carries."""
    if it.kind == "location":
        return {"location": {"latitude": it.latitude, "longitude": it.longitude}}
    found = places.files[it.file]
    base = file(found, it.kind)
    if it.kind == "photo":
        sizes = [places.files[one] for one in (it.small, it.file) if one]
        return {"photo": [file(one, "photo") | {"width": one.width, "height": one.height} for one in sizes]}
    if it.kind == "sticker":
        flags = {"type": "regular", "is_animated": False, "is_video": False, "emoji": it.emoji}
        return {"sticker": base | {"width": found.width, "height": found.height} | flags}
    base |= {"mime_type": found.mime} | ({"file_name": found.name} if found.name and it.kind != "voice" else {})
    if it.kind == "video":
        base |= {"width": found.width, "height": found.height}
    return {it.kind: base | ({} if it.kind == "document" else {"duration": it.duration})}


def file(it: File, kind: str) -> Json:
    """What every kind of file has."""
    return {"file_id": f"{PREFIXES[kind]}{it.id}", "file_unique_id": f"AQAD{it.id}", "file_size": it.size}


def update(number: int, kind: str, content: Json) -> bytes:
    """An Update as JSON."""
    return msgspec.json.encode({"update_id": number, kind: content})
