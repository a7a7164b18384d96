"""The arithmetic of `lanekeeper capacity` against a month that is played request by request."""

from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st

from app.core.allowance import UNITS, Limit, Unit, Window
from app.ops.plan import MONTH, MONTH_DAYS, SECONDS, Limits, Load, outlook

LIMITS = st.builds(Limit, st.integers(1, 4000), st.sampled_from([*UNITS]), st.sampled_from([*SECONDS]))
KEYS = st.lists(st.lists(LIMITS, max_size=3).map(tuple), min_size=1, max_size=3).map(tuple)
LOADS = st.builds(
    Load,
    users=st.integers(1, 10),
    messages=st.integers(1, 10),
    hours=st.sampled_from([Fraction(1, 4), Fraction(1), Fraction(2), Fraction(9, 2), Fraction(24)]),
    sessions=st.integers(1, MONTH_DAYS),
    tokens=st.integers(1, 50),
)


class Plain:
    """A key that counts whole requests, one after the other."""

    def __init__(self, limits: Limits, load: Load) -> None:
        self.limits, self.load = limits, load
        self.windows: dict[Limit, tuple[Fraction, int]] = {}

    def take(self, at: Fraction) -> bool:
        for limit, (ends, _) in list(self.windows.items()):
            if at >= ends:
                del self.windows[limit]
        costs = {limit: self.load.cost(limit.unit) for limit in self.limits}
        if any(self.windows.get(limit, (at, 0))[1] + cost > limit.amount for limit, cost in costs.items()):
            return False
        for limit, cost in costs.items():
            ends, used = self.windows.get(limit, (self.end(limit.window, at), 0))
            self.windows[limit] = (ends, used + cost)
        return True

    @staticmethod
    def end(window: Window, at: Fraction) -> Fraction:
        length = SECONDS[window]
        return Fraction((at // length + 1) * length) if window in ("day", "month") else at + length


def played(load: Load, keys: tuple[Limits, ...]) -> int:
    """How many requests are answered when each comes at its time."""
    pool = [Plain(limits, load) for limits in keys]
    answered = 0
    for session in range(load.sessions):
        for number in range(load.requests):
            at = session * MONTH / load.sessions + number * load.seconds / load.requests
            answered += any(key.take(at) for key in pool)
    return answered


@given(LOADS, st.builds(Limit, st.integers(1, 4000), st.just("r"), st.sampled_from([*SECONDS])))
@settings(max_examples=60, deadline=None)
def test_one_limit_of_requests_answers_what_a_month_played_request_by_request_does(load: Load, limit: Limit) -> None:
    found = outlook(load, ((limit,),))
    windows = load.sessions * (
        1 if limit.window in ("day", "month") else load.hours * 3600 // SECONDS[limit.window] + 1
    )
    assert (
        abs(found.answered - played(load, ((limit,),))) <= windows
    )  # a flow is cut inside a request, requests are not


@given(LOADS, st.lists(st.integers(1, 1000), min_size=1, max_size=4))
@settings(max_examples=60, deadline=None)
def test_monthly_limits_of_several_keys_add_up(load: Load, amounts: list[int]) -> None:
    keys = tuple((Limit(amount, "r", "month"),) for amount in amounts)
    found = outlook(load, keys)
    assert found.answered == min(found.asked, sum(amounts)) == played(load, keys)


@given(LOADS, KEYS)
@settings(max_examples=100, deadline=None)
def test_nothing_is_answered_that_was_not_asked_or_not_allowed(load: Load, keys: tuple[Limits, ...]) -> None:
    found = outlook(load, keys)
    assert 0 <= found.answered <= found.asked == load.requests * load.sessions
    assert (found.first is None) == (found.answered == found.asked) == (found.cut == 0)
    months = [[one.amount / load.cost(one.unit) for one in limits if one.window == "month"] for limits in keys]
    if all(months):
        assert found.answered <= sum(map(min, months))


@given(LOADS, KEYS)
@settings(max_examples=100, deadline=None)
def test_what_breaks_first_lies_in_its_session(load: Load, keys: tuple[Limits, ...]) -> None:
    found = outlook(load, keys)
    if (first := found.first) is not None:
        assert 1 <= first.session <= load.sessions
        assert 0 <= first.after < load.seconds
        assert first.answered <= found.answered
        assert first.answered == int(load.requests * (first.session - 1 + first.after / load.seconds))
        assert [one in limits for one, limits in zip(first.limits, keys, strict=True)] == [True] * len(keys)
        assert first.back is None or first.back > 0


@given(LOADS, KEYS, st.lists(LIMITS, max_size=2).map(tuple))
@settings(max_examples=100, deadline=None)
def test_one_more_key_answers_no_fewer(load: Load, keys: tuple[Limits, ...], more: Limits) -> None:
    assert outlook(load, (*keys, more)).answered >= outlook(load, keys).answered


@given(LOADS, KEYS)
@settings(max_examples=100, deadline=None)
def test_what_is_asked_for_in_each_window_is_enough(load: Load, keys: tuple[Limits, ...]) -> None:
    def enough(unit: Unit, window: Window) -> Limit:
        need = load.asked(unit, window)
        return Limit(max(load.cost(unit), -(-need.numerator // need.denominator)), unit, window)

    wanted = tuple(enough(one.unit, one.window) for one in keys[0])
    assert outlook(load, (wanted,)).first is None


@given(LOADS, st.sampled_from([*UNITS]), st.sampled_from([*SECONDS]), st.data())
@settings(max_examples=100, deadline=None)
def test_the_most_that_is_asked_for_is_the_most_of_any_window(
    load: Load, unit: Unit, window: Window, data: st.DataObject
) -> None:
    opens = data.draw(st.fractions(0, MONTH, max_denominator=8))
    closes, period = opens + SECONDS[window], MONTH / load.sessions
    inside = sum(
        (
            max(Fraction(0), min(closes, n * period + load.seconds) - max(opens, n * period))
            for n in range(load.sessions)
        ),
        Fraction(0),
    )
    assert inside / load.seconds * load.requests * load.cost(unit) <= load.asked(unit, window)
