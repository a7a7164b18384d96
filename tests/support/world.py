"""The world around the bot in one process: Telegram, a model, and the people who write.

`python -m tests.support.world` serves until it is killed: the Bot API below `/bot<token>/`, the model below `/v1/`, and
below `/control/<verb>` the verbs of `World`, with a JSON object as their arguments.
"""

from __future__ import annotations

import argparse
import asyncio
import ctypes
import random
import signal
import sys
from collections import deque
from typing import Any

import msgspec
import uvloop

from tests.support.faults import Fault, Faults
from tests.support.keyed import Key, Ring
from tests.support.ledger import Ledger, now
from tests.support.oracle import Oracle
from tests.support.people import Input, People, chat_of, words
from tests.support.telegram import Telegram
from tests.support.wire import Exchange, Wire

TOKEN = "4242:" + "AAworldworldworldworldworldworldwor"
KEY = "sk-world-0123456789abcdef0123456789"
VERBS = (
    "add say junk fault heal model slow keys turn fresh hook press block "
    "status verdict latency look sent started requests polls"
)
WAIT_STEP_SECONDS = 0.01


class World:
    """Everything the bot talks to but Redis."""

    def __init__(self, token: str = TOKEN, key: str = KEY, turns: int = 5, first_update: int = 731_000_001) -> None:
        self.faults = Faults()
        self.ledger = Ledger(turns)
        self.people = People(first_update)
        self.telegram = Telegram(token, self.ledger, self.faults, self.people)
        self.oracle = Oracle(self.ledger, self.faults, [key])
        self.token, self.key, self.url = token, key, ""
        self.server: asyncio.Server | None = None
        self.closed = False

    async def start(self, port: int = 0) -> None:
        loop = asyncio.get_running_loop()
        self.server = await loop.create_server(lambda: Wire(self.serve), "127.0.0.1", port, backlog=1024)
        self.url = f"http://127.0.0.1:{self.server.sockets[0].getsockname()[1]}"

    async def close(self) -> None:
        self.closed = True
        if self.server is not None:
            self.server.close()

    def serve(self, exchange: Exchange) -> None:
        """Sends a request to the part of the world it is meant for."""
        if exchange.path.startswith("/bot"):
            self.telegram.serve(exchange)
        elif exchange.path.startswith("/v1/"):
            self.oracle.serve(exchange)
        elif exchange.path.startswith("/control/"):
            self._control(exchange, exchange.path[9:])
        else:
            self.ledger.blame("shape", f"{exchange.method} {exchange.path[:60]}")
            exchange.reply(b"{}", 404)

    def _control(self, exchange: Exchange, verb: str) -> None:
        arguments = msgspec.json.decode(exchange.body) if exchange.body else {}
        try:
            if verb == "wait":
                self._wait(exchange, now() + arguments.pop("seconds"), arguments)
            elif verb in VERBS.split():
                exchange.reply(msgspec.json.encode(getattr(self, verb)(**arguments)))
            else:
                exchange.reply(b"no such verb", 404)
        except (TypeError, ValueError, LookupError) as problem:
            exchange.reply(repr(problem).encode(), 400)

    def _wait(self, exchange: Exchange, end: float, least: dict[str, int]) -> None:
        """Answers with the status as soon as each named figure is at least as said, or when the time is over."""
        status = self.status()
        if now() >= end or all(status[name] >= count for name, count in least.items()):
            exchange.reply(msgspec.json.encode(status))
        elif not exchange.over:
            asyncio.get_running_loop().call_later(WAIT_STEP_SECONDS, self._wait, exchange, end, least)

    # -- people write ------------------------------------------------------------------------------

    def add(
        self,
        *,
        count: int,
        chats: int = 1,
        rate: float = 0,
        first: int = 1000,
        topics: int = 0,
        label: str = "",
        length: int = 80,
        seed: int = 7,
    ) -> None:
        """`count` questions at `rate` a second (0 = all at once), each in one of `chats` chats.

        By chance, if there are more questions than chats; else each has a chat of its own.

        The chats' ids go up from `first`, or, for groups, down from a negative one. With `topics` the groups are forums
        and each question is in one of their topics, of which 1 is General.
        """
        draw = random.Random(seed)
        step = 1 if first > 0 else -1
        items = deque[Input]()
        for place in range(count):
            chat = first + step * (draw.randrange(chats) if count > chats else place)
            topic = 1 + draw.randrange(topics) if topics else 0
            items.append(Input(chat, "question", words(length), topic, label=label))
        self._feed(items, now(), 1 / rate if rate else 0)

    def _feed(self, items: deque[Input], due: float, gap: float) -> None:
        """What is due is written; the rest later."""
        while items and due <= now():
            self.put(items.popleft())
            due += gap
        if items and not self.closed:
            asyncio.get_running_loop().call_later(due - now(), self._feed, items, due, gap)

    def put(self, item: Input) -> Input:
        """An update arrives at Telegram."""
        self.people.dress(item)
        self.ledger.write(item)
        self.telegram.polls.put(item, self.people.update(item))
        return item

    def say(self, chat: int, text: str, user: int = 0, topic: int = 0, label: str = "") -> int:
        """One person writes one message; its index. A text that begins with `/` is a command."""
        command = text.startswith("/")
        item = Input(chat, "command" if command else "question", text if command else f"#? {text}", topic, user, label)
        return self.put(item).index

    def junk(self, payloads: list[dict[str, Any] | str]) -> None:
        """Updates as given, whatever they are; only their `update_id` is ours, unless they bring one.

        What no encoder would write is given as the text of its JSON, with `#uid` for the id.
        """
        for payload in payloads:
            self.put(Input(0, "junk", raw=payload))

    # -- what goes wrong ---------------------------------------------------------------------------

    def fault(self, **arguments: Any) -> None:
        """The next request that fits fails; see `Fault`."""
        self.faults.add(msgspec.convert(arguments, Fault))

    def heal(self) -> None:
        """No fault is due any more; who was left hanging stays so."""
        self.faults.clear()

    def model(self, **settings: float) -> None:
        """Sets delay_ms, chunks, chunk_ms of the model, and the spread of its answers' lengths."""
        for name, value in settings.items():
            if name not in ("delay_ms", "chunks", "chunk_ms", "spread"):
                raise ValueError(name)
            setattr(self.ledger if name == "spread" else self.oracle, name, value)

    def keys(self, keys: list[dict[str, Any]]) -> None:
        """From now on the model knows these keys, see `Key`, in this order; their clocks start, their book is empty."""
        self.oracle.ring = Ring(msgspec.convert(keys, list[Key]), now())

    def turn(self, secret: str, status: int = 401) -> None:
        """A key is revoked (401), unpaid (402) or good again (200)."""
        self.oracle.ring.turn(secret, status)

    def slow(self, text: str, delay_ms: float) -> None:
        """Questions with this text take this long from now on."""
        self.oracle.slow.insert(0, (text, delay_ms))

    def fresh(self, chat: int, topic: int = 0) -> None:
        """From here on this lane's prompts begin anew (its session was lost on purpose)."""
        self.ledger.lane(Input(chat, "question", topic=topic)).floor = len(self.ledger.inputs)

    def hook(self, url: str) -> None:
        """Somebody has set a webhook."""
        self.telegram.polls.webhook = url

    def press(self, chat: int) -> None:
        """The person presses Stop below the newest draft of that chat."""
        number = next(draft for _, where, draft, _ in reversed(self.telegram.drafts) if where == chat)
        self.junk([{"stopped_message_generation": {"chat": chat_of(chat), "draft_id": number}}])

    def block(self, chat: int) -> None:
        """That person blocks the bot."""
        self.telegram.blocked.add(chat)

    # -- what was seen -----------------------------------------------------------------------------

    def status(self) -> dict[str, Any]:
        """Cheap figures to wait on."""
        polls, ledger = self.telegram.polls, self.ledger
        return {
            "polls": polls.count,
            "polled": polls.done,
            "polling": polls.waiting is not None,
            "conflicts": polls.conflicts,
            "inputs": len(ledger.inputs),
            "questions": ledger.questions,
            "handed": polls.handed,
            "confirmed": polls.confirmed,
            "answered": ledger.answered,
            "ended": ledger.ended,
            "growing": ledger.growing,
            "drafts": len(self.telegram.drafts),
            "running": len(self.oracle.running),
            "peak": self.oracle.peak,
            **self.oracle.ring.counts,
            "calls": self.telegram.calls,
            "faults": self.faults.seen,
            "webhook": polls.webhook,
            "menu": [entry["command"] for entry in self.telegram.menu],
        }

    def verdict(self) -> dict[str, Any]:
        return self.ledger.verdict()

    def latency(self, label: str, since: str = "handed") -> dict[str, float]:
        return self.ledger.latency(label, since)

    def look(self, index: int) -> dict[str, Any]:
        """All that is known of one input."""
        item = self.ledger.inputs[index]
        asked = item.index in {call.item.index for call in self.oracle.running}
        return {
            "added": item.added,
            "handed": item.handed,
            "times": item.times,
            "running": asked,
            "calls": len(item.calls),
            "replies": item.replies,
            "said": item.said,
        }

    def sent(self, chat: int = 0, since: float = 0.0) -> list[dict[str, Any]]:
        """The bot's messages, to one chat or all; `index` -1 = not an answer of the model, else of which `call`."""
        return [
            {f: getattr(one, f) for f in ("at", "chat", "topic", "text", "index", "call")}
            for one in self.ledger.sent
            if one.at >= since and chat in (0, one.chat)
        ]

    def started(self, since: float = 0.0) -> list[int]:
        """The questions for which a model call began since then."""
        return [index for at, index in self.oracle.starts if at >= since]

    def requests(self, since: float = 0.0) -> list[dict[str, Any]]:
        """The requests for answers, see `Request`, in the order in which they came."""
        return [msgspec.to_builtins(request) for request in self.oracle.ring.requests if request.at >= since]

    def polls(self) -> list[dict[str, Any]]:
        """The last getUpdates requests."""
        return list(self.telegram.polls.log)


async def serve(port: int, turns: int) -> None:
    world = World(turns=turns)
    await world.start(port)
    sys.stdout.write(f"ready {world.url}\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


def die_with_parent() -> None:
    """Linux: this process gets SIGKILL when the one that started it ends, however it ends."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--turns", type=int, default=5, help="the bot's HISTORY_TURNS")
    options = parser.parse_args()
    die_with_parent()
    uvloop.run(serve(options.port, options.turns))
