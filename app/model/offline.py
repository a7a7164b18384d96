"""The model that is there when none is set: an honest stand-in without network that echoes, counts and remembers."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator

from app.core.clock import Clock, Real
from app.core.tokens import tokens
from app.model.base import Chunk, Message, Prompt, Usage

NOTICE = (
    "(I am Lanekeeper's offline stand-in: no language model is connected yet, so I only echo, count and remember. "
    "Set MODEL_BASE_URL to give me a real one.)"
)
WORD_SECONDS = 0.02
MOST_COUNT = 500
_COUNT = re.compile(r"\bcount\b.*?\bto\s+(\d{1,6})\b", re.IGNORECASE | re.DOTALL)
# Documents, or what the message replies to: the lines with ">" that end a question. They are another's words.
_QUOTED = re.compile(r"\n\n(?:\[document [^\n]*\]\n>.*|(?:>[^\n]*(?:\n|\Z))+)\Z", re.DOTALL)
_MEMORY = re.compile(r"\bremember\b|\bhow many (?:messages|questions)\b", re.IGNORECASE)


class Offline:
    """Streams word by word with a short delay, and reports usage."""

    name = "offline"

    def __init__(self, clock: Clock | None = None, word_seconds: float = WORD_SECONDS) -> None:
        self._clock = clock or Real()
        self._word_seconds = word_seconds

    async def stream(self, prompt: Prompt) -> AsyncGenerator[Chunk, None]:
        """Answer the last message of the user."""
        if prompt.on_asked is not None:
            prompt.on_asked()
        text = answer([*prompt.messages[:1], *prompt.messages[1 + prompt.examples :]])
        for word in re.findall(r"\s*\S+|\s+$", text):
            yield Chunk(word)
            await self._clock.sleep(self._word_seconds)
        asked = sum(tokens(message["content"]) for message in prompt.messages)
        yield Chunk(finish="stop", usage=Usage(asked, tokens(text)))

    async def start(self) -> str:
        """Nothing to find out."""
        return self.name

    async def probe(self) -> str:
        """Always well."""
        return "ready"


def answer(messages: list[Message]) -> str:
    """What the stand-in says to the person's own words; that it is one, as the last line of the first answer."""
    asked = [message["content"] for message in messages if message["role"] == "user"]
    first = not any(message["role"] == "assistant" for message in messages)
    said = _reply(_QUOTED.sub("", asked[-1]) if asked else "", len(asked))
    return f"{said}\n\n{NOTICE}" if first else said


def _reply(said: str, asked: int) -> str:
    if found := _COUNT.search(said):
        return _count(int(found[1]))
    if _MEMORY.search(said):
        earlier = asked - 1
        return f"I remember {earlier} earlier message{'' if earlier == 1 else 's'} of this conversation."
    return f"You said: {said}" if said.strip() else "You said nothing that I can read."


def _count(end: int) -> str:
    numbers = " ".join(map(str, range(1, min(end, MOST_COUNT) + 1)))
    return f"{numbers} … and so on to {end}." if end > MOST_COUNT else numbers or "There is nothing to count."
