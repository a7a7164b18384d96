"""Quotas of people, chats and the whole bot, as a model around a model: reserve, ask, settle.

Where no limit applies nothing is reserved. Room that calls under way hold comes free soon: who needs it waits here for
a moment, first come first served, then gives the lane back.
"""

from __future__ import annotations

import asyncio
import random
import secrets
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import aclosing, contextmanager
from copy import copy
from dataclasses import dataclass, field, replace
from typing import Protocol

from app.core.allowance import Limit
from app.core.clock import Clock
from app.core.errors import Later, ModelCut, QuotaSpent
from app.core.tokens import LEAST_ANSWER, floor, tokens
from app.model.base import Chunk, Model, Prompt, Usage
from app.model.ledger import Busy, Charge, Granted, Spent

PATIENCE_SECONDS = 2.0  # longer than this a turn does not keep its place in this process for a quota's sake
LOOK_SECONDS = 0.5  # what other processes settle is not heard of here
LATER_MS = 1000, 3000
_WHOSE = {"u": "user", "c": "chat", "b": "bot"}

Ask = Callable[[], Awaitable[Granted | Busy | Spent]]


class Ledger(Protocol):
    """The books."""

    async def reserve(
        self, rid: str, charges: Sequence[Charge], prompt: int, output: int, least: int
    ) -> Granted | Busy | Spent: ...
    async def settle(self, rid: str, tokens: int, ticket: str = "", *, vain: bool = False) -> None: ...
    async def release(self, rid: str, ticket: str = "") -> None: ...
    async def overrides(self) -> Mapping[str, tuple[Limit, ...]]: ...


class Quota:
    """A Model. ``operators`` are held to the bot's quota alone; ``max_tokens`` caps each answer."""

    def __init__(
        self,
        inner: Model,
        ledger: Ledger,
        *,
        user: tuple[Limit, ...],
        chat: tuple[Limit, ...],
        bot: tuple[Limit, ...],
        operators: frozenset[int],
        max_tokens: int,
        clock: Clock,
    ) -> None:
        self._inner = inner
        self._ledger = ledger
        self._user = user
        self._chat = chat
        self._bot = bot
        self._operators = frozenset(map(str, operators))
        self._max_tokens = max_tokens
        self._queues = Queues(clock)

    def around(self, inner: Model) -> Quota:
        """The same quotas around something else that costs, such as a recording written down."""
        other = copy(self)
        other._inner = inner  # noqa: SLF001  one of our own kind
        return other

    async def charges(self, user: str, chat: str) -> list[Charge]:
        """The limits that hold for somebody in a chat, as they stand now."""
        free = user in self._operators
        found: list[Charge] = []
        if self._user and user and not free:
            found.append((f"u{user}", self._user))
        if chat and not free and (limits := (await self._ledger.overrides()).get(chat, self._chat)):
            found.append((f"c{chat}", limits))
        if self._bot:
            found.append(("b", self._bot))
        return found

    async def stream(self, prompt: Prompt) -> AsyncGenerator[Chunk, None]:
        """Raises QuotaSpent or Later (no room for now) before anything is asked."""
        charges = await self.charges(prompt.user, prompt.chat)
        chunks = self._counted(prompt, charges) if charges else self._inner.stream(prompt)
        async with aclosing(chunks):
            async for chunk in chunks:
                yield chunk

    async def _counted(self, prompt: Prompt, charges: list[Charge]) -> AsyncGenerator[Chunk, None]:
        rid = prompt.turn or secrets.token_hex(8)
        call = _Call(prompt.tokens, prompt.on_asked)
        granted = await self._reserve(rid, charges, prompt, call.cost)
        told = replace(prompt, max_tokens=granted.output, on_asked=call.asked)
        try:
            async with aclosing(self._inner.stream(told)) as chunks:
                async for chunk in chunks:
                    call.hear(chunk)
                    yield chunk
        except ModelCut as cut:
            call.broke(cut.text)
            raise
        except (asyncio.CancelledError, GeneratorExit):
            call.broke()
            raise
        finally:
            try:
                await self._close(rid, granted.ticket, call)
            finally:
                self._queues.wake(scope for scope, _ in charges)

    async def _reserve(self, rid: str, charges: list[Charge], prompt: Prompt, cost: int) -> Granted:
        output = min(prompt.max_tokens or self._max_tokens, self._max_tokens)
        least = min(LEAST_ANSWER, output)
        answer = await self._queues.ask(
            [scope for scope, _ in charges], lambda: self._ledger.reserve(rid, charges, cost, output, least)
        )
        if isinstance(answer, Spent):
            raise _refusal(answer, cost + least, floor(prompt.front, output))
        return answer

    async def _close(self, rid: str, ticket: str, call: _Call) -> None:
        """Answers count, and what was broken off after it was asked; what only failed does not, for that is our fault.

        A turn that is given back (a drain, a lost lease) is cancelled like one that is stopped, and a cut answer may be
        asked for anew: then it is reserved again with the same rid, and only the last time counts (``vain``).
        """
        if call.came:
            await self._ledger.settle(rid, call.used, ticket)
        elif call.written and call.broken:
            await self._ledger.settle(rid, call.used, ticket, vain=True)
        else:
            await self._ledger.release(rid, ticket)


