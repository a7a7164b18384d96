"""The words of /usage, /keys and the lines of /status, from what the ledger and the endpoints say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from app.chain.figures import Figures
from app.core import measures, words
from app.core.allowance import Limit, limits
from app.core.clock import Manual
from app.core.report import Charge
from app.model.failover import EndpointRow
from app.model.keyring import KeyRow
from app.model.ledger import Line

NOW = 1_795_269_600.0  # 2026-11-21 14:00 UTC
DAY = 86_400
MONTH = NOW - 20 * DAY - 14 * 3600
NEXT_MONTH = MONTH + 30 * DAY
HOUR = limits("300r/h")


@dataclass
class Books:
    """A ledger that holds what it was given."""

    lines: list[Line] = field(default_factory=list)

    async def usage(self, charges: Sequence[Charge]) -> list[Line]:
        asked = {(scope, limit) for scope, several in charges for limit in several}
        return [line for line in self.lines if (line.scope, line.limit) in asked]


@dataclass
class Models:
    ledger: Books = field(default_factory=Books)
    rows: list[EndpointRow] = field(default_factory=list)
    refreshed: int = 0

    async def refresh(self) -> None:
        self.refreshed += 1

    def report(self) -> list[EndpointRow]:
        return self.rows


def key(label: str, *own: Limit, state: str = "ready", until: float = 0.0) -> KeyRow:
    return KeyRow(f"…ab12 ({label})", label, own, state, until)


def figures(models: Models, *charges: Charge, bot: tuple[Limit, ...] = (), shortest: int = 0) -> Figures:
    async def charged(user: str, chat: str) -> list[Charge]:
        assert (user, chat) == ("7", "-5")
        return list(charges)

    return Figures(models, charged, bot, Manual(NOW), shortest)


class TestUsage:
    async def test_each_quota_is_told_in_figures_with_its_reset(self) -> None:
        day, month = limits("100000t/d,900r/mo")
        lines = [
            Line("u7", HOUR[0], 12, 0, NOW + 260, NOW - 3340),
            Line("c-5", day, 3400, 0, NOW + 10 * 3600, NOW - 14 * 3600),
            Line("b", month, 0, 0, 0.0, 0.0),
        ]
        charges = [("u7", HOUR), ("c-5", (day,)), ("b", (month,))]
        said = await figures(Models(Books(lines)), *charges).usage(7, -5)
        assert said.splitlines() == [
            "You: 12 of 300 requests this hour, back to 0 at 14:05 UTC",
            "This chat: 3,400 of 100,000 tokens today, back to 0 on 22 Nov at 00:00 UTC",
            "Everybody: 0 of 900 requests this month",
        ]

    async def test_who_has_no_limit_hears_so(self) -> None:
        assert await figures(Models()).usage(7, -5) == measures.NO_QUOTA()


async def test_a_key_that_no_question_fits_is_not_called_ready() -> None:
    own = (key("aa", *limits("100t/h")), key("bb", *limits("150t/h,9r/h")), key("cc", *limits("9r/h")))
    models = Models(Books([]), [EndpointRow("api.host", "m", "ready", 0.0, own)])
    said = await figures(models, shortest=150).keys()
    assert [line for line in said.splitlines() if line.startswith("…")] == [
        "…ab12 (aa): too small for any question",
        "…ab12 (bb): ready",
        "…ab12 (cc): ready",
    ]
    assert (await figures(models, shortest=150).status())[:2] == [
        "Endpoint api.host (m): ready, 2 of 3 keys usable",
        "Key …ab12 (aa) of api.host: too small for any question",
    ]


class TestKeys:
    def models(self) -> Models:
        month = limits("900r/mo")[0]
        lines = [
            Line("kaa", HOUR[0], 100, 0, NOW + 1800, NOW - 1800),
            Line("kaa", month, 850, 0, NEXT_MONTH, MONTH),
            Line("kbb", month, 300, 0, NEXT_MONTH, MONTH),
        ]
        first = (key("aa", HOUR[0], month), key("bb", month, state="busy", until=NOW + 30), key("cc", state="refused"))
        rows = [
            EndpointRow("api.host", "model-a", "ready", 0.0, first),
            EndpointRow("other.host", "", "ill", NOW + 12, (KeyRow("no key", "dd", (), "ready", 0.0, keyless=True),)),
        ]
        return Models(Books(lines), rows)

    async def test_every_key_with_its_state_its_figures_and_how_long_they_last(self) -> None:
        models = self.models()
        assert (await figures(models).keys()).splitlines() == [
            "api.host, model-a: ready",
            "…ab12 (aa): ready",
            "  100 of 300 requests this hour, about 200 when it ends at 14:30 UTC",
            "  850 of 900 requests this month, spent on 22 Nov at this rate, 339 requests short",
            "…ab12 (bb): at the endpoint's limit, back in 30 seconds (at 14:01 UTC)",
            "  300 of 900 requests this month, about 437 when it ends on 1 Dec at 00:00 UTC",
            "…ab12 (cc): refused by the endpoint",
            "",
            "other.host, its first model: ill, tried again in 12 seconds (at 14:01 UTC)",
            "without a key: ready",
        ]
        assert models.refreshed == 1

    async def test_the_offline_model_has_none(self) -> None:
        assert await figures(Models()).keys() == words.NO_KEYS

    async def test_status_names_endpoints_what_is_not_well_and_what_will_not_last(self) -> None:
        bot = limits("1000000t/mo")
        models = self.models()
        models.ledger.lines.append(Line("b", bot[0], 1_000_000, 5, NEXT_MONTH, MONTH))
        assert await figures(models, bot=bot).status() == [
            "Endpoint api.host (model-a): ready, 1 of 3 keys usable",
            "Endpoint other.host (its first model): ill, tried again in 12 seconds (at 14:01 UTC)",
            "Key …ab12 (bb) of api.host, model-a: at the endpoint's limit, back in 30 seconds (at 14:01 UTC)",
            "Key …ab12 (cc) of api.host: refused by the endpoint",
            "Everybody: 1,000,000 of 1,000,000 tokens this month, spent, back to 0 on 1 Dec at 00:00 UTC",
            "Key …ab12 (aa): 900 requests a month, spent on 22 Nov at this rate, 339 requests short",
        ]

    async def test_status_says_that_limits_will_last(self) -> None:
        models = self.models()
        models.ledger.lines = models.ledger.lines[2:]
        assert (await figures(models).status())[-1] == "Forecast: at the present rate the keys' limits will last"

    async def test_status_says_of_a_refused_key_once_when_it_is_tried_again_and_of_a_busy_one_for_which_model(
        self,
    ) -> None:
        tired = key("aa", state="busy", until=NOW + 30)
        out = (key("cc", state="refused", until=NOW + DAY), key("dd", state="unpaid", until=NOW + 3600))
        bare = KeyRow("no key", "ee", (), "busy", NOW + 30, keyless=True)
        rows = [
            EndpointRow("api.host", "model-a", "ready", 0.0, (tired, *out)),
            EndpointRow("api.host", "model-b", "ready", 0.0, (key("aa"), *out)),
            EndpointRow("local:11434", "", "exhausted", NOW + 30, (bare,)),
        ]
        said = await figures(Models(Books(), rows)).status()
        assert [line for line in said if not line.startswith("Endpoint")] == [
            "Key …ab12 (aa) of api.host, model-a: at the endpoint's limit, back in 30 seconds (at 14:01 UTC)",
            "Key …ab12 (cc) of api.host: refused by the endpoint, tried again on 22 Nov at 14:00 UTC",
            "Key …ab12 (dd) of api.host: not paid for, tried again at 15:00 UTC",
            (
                "local:11434, its first model, asked without a key: at the endpoint's limit, "
                "back in 30 seconds (at 14:01 UTC)"
            ),
        ]
        assert not any(
            "no key" in line for line in [*said, *(await figures(Models(Books(), rows)).keys()).splitlines()]
        )
