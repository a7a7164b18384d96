"""What comes of limits is counted once for each question, by whose limit it was, and nothing else is changed."""

from __future__ import annotations

import math

import pytest

from app.core.allowance import limits
from app.core.clock import Manual
from app.core.errors import ModelDown, ModelExhausted, QuotaSpent
from app.core.outcome import Back, End, Outcome
from app.ops.metrics import Metrics
from middleware.spent import Spent
from middleware.tally import Tally
from tests.unit.fakes import DATE, Inner, claim, context, update

NOW = float(DATE) + 2
HOUR = limits("300r/h")[0]


async def asked(error: Exception | Outcome, *, hold: bool = True) -> tuple[Outcome, list[str]]:
    """The outcome, and the figures that are not zero."""

    async def tell(*_: object) -> bool:
        return True

    metrics = Metrics()
    layer = Tally(Spent(tell, Manual(NOW), hold=hold, hold_seconds=900), metrics)
    outcome = await layer(context(claimed=claim(update())), Inner(error))
    counted = ("lanekeeper_quota_refusals_total", "lanekeeper_questions_held_total")
    lines = metrics.text()[0].decode().splitlines()
    return outcome, [line for line in lines if line.startswith(counted) and not line.endswith(" 0.0")]


@pytest.mark.parametrize("scope", ["user", "chat", "bot"])
async def test_a_spent_quota_is_counted_by_whose_it_is(scope: str) -> None:
    outcome, lines = await asked(QuotaSpent(scope, HOUR, NOW + 60))
    assert isinstance(outcome, End)
    assert lines == [f'lanekeeper_quota_refusals_total{{scope="{scope}"}} 1.0']


async def test_a_held_question_is_counted_as_one() -> None:
    outcome, lines = await asked(ModelExhausted(NOW + 60))
    assert isinstance(outcome, Back)
    assert lines == ['lanekeeper_quota_refusals_total{scope="keys"} 1.0', "lanekeeper_questions_held_total 1.0"]


@pytest.mark.parametrize("until", [NOW + 86_400, math.inf])
async def test_a_question_that_cannot_be_held_is_only_refused(until: float) -> None:
    outcome, lines = await asked(ModelExhausted(until))
    assert isinstance(outcome, End)
    assert lines == ['lanekeeper_quota_refusals_total{scope="keys"} 1.0']


async def test_all_else_passes_uncounted() -> None:
    assert await asked(End("answered")) == (End("answered"), [])
    assert await asked(Back(5)) == (Back(5), [])
    with pytest.raises(ModelDown):
        await asked(ModelDown("gone"))
