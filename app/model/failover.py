"""Endpoints in their order: the first that is well is asked; the next when it is ill or its keys are at their limits.

Ill means: it failed or broke off some times in a row, seen by all processes together. It is then left alone for a
while; after that one request of one process tries it, and once that was answered to its end everybody is back. When
nobody else is left, the ill ones are asked all the same.
Whether a broken answer may be asked for again, only those know to whom it goes; if they do, another endpoint is first.
A person hears within ``TOLD_SECONDS`` when nobody can answer, unless a model says that it is loading.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass

from app.core.clock import Clock
from app.core.errors import (
    KeyRefused,
    KeyUnpaid,
    ModelBlind,
    ModelBusy,
    ModelCut,
    ModelDown,
    ModelError,
    ModelExhausted,
    ModelFailed,
    ModelRefused,
    PromptTooLong,
)
from app.model.base import Chunk, Prompt
from app.model.health import ILL, Health, Record
from app.model.keypool import KeyPool
from app.model.keyring import KeyRow

TOLD_SECONDS = 27.0  # to the first word, over all endpoints; a person who hears nothing for 30 goes away
SHARE_SECONDS = 8.0  # of that, what each endpoint behind the one that is asked keeps for itself
INPLACE_SECONDS = 2.0  # when a key returns within this, its room is not worth giving back
_EARLY_SECONDS = 0.005  # timers may be a little early
FAILED = "ill"


@dataclass(frozen=True, slots=True)
class EndpointRow:
    """An endpoint as /status shows it. State: `ready`, `ill`, `trying` or `exhausted`."""

    host: str
    """With port and path where other endpoints have the same host."""
    model: str
    state: str
    until: float
    """Unix seconds: when it is tried again, or its first key returns; 0: now."""
    keys: tuple[KeyRow, ...]


class Failover:
    """A Model over one or more endpoints, the first preferred."""

    def __init__(
        self, pools: Sequence[KeyPool], health: Health, clock: Clock, *, told_seconds: float = TOLD_SECONDS
    ) -> None:
        self._pools = tuple(pools)
        self._health = health
        self._clock = clock
        self._told_seconds = told_seconds

    def __repr__(self) -> str:
        return f"<Failover {', '.join(map(repr, self._pools))}>"

    async def stream(self, prompt: Prompt) -> AsyncGenerator[Chunk, None]:
        """Answer chunk by chunk, from whoever can; raises the first endpoint's error when nobody can."""
        started = self._clock.monotonic()
        while True:
            try:
                async with aclosing(self._round(prompt, started + self._told_seconds)) as chunks:
                    async for chunk in chunks:
                        yield chunk
                return
            except ModelExhausted as error:
                wait = max(0.0, error.until - self._clock.now()) + _EARLY_SECONDS
                if self._clock.monotonic() + wait > started + INPLACE_SECONDS:
                    raise
            await self._clock.sleep(wait)

    def report(self) -> list[EndpointRow]:
        """How each endpoint is, as of the last view."""
        return [self._row(pool) for pool in self._pools]

    async def _round(self, prompt: Prompt, deadline: float) -> AsyncGenerator[Chunk, None]:
        """Ask one after the other until one begins to answer."""
        errors: list[ModelError] = []
        order = await self._order(prompt.broke)
        share = min(SHARE_SECONDS, self._told_seconds / len(order))
        for behind, pool in zip(range(len(order) - 1, -1, -1), order, strict=True):
            until, before = deadline - behind * share, self._health.get(_field(pool))
            if until <= self._clock.monotonic():
                continue
            begun = False
            try:
                async with aclosing(pool.stream(prompt, deadline=until, quick=behind > 0)) as chunks:
                    async for chunk in chunks:
                        begun = True
                        yield chunk
                await self._heard(pool, before)
                return
            except ModelError as error:
                if begun:
                    await self._broke(pool, before, error, prompt.broke)
                    raise
                await self._failed(pool, before, error)
                if isinstance(error, PromptTooLong):
                    raise
                errors.append(error)
        raise _worst(errors)

    async def _order(self, broke: set[str]) -> list[KeyPool]:
        """Those that are well, and an ill one that is ours to try, in their order; then those that are ill.

        None is tried while one that is preferred to it can answer. ``broke``: those after others that are as well.
        """
        if len(self._pools) == 1:
            return [*self._pools]
        if not self._health.fresh:
            await self._health.refresh()
        front: list[KeyPool] = []
        back: list[KeyPool] = []
        trying = False
        for pool in self._pools:
            until = self._health.get(_field(pool)).until
            due = 0 < until <= self._health.now and not trying and not any(before.ring.ready for before in front)
            if due:
                trying = due = await self._health.probe(_field(pool))
            (front if due or not until else back).append(pool)
        return [pool for pools in (front, back) for pool in sorted(pools, key=lambda pool: _field(pool) in broke)]

    async def _heard(self, pool: KeyPool, before: Record) -> None:
        if before.count:
            await self._health.well(_field(pool), before.gen, spared=False)

    async def _failed(self, pool: KeyPool, before: Record, error: ModelError) -> None:
        """What an error says about the endpoint: ill, well (it refuses this question, or this key), or nothing."""
        if isinstance(error, ModelBlind):  # also as a 404 or a 500; what is known already was not even asked
            return
        if isinstance(error, ModelDown | ModelFailed) or (isinstance(error, ModelRefused) and error.status == 404):
            await self._health.cool(_field(pool), before.gen, FAILED, 0.0, ILL)
        elif isinstance(error, ModelRefused):
            await self._heard(pool, before)

    async def _broke(self, pool: KeyPool, before: Record, error: ModelError, broke: set[str]) -> None:
        """An answer ended in its middle; an error that concerns a key says nothing about the endpoint."""
        if isinstance(error, ModelCut) and not isinstance(error.why, ModelBusy | KeyRefused | KeyUnpaid):
            broke.add(_field(pool))
            await self._failed(pool, before, error.why or ModelDown(str(error)))

    def _row(self, pool: KeyPool) -> EndpointRow:
        record, now, keys = self._health.get(_field(pool)), self._health.now, tuple(pool.report())
        state, until = "ready", 0.0
        if record.until:
            state, until = (FAILED, record.until) if record.until > now else ("trying", 0.0)
        elif all(key.until > now for key in keys):
            state, until = "exhausted", min(key.until for key in keys)
        return EndpointRow(pool.endpoint.host, pool.endpoint.name, state, until, keys)


def _field(pool: KeyPool) -> str:
    return f"e{pool.endpoint.label}"


def _worst(errors: list[ModelError]) -> ModelError:
    """What a person is told: when a key returns, if one does; else what the preferred endpoint said.

    Above all that one could answer if it were not for the pictures.
    """
    if blind := next((error for error in errors if isinstance(error, ModelBlind)), None):
        return blind
    returns = [error.until for error in errors if isinstance(error, ModelExhausted)]
    if returns:
        return ModelExhausted(min(returns))
    return errors[0] if errors else ModelDown("no endpoint has answered in time")
