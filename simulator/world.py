"""The world the bots live in, without I/O: people, bots, chats, topics, messages, and who hears of what.

Every change goes through `put` (one line of the journal) and, where people can see it, through `tell` (one event
of the page). Numbers begin at the time in milliseconds, so that a page that was away finds its place after a restart.
"""

import re
import time
from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass

import msgspec

from simulator import wire
from simulator.limits import Limits
from simulator.queue import Queue
from simulator.records import (
    GENERAL,
    Bot,
    Chat,
    Draft,
    File,
    Home,
    Message,
    Person,
    Press,
    Queued,
    Record,
    Refusal,
    Seen,
    Window,
)

NOT_BY_DEFAULT = {"chat_member", "message_reaction", "message_reaction_count", "stopped_message_generation"}
TYPING_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Event:
    """Something people see; `person` when it is for one alone, `more` is sent along.

    kind is message, edit, delete, typing, read, draft, answer (to a pressed button) or commands (look at all anew).
    """

    n: int
    kind: str
    chat: Chat | None = None
    topic: int = 0
    message: Message | None = None
    person: int = 0
    more: wire.Json | None = None


class World:
    """All state. `main` is the bot of the page; `journal` gets each changed record, `now` is Unix time in seconds.

    `tags`: a word that the page shows beside a person's name; not part of the world, so the journal has none of it.
    """

    def __init__(self, main: int, now: Callable[[], float] = time.time) -> None:
        self.main, self.now = main, now
        self.journal: Callable[[Record], None] = lambda _: None
        self.people: dict[int, Person] = {}
        self.bots: dict[int, Bot] = {}
        self.chats: dict[Home, Chat] = {}
        self.messages: dict[Home, dict[int, Message]] = {}
        self.order: dict[str, list[int]] = {}
        self.seen: dict[tuple[int, str], int] = {}
        self.queues: dict[int, Queue] = {}
        self.files: dict[str, File] = {}
        self.typing: dict[str, float] = {}
        self.drafts: dict[str, Draft] = {}
        self.stopped: dict[str, int] = {}
        self.presses: dict[str, Press] = {}
        self.tags: dict[int, str] = {}
        self.limits: dict[int, Limits] | None = None
        self.listeners: list[Callable[[Event], None]] = []
        self.n = int(now() * 1000)
        self._last: dict[Home, int] = {}

    # Looking things up.

    def chat(self, home: Home) -> Chat:
        """The chat of this home."""
        return self.chats[home]

    def find(self, bot: int, chat: int) -> Chat | None:
        """What a bot means by a chat id."""
        return self.chats.get((bot, chat)) or self.chats.get((0, chat))

    def message(self, home: Home, number: int) -> Message | None:
        """A message that is not deleted."""
        found = self.messages.get(home, {}).get(number)
        return None if found is None or found.deleted else found

    def name(self, user: int) -> str:
        """The name of a person or bot."""
        return (self.people.get(user) or self.bots[user]).name

    def thread(self, key: str) -> list[Message]:
        """The messages of one conversation of the page, oldest first."""
        home, _ = self.home(key)
        return [self.messages[home][number] for number in self.order.get(key, [])]

    def key(self, chat: Chat, topic: int = 0) -> str:
        """What the page calls a conversation: `<chat>`, `<chat>:<topic>`, or `<bot>/<chat>` with a further bot."""
        if chat.bot and chat.bot != self.main:
            return f"{chat.bot}/{chat.id}"
        return f"{chat.id}:{topic}" if topic else str(chat.id)

    def home(self, key: str) -> tuple[Home, int]:
        """The message box and the topic of a conversation; ValueError for what is no key."""
        bot, _, rest = key.rpartition("/")
        chat, _, topic = rest.partition(":")
        number = int(chat)
        return (int(bot) if bot else self.main if number > 0 else 0, number), int(topic or 0)

    # Changing things.

    def number(self) -> int:
        """The next number of an event or a change."""
        self.n = max(self.n + 1, int(self.now() * 1000))
        return self.n

    def put(self, record: Person | Bot | Chat | Message | File | Seen) -> None:
        """Adds or replaces a record, in memory and in the journal."""
        self.restore(record)
        self.journal(record)

    def publish(self, message: Message, kind: str = "message") -> Message:
        """Puts a new, edited or deleted message and lets the page know."""
        message.n = self.number()
        message.born = message.born or message.n
        self.put(message)
        chat = self.chat(message.home)
        if kind == "message" and message.sender in self.bots:
            self.typing.pop(self.key(chat, message.topic), None)
            self.drafts.pop(self.key(chat, message.topic), None)
        self.tell(Event(message.n, kind, chat, message.topic, message))
        return message

    def tell(self, event: Event) -> None:
        """Gives an event to everybody who listens."""
        for listener in list(self.listeners):
            listener(event)

    def next_id(self, chat: Chat) -> int:
        """Supergroups count their messages themselves; a bot's private chats and small groups share one counter."""
        first = GENERAL if chat.forum else 0  # message 1 of a forum is the one that made it, and General's id
        own = max(self.messages[chat.home], default=0)  # which bot counts for a small group may have changed
        return max(self._last.get(self._counter(chat.home), 0), own, first) + 1

    def queue(self, bot: int) -> Queue:
        """The updates of a bot; ids begin at the Unix time in seconds."""
        if bot not in self.queues:
            self.queues[bot] = Queue(bot, int(self.now()), self._journal)
        return self.queues[bot]

    def notify(self, bot: Bot, kind: str, content: Callable[[], wire.Json]) -> None:
        """Queues an update unless the bot did not ask for its kind."""
        if kind in bot.allowed or (not bot.allowed and kind not in NOT_BY_DEFAULT):
            self.queue(bot.id).push(lambda number: wire.update(number, kind, content()), self.now())

    def hear(self, kind: str, message: Message) -> None:
        """Gives a message to each bot that may see it."""
        chat = self.chat(message.home)
        for number in chat.bots:
            bot = self.bots.get(number)
            if bot is not None and chat.has(number) and self._hears(bot, chat, message):
                self.notify(bot, kind, lambda: wire.message(self, message))

    def _hears(self, bot: Bot, chat: Chat, message: Message) -> bool:
        """Privacy mode: commands, replies to the bot and service messages reach it, the talk of the group does not."""
        writer = self.bots.get(message.sender)
        if writer is not None and (writer is bot or not (writer.talks and bot.talks)):
            return False
        if chat.kind == "private":
            return bot.id not in self.people[chat.id].blocks
        if bot.reads_all or chat.chief(bot.id) or message.opens or message.service is not None:
            return True
        answered = self.message(chat.home, message.reply)
        if answered is not None and answered.sender == bot.id:
            return True
        command = re.match(r"/\w+(?:@(\w+))?", message.text)
        return command is not None and (command[1] or bot.username).lower() == bot.username.lower()

    def _journal(self, record: Record) -> None:
        self.journal(record)

    # Coming back.

    def restore(self, record: Record) -> None:
        """Applies a record without writing it to the journal."""
        if isinstance(record, Message):
            self._restore_message(record)
        elif isinstance(record, Person):
            self.people[record.id] = record
        elif isinstance(record, Bot):
            self.bots[record.id] = record
        elif isinstance(record, Chat):
            self.chats[record.home] = record
            self.messages.setdefault(record.home, {})
        elif isinstance(record, File):
            self.files[record.id] = record
        elif isinstance(record, Seen):
            self.seen[record.person, record.key] = record.up_to
        elif isinstance(record, Queued | Window):
            self._restored_queue(record).restore(record)

    def _restored_queue(self, record: Queued | Window) -> Queue:
        if record.bot not in self.queues:
            first = record.id if isinstance(record, Queued) else record.head
            self.queues[record.bot] = Queue(record.bot, first, self._journal)
        return self.queues[record.bot]

    def _restore_message(self, message: Message) -> None:
        box = self.messages.setdefault(message.home, {})
        if message.id not in box:
            ids = self.order.setdefault(self.key(self.chat(message.home), message.topic), [])
            ids.insert(bisect_left(ids, message.id), message.id)
        box[message.id] = message
        self.n = max(self.n, message.n)
        counter = self._counter(message.home)
        self._last[counter] = max(self._last.get(counter, 0), message.id)

    def _counter(self, home: Home) -> Home:
        chat = self.chats[home]
        if chat.kind == "supergroup":
            return home
        return (chat.bot or next(iter(chat.bots), 0)), 0

    def snapshot(self, keep: int) -> list[Record]:
        """Everything worth keeping, at most `keep` messages of each conversation."""
        records: list[Record] = [*self.people.values(), *self.bots.values(), *self.chats.values()]
        records += self.files.values()
        for key, numbers in self.order.items():
            del numbers[:-keep]
            records += self.thread(key)
        records += [Seen(person, key, up_to) for (person, key), up_to in self.seen.items()]
        for queue in self.queues.values():
            records += [queue.window, *queue.waiting]
        return records


def copy(message: Message, **changes: object) -> Message:
    """The message with some fields changed."""
    return msgspec.structs.replace(message, **changes)


def flooded(seconds: int) -> Refusal:
    """Telegram's 429."""
    return Refusal(f"Too Many Requests: retry after {seconds}", status=429, retry_after=seconds)
