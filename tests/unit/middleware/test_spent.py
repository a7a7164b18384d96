"""At a limit: told once, silence afterwards; with every key exhausted held without asking, for a bounded time."""

from __future__ import annotations

import asyncio
import math
from typing import Any

import pytest

from app.core.allowance import limits
from app.core.claims import Claim
from app.core.clock import Manual
from app.core.errors import ModelDown, ModelExhausted, QuotaSpent
from app.core.outcome import Back, End, Outcome
from middleware.spent import LOOK_SECONDS, SPREAD_SECONDS, TICK_SECONDS, Spent
from tests.unit.fakes import BOB, DATE, GROUP, Inner, claim, context, update

HOUR, DAY = limits("300r/h")[0], limits("6000t/d")[0]
WRITTEN = float(DATE)  # 2027-01-15 08:00 UTC


class Told:
    """Keeps marks for as long as the lanes would."""

    def __init__(self, clock: Manual) -> None:
        self.clock = clock
        self.marks: dict[tuple[str, str], float] = {}
        self.said: list[tuple[str, str]] = []

    async def __call__(self, claim: Claim, text: str, mark: str, seconds: int) -> bool:
        chat = claim.lane.partition(":")[0]
        if self.marks.get((chat, mark), 0) > self.clock.now():
            return False
        self.marks[chat, mark] = self.clock.now() + seconds
        assert isinstance(seconds, int), "Redis takes no other"
        assert seconds > 0
        self.said.append((chat, text))
        return True


class Bench:
    """The layer with a clock that stands two seconds after the message was written."""

    def __init__(self, *, hold: bool = True, minutes: float = 15) -> None:
        self.clock = Manual(WRITTEN + 2)
        self.told = Told(self.clock)
        self.layer = Spent(self.told, self.clock, hold=hold, hold_seconds=minutes * 60)

    async def ask(self, error: Exception, uid: int = 900, **fields: Any) -> Outcome:
        ctx = context(claimed=claim(update(uid=uid, **fields)))
        ctx.question = "what?"
        return await self.layer(ctx, Inner(error))

    @property
    def texts(self) -> list[str]:
        return [text for _, text in self.told.said]


async def test_what_ends_well_or_badly_for_another_reason_passes() -> None:
    bench = Bench()
    assert await bench.layer(context(), Inner(End("answered"))) == End("answered")
    with pytest.raises(ModelDown):
        await bench.ask(ModelDown())


