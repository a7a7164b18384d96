"""What was used of which limit, and how long that will last: the words of /usage and /keys, and lines for /status."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from app.core import measures, words
from app.core.allowance import UNITS, Limit
from app.core.clock import Clock
from app.core.report import Charge, Key, Line, Models, Pool
from app.core.tongue import ENGLISH, speaking
from app.model.forecast import forecast

_KEY = {
    "ready": "ready",
    "returning": "returning gradually",
    "busy": "at the endpoint's limit",
    "spent": "at its own limit",
    "unpaid": "not paid for",
    "refused": "refused by the endpoint",
    "small": "too small for any question",
}
_USABLE = ("ready", "returning")
_TRIED = frozenset({"unpaid", "refused", "ill"})
"""Nobody knows when these are well again, only when they are asked again."""


@dataclass(frozen=True, slots=True)
class Figures:
    """Asks the ledger and the endpoints. Raises StoreError."""

    models: Models
    charges: Callable[[str, str], Awaitable[Sequence[Charge]]]
    """What a question of this user in this chat counts in."""
    bot: tuple[Limit, ...]
    clock: Clock
    shortest: int = 0
    """Tokens of the shortest question to the default persona, with the least answer."""

    async def usage(self, user: int, chat: int) -> str:
        """For a person: each quota that a question of theirs counts in."""
        lines = await self.models.ledger.usage(await self.charges(str(user), str(chat)))
        now = self.clock.now()
        said = [
            measures.WHOSE[line.scope[0]](figures=measures.used(line.limit, line.used, line.resets, now))
            for line in lines
        ]
        return "\n".join(said) or measures.NO_QUOTA()

    async def keys(self) -> str:
        """For operators: every endpoint, its keys, what they have used of their own limits and for how long."""
        with speaking(ENGLISH):
            return await self._keys()

    async def _keys(self) -> str:
        pools, lines, now = *await self._look(), self.clock.now()
        parts = []
        for pool in pools:
            said = [f"{pool.host}, {pool.model or 'its first model'}: {_state(pool.state, pool.until, now)}"]
            for key in pool.keys:
                said.append(
                    f"{'without a key' if key.keyless else key.shown}: {_state(self._how(key), key.until, now)}"
                )
                said += [f"  {_figures(line, now)}" for line in lines if line.scope == f"k{key.label}"]
            parts.append("\n".join(said))
        return "\n\n".join(parts) or words.NO_KEYS

    async def status(self) -> list[str]:
        """For /status: endpoints, keys that cannot be used, the quota of the whole bot, and what will not last."""
        with speaking(ENGLISH):
            return await self._status()

    async def _status(self) -> list[str]:
        pools, lines, now = *await self._look(), self.clock.now()
        said = [f"Endpoint {_endpoint(pool, [self._how(key) for key in pool.keys], now)}" for pool in pools]
        shown: dict[str, str] = {}
        for pool in pools:
            shown |= {f"k{key.label}": f"Key {key.shown}" for key in pool.keys}
            states = [(key, self._how(key)) for key in pool.keys]
            said += [_key(key, state, pool, now) for key, state in states if state not in _USABLE]
        said = list(dict.fromkeys(said))  # a key that is refused is that for each model
        for line in await self.models.ledger.usage([("b", self.bot)] if self.bot else []):
            said.append(f"Everybody: {_figures(line, now)}")
        ending = [(line, _ends(line, now)) for line in lines]
        said += [f"{shown[line.scope]}: {line.limit.words}, {when}" for line, when in ending if when]
        if lines and not any(when for _, when in ending):
            said.append("Forecast: at the present rate the keys' limits will last")
        return said

    def _how(self, key: Key) -> str:
        """A key's state; one whose own limits no question fits is not ready, whatever its endpoint says."""
        small = any(limit.unit == "t" and limit.amount < self.shortest for limit in key.limits)
        return "small" if small and key.state in _USABLE else key.state

    async def _look(self) -> tuple[Sequence[Pool], Sequence[Line]]:
        """The endpoints as they are now, and what their keys have used of their own limits."""
        await self.models.refresh()
        pools = self.models.report()
        charges = dict.fromkeys((f"k{key.label}", key.limits) for pool in pools for key in pool.keys)
        return pools, await self.models.ledger.usage(list(charges))


def _endpoint(pool: Pool, states: Sequence[str], now: float) -> str:
    free = sum(state in _USABLE for state in states)
    keys = f", {free} of {len(pool.keys)} keys usable" if len(pool.keys) > 1 else ""
    return f"{pool.host} ({pool.model or 'its first model'}): {_state(pool.state, pool.until, now)}{keys}"


def _state(state: str, until: float, now: float) -> str:
    said = _KEY.get(state, state)
    if until <= now:
        return said
    return f"{said}, {'tried again' if state in _TRIED else 'back'} {measures.when(until, now)}"


def _key(key: Key, state: str, pool: Pool, now: float) -> str:
    """A key that cannot be used now; one is busy for one model, all else holds for each."""
    model = f", {pool.model or 'its first model'}" if key.state == "busy" else ""
    who = f"{pool.host}{model}, asked without a key" if key.keyless else f"Key {key.shown} of {pool.host}{model}"
    return f"{who}: {_state(state, key.until, now)}"


def _figures(line: Line, now: float) -> str:
    """`410 of 900 requests this month, spent on 19 Nov at this rate`."""
    figures = measures.used(line.limit, line.used, 0.0, now)
    if when := _ends(line, now):
        return f"{figures}, {when}"
    if line.resets <= now:
        return figures
    found = forecast(line.used, line.limit.amount, line.opened, now, line.resets)
    if found.state != "lasts":
        return f"{figures}, back to 0 {measures.when(line.resets, now)}"
    return f"{figures}, about {found.expected:,} when it ends {measures.when(line.resets, now)}"


def _ends(line: Line, now: float) -> str:
    """When a limit is reached at the present rate; "" when it lasts or nothing can be said."""
    found = forecast(line.used, line.limit.amount, line.opened, now, line.resets)
    if found.state == "spent":
        return f"spent, back to 0 {measures.when(line.resets, now)}"
    if found.state != "ends":
        return ""
    day, today = datetime.fromtimestamp(found.at, UTC), datetime.fromtimestamp(now, UTC)
    moment = f"at {day:%H:%M} UTC" if day.date() == today.date() else f"on {day.day} {day:%b}"
    short = max(0, found.expected - line.limit.amount)
    return f"spent {moment} at this rate, {short:,} {UNITS[line.limit.unit]} short"
