"""The back end of the chat page: what one person sees, what happens to it, and the person's own deeds.

Events are numbered like the world's changes: a page that was away asks with the last one it saw and gets the rest.
"""

from collections.abc import Iterator
from typing import Any

from simulator import drafts, reactions
from simulator.records import Bot, Chat, Media, Message, Person, Service, Topic
from simulator.world import Event, World

Json = dict[str, Any]
PAGE = 50
MOST_UNREAD = 999
ROLES = {"creator": "owner", "administrator": "admin"}
KINDS = {
    "photo": "Photo", "document": "File", "voice": "Voice message", "audio": "Audio", "video": "Video",
    "sticker": "Sticker", "location": "Location",
}  # fmt: skip
QUICK = 8  # reactions that are offered


class View:
    """The world through the eyes of one person."""

    def __init__(self, world: World, me: Person) -> None:
        self.world, self.me = world, me

    @property
    def bot(self) -> Bot:
        """The bot of the page."""
        return self.world.bots[self.world.main]

    def state(self) -> Json:
        """All there is to draw but the messages; chats newest first."""
        chats = sorted(self._chats(), key=lambda pair: (-pair[0], pair[1]["kind"] != "private"))
        return {
            "me": who(self.me),
            "people": [person(one, self.world.tags) for one in self.world.people.values()],
            "bot": who(self.bot),
            "reactions": [*reactions.EMOJI[:QUICK], "👀"],
            "chats": [chat for _, chat in chats],
            "cursor": self.world.n,
        }

    def sees(self, chat: Chat) -> bool:
        """Whether this person has the chat; of private ones only that with the page's bot is shown."""
        if chat.kind == "channel" or chat.moved:
            return False
        return chat.bot in {0, self.world.main} and self.me.id in chat.members

    def messages(self, key: str, before: int, limit: int) -> list[Json]:
        """The last messages, or the last before one of them, oldest first."""
        shown: list[Json] = []
        for message in reversed(self.world.thread(key)):
            if len(shown) == limit:
                break
            if not message.deleted and (not before or message.id < before):
                shown.append(self.message(message))
        return shown[::-1]

    def message(self, it: Message) -> Json:
        """A message as the page draws it."""
        return {
            "id": it.id,
            "chat": self.world.key(self.world.chat(it.home), it.topic),
            "from": self._sender(it),
            "mine": it.sender == self.me.id and not it.automatic,
            "date": it.date,
            "edited": it.edited > 0,
            "text": it.text,
            "entities": it.entities,
            "note": self._note(it),
            "reply": self._reply(it),
            "forwarded": self._forwarded(it),
            "media": None if it.media is None else self._media(it.media),
            "album": it.album,
            "buttons": it.buttons,
            "reactions": self._reactions(it),
            "deleted": it.deleted,
        }

    def _sender(self, it: Message) -> Json:
        if it.speaker:
            chat = self.world.find(0, it.speaker)
            title = chat.title if chat else "Channel"
            tag = "channel" if chat is None or chat.kind == "channel" else "anonymous"
            return {"id": it.speaker, "name": title, "bot": False, "tag": tag}
        chat = self.world.chat(it.home)
        tag = self.world.tags.get(it.sender) or ROLES.get(chat.members.get(it.sender, ""), "")
        return {"id": it.sender, "name": self.world.name(it.sender), "bot": it.sender in self.world.bots, "tag": tag}

    def _reply(self, it: Message) -> Json | None:
        answered = self.world.message(it.home, it.reply)
        if answered is None:
            return None
        words = it.quote.text if it.quote else preview(answered)
        reply = {"id": answered.id, "name": self._sender(answered)["name"], "text": words}
        return reply | {"mine": answered.sender == self.me.id, "part": it.quote is not None}

    def _forwarded(self, it: Message) -> str:
        if it.origin is None or it.automatic:
            return ""
        chat = self.world.find(0, it.origin.chat) if it.origin.chat else None
        return chat.title if chat else it.origin.name or self.world.name(it.origin.user)

    def _media(self, it: Media) -> Json:
        if it.kind == "location":
            return {"kind": "location", "latitude": it.latitude, "longitude": it.longitude}
        file = self.world.files[it.file]
        shown = {"kind": it.kind, "file": file.id, "name": file.name, "mime": file.mime, "size": file.size}
        shown |= {"width": file.width, "height": file.height, "duration": it.duration, "emoji": it.emoji}
        return shown | {"gone": file.gone}

    def _reactions(self, it: Message) -> list[Json]:
        counted: dict[str, list[int]] = {}
        for user, emoji in it.reactions.items():
            counted.setdefault(emoji, []).append(user)
        return [
            {"emoji": emoji, "names": [self.world.name(user) for user in users], "mine": self.me.id in users}
            for emoji, users in counted.items()
        ]

    def _note(self, it: Message) -> str:
        """A line in the middle that says what happened; "" for what somebody said."""
        if it.opens:
            return f"{self.world.name(it.sender)} opened the topic “{it.opens}”"
        return "" if it.service is None else self._happened(it.service, self.world.name(it.sender))

    def _happened(self, it: Service, name: str) -> str:
        if it.kind in {"joined", "left"}:
            who, verb = self.world.name(it.who), "added" if it.kind == "joined" else "removed"
            return f"{name} left" if who == name else f"{name} {verb} {who}"
        if it.kind == "created":
            return f"{name} created the group"
        return "This group became a supergroup"

    def event(self, event: Event) -> Json | None:
        """An event as the page gets it; None when it is not for this person."""
        if event.chat is None:
            return {"n": event.n, "type": event.kind, "chat": None}
        if not self.sees(event.chat) or event.person not in {0, self.me.id}:
            return None
        out: Json = {"n": event.n, "type": event.kind, "chat": self.world.key(event.chat, event.topic)}
        out |= event.more or {}
        return out | ({"message": self.message(event.message)} if event.message is not None else {})

    def missed(self, after: int) -> Iterator[Json]:
        """What changed since this number, in order."""
        changed = [
            message
            for home, box in self.world.messages.items()
            if self.sees(self.world.chat(home))
            for message in box.values()
            if message.n > after and (not message.deleted or message.born <= after)
        ]
        for message in sorted(changed, key=lambda one: one.n):
            kind = "delete" if message.deleted else "message" if message.born > after else "edit"
            shown = self.event(Event(message.n, kind, self.world.chat(message.home), message.topic, message))
            if shown is not None:
                yield shown

    def _chats(self) -> Iterator[tuple[int, Json]]:
        for chat in self.world.chats.values():
            if self.sees(chat):
                for topic in chat.topics or [Topic(0, "")]:
                    yield self._chat(chat, topic.id, topic.name)

    def _chat(self, chat: Chat, topic: int, name: str) -> tuple[int, Json]:
        key = self.world.key(chat, topic)
        last = self._last(key)
        private = chat.kind == "private"
        blocked = private and chat.bot in self.me.blocks
        shown = {
            "key": key,
            "chat_id": chat.id,
            "topic": topic or None,
            "kind": "private" if private else "topic" if topic else "group",
            "title": self.bot.name if private else name or chat.title,
            "subtitle": self._subtitle(chat, topic),
            "members": list(chat.members),
            "roles": {str(user): ROLES[status] for user, status in chat.members.items() if status in ROLES},
            "commands": self._commands(chat),
            "forum": {"id": chat.id, "title": chat.title} if topic else None,
            "last": None if last is None else self._preview(last),
            "unread": self._unread(key),
            "typing": self.world.typing.get(key, 0) > self.world.now(),
            "blocked": blocked,
            "draft": drafts.shown(self.world, key),
            "bots": [] if private else self._bots(chat),
            "small": chat.kind == "group",
            "chief": not private and chat.chief(self.me.id),
        }
        return (last.born if last else 0), shown

    def _subtitle(self, chat: Chat, topic: int) -> str:
        if chat.kind == "private":
            return "bot, blocked" if chat.bot in self.me.blocks else "bot"
        count = len(chat.members) + sum(chat.has(bot) for bot in chat.bots)
        return chat.title if topic else f"{count} members"

    def _preview(self, message: Message) -> Json:
        shown = self.message(message)
        name = "" if shown["note"] else shown["from"]["name"]
        return {"name": name, "text": shown["note"] or preview(message), "date": message.date}

    def _bots(self, chat: Chat) -> list[Json]:
        """Every bot there is and what it is in this group."""
        return [who(bot) | {"status": chat.bots.get(bot.id, "left")} for bot in self.world.bots.values()]

    def _last(self, key: str) -> Message | None:
        return next((message for message in reversed(self.world.thread(key)) if not message.deleted), None)

    def _unread(self, key: str) -> int:
        count, seen = 0, self.world.seen.get((self.me.id, key), 0)
        for message in reversed(self.world.thread(key)):
            if message.id <= seen or count == MOST_UNREAD:
                break
            spoken = not message.deleted and not message.opens and message.service is None
            count += message.sender != self.me.id and spoken
        return count

    def _commands(self, chat: Chat) -> list[Json]:
        """The narrowest menu there is for this person here, in Telegram's order."""
        if chat.kind == "private":
            scopes = [f"chat:{chat.id}", "all_private_chats"]
        else:
            chief = chat.members.get(self.me.id) in ROLES
            scopes = [f"chat_member:{chat.id}:{self.me.id}", *([f"chat_administrators:{chat.id}"] if chief else [])]
            scopes += [f"chat:{chat.id}", *(["all_chat_administrators"] if chief else []), "all_group_chats"]
        for scope in (*scopes, "default"):
            menu = self.bot.commands.get(f"{scope}/{self.me.language}") or self.bot.commands.get(scope)
            if menu:
                return [{"command": one.command, "description": one.description} for one in menu]
        return []


def preview(it: Message) -> str:
    """A message in a few words: its text, or what it carries."""
    if it.media is None:
        return it.text or (f"opened the topic “{it.opens}”" if it.opens else "")
    kind = f"{it.media.emoji} {KINDS[it.media.kind]}".strip()
    return f"{kind}: {it.text}" if it.text else kind


def person(it: Person, tags: dict[int, str]) -> Json:
    """A person in the picker."""
    return who(it) | {"tag": tags.get(it.id, ""), "language": it.language}


def who(it: Person | Bot) -> Json:
    """A person or bot in the page's form."""
    return {"id": it.id, "name": it.name, "username": it.username}
