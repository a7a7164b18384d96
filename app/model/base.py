"""What a model is: a prompt goes in, chunks of an answer come out. Quotas, failover and key pools look the same."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Protocol, TypedDict

from app.core.tokens import PER_IMAGE, conversation


class Message(TypedDict):
    """One line of a conversation; role is ``system``, ``user`` or ``assistant``."""

    role: str
    content: str


@dataclass(frozen=True, slots=True)
class Prompt:
    """What the model is asked. ``user``, ``chat`` and ``turn`` say for whom, for quotas, and are sent to nobody.

    ``turn`` is the same when a successor asks again after a crash; ``max_tokens`` caps the answer further (0: no).
    ``params`` are fields of the request as a persona sets them (temperature …), ``examples`` the number of messages
    after the first that are its example turns, ``images`` data URLs that go with the last message. ``on_loading`` is
    told how many seconds an endpoint asks for while it loads its model; ``on_asked`` that a request is being written to
    an endpoint, each time. Neither raises. ``broke``: the endpoints that broke off an answer to this very prompt, so
    that whoever asks again is answered by another.
    """

    messages: list[Message]
    user: str = ""
    chat: str = ""
    turn: str = ""
    max_tokens: int = 0
    params: tuple[tuple[str, float | int | str], ...] = ()
    examples: int = 0
    images: tuple[str, ...] = ()
    on_loading: Callable[[float], Awaitable[None]] | None = None
    on_asked: Callable[[], None] | None = None
    broke: set[str] = field(default_factory=set, compare=False)

    @property
    def front(self) -> list[Message]:
        """What stands before any conversation: the persona's prompt and its example turns."""
        return self.messages[: 1 + self.examples] if self.messages[0]["role"] == "system" else []

    @property
    def tokens(self) -> int:
        """An estimate of what it costs to ask this, rather too high than too low."""
        return conversation(self.messages) + PER_IMAGE * len(self.images)


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens that the endpoint counted."""

    prompt: int
    completion: int


@dataclass(frozen=True, slots=True)
class Chunk:
    """A piece of an answer; ``finish`` stands in one of the last: ``stop``, ``length``, ``content_filter`` …"""

    text: str = ""
    finish: str = ""
    usage: Usage | None = None


class Model(Protocol):
    """An async generator of chunks; whoever iterates closes it (``contextlib.aclosing``), which ends the call.

    It either ends after a chunk with ``finish``, or raises a ``ModelError``.
    """

    def stream(self, prompt: Prompt) -> AsyncGenerator[Chunk, None]: ...


async def whole(
    model: Model, prompt: Prompt, hear: Callable[[str], None] = lambda text: None
) -> tuple[str, str, Usage | None]:
    """Ask and wait for all of it: text, finish, usage. ``hear`` is told each piece as it comes."""
    text, finish, usage = [], "", None
    async with aclosing(model.stream(prompt)) as chunks:
        async for chunk in chunks:
            if chunk.text:
                text.append(chunk.text)
                hear(chunk.text)
            finish = chunk.finish or finish
            usage = chunk.usage or usage
    return "".join(text), finish, usage
