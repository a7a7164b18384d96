"""A question and a model that answers it as it is told, for tests of quotas around it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass, field

from app.core.tokens import conversation
from app.model.base import Chunk, Prompt, Usage
from app.model.quota import Quota
from tests.unit.model.books import charge

ASKED = conversation([{"role": "user", "content": "x" * 28}])  # 14
HOUR = charge("u7", "1000t/hour")


def ask(turn: str = "t1", user: str = "7", chat: str = "-5", cap: int = 0) -> Prompt:
    return Prompt([{"role": "user", "content": "x" * 28}], user, chat, turn, cap)


@dataclass(slots=True)
class Scripted:
    """Says its chunks, then raises its failure; each `None` waits for `go`. ``asks``: so often it says it was asked."""

    chunks: list[Chunk | None] = field(default_factory=lambda: [Chunk("hi", "stop", Usage(10, 20))])
    failure: Exception | None = None
    prompts: list[Prompt] = field(default_factory=list)
    go: asyncio.Event = field(default_factory=asyncio.Event)
    closed: int = 0
    asks: int = 0

    async def stream(self, prompt: Prompt) -> AsyncGenerator[Chunk, None]:
        self.prompts.append(prompt)
        for _ in range(self.asks):
            assert prompt.on_asked
            prompt.on_asked()
        try:
            for chunk in self.chunks:
                if chunk is None:
                    await self.go.wait()
                else:
                    yield chunk
            if self.failure:
                raise self.failure
        finally:
            self.closed += 1


Make = Callable[..., Quota]
