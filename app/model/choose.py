"""The models that the settings ask for, put together: Quota(Failover([KeyPool, …])), or Quota(Offline)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from redis.asyncio import Redis

from app.core import keys
from app.core.clock import Clock
from app.core.connections import Connections
from app.core.errors import ModelError, SettingsError
from app.core.exchange import Clocks
from app.core.http import Client
from app.core.kinds import Key
from app.core.settings import Settings
from app.model.access import Access
from app.model.base import Prompt, whole
from app.model.failover import TOLD_SECONDS, EndpointRow, Failover
from app.model.health import Health, Store
from app.model.keypool import Count, KeyPool
from app.model.ledger import Charge, Ledger
from app.model.offline import Offline
from app.model.openai import READY, Endpoint
from app.model.quota import Quota

_DIES_SECONDS = 60.0  # after the longest turn, what was reserved for it is given back


@dataclass(frozen=True, slots=True, eq=False)
class Models:
    """What a process asks and reports: ``model`` answers, the rest is for its owner."""

    model: Quota
    ledger: Ledger
    health: Health
    pools: tuple[KeyPool, ...]
    _failover: Failover | None
    _warm_up: bool
    _report: Callable[[str], None]

    @property
    def name(self) -> str:
        """The preferred model's."""
        return self.pools[0].endpoint.name if self.pools else Offline.name

    async def start(self) -> str:
        """Find the model's name, and answer it; SettingsError if there is none, ModelError if nobody answers.

        Keys that a person may have healed meanwhile are tried again.
        """
        if not self.pools:
            return self.name
        await self._revive()
        return await self.pools[0].start()

    async def begin(self) -> None:
        """`start`, where a model that is down now is only said: the first question asks again."""
        try:
            await self.start()
        except ModelError as error:
            self._report(f"the model does not answer: {error}")

    async def charges(self, user: str, chat: str) -> list[Charge]:
        """What a question of this user in this chat counts in."""
        return await self.model.charges(user, chat)

    async def run(self) -> None:
        """The warm-up request, if one is wanted: it may take a minute, and nobody waits for it."""
        if self._warm_up and self.pools:
            try:
                await whole(self.pools[0], Prompt([{"role": "user", "content": READY}]))
            except ModelError as error:
                self._report(f"the warm-up failed: {error}")

    async def reload(self, settings: Settings) -> None:
        """Use the keys of these settings from now on; nothing else of them.

        Raises SettingsError for what only a restart may change.
        """
        given = _endpoints(settings)
        if [base.rstrip("/") for base, _, _ in given] != [pool.endpoint.base for pool in self.pools]:
            # a key must never be sent to another endpoint than its own
            raise SettingsError(["MODEL_BASE_URL or MODEL_FALLBACKS name other endpoints now: that needs a restart"])
        pairs = list(zip(self.pools, given, strict=True))
        if bare := dict.fromkeys(pool.endpoint.host for pool, (_, _, found) in pairs if not found and _keyed(pool)):
            raise SettingsError([f"no key is set any more for {' and '.join(bare)}; to ask without one, restart"])
        for pool, (_, _, found) in pairs:
            pool.ring.reload(found)
        await self._revive()

    async def refresh(self) -> None:
        """Bring what ``report`` says up to date."""
        await self.health.refresh()

    def report(self) -> list[EndpointRow]:
        """How each endpoint and each key is, without asking anybody."""
        return self._failover.report() if self._failover else []

    async def _revive(self) -> None:
        await self.health.refresh()
        slots = [slot for pool in self.pools for slot in pool.ring.slots]
        for field in {slot.scope for slot in slots} | {slot.field for slot in slots}:
            await self.health.revive(field)


@dataclass(frozen=True, slots=True, eq=False)
class Probe:
    """One key of one endpoint, for ``lanekeeper check``; it tells nobody what it hears."""

    endpoint: Endpoint
    access: Access

    @property
    def key(self) -> str:
        """How it is shown."""
        return self.access.shown

    @property
    def keyless(self) -> bool:
        """Whether there is none."""
        return self.access.keyless

    @property
    def host(self) -> str:
        """Whose key it is."""
        return self.endpoint.host

    @property
    def model(self) -> str:
        """Which model it is asked for; "" if that is still to be found out."""
        return self.endpoint.name

    async def start(self) -> str:
        """The model's name."""
        return await self.endpoint.start(self.access)

    async def ask(self) -> str:
        """What it answers to a tiny question; raises ModelError kinds."""
        return await self.endpoint.probe(self.access)


