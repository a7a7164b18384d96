"""What /metrics tells of endpoints, keys and limits: all that an owner may know, and never a secret."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from app.core.allowance import Limit, limits
from app.core.clock import Manual
from app.core.errors import StoreDown
from app.core.report import Charge
from app.ops.gauges import Gauges
from app.ops.metrics import Metrics

NOW = 1_795_269_600.0
HOUR, MONTH = limits("300r/h,30000t/mo")


@dataclass
class Line:
    scope: str
    limit: Limit
    used: int
    held: int
    resets: float
    opened: float = 0.0


@dataclass
class Key:
    shown: str
    label: str
    limits: tuple[Limit, ...] = ()
    state: str = "ready"
    until: float = 0.0
    keyless: bool = False


@dataclass
class Pool:
    host: str
    model: str
    keys: Sequence[Key]
    state: str = "ready"
    until: float = 0.0


@dataclass
class Models:
    """Endpoints and a ledger in one; ``away``: Redis never answers, ``broken``: it answers with an error."""

    rows: list[Pool]
    lines: list[Line] = field(default_factory=list)
    away: bool = False
    broken: bool = False
    asked: int = 0

    @property
    def ledger(self) -> Models:
        return self

    async def refresh(self) -> None:
        self.asked += 1
        if self.broken:
            raise StoreDown("gone")
        if self.away:
            await asyncio.Event().wait()

    def report(self) -> list[Pool]:
        return self.rows

    async def usage(self, charges: Sequence[Charge]) -> list[Line]:
        wanted = {(scope, limit) for scope, several in charges for limit in several}
        return [line for line in self.lines if (line.scope, line.limit) in wanted]


def shown(models: Models, bot: tuple[Limit, ...] = ()) -> tuple[Metrics, Gauges]:
    metrics = Metrics(monotonic=lambda: 0.0)
    gauges = Gauges(models, bot, Manual(NOW), metrics.asked_with)
    metrics.show(gauges)
    return metrics, gauges


async def page(metrics: Metrics) -> dict[str, float]:
    await metrics.look()
    found = re.findall(r"^lanekeeper_(\S*?(?:\{.*\})?) (\S+)$", metrics.text()[0].decode(), re.MULTILINE)
    assert len({name for name, _ in found}) == len(found), "a series twice is no page for Prometheus"
    return {name: float(value) for name, value in found}


async def test_each_endpoint_and_key_is_in_one_state_and_says_when_it_is_asked_again() -> None:
    first, second = Key("…aaaa (aa)", "aa"), Key("…bbbb (bb)", "bb", state="busy", until=NOW + 30)
    models = Models([Pool("h", "m", [first, second]), Pool("h:81", "n", [Key("no key", "cc")], "ill", NOW + 5)])
    found = await page(shown(models)[0])
    at = 'endpoint="h",key="…{}",model="m"'
    for key, state in (("aaaa (aa)", "ready"), ("bbbb (bb)", "busy")):
        states = {name for name, value in found.items() if name.startswith("key_state") and key in name and value}
        assert states == {f'key_state{{{at.format(key)},state="{state}"}}'}
    assert found[f"key_back_seconds{{{at.format('bbbb (bb)')}}}"] == 30
    assert found[f"key_back_seconds{{{at.format('aaaa (aa)')}}}"] == 0
    assert found['endpoint_state{endpoint="h:81",model="n",state="ill"}'] == 1
    assert found['endpoint_state{endpoint="h:81",model="n",state="ready"}'] == 0
    assert found['endpoint_back_seconds{endpoint="h:81",model="n"}'] == 5


async def test_requests_are_counted_by_key_and_result_and_a_key_that_is_gone_keeps_its_name() -> None:
    models = Models([Pool("h", "m", [Key("…aaaa (aa)", "aa")])])
    metrics, _ = shown(models)
    for result in ("ok", "ok", "busy"):
        metrics.keyed("aa", "h", result)
    await page(metrics)
    models.rows[0].keys = [Key("…bbbb (bb)", "bb")]
    found = await page(metrics)
    assert found['key_requests_total{endpoint="h",key="…aaaa (aa)",result="ok"}'] == 2
    assert found['key_requests_total{endpoint="h",key="…aaaa (aa)",result="busy"}'] == 1
    assert not any(name.startswith("key_state") and "aaaa" in name for name in found)


async def test_limits_of_keys_and_the_quota_of_all_are_told_with_what_is_used_and_held() -> None:
    key = Key("…aaaa (aa)", "aa", (HOUR,))
    lines = [Line("kaa", HOUR, 12, 1, NOW + 60), Line("b", MONTH, 100, 20, 0.0)]
    models = Models([Pool("h", "m", [key]), Pool("h", "n", [key])], lines)
    found = await page(shown(models, (MONTH,))[0])
    own = '{key="…aaaa (aa)",scope="key",unit="requests",window="hour"}'
    everybody = '{key="",scope="bot",unit="tokens",window="month"}'
    assert [found[f"limit{name}{own}"] for name in ("", "_used", "_held", "_back_seconds")] == [300, 12, 1, 60]
    assert [found[f"limit{name}{everybody}"] for name in ("", "_used", "_held", "_back_seconds")] == [30000, 100, 20, 0]


async def test_the_same_endpoint_twice_is_one_series() -> None:
    models = Models([Pool("h", "m", [Key("no key", "aa")]), Pool("h", "m", [Key("no key", "aa")], "ill")])
    found = await page(shown(models)[0])
    assert found['endpoint_state{endpoint="h",model="m",state="ready"}'] == 1, "the first is asked first"


async def test_while_redis_is_away_the_page_shows_what_was_last_known_and_asks_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("app.ops.gauges.LOOK_SECONDS", 0.01)
    models = Models([Pool("h", "m", [Key("…aaaa (aa)", "aa", (HOUR,))])], [Line("kaa", HOUR, 12, 0, 0.0)])
    metrics, gauges = shown(models)
    before = await page(metrics)
    models.away, models.lines = True, []
    for _ in range(3):
        now = await page(metrics)
        assert {name: now[name] for name in before if not name.startswith("process_")} == before
    assert models.asked == 2
    assert gauges._looking is not None
    gauges._looking.cancel()


async def test_an_error_of_redis_is_not_one_of_the_page() -> None:
    models = Models([Pool("h", "m", [Key("…aaaa (aa)", "aa")])], broken=True)
    assert await page(shown(models)[0])
    assert await page(shown(models)[0])


async def test_the_offline_model_has_no_series_of_its_own() -> None:
    found = await page(shown(Models([]))[0])
    assert not any(name.startswith(("key_", "endpoint_", "limit")) for name in found)


def test_refusals_and_held_questions_are_counted() -> None:
    metrics = Metrics()
    for scope in ("user", "user", "keys"):
        metrics.spent(scope)
    metrics.held()
    text = metrics.text()[0].decode()
    assert 'lanekeeper_quota_refusals_total{scope="user"} 2.0' in text
    assert 'lanekeeper_quota_refusals_total{scope="keys"} 1.0' in text
    assert "lanekeeper_questions_held_total 1.0" in text
