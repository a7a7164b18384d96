"""How long an endpoint asks to be left alone is understood however it is said, and nonsense is believed by nobody."""

from __future__ import annotations

from email.utils import formatdate

import pytest

from app.model.asked import MOST_SECONDS, asked_wait

NOW = 1_700_000_000.0
DAY = 86_400


def reset(text: str) -> dict[str, str]:
    return {"x-ratelimit-reset": text}


@pytest.mark.parametrize(
    "headers, seconds",
    [
        ({"retry-after-ms": "1500", "retry-after": "9"}, 1.5),
        ({"retry-after": "9"}, 9),
        ({"retry-after": "3.5"}, 3.5),
        ({"retry-after": "3.5s"}, 3.5),
        ({"retry-after": "1m"}, 60),
        ({"Retry-After": " 1m30s "}, 90),
        ({"RETRY-AFTER": "1H 2M"}, 3720),
        ({"retry-after": "Tue, 14 Nov 2023 22:13:30 GMT"}, 10),
        ({"retry-after": "Tue, 14 Nov 2023 22:13:30"}, 10),
        ({"retry-after": "Tue, 14 Nov 2023 22:13:10 GMT"}, 0),
        ({"retry-after": "soon"}, None),
        ({"retry-after-ms": "soon", "retry-after": "9"}, 9),
        ({"x-ratelimit-reset-requests": "1m30s"}, 90),
        ({"X-RateLimit-Reset-Tokens": "20ms"}, 0.02),
        ({}, None),
    ],
)
def test_the_wait_that_is_asked_for_is_understood(headers: dict[str, str], seconds: float | None) -> None:
    assert asked_wait(headers, NOW) == pytest.approx(seconds)


@pytest.mark.parametrize("unit", [1, 10**3, 10**6, 10**9])
@pytest.mark.parametrize("name", ["x-ratelimit-reset", "X-RateLimit-Reset-Requests", "retry-after"])
def test_a_unix_time_is_understood_in_every_unit(name: str, unit: int) -> None:
    assert asked_wait({name: str((int(NOW) + 5) * unit)}, NOW) == pytest.approx(5, abs=1e-3)


@pytest.mark.parametrize(
    "headers",
    [
        {"retry-after": "999999999999"},
        {"retry-after": "9" * 400},
        {"retry-after": "Fri, 31 Dec 9999 23:59:59 GMT"},
        {"retry-after": "Mon, 01 Jan 0001 00:00:00 +2359"},
        {"retry-after": "365d"},
        {"retry-after": str(int(MOST_SECONDS) + 1)},
        {"retry-after-ms": str((int(MOST_SECONDS) + 1) * 1000)},
        reset(str(int(NOW) + 400 * DAY)),
        reset(str((int(NOW) + 400 * DAY) * 10**9)),
        reset(str((int(NOW) - 400 * DAY) * 1000)),
    ],
)
def test_what_no_window_can_mean_names_no_time(headers: dict[str, str]) -> None:
    assert asked_wait(headers, NOW) is None
    assert asked_wait({**headers, "x-ratelimit-reset-tokens": "20s"}, NOW) == 20, "another header may say it"


@pytest.mark.parametrize("seconds", [MOST_SECONDS, 20 * DAY])
def test_a_month_is_believed(seconds: float) -> None:
    assert asked_wait({"retry-after": f"{seconds:.0f}"}, NOW) == seconds


@pytest.mark.parametrize("unreadable", ["soon", "", "-5", "nan", "inf", "1e3", "5x", "0x10", "٣"])
def test_where_one_header_cannot_be_read_the_next_is(unreadable: str) -> None:
    assert asked_wait({"retry-after": unreadable, "x-ratelimit-reset": "20s"}, NOW) == 20
    assert asked_wait({"retry-after-ms": unreadable, "retry-after": "7"}, NOW) == 7


def windows(**given: tuple[str, str]) -> dict[str, str]:
    """Of each kind when it resets and what is left of it ("": not said)."""
    said: dict[str, str] = {}
    for kind, (resets, left) in given.items():
        said[f"x-ratelimit-reset-{kind}"] = resets
        if left:
            said[f"x-ratelimit-remaining-{kind}"] = left
    return said


@pytest.mark.parametrize(
    "headers, seconds",
    [
        (windows(requests=("2s", "0"), tokens=("1s", "100")), 2),
        (windows(requests=("2s", "0"), tokens=("90s", "0")), 90),
        (windows(requests=("0s", "0"), tokens=("20s", "")), 20),
        (windows(requests=("0s", "0"), tokens=("20s", "300")), 20),
        (windows(requests=("0s", ""), tokens=("20s", "")), 20),
        (windows(requests=("2s", ""), tokens=("1s", "")), 1),
        (windows(requests=("0s", "0"), tokens=("0s", "0")), 0),
        (windows(requests=("soon", "0"), tokens=("3s", "9")), 3),
        ({"X-RATELIMIT-RESET": "4", "X-RATELIMIT-REMAINING": "0", "x-ratelimit-reset-tokens": "1"}, 4),
    ],
)
def test_the_window_that_is_used_up_and_not_open_yet_counts(headers: dict[str, str], seconds: float) -> None:
    assert asked_wait(headers, NOW) == seconds
    assert asked_wait({name.upper(): text for name, text in headers.items()}, NOW) == seconds


@pytest.mark.parametrize("skew", [-3600.0, -40.0, -2.0, 1.0, 2.0, 7.0, 86_400.0])
@pytest.mark.parametrize("header", ["retry-after", "x-ratelimit-reset-requests", "X-RateLimit-Reset"])
def test_a_point_in_time_is_of_the_clock_of_the_endpoint_that_named_it(skew: float, header: str) -> None:
    there = int(NOW + skew)
    until = formatdate(there + 20, usegmt=True) if header == "retry-after" else str(there + 20)
    assert asked_wait({"Date": formatdate(there, usegmt=True), header: until}, NOW) == pytest.approx(20, abs=1e-3)


def test_a_clock_that_agrees_is_kept_to_the_fraction() -> None:
    headers = {"date": formatdate(int(NOW), usegmt=True), "x-ratelimit-reset": str(int(NOW) + 20)}
    assert asked_wait(headers, NOW + 0.75) == pytest.approx(20 - (NOW + 0.75 - int(NOW)), abs=1e-3)


@pytest.mark.parametrize("date", ["", "soon", "Mon, 99 Foo 20266 00:00:00 GMT"])
def test_a_date_that_nobody_can_read_changes_nothing(date: str) -> None:
    assert asked_wait({"date": date, "x-ratelimit-reset": str(int(NOW) + 20)}, int(NOW)) == 20
