"""Every instrument, declared once with unit and help; only this module and gauges.py know prometheus-client.

Stations call the verbs of `Metrics`, or are handed one of its bound methods. Each process shows its own figures.
"""

from __future__ import annotations

import time
from collections import Counter as Tally
from collections.abc import Callable, Sequence

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

from app.ops.gauges import Gauges

TURN_SECONDS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300)
WAIT_SECONDS = (0.01, 0.05, 0.1, 0.5, 1, 5, 15, 60, 300, 900)
UNFINISHED = frozenset({"back", "failed", "gone", "cancelled"})
SEND_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


class Metrics:
    """The figures of one process; ``text`` renders them."""

    def __init__(self, version: str = "", monotonic: Callable[[], float] = time.monotonic) -> None:
        self.registry = CollectorRegistry()
        self._monotonic = monotonic
        self._polled_at = monotonic()  # a process that never polled is as old as its start
        self._bound: dict[tuple[Counter, tuple[str, ...]], Counter] = {}
        self._gauges: Gauges | None = None
        self.asked_with: Tally[tuple[str, str, str]] = Tally()
        """Requests by label of their key, endpoint and result; gauges.py shows them."""
        self._declare_flow()
        self._declare_outside()
        self._declare_state()
        ProcessCollector(registry=self.registry)
        self._gauge("lanekeeper_info", "Constant 1, labelled with the version.", "version").labels(version).set(1)

    def _declare_flow(self) -> None:
        self._updates = self._counter(
            "lanekeeper_updates", "Updates taken in, by what the store made of them.", "result"
        )
        self._ends = self._counter("lanekeeper_ends", "Updates finished, by their end.", "end")
        self._attempts = self._counter("lanekeeper_turns_unfinished", "Turns that did not end their update.", "why")
        self._turn = self._histogram("lanekeeper_turn_seconds", "Length of a turn, claim to end.", TURN_SECONDS)
        self._wait = self._histogram("lanekeeper_wait_seconds", "From arrival of an update to its claim.", WAIT_SECONDS)

    def _declare_outside(self) -> None:
        self._polls = self._counter("lanekeeper_polls", "getUpdates calls, by result.", "result")
        self._sends = self._counter(
            "lanekeeper_sends", "Calls that show something in Telegram, by method and result.", "method", "result"
        )
        self._send = self._histogram("lanekeeper_send_seconds", "Length of a sendMessage call.", SEND_SECONDS)
        self._models = self._counter("lanekeeper_model_calls", "Calls of the model, by result.", "result")
        self._model = self._histogram("lanekeeper_model_seconds", "Length of a call of the model.", TURN_SECONDS)
        self._tokens = self._counter("lanekeeper_model_tokens", "Tokens as the model reported them.", "kind")
        self._refusals = self._counter(
            "lanekeeper_quota_refusals",
            "Questions that no quota (user, chat, bot) or no key (keys) had room for.",
            "scope",
        )
        self._held = self._counter(
            "lanekeeper_questions_held", "Times that a question was put off until a key returns."
        )
        self._store = self._counter("lanekeeper_redis_errors", "Requests that Redis did not fulfil, by kind.", "kind")

    def _declare_state(self) -> None:
        self._live = self._gauge("lanekeeper_turns_live", "Turns running in this process.")
        self._waiting = self._gauge("lanekeeper_lanes_waiting", "Conversations ready to run, as this process last saw.")
        age = self._gauge("lanekeeper_poll_age_seconds", "Since this process last completed a getUpdates call.")
        age.set_function(self.poll_age)

    def stored(self, statuses: Sequence[str]) -> None:
        """The store's word on each update of a batch: ok, dup, edited, flood, ignored, paused, "to <chat>"."""
        for status, count in Tally(statuses).items():
            self._updates.labels("moved" if status.startswith("to ") else status).inc(count)

    def unreadable(self) -> None:
        """An update in which not even an id can be found."""
        self._updates.labels("unreadable").inc()

    def polled(self) -> None:
        """A getUpdates call was completed."""
        self._polled_at = self._monotonic()
        self._polls.labels("ok").inc()

    def failed(self, kind: str) -> None:
        """A getUpdates call was not: conflict, flooded, unsent ..."""
        self._polls.labels(kind).inc()

    def poll_age(self) -> float:
        """Seconds since the last completed getUpdates call of this process, or since its start."""
        return self._monotonic() - self._polled_at

    def turn(self, end: str, seconds: float) -> None:
        """A turn is over after ``seconds``: with an end, or as back, failed, gone or cancelled."""
        self._turn.observe(seconds)
        self._count(self._attempts if end in UNFINISHED else self._ends, end)

    def waited(self, seconds: float) -> None:
        """An update was claimed ``seconds`` after it arrived."""
        self._wait.observe(seconds)

    def sent(self, method: str, result: str, seconds: float | None = None) -> None:
        """A Bot API call ended as ok, unsent, flooded, doubtful, rejected ..."""
        self._count(self._sends, method, result)
        if seconds is not None:
            self._send.observe(seconds)

    def asked(self, result: str, seconds: float, prompt_tokens: int = 0, answer_tokens: int = 0) -> None:
        """A call of the model ended as ok, cut, down, busy, refused, blind or failed."""
        self._count(self._models, result)
        self._model.observe(seconds)
        if prompt_tokens or answer_tokens:
            self._count(self._tokens, "prompt", by=prompt_tokens)
            self._count(self._tokens, "answer", by=answer_tokens)

    def keyed(self, label: str, host: str, result: str) -> None:
        """A request with a key ended as ok, busy, refused, unpaid or failed."""
        self.asked_with[label, host, result] += 1

    def spent(self, scope: str) -> None:
        """A question found no room: in a quota of its user, chat or bot, or in any of the keys."""
        self._count(self._refusals, scope)

    def held(self) -> None:
        """A question waits for a key to return."""
        self._held.inc()

    def refused(self, kind: str) -> None:
        """Redis did not do what was asked: down, full or broken."""
        self._store.labels(kind).inc()

    def watch(self, *, live: Callable[[], float], waiting: Callable[[], float]) -> None:
        """Ask these whenever the figures are read."""
        self._live.set_function(live)
        self._waiting.set_function(waiting)

    def show(self, gauges: Gauges) -> None:
        """Show these figures too."""
        self.registry.register(gauges)
        self._gauges = gauges

    async def look(self) -> None:
        """Bring up to date what stands elsewhere; bounded in time."""
        if self._gauges is not None:
            await self._gauges.look()

    def text(self) -> tuple[bytes, str]:
        """All figures in Prometheus' text form, and its content type."""
        return generate_latest(self.registry), CONTENT_TYPE_LATEST

    def _count(self, family: Counter, *labels: str, by: float = 1) -> None:
        """Add to a child, found by its labels only once: that costs 30 us."""
        child = self._bound.get((family, labels))
        if child is None:
            child = self._bound[family, labels] = family.labels(*labels)
        child.inc(by)

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(name, text, labels, registry=self.registry)

    def _gauge(self, name: str, text: str, *labels: str) -> Gauge:
        return Gauge(name, text, labels, registry=self.registry)

    def _histogram(self, name: str, text: str, buckets: tuple[float, ...]) -> Histogram:
        return Histogram(name, text, registry=self.registry, buckets=buckets)
