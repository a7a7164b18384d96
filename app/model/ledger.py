"""The books of quotas, and of a key's own limits: room is reserved before a call and settled after it, in Redis.

*Scope*: whose limit it is, `u<user>`, `c<chat>`, `b` (the whole bot) or `k<label of a key>`. *Ticket*: one reservation;
the same call (``rid``) reserved again gets another, and the earlier one holds nothing from then on. The invariant:
used + held never exceeds a limit, and what was really used is charged once, however often Redis is asked.
"""

from __future__ import annotations

import asyncio
import itertools
import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from math import inf
from pathlib import Path
from typing import Any, Protocol, cast

from redis.asyncio import Redis
from redis.exceptions import RedisError

from app.core import keys
from app.core.allowance import Limit, limits
from app.core.clock import Clock, Real
from app.core.errors import StoreBroken
from app.core.redis import translate
from app.core.script import Script, script

SCRIPTS = Path(__file__).with_name("scripts")
MOST_TOKENS = 10**15  # charged at once; as much as a limit may be, and far from where Redis can count no further
KNOWN_SECONDS = 2.0  # what an operator lifts or sets counts everywhere after this
LIFTED = "off"

Scope = str
Charge = tuple[Scope, tuple[Limit, ...]]


class Store(Protocol):
    """Asks scripts; a call is repeated until Redis has answered it."""

    def call(self, script: Script, key: str, args: tuple[Any, ...], *, front: bool = False) -> asyncio.Future[Any]: ...


@dataclass(frozen=True, slots=True)
class Granted:
    """There is room, and it is held; the answer may have ``output`` tokens."""

    output: int
    ticket: str = ""


@dataclass(frozen=True, slots=True)
class Busy:
    """There is room, but calls under way hold it: ask again soon. ``scope``: whose."""

    scope: Scope = ""


@dataclass(frozen=True, slots=True)
class Spent:
    """Used up, or what is ``left`` does not do; of several limits the one that resets last (Unix seconds)."""

    scope: Scope
    limit: Limit
    resets: float
    left: int = 0


@dataclass(frozen=True, slots=True)
class Line:
    """How far a limit is used; ``opened``, the first use in this window, and ``resets`` in Unix seconds.

    ``opened`` is 0 before that use, and ``resets`` then too, unless the calendar knows it.
    """

    scope: Scope
    limit: Limit
    used: int
    held: int
    resets: float
    opened: float