def choose(
    settings: Settings,
    connections: Connections,
    clock: Clock,
    store: Store,
    client: Redis,
    bot: int,
    *,
    operators: frozenset[int] = frozenset(),
    alarm: Callable[[str], None] = lambda text: None,
    report: Callable[[str], None] = lambda line: None,
    count: Count = lambda label, host, result: None,
) -> Models:
    """All of it. ``alarm`` is told what a person must heal, ``report`` what belongs into the log; neither any key."""
    health = Health(store, keys.health(bot), clock, report)
    ledger = Ledger(store, client, bot, seconds=settings.turn_seconds + _DIES_SECONDS, clock=clock, report=report)
    made = _made(settings, connections, clock)
    pools = tuple(
        KeyPool(endpoint, found, health, ledger, clock, alarm=alarm, report=report, count=count)
        for endpoint, found in made
    )
    told = max(TOLD_SECONDS, settings.model_first_seconds + 2)
    failover = Failover(pools, health, clock, told_seconds=told) if pools else None
    quota = Quota(
        failover or Offline(clock),
        ledger,
        user=settings.quota_user,
        chat=settings.quota_chat,
        bot=settings.quota_bot,
        operators=operators,
        max_tokens=settings.model_max_tokens,
        clock=clock,
    )
    return Models(quota, ledger, health, pools, failover, settings.model_warm_up, report)


def probes(settings: Settings, connections: Connections, clock: Clock) -> list[Probe]:
    """Every key of every endpoint; none for the offline stand-in."""
    found = []
    for endpoint, pool in _made(settings, connections, clock):
        secrets = [key.secret.get_secret_value() for key in pool] or [""]
        found += [Probe(endpoint, Access(endpoint.base, secret)) for secret in dict.fromkeys(secrets)]
    return found


def _made(settings: Settings, connections: Connections, clock: Clock) -> list[tuple[Endpoint, tuple[Key, ...]]]:
    client, given = Client(connections), _endpoints(settings)
    clocks = Clocks(
        first=settings.model_first_seconds, between=settings.model_gap_seconds, total=settings.model_total_seconds
    )
    return [
        (
            Endpoint(
                client,
                base,
                name=name,
                host=host,
                max_tokens=settings.model_max_tokens,
                stream=settings.stream != "off",
                clocks=clocks,
                clock=clock,
            ),
            found,
        )
        for host, (base, name, found) in zip(_hosts([base for base, _, _ in given]), given, strict=True)
    ]


def _endpoints(settings: Settings) -> list[tuple[str, str, tuple[Key, ...]]]:
    """Base URL, model ("": the first that it lists) and keys; what a fallback leaves out is the first one's."""
    first = settings.model_base_url
    if not first:
        return []
    found = [(first, settings.model_name or "", settings.model_api_keys)]
    for fallback in settings.model_fallbacks:
        base = fallback.base_url or first
        own = fallback.keys or (settings.model_api_keys if base == first else ())
        found.append((base, fallback.name or settings.model_name or "", own))
    return found


def _keyed(pool: KeyPool) -> bool:
    return not all(slot.access.keyless for slot in pool.ring.slots)


def _hosts(bases: Sequence[str]) -> list[str]:
    """What people know each address by: its host, with port and path where others have the same; never a password."""
    found = []
    for base in bases:
        forms = _forms(base)
        others = {_forms(other) for other in bases if _forms(other) != forms}
        found.append(next((form for n, form in enumerate(forms) if all(form != its[n] for its in others)), forms[-1]))
    return found


def _forms(base: str) -> tuple[str, str, str]:
    """Host, host and port, host and port and path."""
    parts = urlsplit(base.rstrip("/"))
    host = parts.hostname or ""
    place = f"[{host}]" if ":" in host and parts.port else host
    place += f":{parts.port}" if parts.port else ""
    return host, place, place + parts.path
