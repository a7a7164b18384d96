"""`lanekeeper check`: why would the bot be silent? Asks Telegram, Redis and the model, and says it in plain words.

It changes nothing. One question may disturb: a second poller shows only while one polls oneself, so that is asked only
when no process of ours polls; the other then gets one 409, and no update is confirmed.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol, TypeVar
from urllib.parse import urlsplit

import msgspec
from redis.asyncio import Redis
from redis.exceptions import RedisError

from app.core import keys
from app.core.durability import durability
from app.core.errors import (
    Conflict,
    Doubtful,
    KeyRefused,
    KeyUnpaid,
    ModelBusy,
    ModelError,
    ModelRefused,
    SettingsError,
    StoreError,
    TelegramError,
    Unauthorised,
)
from app.core.redis import translate

PROBE_POLL_SECONDS = 5  # another poller comes back within that and cuts ours short
MODEL_SECONDS = 60.0
OLDEST_REDIS = (6, 2)
PRIVACY = (
    "privacy mode is on: in groups Telegram shows the bot only what is addressed to it, and perhaps not what only "
    "mentions it; to change that, @BotFather, /setprivacy, then add it to the group again, or make it an admin there"
)

Mark = Literal["ok", "warn", "fail"]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report; a ``fail`` keeps the bot from working."""

    mark: Mark
    text: str

    def __str__(self) -> str:
        return f"{self.mark:<4}  {self.text}"


class Bot(Protocol):
    """A raw Bot API call; raises TelegramError kinds."""

    async def fetch(self, method: str, params: dict[str, Any], timeout_seconds: float = ...) -> bytes: ...


class Probe(Protocol):
    """One key of an endpoint: who it is, the model's name, and a tiny question asked with it."""

    @property
    def key(self) -> str: ...
    @property
    def host(self) -> str: ...
    @property
    def model(self) -> str: ...
    @property
    def keyless(self) -> bool: ...
    async def start(self) -> str: ...
    async def ask(self) -> str: ...


class _Me(msgspec.Struct):
    id: int
    username: str = ""
    can_join_groups: bool = True
    can_read_all_group_messages: bool = False


class _Webhook(msgspec.Struct):
    url: str = ""
    pending_update_count: int = 0


