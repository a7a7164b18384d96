"""One who asks as the bot does: holds while every key is at its limit, asks again for what was cut."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass, field

from app.core.clock import Clock
from app.core.errors import Later, ModelCut, ModelError, ModelExhausted, ModelFailed
from app.model.base import Prompt, whole
from app.model.choose import Models

TRIES = 8  # a judge calls more than ten a storm
PAUSE_SECONDS = 0.05  # before an answer that was cut is asked for again, then twice as long


@dataclass(slots=True)
class Caller:
    """Asks ``models``; ``heard`` counts what it was told on the way."""

    models: Models
    clock: Clock
    heard: Counter[str] = field(default_factory=Counter)
    numbers: int = 0

    async def ask(self, text: str) -> str:
        """The whole answer to a question."""
        self.numbers += 1
        prompt = Prompt([{"role": "user", "content": text}], user="7", chat="7", turn=str(self.numbers))
        for number in range(TRIES):
            try:
                answer, finish, _usage = await whole(self.models.model, prompt)
            except ModelExhausted as error:
                self.heard["exhausted"] += 1
                await self.clock.sleep(max(0.0, error.until - self.clock.now()))
            except Later as error:
                self.heard["later"] += 1
                await self.clock.sleep(error.delay_ms / 1000)
            except (ModelCut, ModelFailed) as error:
                self.heard[type(error).__name__] += 1
                await self.clock.sleep(PAUSE_SECONDS * 2**number)
            else:
                assert finish == "stop", finish
                return answer
        raise AssertionError(f"no answer to {text!r}: {self.heard}")

    async def ask_all(self, texts: list[str], at_once: int = 8) -> list[str]:
        """Several questions, some at once; answers in their order."""
        room = asyncio.Semaphore(at_once)

        async def one(text: str) -> str:
            async with room:
                return await self.ask(text)

        return await asyncio.gather(*map(one, texts))

    async def refused(self, text: str) -> ModelError:
        """The error that a question ends with."""
        try:
            await whole(self.models.model, Prompt([{"role": "user", "content": text}], user="7", chat="7", turn="x"))
        except ModelError as error:
            return error
        raise AssertionError("it was answered")
