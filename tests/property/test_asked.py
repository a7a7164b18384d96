"""Whatever an endpoint's headers hold: a wait that can be believed, or none; of several windows the right one."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from app.model.asked import MOST_SECONDS, asked_wait

NOW = 1_800_000_000.0
NAMES = ("retry-after", "retry-after-ms", "x-ratelimit-reset", "x-ratelimit-remaining")
KINDS = ("", "-requests", "-tokens", "-requests-day")

cases = st.sampled_from([str.lower, str.upper, str.title])
numbers = st.one_of(st.integers(-(10**3), 10**22), st.floats(allow_nan=True)).map(str)
moments = st.builds(
    lambda off, unit: str((int(NOW) + off) * unit),
    st.integers(-(10**8), 10**8),
    st.sampled_from([1, 10**3, 10**6, 10**9]),
)
durations = st.lists(
    st.builds(lambda n, unit: f"{n}{unit}", st.integers(0, 10**9), st.sampled_from(["ms", "s", "m", "h", "d", "us"])),
    max_size=4,
).map("".join)
dates = st.builds(
    lambda day, month, year, hour, zone: f"Mon, {day:02} {month} {year:04} {hour:02}:00:00 {zone}",
    st.integers(0, 32),
    st.sampled_from(["Jan", "Feb", "Dec", "Foo"]),
    st.integers(0, 9999),
    st.integers(0, 25),
    st.sampled_from(["GMT", "", "+0100", "-0000", "+9999", "-2359", "EST"]),
)
texts = st.one_of(numbers, moments, durations, dates, st.text(max_size=30), st.sampled_from(["", "0", "0s", "soon"]))
names = st.one_of(st.sampled_from(NAMES), st.builds("{}{}".format, st.sampled_from(NAMES[2:]), st.sampled_from(KINDS)))
headers = st.dictionaries(st.builds(lambda name, case: case(name), names, cases), texts, max_size=8)


@example({"retry-after": "Mon, 01 Jan 0001 00:00:00 +9999"})
@given(headers)
def test_a_wait_is_never_negative_never_beyond_all_windows_and_never_an_error(given_: dict[str, str]) -> None:
    wait = asked_wait(given_, NOW)
    assert wait is None or 0 <= wait <= MOST_SECONDS


windows = st.dictionaries(
    st.sampled_from(KINDS),
    st.tuples(st.integers(0, int(MOST_SECONDS)), st.sampled_from([None, 0, 1, 500])),
    min_size=1,
)


@given(windows, cases)
def test_the_longest_window_that_is_used_up_wins_else_the_shortest_that_is_not_open(
    found: dict[str, tuple[int, int | None]], case: object
) -> None:
    said = {f"x-ratelimit-reset{kind}": f"{seconds}s" for kind, (seconds, _) in found.items()}
    said |= {f"x-ratelimit-remaining{kind}": str(left) for kind, (_, left) in found.items() if left is not None}
    assert callable(case)
    used_up = max((seconds for seconds, left in found.values() if left == 0), default=0)
    shut = [seconds for seconds, left in found.values() if left != 0 and seconds]
    assert asked_wait({case(name): text for name, text in said.items()}, NOW) == (used_up or min(shut, default=0))
