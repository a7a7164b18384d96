"""The keys of one endpoint in their order, and which of them may be asked now.

What a key may not is known in three places: ``health`` (what endpoints told any process), the ledger (its own
limits, costs.py) and here (whether it is there at all).

That a key is refused or not paid for holds at its address for every model. That it is busy holds for one model, since
providers limit per model (OpenAI, Gemini, Groq) and another model on the same key is what a fallback is for. A key's
own limits are its owner's, whatever the model.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from app.core.allowance import Limit
from app.core.clock import Clock
from app.core.errors import KeyRefused, KeysTooSmall, KeyUnpaid, ModelExhausted, PromptTooLong
from app.core.kinds import Key
from app.model.access import Access
from app.model.base import Prompt
from app.model.costs import AGAIN_SECONDS, Costs, Ledger, Slot, Taken
from app.model.health import Backoff, Health, Record
from app.model.openai import Endpoint

BUSY, REFUSED, UNPAID = "busy", "refused", "unpaid"  # why a key is left alone


@dataclass(frozen=True, slots=True)
class KeyRow:
    """A key as /keys shows it. State: `ready`, `returning`, `busy`, `spent`, `unpaid` or `refused`.

    `busy` and `returning` are this model's, the others the key's.
    """

    shown: str
    label: str
    limits: tuple[Limit, ...]
    state: str
    until: float
    """Unix seconds: when it is back, or (`unpaid`, `refused`) tried again; 0: now."""
    keyless: bool = False
    """The endpoint is asked without a key."""


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
        self._clock = clock
        self.costs = Costs(ledger, health, endpoint.max_tokens, report)
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
            field = f"{scope}@{self._endpoint.label}"
            made.setdefault(scope, Slot(known.access if known else access, limits, scope, field))
        self._slots = made
        self.costs.forget()
        return [scope for scope in made if scope in before]

    def report(self) -> list[KeyRow]:
        """How each key is, as of the last view."""
        return [self._row(slot) for slot in self.slots]

    @property
    def ready(self) -> bool:
        """Whether some key may be asked without restraint, as of the last view."""
        return any(row.state == "ready" for row in self.report())

    def allows(self, taken: Taken) -> bool:
        """Whether the key is still there, and still free."""
        free = taken.vain or self._known(taken.slot).until <= self._health.now
        return free and taken.slot in self

    async def take(self, prompt: Prompt, tried: set[str], *, alone: bool) -> Taken:
        """The first key that may be asked now; each that may not says when it may."""
        health = self._health
        if not health.fresh:
            await health.refresh()
        returns: list[float] = []
        for slot in self.slots:
            record = self._known(slot)
            free = max(record.until, self.costs.spent(slot))
            if free <= health.now and slot.scope in tried:
                free = health.now + AGAIN_SECONDS
            if free <= health.now and (wait := await self._admitted(slot)):
                free = health.now + wait
            if free <= health.now:
                taken = self._taken(slot, prompt)
                if not (free := await self.costs.reserve(taken)):
                    return taken
            if record.why == BUSY or free > record.until:
                returns.append(free)
        if not returns:
            return self._vain(prompt, tried, alone=alone)
        if (first := min(returns)) == math.inf:
            if all(self.costs.small(slot, prompt) for slot in self.slots if slot.limits):
                raise KeysTooSmall(f"no question fits into the limits of the keys of {self._endpoint.host}")
            raise PromptTooLong(413, f"the conversation is longer than the limits of the keys of {self._endpoint.host}")
        raise ModelExhausted(self._clock.now() + max(0.0, first - health.now))

    def _vain(self, prompt: Prompt, tried: set[str], *, alone: bool) -> Taken:
        """Every key waits for a person. One that was refused is asked all the same: so it heals itself."""
        refused = [slot for slot in self.slots if self._health.get(slot.scope).why == REFUSED]
        if not refused:
            raise KeyUnpaid(402, f"no key of {self._endpoint.host} is paid for")
        if not alone or refused[0].scope in tried:
            raise KeyRefused(401, f"{self._endpoint.host} refuses every key")
        return self._taken(refused[0], prompt, vain=True)

    def _taken(self, slot: Slot, prompt: Prompt, *, vain: bool = False) -> Taken:
        health = self._health
        return Taken(slot, health.get(slot.field).gen, health.get(slot.scope).gen, prompt, vain=vain)

    def _known(self, slot: Slot) -> Record:
        """What endpoints said of a key: that a person must heal it, else how it is for this model."""
        lasting = self._health.get(slot.scope)
        return lasting if lasting.until > self._health.now else self._health.get(slot.field)

    async def _admitted(self, slot: Slot) -> float:
        """0 unless the key returns and others come first; then the seconds after which to look again."""
        health = self._health
        for field in (slot.scope, slot.field):
            if health.returning(field) and (wait := await health.admit(field)):
                return wait
        return 0.0

    async def cool(self, taken: Taken, why: str, wait: float, backoff: Backoff) -> bool:
        """Tell all processes why the key is left alone; True when this is news."""
        if why == BUSY:
            return await self._health.cool(taken.slot.field, taken.gen, why, wait, backoff)
        return await self._health.cool(taken.slot.scope, taken.scope_gen, why, wait, backoff)

    async def well(self, taken: Taken) -> None:
        """It was answered. A refused key that was asked all the same kept nobody waiting: no crowd comes back to it."""
        for field, gen in ((taken.slot.field, taken.gen), (taken.slot.scope, taken.scope_gen)):
            if self._health.get(field).count or (taken.vain and field == taken.slot.scope):
                await self._health.well(field, gen, spared=not taken.vain)

    def _row(self, slot: Slot) -> KeyRow:
        record, now = self._known(slot), self._health.now
        spent = self.costs.spent(slot)
        if record.until > now:
            state, until = record.why, record.until
        elif spent > now:
            state, until = "spent", spent
        else:
            returning = any(self._health.returning(field) for field in (slot.scope, slot.field))
            state, until = "returning" if returning else "ready", 0.0
        return KeyRow(slot.access.shown, slot.access.label, slot.limits, state, until, slot.access.keyless)