class Ledger:
    """Reserves and settles. ``seconds``: what a process that died had reserved is free again after this.

    ``report`` is told when Redis would not note a use; that costs nobody an answer.
    """

    def __init__(
        self,
        store: Store,
        client: Redis,
        bot: int,
        *,
        seconds: float,
        clock: Clock | None = None,
        report: Callable[[str], None] = lambda line: None,
    ) -> None:
        self._store = store
        self._client = client
        self._clock = clock or Real()
        self._report = report
        self._held = keys.held(bot)
        self._bot = bot
        self._override = keys.override(bot)
        self._life_ms = round(seconds * 1000)
        self._name = secrets.token_hex(4)
        self._numbers = itertools.count()
        self._tickets: dict[str, str] = {}
        self._known: dict[str, tuple[Limit, ...]] = {}
        self._read_at = -inf
        self._reading = asyncio.Lock()

    async def reserve(
        self, rid: str, charges: Sequence[Charge], prompt: int, output: int, least: int
    ) -> Granted | Busy | Spent:
        """Room for a prompt and an answer of ``output`` tokens, or fewer but not below ``least``; each scope once."""
        ticket = f"{self._name}{next(self._numbers):x}"
        args: list[Any] = [rid, ticket, self._life_ms, prompt, output, min(least, output)]
        for scope, several in charges:
            for limit in several:
                args += (scope, limit.unit, limit.window, limit.amount)
        try:
            answer = await self._store.call(_RESERVE, self._held, tuple(args))
        except asyncio.CancelledError:
            self._settle(rid, ticket, "").add_done_callback(_unheard)  # it may have been done
            raise
        if answer[0] == b"granted":
            self._tickets[rid] = ticket
            return Granted(answer[1], ticket)
        scope, limit = [(scope, limit) for scope, several in charges for limit in several][answer[1] - 1]
        return Busy(scope) if answer[0] == b"busy" else Spent(scope, limit, int(answer[2]) / 1000, int(answer[3]))

    async def settle(self, rid: str, tokens: int, ticket: str = "", *, vain: bool = False) -> None:
        """Charge what was really used, once; also after it expired. No ``ticket``: the latest of ``rid``.

        ``vain``: nothing came of it, so that it is given back should the same call be made again.
        """
        await self._close(rid, ticket, min(max(0, tokens), MOST_TOKENS), vain=vain)

    async def release(self, rid: str, ticket: str = "") -> None:
        """Nothing was used."""
        await self._close(rid, ticket, "")

    async def usage(self, charges: Sequence[Charge]) -> list[Line]:
        """How far each limit is used; counts nothing."""
        flat = [(scope, limit) for scope, several in charges for limit in several]
        if not flat:
            return []
        args = tuple(word for scope, limit in flat for word in (scope, limit.unit, limit.window))
        figures = [int(figure) for figure in await self._store.call(_USAGE, self._held, args)]
        lines = []
        for n, (scope, limit) in enumerate(flat):
            used, held, opened, resets = figures[4 * n : 4 * n + 4]
            lines.append(Line(scope, limit, used, held, resets / 1000, opened / 1000))
        return lines

    async def override(self, chat: int, limits: tuple[Limit, ...] | None) -> None:
        """Give a chat limits of its own; () lifts them, None goes back to the setting."""
        try:
            if limits is None:
                await self._client.hdel(self._override, str(chat))
            else:
                words = ",".join(map(str, limits)) or LIFTED
                await self._client.hset(self._override, str(chat), words)
        except RedisError as error:
            raise translate(error) from error
        self._read_at = -inf

    async def move(self, old: int, new: int) -> None:
        """A chat has another id: its own limits, and what it used of any, go with it where the new one has none yet."""
        day = datetime.fromtimestamp(self._clock.now(), UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        month = day.replace(day=1)
        begun = {"minute": "", "hour": "", "day": f":{day.timestamp():.0f}", "month": f":{month.timestamp():.0f}"}
        names = [f"{unit}/{window}{since}" for unit in "rt" for window, since in begun.items()]
        try:
            words = await cast("Awaitable[bytes | None]", self._client.hget(self._override, str(old)))
            if words is not None:
                await self._client.hsetnx(self._override, str(new), words.decode())
            pipe: Any = self._client.pipeline(transaction=False)
            for name in names:  # an error only says that there is no such window
                pipe.renamenx(keys.use(self._bot, f"c{old}", name), keys.use(self._bot, f"c{new}", name))
            await pipe.execute(raise_on_error=False)
        except RedisError as error:
            raise translate(error) from error
        self._read_at = -inf

    async def overrides(self) -> Mapping[str, tuple[Limit, ...]]:
        """The limits of chats that have their own, by chat id; read at most every 2 s, and only when asked for."""
        if self._clock.monotonic() - self._read_at >= KNOWN_SECONDS:
            async with self._reading:
                if (began := self._clock.monotonic()) - self._read_at >= KNOWN_SECONDS:
                    self._known, self._read_at = await self._read(), began
        return self._known

    async def _read(self) -> dict[str, tuple[Limit, ...]]:
        try:
            found = await cast("Awaitable[dict[bytes, bytes]]", self._client.hgetall(self._override))
        except RedisError as error:
            raise translate(error) from error
        known = {}
        for chat, words in found.items():
            with suppress(ValueError):  # the words of a later release: here the setting holds
                known[chat.decode()] = () if words.decode() == LIFTED else limits(words.decode())
        return known

    async def _close(self, rid: str, ticket: str, tokens: int | str, *, vain: bool = False) -> None:
        ticket = ticket or self._tickets.get(rid, "")
        if self._tickets.get(rid) == ticket:
            del self._tickets[rid]
        if ticket:
            try:
                # Whoever asks may be cancelled; the pipe would then not send it.
                await asyncio.shield(self._settle(rid, ticket, tokens, vain=vain))
            except StoreBroken as error:  # the answer is there all the same, and to ask again would not help
                self._report(f"the use of a quota was not noted: {error}")

    def _settle(self, rid: str, ticket: str, tokens: int | str, *, vain: bool = False) -> asyncio.Future[Any]:
        return self._store.call(_SETTLE, self._held, (rid, ticket, tokens, int(vain)))


def _unheard(answer: asyncio.Future[Any]) -> None:
    """Nobody waits for this one any more, whatever came of it."""
    if not answer.cancelled():
        answer.exception()


_RESERVE, _SETTLE, _USAGE = (script(SCRIPTS, name) for name in ("reserve", "settle", "usage"))