class TestQuotas:
    @pytest.mark.parametrize(
        "scope, limit, resets, text",
        [
            (
                *("user", "300r/h", WRITTEN + 300),
                "You have used up your 300 requests an hour; I can answer you again at 08:05 UTC.",
            ),
            (
                *("chat", "100000t/d", WRITTEN + 16 * 3600),
                "This chat has used up its 100,000 tokens a day; I can answer here again on 16 Jan at 00:00 UTC.",
            ),
            (
                *("bot", "3r/min", WRITTEN + 30.2),
                (
                    "All of us together have used up my 3 requests a minute; "
                    "I can answer again in 29 seconds (at 08:01 UTC)."
                ),
            ),
        ],
    )
    async def test_the_person_hears_which_limit_and_when_it_resets(
        self, scope: str, limit: str, resets: float, text: str
    ) -> None:
        bench = Bench()
        assert await bench.ask(QuotaSpent(scope, limits(limit)[0], resets)) == End("dropped: quota")
        assert bench.texts == [text]

    async def test_once_for_each_window(self) -> None:
        bench = Bench()
        for _ in range(3):
            assert await bench.ask(QuotaSpent("user", HOUR, WRITTEN + 300)) == End("dropped: quota")
        assert len(bench.texts) == 1
        await bench.clock.advance(300)
        await bench.ask(QuotaSpent("user", HOUR, WRITTEN + 3900))
        assert len(bench.texts) == 2

    async def test_each_person_of_a_group_and_each_limit_by_itself(self) -> None:
        bench = Bench()
        await bench.ask(QuotaSpent("chat", HOUR, WRITTEN + 300), chat=GROUP)
        await bench.ask(QuotaSpent("chat", HOUR, WRITTEN + 300), chat=GROUP, from_=BOB)
        await bench.ask(QuotaSpent("user", HOUR, WRITTEN + 300), chat=GROUP)
        await bench.ask(QuotaSpent("chat", limits("5r/d")[0], WRITTEN + 300), chat=GROUP)
        assert len(bench.texts) == 4

    @pytest.mark.parametrize("wait", [0.3, 1, 12, 12.4, 59.9, 300, 86_400, 30.9 * 86_400])
    async def test_silence_is_over_at_the_time_that_was_told(self, wait: float) -> None:
        bench = Bench()
        await bench.ask(QuotaSpent("user", HOUR, bench.clock.now() + wait))
        [(told_until, _)] = [(until, mark) for mark, until in bench.told.marks.items()]
        assert told_until <= bench.clock.now() + max(1, math.ceil(wait) - 0.5), "Redis counts from a moment later"
        assert told_until >= bench.clock.now() + max(1, wait - 1), "and hardly earlier"

    async def test_too_little_for_a_question_and_used_up_are_one_limit_and_told_once(self) -> None:
        bench = Bench()
        for uid in (1, 2):
            assert await bench.ask(QuotaSpent("user", DAY, WRITTEN + 300, 2500), uid=uid) == End("dropped: quota")
        await bench.ask(QuotaSpent("user", DAY, WRITTEN + 300), uid=3)
        [text] = bench.texts
        assert "2,500 are left, too few for this question" in text

    async def test_a_quota_that_waiting_does_not_help_is_told_with_no_time(self) -> None:
        bench = Bench()
        for uid in (1, 2):
            await bench.ask(QuotaSpent("user", DAY, 0), uid=uid)
        assert bench.texts == ["No question fits into your 6,000 tokens a day; only my operators can allow more."]
        await bench.ask(QuotaSpent("user", DAY, 0, 6000), uid=3)
        await bench.ask(QuotaSpent("user", DAY, 0, 6000), uid=4)
        longer = "This question needs more than your 6,000 tokens a day; please send me less of it."
        assert bench.texts[1:] == [longer, longer], "no waiting helps here, so it is said of each"


