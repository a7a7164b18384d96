"""The keys of one endpoint in their order, and which of them may be asked now.

What a key may not is known in three places: ``health`` (what endpoints told any process), ``ledger`` (its own limits,
reserved before a request and settled after it) and here (limits that were found spent).
"""

from __future__ import annotations

import asyncio
import math
import secrets
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from app.core.allowance import Limit
from app.core.clock import Clock
from app.core.errors import KeyRefused, KeyUnpaid, ModelExhausted, PromptTooLong
from app.core.kinds import Key
from app.core.tokens import conversation, tokens
from app.model.access import Access
from app.model.base import Prompt, Usage
from app.model.health import Health
from app.model.ledger import Busy, Charge, Granted, Spent
from app.model.openai import Endpoint

LEAST_TOKENS = 64  # an answer for which a key's own limit leaves less is not begun on it
AGAIN_SECONDS = 0.5  # after which a limit that is only reserved is looked at again
CLOSE_SECONDS = 1.0  # how long a turn that ends waits for its reservation to be closed; Redis may be away
BUSY, REFUSED, UNPAID = "busy", "refused", "unpaid"  # why a key is left alone


class Ledger(Protocol):
    """The counters of limits, app/model/ledger.py."""

    async def reserve(
        self, rid: str, charges: Sequence[Charge], prompt: int, output: int, least: int
    ) -> Granted | Busy | Spent: ...
    async def settle(self, rid: str, tokens: int, ticket: str = "") -> None: ...
    async def release(self, rid: str, ticket: str = "") -> None: ...


@dataclass(frozen=True, slots=True, eq=False)
class Slot:
    """A key in its place; ``scope`` is its limits' name in the ledger and its field in the health hash."""

    access: Access
    limits: tuple[Limit, ...]
    scope: str


@dataclass(frozen=True, slots=True)
class KeyRow:
    """A key as /keys shows it. State: `ready`, `returning`, `busy`, `spent`, `unpaid` or `refused`."""

    shown: str
    label: str
    limits: tuple[Limit, ...]
    state: str
    until: float
    """Unix seconds; 0: now."""


@dataclass(slots=True, eq=False)
class Taken:
    """A key that may be asked now, with what was reserved for it ("": nothing)."""

    slot: Slot
    gen: int
    prompt: Prompt
    rid: str = ""
    ticket: str = ""
    vain: bool = False
    """It was refused, and is asked all the same, since there is no other."""


class Keyring:
    """The keys of one endpoint."""

    def __init__(
        self,
        endpoint: Endpoint,
        keys: Sequence[Key],
        health: Health,
        ledger: Ledger,
        clock: Clock,
        report: Callable[[str], None],
    ) -> None:
        self._endpoint = endpoint
        self._health = health
        self._ledger = ledger
        self._clock = clock
        self._report = report
        self._spent: dict[str, float] = {}
        self._closing: set[asyncio.Task[None]] = set()
        self._slots: dict[str, Slot] = {}
        self.reload(keys)

    def __contains__(self, slot: Slot) -> bool:
        return slot.scope in self._slots

    @property
    def slots(self) -> tuple[Slot, ...]:
        """The primary first."""
        return tuple(self._slots.values())

    def reload(self, keys: Sequence[Key]) -> list[str]:
        """Use these keys from now on; a key that is gone gets no new request. Answers the scopes of those kept."""
        base, before = self._endpoint.base, self._slots
        pairs = [(Access(base, key.secret.get_secret_value()), key.limits) for key in keys] or [(Access(base), ())]
        made: dict[str, Slot] = {}
        for access, limits in pairs:
            scope = f"k{access.label}"
            known = before.get(scope)
            made.setdefault(scope, Slot(known.access if known else access, limits, scope))
        self._slots = made
        self._spent = {}
        return [scope for scope in made if scope in before]

    def report(self) -> list[KeyRow]:
        """How each key is, as of the last view."""
        return [self._row(slot) for slot in self.slots]

    async def take(self, prompt: Prompt, tried: set[str], *, alone: bool) -> Taken:
        """The first key that may be asked now; each that may not says when it may."""
        health = self._health
        if not health.fresh:
            await health.refresh()
        returns: list[float] = []
        for slot in self.slots:
            record = health.get(slot.scope)
            free = max(record.until, self._spent.get(slot.scope, 0.0))
            if free <= health.now and slot.scope in tried:
                free = health.now + AGAIN_SECONDS
            if free <= health.now and health.returning(slot.scope) and (wait := await health.admit(slot.scope)):
                free = health.now + wait
            if free <= health.now:
                taken = Taken(slot, record.gen, prompt)
                if not (free := await self._reserve(taken)):
                    return taken
            if record.why == BUSY or free > record.until:
                returns.append(free)
        if not returns:
            return self._vain(prompt, tried, alone=alone)
        if (first := min(returns)) == math.inf:
            raise PromptTooLong(413, f"the conversation is longer than the limits of the keys of {self._endpoint.host}")
        raise ModelExhausted(self._clock.now() + max(0.0, first - health.now))

    def _vain(self, prompt: Prompt, tried: set[str], *, alone: bool) -> Taken:
        """Every key waits for a person. One that was refused is asked all the same: so it heals itself."""
        refused = [slot for slot in self.slots if self._health.get(slot.scope).why == REFUSED]
        if not refused:
            raise KeyUnpaid(402, f"no key of {self._endpoint.host} is paid for")
        if not alone or refused[0].scope in tried:
            raise KeyRefused(401, f"{self._endpoint.host} refuses every key")
        return Taken(refused[0], self._health.get(refused[0].scope).gen, prompt, vain=True)

    async def _reserve(self, taken: Taken) -> float:
        """0 when the key's own limits allow this; else when to look again, by Redis's clock (inf: it never fits)."""
        slot, prompt = taken.slot, taken.prompt
        if not slot.limits:
            return 0.0
        rid = f"{prompt.turn or secrets.token_hex(8)}@{slot.access.label}"
        output = min(cap for cap in (self._endpoint.max_tokens, prompt.max_tokens) if cap)
        least = min(LEAST_TOKENS, output)
        cost = conversation(prompt.messages)
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
            self._spent[slot.scope] = found.resets
        return max(again, found.resets)

    async def settle(self, taken: Taken, usage: Usage | None, text: str) -> None:
        """It was used: note what it cost, or may have cost where the endpoint did not say."""
        counted = usage.prompt + usage.completion if usage else 0  # some endpoints report zeros
        spent = counted or conversation(taken.prompt.messages) + tokens(text)
        await self._close(self._ledger.settle(taken.rid, spent, taken.ticket))

    async def release(self, taken: Taken) -> None:
        """It was not used."""
        if taken.rid:
            await self._close(self._ledger.release(taken.rid, taken.ticket))

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

    def _row(self, slot: Slot) -> KeyRow:
        record, now = self._health.get(slot.scope), self._health.now
        spent = self._spent.get(slot.scope, 0.0)
        if record.until > now:
            state, until = record.why, record.until
        elif spent > now:
            state, until = "spent", spent
        else:
            state, until = "returning" if self._health.returning(slot.scope) else "ready", 0.0
        return KeyRow(slot.access.shown, slot.access.label, slot.limits, state, until)