@dataclass(slots=True)
class _Call:
    """How a call goes. ``cost``: its prompt's tokens."""

    cost: int
    told: Callable[[], None] | None
    written: bool = False
    broken: bool = False
    came: bool = False
    usage: Usage | None = None
    text: list[str] = field(default_factory=list)

    def asked(self) -> None:
        self.written = True
        if self.told:
            self.told()

    def hear(self, chunk: Chunk) -> None:
        self.came, self.usage = True, chunk.usage or self.usage
        self.text.append(chunk.text)

    def broke(self, text: str = "") -> None:
        """It ended in the middle: stopped, or cut with this text."""
        self.broken, self.came = True, self.came or bool(text)
        self.text = [max("".join(self.text), text, key=len)]

    @property
    def used(self) -> int:
        """What the endpoint counted; else what it must have been. Some endpoints report zeros."""
        counted = self.usage.prompt + self.usage.completion if self.usage else 0
        return counted or self.cost + tokens("".join(self.text))


def _refusal(spent: Spent, needed: int, shortest: int) -> QuotaSpent:
    """``needed``, ``shortest``: tokens for this question, and for any; less than the latter is as good as nothing."""
    limit, left = spent.limit, spent.left if spent.left >= shortest else 0
    vain = limit.unit == "t" and limit.amount < (needed if left else shortest)
    return QuotaSpent(_WHOSE[spent.scope[0]], limit, 0.0 if vain else spent.resets, left, spent.left)


class Queues:
    """Who waits in this process for room, by scope: only the first in a queue asks, whoever comes goes to its end."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._queues: dict[str, deque[asyncio.Event]] = {}

    async def ask(self, scopes: Sequence[str], ask: Ask) -> Granted | Spent:
        """Ask until there is an answer; Later when there is room but none came free in time."""
        until = self._clock.monotonic() + PATIENCE_SECONDS
        scope = next((scope for scope in scopes if scope in self._queues), "")
        while True:
            answer = await (self._ask_in_turn(scope, ask, until) if scope else ask())
            if not isinstance(answer, Busy):
                return answer
            self._left(until)
            scope = answer.scope

    def wake(self, scopes: Iterator[str]) -> None:
        """Room came free."""
        for scope in scopes:
            if queue := self._queues.get(scope):
                queue[0].set()

    async def _ask_in_turn(self, scope: str, ask: Ask, until: float) -> Granted | Busy | Spent:
        """The answer; Busy only for another scope's sake."""
        with self._place(scope) as (queue, woken):
            while queue[0] is not woken:
                await self._wait(woken, until, PATIENCE_SECONDS)
            while True:
                woken.clear()  # before asking: what is settled meanwhile counts
                answer = await ask()
                if not isinstance(answer, Busy) or answer.scope != scope:
                    return answer
                await self._wait(woken, until, LOOK_SECONDS)

    @contextmanager
    def _place(self, scope: str) -> Iterator[tuple[deque[asyncio.Event], asyncio.Event]]:
        queue, mine = self._queues.setdefault(scope, deque()), asyncio.Event()
        queue.append(mine)
        try:
            yield queue, mine
        finally:
            queue.remove(mine)
            if queue:
                queue[0].set()
            else:
                del self._queues[scope]

    async def _wait(self, woken: asyncio.Event, until: float, seconds: float) -> None:
        sleep = self._clock.sleep(min(seconds, self._left(until)))
        waits = {asyncio.ensure_future(woken.wait()), asyncio.ensure_future(sleep)}
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()

    def _left(self, until: float) -> float:
        left = until - self._clock.monotonic()
        if left <= 0:
            raise Later(random.randint(*LATER_MS))
        return left
