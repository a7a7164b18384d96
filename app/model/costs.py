"""The own limits of keys, in the ledger: reserved before a request, settled after it as its endpoint counts it.

What was written counts as a request there, whatever came of it, and so it does here.
"""

from __future__ import annotations

import asyncio
import math
import secrets
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from app.core.allowance import Limit
from app.core.errors import KeyRefused, KeyUnpaid, ModelBusy, ModelRefused
from app.core.tokens import LEAST_ANSWER, floor, tokens
from app.model.access import Access
from app.model.base import Prompt, Usage
from app.model.health import Health
from app.model.ledger import Busy, Charge, Granted, Spent
from app.model.retries import Fate, Passing

AGAIN_SECONDS = 0.5  # after which a limit that is only reserved is looked at again
CLOSE_SECONDS = 1.0  # how long a turn that ends waits for its reservation to be closed; Redis may be away


class Ledger(Protocol):
    """The counters of limits, app/model/ledger.py."""

    async def reserve(
        self, rid: str, charges: Sequence[Charge], prompt: int, output: int, least: int
    ) -> Granted | Busy | Spent: ...
    async def settle(self, rid: str, tokens: int, ticket: str = "") -> None: ...
    async def release(self, rid: str, ticket: str = "") -> None: ...


@dataclass(frozen=True, slots=True, eq=False)
class Slot:
    """A key in its place.

    ``scope`` is its limits' name in the ledger, and the field of the health hash in which stands what a person must
    heal; ``field`` the one for this model, in which stands that it is busy.
    """

    access: Access
    limits: tuple[Limit, ...]
    scope: str
    field: str


@dataclass(slots=True, eq=False)
class Taken:
    """A key that may be asked now, with what was reserved for it ("": nothing); the gens of its field and its scope."""

    slot: Slot
    gen: int
    scope_gen: int
    prompt: Prompt
    rid: str = ""
    ticket: str = ""
    vain: bool = False
    """It was refused, and is asked all the same, since there is no other."""
    written: bool = False
    """The request has left."""


class Costs:
    """Of the keys of one endpoint, whose answers have at most ``max_tokens``."""

    def __init__(self, ledger: Ledger, health: Health, max_tokens: int, report: Callable[[str], None]) -> None:
        self._ledger = ledger
        self._health = health
        self._max_tokens = max_tokens
        self._report = report
        self._until: dict[str, float] = {}
        self._closing: set[asyncio.Task[None]] = set()

    def spent(self, slot: Slot) -> float:
        """Until when a limit was found spent, by Redis's clock; 0: none."""
        return self._until.get(slot.scope, 0.0)

    def forget(self) -> None:
        """The limits may be others now."""
        self._until = {}

    async def reserve(self, taken: Taken) -> float:
        """0 when the key's own limits allow this; else when to look again, by Redis's clock (inf: it never fits)."""
        slot, prompt = taken.slot, taken.prompt
        if not slot.limits:
            return 0.0
        rid = f"{prompt.turn or secrets.token_hex(8)}@{slot.access.label}"
        output = self._longest(prompt)
        least = min(LEAST_ANSWER, output)
        cost = prompt.tokens
        if any(limit.unit == "t" and limit.amount < cost + least for limit in slot.limits):
            return math.inf
        found = await self._ledger.reserve(rid, [(slot.scope, slot.limits)], cost, output, least)
        if isinstance(found, Granted):
            taken.rid, taken.ticket = rid, found.ticket
            taken.prompt = prompt if found.output >= output else replace(prompt, max_tokens=found.output)
            return 0.0
        again = self._health.now + AGAIN_SECONDS
        if not isinstance(found, Spent):
            return again
        if found.limit.unit == "r":  # of tokens there may be enough for a shorter question
            self._until[slot.scope] = found.resets
        return max(again, found.resets)

    def small(self, slot: Slot, prompt: Prompt) -> bool:
        """Whether no question at all fits into the key's limits, not even the shortest to this persona."""
        shortest = floor(prompt.front, self._longest(prompt))
        return any(limit.unit == "t" and limit.amount < shortest for limit in slot.limits)

    def _longest(self, prompt: Prompt) -> int:
        return min(cap for cap in (self._max_tokens, prompt.max_tokens) if cap)

    async def renew(self, taken: Taken) -> bool:
        """The same question is asked once more, in other words: as a request of its own, if there is room for one."""
        if not taken.rid:
            return True
        await self._settle(taken, 0)
        most, taken.rid, taken.written = taken.prompt.max_tokens, "", False
        return not await self.reserve(taken) and taken.prompt.max_tokens == most

    async def settle(self, taken: Taken, usage: Usage | None, text: str) -> None:
        """It was used: note what it cost, or may have cost where the endpoint did not say."""
        counted = usage.prompt + usage.completion if usage else 0  # some endpoints report zeros
        await self._settle(taken, counted or taken.prompt.tokens + tokens(text))

    async def fail(self, taken: Taken, error: BaseException) -> None:
        """It gave nothing. What was written counts with the endpoint all the same, and so it does here.

        Given back is what did not reach the model. An error costs no tokens; where it is not known how far the model
        came, the question's.
        """
        fate = error.fate if isinstance(error, Passing) else Fate.UNKNOWN
        if not taken.written or fate is Fate.UNSENT or isinstance(error, ModelBusy | KeyRefused | KeyUnpaid):
            await self._settle(taken, None)
        elif fate is Fate.REFUSED or isinstance(error, ModelRefused):
            await self._settle(taken, 0)
        else:
            await self._settle(taken, taken.prompt.tokens)

    async def _settle(self, taken: Taken, spent: int | None) -> None:
        """Charge these tokens and a request; None: nothing."""
        if not taken.rid:
            return
        if spent is None:
            await self._close(self._ledger.release(taken.rid, taken.ticket))
        else:
            await self._close(self._ledger.settle(taken.rid, spent, taken.ticket))

    async def _close(self, closing: Coroutine[Any, Any, None]) -> None:
        """Close a reservation, also when the turn is being cancelled and when Redis is slow; it expires anyway."""
        task = asyncio.create_task(closing)
        self._closing.add(task)
        task.add_done_callback(self._closed)
        await asyncio.wait({task}, timeout=CLOSE_SECONDS)

    def _closed(self, task: asyncio.Task[None]) -> None:
        self._closing.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._report(f"a key's use was not noted: {error}")
