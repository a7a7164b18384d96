"""Figures of what stands elsewhere: endpoints, keys and limits, as they are when somebody reads the page.

A look at Redis is bounded and shared by all readers: while Redis is away the page shows what was last known. There is a
series for each endpoint, key and limit of the settings, never for a person or a chat.
"""

from __future__ import annotations

import asyncio
from collections import Counter as Tally
from collections.abc import Iterator, Sequence
from contextlib import suppress

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from app.core.allowance import UNITS, Limit
from app.core.clock import Clock
from app.core.errors import StoreError
from app.core.report import Line, Models, Pool

LOOK_SECONDS = 0.5
KEY_STATES = ("ready", "returning", "busy", "spent", "unpaid", "refused")
ENDPOINT_STATES = ("ready", "ill", "trying", "exhausted")


class Gauges(Collector):
    """Endpoints, keys and limits as Prometheus' collector; ``bot`` is the quota of everybody together."""

    def __init__(
        self, models: Models, bot: tuple[Limit, ...], clock: Clock, asked: Tally[tuple[str, str, str]]
    ) -> None:
        self._models = models
        self._bot = bot
        self._clock = clock
        self._asked = asked
        self._shown: dict[str, str] = {}
        self._lines: Sequence[Line] = ()
        self._looking: asyncio.Task[None] | None = None

    async def look(self) -> None:
        """Bring them up to date, or give up after half a second."""
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look())
        await asyncio.wait({self._looking}, timeout=LOOK_SECONDS)

    async def _look(self) -> None:
        with suppress(StoreError):  # the page tells of that by itself
            await self._models.refresh()
            charges = dict.fromkeys(
                (f"k{key.label}", key.limits) for pool in self._models.report() for key in pool.keys
            )
            self._lines = await self._models.ledger.usage([("b", self._bot), *charges])

    def collect(self) -> Iterator[Metric]:
        """What was last seen."""
        pools = self._models.report()
        # a key that is gone keeps the name under which its requests were counted
        self._shown |= {key.label: key.shown for pool in pools for key in pool.keys}
        yield from self._endpoints(pools)
        yield from self._keys(pools)
        yield from self._limits()

    def _endpoints(self, pools: Sequence[Pool]) -> Iterator[Metric]:
        states = _gauge("endpoint_state", "1 for the state in which an endpoint is.", "endpoint", "model", "state")
        back = _gauge("endpoint_back_seconds", "Until an endpoint is asked again; 0: now.", "endpoint", "model")
        for (host, model), pool in {(pool.host, pool.model): pool for pool in reversed(pools)}.items():
            for state in ENDPOINT_STATES:
                states.add_metric([host, model, state], pool.state == state)
            back.add_metric([host, model], self._left(pool.until))
        yield from (states, back)

    def _keys(self, pools: Sequence[Pool]) -> Iterator[Metric]:
        labels = ("endpoint", "model", "key")
        states = _gauge("key_state", "1 for the state in which a key is, for a model.", *labels, "state")
        back = _gauge("key_back_seconds", "Until a key is asked again for a model; 0: now.", *labels)
        for pool in {(pool.host, pool.model): pool for pool in reversed(pools)}.values():
            for key in pool.keys:
                names = [pool.host, pool.model, key.shown]
                for state in KEY_STATES:
                    states.add_metric([*names, state], key.state == state)
                back.add_metric(names, self._left(key.until))
        asked = CounterMetricFamily(
            "lanekeeper_key_requests",
            "Requests of this process with a key, by result: ok, busy, refused, unpaid or failed.",
            labels=("endpoint", "key", "result"),
        )
        for (label, host, result), count in self._asked.items():
            asked.add_metric([host, self._shown.get(label, label), result], count)
        yield from (states, back, asked)

    def _limits(self) -> Iterator[Metric]:
        """Of a key's own limits and the bot's quota; those of people and chats are too many."""
        labels = ("scope", "key", "unit", "window")
        most = _gauge(
            "limit", "A key's own limit (scope key), or the quota of everybody together (scope bot).", *labels
        )
        used = _gauge("limit_used", "Used of it in the present window.", *labels)
        held = _gauge("limit_held", "Reserved of it by calls under way.", *labels)
        back = _gauge("limit_back_seconds", "Until its window ends; 0: none is open.", *labels)
        for line in self._lines:
            label = line.scope[1:]
            scope, key = ("key", self._shown.get(label, label)) if line.scope.startswith("k") else ("bot", "")
            names = [scope, key, UNITS[line.limit.unit], line.limit.window]
            for family, value in ((most, line.limit.amount), (used, line.used), (held, line.held)):
                family.add_metric(names, value)
            back.add_metric(names, self._left(line.resets))
        yield from (most, used, held, back)

    def _left(self, until: float) -> float:
        return max(0.0, until - self._clock.now())


def _gauge(name: str, text: str, *labels: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"lanekeeper_{name}", text, labels=labels)
