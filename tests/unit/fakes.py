"""Small honest stand-ins for what handlers and middleware talk to, and turns as the runner would start them."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import msgspec

from app.chain.context import Context
from app.core.claims import Claim, Entry
from app.core.errors import Unparsable
from app.core.outcome import Outcome
from app.core.schema import Me, parse
from app.core.triage import Policy, triage
from app.core.updates import Address, Incoming

ME = Me(4242, "lane_bot", "Lane")
ANN: dict[str, Any] = {"id": 7, "is_bot": False, "first_name": "Ann"}
BOB: dict[str, Any] = {"id": 8, "is_bot": False, "first_name": "Bob"}
OURSELVES: dict[str, Any] = {"id": ME.id, "is_bot": True, "first_name": "Lane", "username": "lane_bot"}
PRIVATE: dict[str, Any] = {"id": 7, "type": "private", "first_name": "Ann"}
GROUP: dict[str, Any] = {"id": -100, "type": "supergroup", "title": "Neighbours"}
FORUM: dict[str, Any] = GROUP | {"is_forum": True}
DATE = 1_800_000_000


def units(text: str) -> int:
    """Length as Telegram counts it."""
    return len(text.encode("utf-16-le")) // 2


def message(text: str | None = "hello", **fields: Any) -> dict[str, Any]:
    """A message as Telegram would give it, a command with its entity; fields given as None are left out."""
    made: dict[str, Any] = {"message_id": 11, "date": DATE, "chat": PRIVATE, "from": ANN, "text": text}
    if text and text.startswith("/") and "entities" not in fields:
        made["entities"] = [{"type": "bot_command", "offset": 0, "length": units(text.split()[0])}]
    made |= {("from" if name == "from_" else name): value for name, value in fields.items()}
    return {name: value for name, value in made.items() if value is not None}


def update(kind: str = "message", uid: int = 900, **fields: Any) -> bytes:
    """An update of one message."""
    return msgspec.json.encode({"update_id": uid, kind: message(**fields)})


def mention(text: str, name: str = "@lane_bot") -> list[dict[str, Any]]:
    """The entity of the first mention in a text."""
    return [{"type": "mention", "offset": units(text[: text.index(name)]), "length": units(name)}]


def incoming(raw: bytes, **policy: Any) -> Incoming:
    """What triage makes of it."""
    return triage(raw, ME, Policy(**policy))


def claim(raw: bytes, *, session: bytes = b"", attempt: int = 1, **fields: Any) -> Claim:
    """A first claim on the lane of one update."""
    try:
        found = incoming(raw)
    except Unparsable:
        found = Incoming(1, "x1", 1, 0, 0, 0, "", "m", raw)
    at_ms = found.at_ms or int(time.time() * 1000)
    made = Claim(
        shard=0,
        lane=fields.pop("lane", found.lane),
        token="1-w",
        attempt=attempt,
        entries=[
            Entry(fields.pop("uids", str(found.uid)), fields.pop("at_ms", at_ms), found.by_ms, found.mid, "", raw)
        ],
        session=session,
        chat=fields.pop("chat_fields", {}),
        journal=fields.pop("journal", {}),
        stop=False,
        t0_ms=fields.pop("t0_ms", int(time.time() * 1000)),
        lease_until=time.monotonic() + 15,
    )
    for name, value in fields.items():
        setattr(made, name, value)
    return made


def context(raw: bytes | None = None, *, claimed: Claim | None = None, **fields: Any) -> Context:
    """A turn; ``fields`` are those of the message."""
    made = claimed or claim(raw if raw is not None else update(**fields))
    read = parse(made.entries[0].raw)
    said = read.message or read.edited_message
    assert said is not None
    return Context(made, read, said, ME)


class Growing:
    """An answer as it grows, shown at once."""

    class Stop(Exception):
        """Leaves the block."""

    def __init__(self, stop_after: str = "") -> None:
        self.stop_after = stop_after
        self.kept, self.stopped = "", False
        self.begun = 0

    def add(self, text: str) -> None:
        self.kept += text
        if self.stop_after and self.kept.endswith(self.stop_after):
            self.stopped = True
            raise self.Stop

    def anew(self) -> None:
        self.begun += 1
        self.kept = ""


class Outbox:
    """Remembers what it was asked to send; raises ``failure`` instead, if set."""

    def __init__(self, failure: Exception | None = None) -> None:
        self.failure = failure
        self.sent: list[tuple[Address, str]] = []
        self.typed = 0
        self.marked: list[bool] = []
        """Of each text whether it was given as Markdown."""
        self.grown: list[Growing] = []
        self.stop_after = ""
        """Somebody says /stop once this was shown."""

    @property
    def texts(self) -> list[str]:
        return [text for _, text in self.sent]

    async def answer(self, claim: Claim, address: Address, text: str, *, markdown: bool = False) -> None:
        text = claim.journal.setdefault("answer", text)
        if self.failure is not None:
            raise self.failure
        self.sent.append((address, text))
        self.marked.append(markdown)
        claim.shown = True

    @asynccontextmanager
    async def typing(self, claim: Claim, address: Address) -> AsyncIterator[None]:
        self.typed += 1
        yield

    @asynccontextmanager
    async def growing(self, claim: Claim, address: Address) -> AsyncIterator[Growing]:
        self.typed += 1
        self.grown.append(Growing(self.stop_after))
        with suppress(Growing.Stop):
            yield self.grown[-1]


class Inner:
    """The rest of an onion: notes the texts it saw, returns or raises what it was told."""

    def __init__(self, result: Outcome | Exception) -> None:
        self.result = result
        self.texts: list[str] = []

    async def __call__(self, ctx: Context) -> Outcome:
        self.texts.append(ctx.text)
        if isinstance(self.result, Exception):
            raise self.result
        return self.result
