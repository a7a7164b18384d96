"""What the world is made of and what its journal keeps: a line of the journal is one of these records, newest wins.

Words: a *home* names one message box, (bot, chat): private chats of two bots with one person share the chat id and
nothing else, groups have bot 0. A *topic* is 0 outside forums and 1 for a forum's General topic.
"""

import re
from dataclasses import dataclass
from typing import Any

import msgspec

GENERAL = 1
PRESENT = {"creator", "administrator", "member", "restricted"}
CHIEFS = {"creator", "administrator"}
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
    unix_time: int | None = None
    date_time_format: str | None = None


class Person(msgspec.Struct, tag="person", omit_defaults=True):
    """A human being; `blocks` are the ids of bots this person blocked."""

    id: int
    first_name: str
    last_name: str = ""
    username: str = ""
    blocks: list[int] = []
    language: str = "en"

    @property
    def name(self) -> str:
        """First and last name in one line."""
        return f"{self.first_name} {self.last_name}".strip()


class Command(msgspec.Struct):
    """One line of a bot's menu."""

    command: str
    description: str


class Bot(msgspec.Struct, tag="bot", omit_defaults=True):
    """A bot; `reads_all`: its privacy mode is off, `talks`: it hears other bots, `commands`: one menu per scope."""

    id: int
    token: str
    first_name: str
    username: str
    reads_all: bool = True
    webhook: str = ""
    allowed: list[str] = []
    commands: dict[str, list[Command]] = {}
    talks: bool = False

    @property
    def name(self) -> str:
        """What people read above its messages."""
        return self.first_name


class Topic(msgspec.Struct):
    """A topic of a forum; its id is the message that opened it, 1 for General."""

    id: int
    name: str


class Chat(msgspec.Struct, tag="chat", omit_defaults=True):
    """A place to talk; `members` and `bots` map who is or was in it to their status, creator to kicked.

    `moved`: the supergroup that this group became. `linked`: the channel whose posts appear here.
    """

    id: int
    kind: str
    title: str = ""
    bot: int = 0
    members: dict[int, str] = {}
    bots: dict[int, str] = {}
    topics: list[Topic] = []
    username: str = ""
    moved: int = 0
    linked: int = 0

    @property
    def home(self) -> Home:
        """Where its messages are."""
        return self.bot, self.id

    @property
    def forum(self) -> bool:
        """Whether it has topics."""
        return bool(self.topics)

    def has(self, bot: int) -> bool:
        """Whether this bot is in it now."""
        return self.bots.get(bot) in PRESENT

    def chief(self, user: int) -> bool:
        """Whether this person or bot commands here."""
        return (self.members.get(user) or self.bots.get(user)) in CHIEFS

    def topic(self, number: int) -> Topic | None:
        """The topic of this number, if there is one."""
        return next((topic for topic in self.topics if topic.id == number), None)


class Quote(msgspec.Struct):
    """The part of a message that a reply picks out; `position` in UTF-16 units."""

    text: str
    position: int
    is_manual: bool = True


class File(msgspec.Struct, tag="file", omit_defaults=True):
    """Something uploaded; its bytes lie on the shelf until newer ones need the room (`gone`)."""

    id: str
    number: int
    name: str
    mime: str
    size: int
    width: int = 0
    height: int = 0
    gone: bool = False


class Media(msgspec.Struct, omit_defaults=True):
    """What a message carries besides words.

    kind is photo, document, voice, audio, video, sticker or location; `small` is the lesser copy of a photo.
    """

    kind: str
    file: str = ""
    small: str = ""
    duration: int = 0
    emoji: str = ""
    latitude: float = 0.0
    longitude: float = 0.0


class Button(msgspec.Struct, omit_defaults=True):
    """One button under a message; it has `callback_data`, `url`, or `copy_text`."""

    text: str
    callback_data: str = ""
    url: str = ""
    copy_text: dict[str, str] = {}


class Origin(msgspec.Struct, omit_defaults=True):
    """Where a forwarded message came from: `user`, or a `chat` (with `message` in a channel), or only a `name`."""

    date: int
    user: int = 0
    name: str = ""
    chat: int = 0
    message: int = 0


class Service(msgspec.Struct, omit_defaults=True):
    """What happened to a chat: joined, left, created, moved_to, moved_from; `who` is the user or chat it is about."""

    kind: str
    who: int = 0


class Message(msgspec.Struct, tag="message", omit_defaults=True):
    """A message; `born` and `n` number its first and last change, `thread` is the first message of its reply thread.

    `reactions` has one emoji of each user. `speaker` is the chat in whose name the sender speaks, `automatic` a
    channel's post that was linked here. `text` is the caption where there is `media`.
    """

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
    media: Media | None = None
    album: str = ""
    buttons: list[list[Button]] = []
    reactions: dict[int, str] = {}
    speaker: int = 0
    automatic: bool = False
    origin: Origin | None = None
    service: Service | None = None

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


Record = Person | Bot | Chat | Message | File | Queued | Window | Seen


@dataclass(frozen=True, slots=True)
class Draft:
    """What a bot shows while its message grows; it lives until the Unix time `until` and no journal has it."""

    id: int
    text: str
    entities: list[Entity]
    until: float
    can_stop: bool = False
    keep_on_stop: bool = False


@dataclass(frozen=True, slots=True)
class Press:
    """A press that its bot has not answered yet."""

    bot: int
    person: int
    key: str
    at: float


class Refusal(Exception):
    """What the Bot API refuses, in Telegram's words."""

    def __init__(self, description: str, status: int = 400, retry_after: int = 0, moved: int = 0) -> None:
        super().__init__(description)
        self.description, self.status, self.retry_after, self.moved = description, status, retry_after, moved


class Denied(Exception):
    """What a messenger app would not let a person do, as one clear line."""


def bad(words: str) -> Refusal:
    """A 400 in the form of the server, which writes the first letter small unless a capital or _ follows it."""
    head = words if re.match(r".[A-Z_]", words) else words[:1].lower() + words[1:]
    return Refusal(f"Bad Request: {head}")