class TestHolding:
    async def test_a_question_comes_back_when_a_key_does_and_hardly_before(self) -> None:
        bench = Bench()
        outcomes = [await bench.ask(ModelExhausted(WRITTEN + 12)) for _ in range(200)]
        delays = sorted(outcome.delay_ms for outcome in outcomes if isinstance(outcome, Back))
        assert len(delays) == 200
        early = 10_000 - TICK_SECONDS * 1000
        assert delays[0] >= early
        assert delays[-1] <= early + SPREAD_SECONDS * 1000
        assert delays[-1] - delays[0] > 400, "they do not all come back in one moment"

    async def test_a_question_looks_now_and_then_whether_a_key_returned_earlier(self) -> None:
        bench = Bench()
        for until in (WRITTEN + 60, WRITTEN + 800):
            outcome = await bench.ask(ModelExhausted(until))
            assert isinstance(outcome, Back)
            assert LOOK_SECONDS <= outcome.delay_ms / 1000 <= LOOK_SECONDS + SPREAD_SECONDS

    async def test_a_chat_gets_one_notice_that_names_the_time(self) -> None:
        bench = Bench()
        for _ in range(3):
            await bench.ask(ModelExhausted(WRITTEN + 302))
        await bench.ask(ModelExhausted(WRITTEN + 302), chat=GROUP)
        [(first, text), (second, _)] = bench.told.said
        assert (first, second) == ("7", "-100")
        assert text == "My language model has reached its limit. I keep your question and answer it at 08:06 UTC."

    async def test_questions_that_are_held_again_are_not_told_again(self) -> None:
        bench = Bench(minutes=15)
        await bench.ask(ModelExhausted(WRITTEN + 302))
        await bench.clock.advance(300)
        await bench.ask(ModelExhausted(WRITTEN + 602))
        await bench.ask(ModelExhausted(WRITTEN + 602), uid=901, date=DATE + 295)
        assert len(bench.texts) == 1

    async def test_a_short_wait_is_not_worth_a_word(self) -> None:
        bench = Bench()
        assert isinstance(await bench.ask(ModelExhausted(WRITTEN + 4)), Back)
        await bench.clock.advance(8)
        assert isinstance(await bench.ask(ModelExhausted(WRITTEN + 11)), Back)
        assert bench.texts == []

    async def test_many_short_waits_are(self) -> None:
        bench = Bench()
        await bench.clock.advance(13)
        await bench.ask(ModelExhausted(WRITTEN + 16))
        assert len(bench.texts) == 1

    async def test_one_that_should_have_returned_is_not_asked_in_a_hot_loop(self) -> None:
        bench = Bench()
        outcome = await bench.ask(ModelExhausted(WRITTEN - 100))
        assert isinstance(outcome, Back)
        assert outcome.delay_ms >= 200

    async def test_what_cannot_be_answered_within_the_time_is_apologised_for_at_once(self) -> None:
        bench = Bench(minutes=15)
        assert await bench.ask(ModelExhausted(WRITTEN + 901)) == End("apologised")
        assert bench.texts == ["Sorry, my language model has reached its limit; please ask again at 08:16 UTC."]

    async def test_what_was_held_long_enough_is_apologised_for_once(self) -> None:
        bench = Bench(minutes=15)
        await bench.clock.advance(899)
        ends = [await bench.ask(ModelExhausted(WRITTEN + 902)) for _ in range(3)]
        assert ends == [End("apologised"), End("dropped: quota"), End("dropped: quota")]

    async def test_zero_minutes_hold_without_end(self) -> None:
        bench = Bench(minutes=0)
        outcome = await bench.ask(ModelExhausted(WRITTEN + 9 * 86_400))
        assert isinstance(outcome, Back)
        assert "on 24 Jan at 08:00 UTC" in bench.texts[0]

    async def test_the_other_policy_apologises_at_once(self) -> None:
        bench = Bench(hold=False)
        assert await bench.ask(ModelExhausted(WRITTEN + 10)) == End("apologised")
        assert bench.texts == [
            "Sorry, my language model has reached its limit; please ask again in 8 seconds (at 08:01 UTC)."
        ]

    async def test_whoever_comes_back_at_the_told_time_in_vain_hears_of_it_again(self) -> None:
        bench = Bench(hold=False)
        assert await bench.ask(ModelExhausted(WRITTEN + 14)) == End("apologised")
        assert "in 12 s" in bench.texts[0]
        await bench.clock.advance(6)
        assert await bench.ask(ModelExhausted(WRITTEN + 14)) == End("dropped: quota")
        await bench.clock.advance(6)
        assert await bench.ask(ModelExhausted(WRITTEN + 26)) == End("apologised")
        assert "in 12 s" in bench.texts[1]

    async def test_another_time_than_was_told_is_told_too(self) -> None:
        bench = Bench(hold=False)
        for later in (9 * 86_400, 500, 300, 14):
            assert await bench.ask(ModelExhausted(WRITTEN + later)) == End("apologised")
        assert await bench.ask(ModelExhausted(WRITTEN + 300)) == End("dropped: quota")

    @pytest.mark.parametrize("hold, minutes", [(True, 0), (True, 15), (False, 15)])
    @pytest.mark.parametrize("until", [math.inf, math.nan, 1e18, -1e18, WRITTEN + 400 * 86_400])
    async def test_an_absurd_time_ends_no_turn(self, hold: bool, minutes: float, until: float) -> None:
        outcome = await Bench(hold=hold, minutes=minutes).ask(ModelExhausted(until))
        assert isinstance(outcome, (Back, End))
        assert not isinstance(outcome, Back) or outcome.delay_ms <= 3_601_000


async def test_a_cancelled_turn_tells_nobody() -> None:
    async def cancelled(ctx: object) -> Outcome:
        raise asyncio.CancelledError

    bench = Bench()
    with pytest.raises(asyncio.CancelledError):
        await bench.layer(context(), cancelled)
    assert bench.texts == []
