"""A ledger over books whose clock the test owns, with short words for what tests ask of it."""

from __future__ import annotations

from dataclasses import dataclass, field

from redis.asyncio import Redis

from app.core.allowance import limits
from app.core.clock import Manual
from app.model.ledger import Charge, Granted, Ledger, Line
from tests.support.books import BOT, Books

SECONDS = 60.0


def charge(scope: str, text: str) -> Charge:
    """`u7` and `300r/hour,1000t/day`."""
    return scope, limits(text)


@dataclass(slots=True)
class Desk:
    """One process with its ledger; `ledger` of another process is made by `other`."""

    books: Books
    redis: Redis
    clock: Manual = field(default_factory=Manual)
    ledger: Ledger = field(init=False)

    def __post_init__(self) -> None:
        self.ledger = self.other()

    def other(self) -> Ledger:
        return Ledger(self.books, self.redis, BOT, seconds=SECONDS, clock=self.clock)

    async def ask(self, rid: str, *charges: Charge, prompt: int = 10, output: int = 90, least: int = 20) -> object:
        """reserve, with the ticket left out of the answer."""
        answer = await self.ledger.reserve(rid, charges, prompt, output, least)
        return Granted(answer.output) if isinstance(answer, Granted) else answer

    async def use(self, rid: str, *charges: Charge, tokens: int = 100) -> None:
        """Reserve and settle the same."""
        answer = await self.ledger.reserve(rid, charges, tokens, 0, 0)
        assert isinstance(answer, Granted), answer
        await self.ledger.settle(rid, tokens)

    async def line(self, one: Charge) -> Line:
        """The figures of one limit."""
        (line,) = await self.ledger.usage([one])
        return line

    async def figures(self, one: Charge) -> tuple[int, int]:
        """Used and held."""
        line = await self.line(one)
        return line.used, line.held
