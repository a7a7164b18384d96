"""The words of /status."""

import pytest

from app.ops.status import Local, Pause, Snapshot, span, text

QUIET = Snapshot(
    "0.1", "offline", 1_000_000, live=0, waiting=0, later=0, held=0, oldest_ms=0, dead=0, processes=1, poller=True
)


@pytest.mark.parametrize(
    "seconds, words",
    [(0, "0 s"), (-5, "0 s"), (59.6, "1 min"), (185, "3 min 5 s"), (3600, "1 h"), (90_061, "1 d 1 h")],
)
def test_a_span_names_its_two_largest_units(seconds: float, words: str) -> None:
    assert span(seconds) == words


def test_a_quiet_bot_says_so_in_few_lines() -> None:
    assert text(QUIET).splitlines() == [
        "Lanekeeper 0.1, 1 process",
        "Working on 0, waiting 0 conversations",
        "Telegram: polled",
        "Model: offline",
        "Redis: keeps what it confirmed",
    ]


def test_pauses_come_first_with_their_author_end_and_reason() -> None:
    pauses = [Pause("*", 1_090_000, "Ann", "too hot"), Pause("-5:t3", 0, "", "")]
    shot = Snapshot(
        "0.1",
        "m",
        1_000_000,
        2,
        1,
        3,
        4,
        61_000,
        5,
        2,
        poller=False,
        pauses=pauses,
        risks=["it forgets"],
        local=Local(75, 2, 498, 1.0),
        figures=["Key …ab12: busy"],
    )
    assert text(shot).splitlines() == [
        "Lanekeeper 0.1, up 1 min 15 s, 2 processes",
        "Everything is paused by Ann, 1 min 30 s left: too hot",
        "Chat -5:t3 is paused by somebody",
        (
            "Working on 2, waiting 1 conversation (the oldest for 1 min 1 s); 3 later; 4 held by a pause; "
            "this process: 2 live, room for 498"
        ),
        "Telegram: nobody polls",
        "Model: m",
        "Key …ab12: busy",
        "Dead letters: 5",
        "Redis: it forgets",
    ]
