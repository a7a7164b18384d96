"""getUpdates as Telegram's server does it (tdlib/telegram-bot-api, Client.cpp): confirmation, long poll, conflict.

An update is confirmed when a *request* with a higher offset arrives; handing one out confirms nothing. The same offset
asked again within half a second gets one update, a short poll of the same offset within 3 s waits 3 s, of two long
polls the newcomer wins, and a conflict is told at most every 3 s.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Any

from tests.support import faults
from tests.support.faults import Fault, Faults, refusal
from tests.support.forms import GetUpdates
from tests.support.ledger import Ledger, now
from tests.support.people import Input
from tests.support.wire import Exchange

CONFLICT = "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running"
HOOKED = "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first"
NONE = b'{"ok":true,"result":[]}'
LONGEST_WAIT = 50


class Polls:
    """The queue of updates and the one poll that may wait on it."""

    def __init__(self, ledger: Ledger, broken: Faults) -> None:
        self.ledger, self.faults = ledger, broken
        self.queue: list[tuple[Input, bytes]] = []
        self.confirmed = 0
        self.handed = 0
        self.count = 0
        self.done = 0
        self.conflicts = 0
        self.webhook = ""
        self.waiting: tuple[Exchange, int, asyncio.TimerHandle] | None = None
        self.log: deque[dict[str, Any]] = deque(maxlen=500)
        self._offset, self._asked_at, self._conflict_at = 0, 0.0, 0.0
        self._penalty = 0.0

    def put(self, item: Input, raw: bytes) -> None:
        """A new update arrived at Telegram."""
        item.added = now()
        self.queue.append((item, raw))
        if self.waiting is not None:
            exchange, limit, timer = self.waiting
            self.waiting = None
            timer.cancel()
            self._hand_out(exchange, limit)

    def forget(self) -> None:
        """What deleteWebhook with drop_pending_updates does."""
        self.confirmed = len(self.queue)

    def serve(self, exchange: Exchange, form: GetUpdates) -> None:
        self.count += 1
        self.log.append({"at": now(), "offset": form.offset, "timeout": form.timeout, "confirmed": self.confirmed})
        self._decent(form)
        if now() < self._penalty:
            self.ledger.blame("penalties", "getUpdates while its 429 lasts")
            faults.flood(exchange, self._penalty - now() + 1)
            return
        fault = self.faults.take("getupdates")
        if fault is not None:
            self.log[-1]["fault"] = fault.kind
        if fault is not None and fault.kind == "flood":
            self._penalty = now() + fault.retry_after
        if fault is not None and not fault.done:
            faults.fail(exchange, fault)
        elif self.webhook:
            self._conflict(exchange, HOOKED)
        else:
            self._grant(exchange, form, fault)

    def _grant(self, exchange: Exchange, form: GetUpdates, fault: Fault | None) -> None:
        limit, timeout = self._haste(form)
        self._confirm(form.offset)
        if fault is not None:
            faults.fail(exchange, fault, self._batch(limit))
        elif len(self.queue) > self.confirmed:
            self._hand_out(exchange, limit)
        elif timeout <= 0:
            self._empty(exchange)
        else:
            self._wait(exchange, limit, timeout)

    def _decent(self, form: GetUpdates) -> None:
        ledger = self.ledger
        if form.offset < 0:
            ledger.blame("shape", f"getUpdates with offset {form.offset}: that deletes what people wrote")
        if not form.allowed_updates or "message" not in form.allowed_updates:
            ledger.blame("shape", f"getUpdates with allowed_updates={form.allowed_updates}: not an explicit list")
        if not 1 <= form.limit <= 100 or not 0 <= form.timeout <= LONGEST_WAIT:
            ledger.blame("shape", f"getUpdates with limit {form.limit}, timeout {form.timeout}")

    def _haste(self, form: GetUpdates) -> tuple[int, float]:
        """Limit and timeout that the server grants."""
        limit, timeout, at = min(100, max(1, form.limit)), float(min(LONGEST_WAIT, form.timeout)), now()
        if form.offset == self._offset and timeout < 3 and at < self._asked_at + 3:
            timeout = 3
        if form.offset == self._offset and at < self._asked_at + 0.5:
            limit = 1
        self._offset, self._asked_at = form.offset, at
        return limit, timeout

    def _confirm(self, offset: int) -> None:
        if not self.queue or offset <= 0:
            return
        place = offset - self.queue[0][0].uid
        if self.confirmed < place <= len(self.queue) + 10:
            self.confirmed = min(place, len(self.queue))

    def _batch(self, limit: int) -> bytes:
        part = self.queue[self.confirmed : self.confirmed + limit]
        for item, _ in part:
            item.times += 1
            if item.times == 1:
                item.handed = now()
                self.handed += 1
        return b'{"ok":true,"result":[%b]}' % b",".join(raw for _, raw in part)

    def _hand_out(self, exchange: Exchange, limit: int) -> None:
        self.done += 1
        exchange.reply(self._batch(limit))

    def _empty(self, exchange: Exchange) -> None:
        self.done += 1
        exchange.reply(NONE)

    def _wait(self, exchange: Exchange, limit: int, timeout: float) -> None:
        if self.waiting is not None:
            old, _, timer = self.waiting
            timer.cancel()
            self._conflict(old, CONFLICT)
        self.waiting = exchange, limit, asyncio.get_running_loop().call_later(timeout, self._late, exchange)
        exchange.lost = lambda: self._gone(exchange)

    def _late(self, exchange: Exchange) -> None:
        self.waiting = None
        self._empty(exchange)

    def _gone(self, exchange: Exchange) -> None:
        if self.waiting is not None and self.waiting[0] is exchange:
            self.waiting[2].cancel()
            self.waiting = None

    def _conflict(self, exchange: Exchange, words: str) -> None:
        self.conflicts += 1
        answer = refusal(409, words)
        if now() >= self._conflict_at:
            self._conflict_at = now() + 3
            exchange.reply(answer, 409)
        else:
            asyncio.get_running_loop().call_later(3, exchange.reply, answer, 409)
