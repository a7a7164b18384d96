"""The Bot API's JSON: users, chats, messages and updates as a bot sees them, in the form of Telegram's server."""

from typing import Any, Protocol

import msgspec

from simulator.records import GENERAL, Bot, Chat, Home, Message, Person

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
GIFTS = ("unlimited_gifts", "limited_gifts", "unique_gifts", "premium_subscription", "gifts_from_channels")


class Places(Protocol):
    """What is looked up while writing."""

    people: dict[int, Person]
    bots: dict[int, Bot]

    def chat(self, home: Home) -> Chat:
        """The chat of this home."""

    def message(self, home: Home, number: int) -> Message | None:
        """A message that is not deleted."""


def user(who: Person | Bot) -> Json:
    """A User."""
    if isinstance(who, Bot):
        return {"id": who.id, "is_bot": True, "first_name": who.first_name, "username": who.username}
    names = {"first_name": who.first_name, "last_name": who.last_name, "username": who.username}
    return {"id": who.id, "is_bot": False} | {k: v for k, v in names.items() if v} | {"language_code": "en"}


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
    return {"id": it.id, "title": it.title} | ({"is_forum": True} if it.forum else {}) | {"type": it.kind}


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
    return base | ({"until_date": 0} if status == "kicked" else {})


def message(places: Places, it: Message, nested: bool = False) -> Json:
    """A Message; one that stands inside another as `reply_to_message` shows no reply of its own."""
    where = places.chat(it.home)
    sender = places.people.get(it.sender) or places.bots[it.sender]
    out: Json = {"message_id": it.id, "from": user(sender), "chat": chat(places, where), "date": it.date}
    if it.edited:
        out["edit_date"] = it.edited
    topic = it.topic if it.topic > GENERAL else 0
    if topic or it.thread:
        out["message_thread_id"] = topic or it.thread
    # In a topic every message that answers none carries the service message that opened the topic.
    answered = places.message(it.home, it.reply or (topic if topic != it.id else 0))
    if answered is not None and not nested:
        out["reply_to_message"] = message(places, answered, nested=True)
    if it.quote is not None:
        out["quote"] = it.quote
    if it.opens:
        out["forum_topic_created"] = {"name": it.opens, "icon_color": 0x6FB9F0}
    else:
        out["text"] = it.text
    if it.entities:
        out["entities"] = it.entities
    if it.link_preview is not None:
        out["link_preview_options"] = it.link_preview
    if topic:
        out["is_topic_message"] = True
    return out


def update(number: int, kind: str, content: Json) -> bytes:
    """An Update as JSON."""
    return msgspec.json.encode({"update_id": number, kind: content})
