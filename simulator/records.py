"""What the world is made of and what its journal keeps: a line of the journal is one of these records, newest wins.

Words: a *home* names one message box, (bot, chat): private chats of two bots with one person share the chat id and
nothing else, groups have bot 0. A *topic* is 0 outside forums and 1 for a forum's General topic.
"""

import re
from typing import Any

import msgspec

GENERAL = 1
Home = tuple[int, int]


class Entity(msgspec.Struct, omit_defaults=True):
    """A mark on a text; offset and length in UTF-16 units, as the Bot API writes it."""

    type: str
    offset: int
    length: int
    url: str | None = None
    user: dict[str, Any] | None = None
    language: str | None = None
    custom_emoji_id: str | None = None


class Person(msgspec.Struct, tag="person", omit_defaults=True):
    """A human being; `blocks` are the ids of bots this person blocked."""

    id: int
    first_name: str
    last_name: str = ""
    username: str = ""
    blocks: list[int] = []

    @property
    def name(self) -> str:
        """First and last name in one line."""
        return f"{self.first_name} {self.last_name}".strip()


class Command(msgspec.Struct):
    """One line of a bot's menu."""

    command: str
    description: str


class Bot(msgspec.Struct, tag="bot", omit_defaults=True):
    """A bot; `reads_all` is its privacy mode switched off, `commands` has one menu per scope."""

    id: int
    token: str
    first_name: str
    username: str
    reads_all: bool = True
    webhook: str = ""
    allowed: list[str] = []
    commands: dict[str, list[Command]] = {}

    @property
    def name(self) -> str:
        """What people read above its messages."""
        return self.first_name


class Topic(msgspec.Struct):
    """A topic of a forum; its id is the message that opened it, 1 for General."""

    id: int
    name: str


class Chat(msgspec.Struct, tag="chat", omit_defaults=True):
    """A place to talk; `members` maps people to creator, administrator or member, `bots` maps bots likewise."""

    id: int
    kind: str
    title: str = ""
    bot: int = 0
    members: dict[int, str] = {}
    bots: dict[int, str] = {}
    topics: list[Topic] = []

    @property
    def home(self) -> Home:
        """Where its messages are."""
        return self.bot, self.id

    @property
    def forum(self) -> bool:
        """Whether it has topics."""
        return bool(self.topics)

    def topic(self, number: int) -> Topic | None:
        """The topic of this number, if there is one."""
        return next((topic for topic in self.topics if topic.id == number), None)


class Quote(msgspec.Struct):
    """The part of a message that a reply picks out; `position` in UTF-16 units."""

    text: str
    position: int
    is_manual: bool = True


class Message(msgspec.Struct, tag="message", omit_defaults=True):
    """A message; `born` and `n` number its first and last change, `thread` is the first message of its reply thread."""

    bot: int
    chat: int
    id: int
    sender: int
    date: int
    text: str
    n: int = 0
    born: int = 0
    entities: list[Entity] = []
    topic: int = 0
    thread: int = 0
    reply: int = 0
    quote: Quote | None = None
    edited: int = 0
    deleted: bool = False
    opens: str = ""
    link_preview: dict[str, Any] | None = None

    @property
    def home(self) -> Home:
        """Where it stands."""
        return self.bot, self.chat


class Queued(msgspec.Struct, tag="queued"):
    """An update that waits for a bot; `raw` is the whole update as JSON."""

    bot: int
    id: int
    expires: int
    raw: msgspec.Raw


class Window(msgspec.Struct, tag="window"):
    """A bot's queue has forgotten all below `head`; the next update gets the id `tail`."""

    bot: int
    head: int
    tail: int


class Seen(msgspec.Struct, tag="seen"):
    """How far a person has read in one chat or topic of the page."""

    person: int
    key: str
    up_to: int


Record = Person | Bot | Chat | Message | Queued | Window | Seen


class Refusal(Exception):
    """What the Bot API refuses, in Telegram's words."""

    def __init__(self, description: str, status: int = 400, retry_after: int = 0) -> None:
        super().__init__(description)
        self.description, self.status, self.retry_after = description, status, retry_after


class Denied(Exception):
    """What a messenger app would not let a person do, as one clear line."""


def bad(words: str) -> Refusal:
    """A 400 in the form of the server, which writes the first letter small unless a capital or _ follows it."""
    head = words if re.match(r".[A-Z_]", words) else words[:1].lower() + words[1:]
    return Refusal(f"Bad Request: {head}")
