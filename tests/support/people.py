"""Who writes to the bot: private chats, groups, a forum; their messages as Telegram would hand them out."""

from __future__ import annotations

import itertools
import time
from dataclasses import dataclass, field
from typing import Any

import msgspec

NAMES = ("Ann", "Bob", "Cleo", "Dan", "Eva")
WORDS = "would you please tell me a little more about the plan for the garden and the two apple trees near the gate "


@dataclass(slots=True, eq=False)
class Input:
    """One update of a person. Times are monotonic seconds, 0 = not yet; chats below 0 are groups; topic 0 = none."""

    chat: int
    kind: str
    """`question`, `command`, or `junk` (no end is asked of it)."""
    text: str = ""
    topic: int = 0
    user: int = 0
    label: str = ""
    raw: dict[str, Any] | str | None = None
    index: int = -1
    uid: int = 0
    mid: int = 0
    name: str = ""
    added: float = 0.0
    handed: float = 0.0
    times: int = 0
    calls: list[int] = field(default_factory=list)
    replies: list[tuple[float, int]] = field(default_factory=list)
    """Answers of the model: when, and of which call."""
    said: list[tuple[float, str]] = field(default_factory=list)
    """Other words of the bot in reply to this: apologies, confirmations."""


@dataclass(slots=True, eq=False)
class Lane:
    """A conversation as this world knows it."""

    answered: list[Input] = field(default_factory=list)
    top: int = -1
    floor: int = 0
    """Turns before this index are forgotten (a reset, a lost session)."""
    running: int = 0


class People:
    """Numbers and dresses updates. Private chats share one count of message ids, each group has its own."""

    def __init__(self, first_update: int) -> None:
        self.uids = itertools.count(first_update)
        self.mids: dict[int, Any] = {}

    def mid(self, chat: int) -> int:
        """The next message id in a chat."""
        counter = self.mids.setdefault(min(0, chat), itertools.count(101))
        return int(next(counter))

    def dress(self, item: Input) -> None:
        """Gives an input its update id, message id and person."""
        item.uid = next(self.uids)
        if item.raw is None:
            item.mid = self.mid(item.chat)
        item.user = item.user or (item.chat if item.chat > 0 else 7000 + item.mid % 5)
        item.name = NAMES[item.user % len(NAMES)]

    def update(self, item: Input) -> bytes:
        """The update as JSON; where that is given as text, `#uid` becomes its id."""
        if isinstance(item.raw, str):
            return item.raw.replace("#uid", str(item.uid)).encode()
        if item.raw is not None:
            return msgspec.json.encode({"update_id": item.uid, **item.raw})
        return msgspec.json.encode({"update_id": item.uid, "message": self.message(item)})

    def message(self, item: Input) -> dict[str, Any]:
        message: dict[str, Any] = {
            "message_id": item.mid,
            "from": user_of(item.user, item.name),
            "chat": chat_of(item.chat, item.topic > 0),
            "date": int(time.time()),
            "text": item.text,
        }
        if item.text.startswith("/"):
            length = len(item.text.split(" ", 1)[0])
            message["entities"] = [{"type": "bot_command", "offset": 0, "length": length}]
        if item.topic > 1:
            message |= {"message_thread_id": item.topic, "is_topic_message": True}
        return message


def words(length: int) -> str:
    """Text of a question; `#?` becomes its index."""
    return ("#? " + WORDS * (1 + length // len(WORDS)))[: max(length, 8)].rstrip()


def user_of(user: int, name: str) -> dict[str, Any]:
    return {"id": user, "is_bot": False, "first_name": name, "last_name": "Example", "language_code": "en"}


def chat_of(chat: int, forum: bool = False) -> dict[str, Any]:
    if chat > 0:
        return {"id": chat, "type": "private", "first_name": NAMES[chat % len(NAMES)], "last_name": "Example"}
    group: dict[str, Any] = {"id": chat, "type": "supergroup", "title": "Neighbours"}
    return group | {"is_forum": True} if forum else group