@dataclass(frozen=True, slots=True)
class Checkup:
    """What is to be looked at; None for what is embedded. ``bot_id`` is the number before the token's colon.

    ``probes`` are all keys of all endpoints, the preferred first; none for the offline model.
    """

    bot: Bot | None
    redis: Redis | None
    probes: Sequence[Probe]
    bot_id: int
    shards: int
    group_mode: str = "mention"
    everyone: bool = False
    operators: int = 0
    require_durable: bool = False
    doubts: Sequence[str] = ()

    async def run(self) -> AsyncIterator[Finding]:
        """All findings, each as soon as it is known."""
        for finding in self._settings():
            yield finding
        for part in (self._redis(), self._telegram(), self._model()):
            async for finding in part:
                yield finding

    def _settings(self) -> list[Finding]:
        found = [Finding("warn", line) for line in self.doubts]
        if self.bot is not None and self.everyone:
            found.append(Finding("warn", "ALLOW_IDS is empty: everyone may use the bot, at its owner's cost"))
        if self.bot is not None and not self.operators:
            found.append(Finding("warn", "OPERATOR_IDS is empty: nobody can use /pause all and /status"))
        return found or [Finding("ok", "settings")]

    async def _redis(self) -> AsyncIterator[Finding]:
        if self.redis is None:
            yield Finding("ok", "Redis: none is set, the embedded Valkey is used")
            return
        try:
            yield await self._reached(self.redis)
            for risk in await durability(self.redis):
                yield Finding("fail" if self.require_durable else "warn", f"Redis: {risk}")
            if (other := await self._other_shards(self.redis)) is not None:
                yield Finding("fail", f"SHARDS={self.shards}: this Redis was set up with {other}; set SHARDS={other}")
        except (StoreError, RedisError, OSError) as error:
            reason = error if isinstance(error, StoreError) else translate(error)
            yield Finding("fail", f"Redis: {reason}")

    async def _reached(self, redis: Redis) -> Finding:
        started = time.perf_counter()
        version = str((await redis.info("server")).get("redis_version", "0"))
        took = (time.perf_counter() - started) * 1000
        if tuple(int(part) for part in version.split(".")[:2] if part.isdigit()) < OLDEST_REDIS:
            return Finding("fail", f"Redis {version} is too old: 6.2 or newer is needed")
        return Finding("ok", f"Redis {version} answers in {took:.1f} ms")

    async def _other_shards(self, redis: Redis) -> int | None:
        found = await redis.hget(keys.setup(self.bot_id), "shards")
        return int(found) if found is not None and int(found) != self.shards else None

    async def _telegram(self) -> AsyncIterator[Finding]:
        if self.bot is None:
            yield Finding("ok", "Telegram: no token is set, the simulator is used")
            return
        try:
            for finding in self._identity(await _ask(self.bot, "getMe", _Me)):
                yield finding
            hook = await _ask(self.bot, "getWebhookInfo", _Webhook)
            if hook.url:
                where = urlsplit(hook.url).hostname
                yield Finding("fail", f"a webhook is set (at {where}): polling gets nothing until it is removed")
            else:
                yield await self._second_poller(self.bot)
            if hook.pending_update_count:
                yield Finding("ok", f"Telegram: {hook.pending_update_count} updates wait there")
        except Unauthorised:
            yield Finding("fail", "Telegram does not know TELEGRAM_BOT_TOKEN: copy it again from @BotFather")
        except TelegramError as error:
            yield Finding("fail", f"Telegram: {error.description or type(error).__name__}")

    def _identity(self, me: _Me) -> list[Finding]:
        found = [Finding("ok", f"Telegram: this is @{me.username}")]
        if not me.can_join_groups:
            found.append(Finding("warn", "the bot cannot be added to groups: @BotFather, /setjoingroups"))
        if not me.can_read_all_group_messages and self.group_mode == "always":
            found.append(Finding("fail", f"GROUP_MODE=always, but {PRIVACY}"))
        elif not me.can_read_all_group_messages:
            found.append(Finding("ok", PRIVACY))
        return found

    async def _second_poller(self, bot: Bot) -> Finding:
        if await self._we_poll():
            return Finding("ok", "a process of this bot polls Telegram")
        try:
            await bot.fetch("getUpdates", {"timeout": PROBE_POLL_SECONDS, "limit": 1}, PROBE_POLL_SECONDS + 10.0)
        except Conflict:
            return Finding("fail", "another program polls with this token: stop it, or get a new token")
        return Finding("ok", "nobody else polls with this token")

    async def _we_poll(self) -> bool:
        try:
            return self.redis is not None and bool(await self.redis.exists(keys.poller(self.bot_id)))
        except (RedisError, OSError):
            return False  # said already, by _redis

    async def _model(self) -> AsyncIterator[Finding]:
        if not self.probes:
            yield Finding("ok", "model: none is set, the offline model is used")
            return
        heard = await asyncio.gather(*(_heard(probe) for probe in self.probes))
        works = any(mark != "fail" for mark, _ in heard)
        for probe, (mark, words) in zip(self.probes, heard, strict=True):
            model = f"model {probe.model}" if probe.model else "model"
            key = "without a key" if probe.keyless else f"key {probe.key}"
            # a key that is of no use does not silence a bot that has another
            yield Finding("warn" if works and mark == "fail" else mark, f"{model} at {probe.host}, {key}: {words}")


async def _heard(probe: Probe) -> tuple[Mark, str]:
    """How a key was answered: the mark, and what there is to say."""
    started = time.perf_counter()
    try:
        async with asyncio.timeout(MODEL_SECONDS):
            await probe.start()
            answer = await probe.ask()
    except TimeoutError:
        return "fail", f"no answer within {MODEL_SECONDS:g} s"
    except SettingsError as error:
        return "fail", "; ".join(error.lines)
    except KeyUnpaid as error:
        return "fail", f"there is no money left ({error})"
    except KeyRefused as error:
        wanted = "the endpoint wants a key" if probe.keyless else "the endpoint refuses this key"
        return "fail", f"{wanted} ({error})"
    except ModelBusy as error:
        back = f", back in {error.retry_after:g} s" if error.retry_after else ""
        return "warn", f"at its limit now ({error}){back}"
    except ModelRefused as error:
        return "fail", f"the endpoint refuses ({error})"
    except ModelError as error:
        return "fail", str(error)
    took = time.perf_counter() - started
    said = bool(answer.strip())
    return "ok" if said else "warn", f"{'answers' if said else 'answers nothing'} in {took:.1f} s"


async def _ask(bot: Bot, method: str, kind: type[T]) -> T:
    body = await bot.fetch(method, {})
    try:
        result: T = msgspec.convert(msgspec.json.decode(body)["result"], kind)
    except (msgspec.MsgspecError, KeyError, TypeError):
        raise Doubtful(f"{method} was not answered as the Bot API does: is TELEGRAM_API_BASE_URL right?") from None
    return result
