"""An endpoint in the test's own memory: each key has an answer, and what is asked is written down with its time."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Sequence
from typing import Any

from pydantic import SecretStr

from app.core.clock import Manual
from app.core.errors import ModelCut
from app.core.exchange import Clocks, Gate
from app.core.kinds import Key, key
from app.model.access import Access, label_of
from app.model.answer import Answer
from app.model.base import Chunk, Prompt, Usage
from app.model.ledger import Busy, Granted, Spent

ASK = Prompt([{"role": "user", "content": "hello"}], turn="7.1")
HI = Chunk("Hi!", "stop", Usage(3, 2))


class Broken(Answer):
    """An answer that breaks off after its first words."""

    def __init__(self, cut: ModelCut) -> None:
        self.first = Chunk(cut.text)
        self._cut = cut

    async def next(self) -> Chunk | None:
        raise self._cut

    async def aclose(self) -> None:
        pass


class Provider:
    """What KeyPool asks of an Endpoint. An answer is a Chunk, an error, or a function of (secret, clocks)."""

    def __init__(self, clock: Manual, name: str = "m", base: str = "http://a.test/v1") -> None:
        self.clock = clock
        self.name = name
        self.base = base
        self.host = base.split("/")[2]
        self.label = label_of(base, name)
        self.clocks = Clocks(first=25)
        self.max_tokens = 1024
        self.answers: dict[str, Any] = {}
        self.asked: list[tuple[float, str]] = []
        self.prompts: list[Prompt] = []
        self.clocks_given: list[Clocks | None] = []
        self.pause: Callable[[str], Any] | None = None
        """Awaited between choice and request, as a wait for a connection."""

    @property
    def secrets(self) -> list[str]:
        """The keys that were asked, in order."""
        return [secret for _, secret in self.asked]

    async def start(self, access: Access | None = None) -> str:
        return self.name

    async def ask(
        self, prompt: Prompt, access: Access, clocks: Clocks | None = None, gate: Gate | None = None
    ) -> Chunk | Answer:
        secret = access._secret
        if self.pause is not None:
            await self.pause(secret)
        if gate is not None and (doubt := gate()) is not None:
            await doubt
        self.asked.append((self.clock.monotonic(), secret))
        self.prompts.append(prompt)
        self.clocks_given.append(clocks)
        answer = self.answers.get(secret, HI)
        if callable(answer):
            answer = answer(secret, clocks)
        if isinstance(answer, BaseException):
            raise answer
        assert isinstance(answer, Chunk | Answer)
        return answer


class Books:
    """A ledger that answers what the test says, and notes what is settled."""

    def __init__(self) -> None:
        self.answers: dict[str, Granted | Busy | Spent] = {}
        self.reserved: list[tuple[str, str, int, int, int]] = []
        self.closed: list[tuple[str, int | None]] = []

    async def reserve(self, rid: str, charges: Sequence[Any], prompt: int, output: int, least: int) -> Any:
        (scope, _) = charges[0]
        self.reserved.append((rid, scope, prompt, output, least))
        return self.answers.get(scope, Granted(output, "t"))

    async def settle(self, rid: str, tokens: int, ticket: str = "") -> None:
        self.closed.append((rid, tokens))

    async def release(self, rid: str, ticket: str = "") -> None:
        self.closed.append((rid, None))


def keys_of(*texts: str) -> tuple[Key, ...]:
    return tuple(key(text) for text in texts)


def bare(secret: str) -> Key:
    return Key(SecretStr(secret))


async def collect(chunks: AsyncGenerator[Chunk, None]) -> str:
    return "".join([chunk.text async for chunk in chunks])
