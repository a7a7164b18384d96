"""The keys of the fake model: each has its own allowance and its own clock, and every request is written down.

Words: a key gives `amount` requests a *window*. Who asks for more gets 429 and is *told* when to come again; from that
first 429 to the earliest time told the key is in *penalty*. A key that was revoked is in penalty for ever after its
first 401 or 402. Times are monotonic seconds.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import msgspec

FOREVER = 1e12
"""A time that no test reaches (JSON has no infinity)."""


class Key(msgspec.Struct, forbid_unknown_fields=True):
    """What a test asks for: `ends` 0 opens a window with its first request; else the first window ends so many seconds
    after the key was made, and the next follow without a gap."""

    secret: str
    amount: int = 0
    """Requests a window; 0: as many as come."""
    seconds: float = 20
    ends: float = 0
    tells: Literal["after", "ms", "reset", "nothing"] = "after"
    """How a 429 says when to come again: whole seconds, milliseconds, the provider's own headers, or not at all."""
    status: int = 200
    """401 or 402: revoked, unpaid."""


class Request(msgspec.Struct):
    """One request for an answer, as it came."""

    at: float
    key: str
    status: int
    late: float = 0.0
    """Seconds since the first refusal of the penalty in which this was begun; 0: in none."""
    told: float = 0.0
    """When it was told to come again; 0: not told."""
    index: int = -1
    """The question, if an answer was begun, and its chat."""
    chat: int = 0
    call: int = 0
    prompt: int = 0
    answer: int = 0
    done: float = 0.0
    """When all of the answer was written; 0: never."""


@dataclass(slots=True)
class State:
    """Where a key stands; `ends` is the end of its window, 0 before the first."""

    key: Key
    ends: float
    used: int = 0
    first: float = 0.0
    until: float = 0.0

    def roll(self, at: float) -> None:
        """Begins the window in which `at` lies, if it has not begun."""
        if at < self.ends:
            return
        over = math.floor((at - self.ends) / self.key.seconds) if self.key.ends else 0
        self.ends = (self.ends if self.key.ends else at) + (over + 1) * self.key.seconds
        self.used = 0


class Ring:
    """All keys, in the order in which they should be used, and the book of requests."""

    def __init__(self, keys: list[Key], at: float) -> None:
        self.states = {key.secret: State(key, at + key.ends if key.ends else 0.0) for key in keys}
        self.requests: list[Request] = []
        self.counts = {"asked": 0} | {f"asked_{status}": 0 for status in (200, 401, 402, 429)}
        """Cheap figures to wait on: all requests, and those with each answer."""

    def knows(self, secret: str) -> bool:
        return secret in self.states and self.states[secret].key.status == 200

    def turn(self, secret: str, status: int) -> None:
        """From now on this key is answered so: 401, 402, or 200 again."""
        self.states[secret].key.status = status

    def enter(self, secret: str, at: float) -> Request:
        """Writes a request down and counts it; its status says whether it is to be answered."""
        state = self.states.get(secret)
        if state is None:
            request = Request(at, secret, 401)
        elif state.key.status != 200:
            request = Request(at, secret, state.key.status, told=FOREVER)
        else:
            request = self._count(state, at)
        if state is not None:
            self._penalise(state, request)
        self.requests.append(request)
        self.counts["asked"] += 1
        self.counts[f"asked_{request.status}"] += 1
        return request

    def _count(self, state: State, at: float) -> Request:
        key = state.key
        state.roll(at)
        if not key.amount or state.used < key.amount:
            state.used += 1
            return Request(at, key.secret, 200)
        left = state.ends - at
        wait = {"after": math.ceil(left), "ms": math.ceil(left * 1000) / 1000, "reset": math.ceil(left * 1000) / 1000}
        return Request(at, key.secret, 429, told=at + wait[key.tells] if key.tells in wait else 0.0)

    def _penalise(self, state: State, request: Request) -> None:
        if state.first and request.at < state.until:
            request.late = request.at - state.first
            state.until = min(state.until, request.told or state.until)
        elif request.told:
            state.first, state.until = request.at, request.told

    def headers(self, request: Request) -> bytes:
        """What a 429 says besides its words."""
        state = self.states.get(request.key)
        if state is None or request.status != 429:
            return b""
        wait = request.told - request.at
        return {
            "after": b"Retry-After: %d\r\n" % round(wait),
            "ms": b"retry-after-ms: %d\r\n" % round(wait * 1000),
            "reset": b"x-ratelimit-limit-requests: %d\r\nx-ratelimit-remaining-requests: 0\r\n"
            b"x-ratelimit-reset-requests: %.3fs\r\n" % (state.key.amount, wait),
            "nothing": b"",
        }[state.key.tells]


REFUSALS = {
    401: ("Incorrect API key provided", "invalid_api_key"),
    402: ("You exceeded your current quota, please check your plan and billing details", "insufficient_quota"),
    429: ("Rate limit reached for requests", "rate_limit_exceeded"),
}
"""Words and code of each refusal."""
