"""glance: which waiting messages may be marked as seen, each once, and never at an answer's cost."""

from typing import Any

from tests.unit.lanes.desk import Desk


def glance(desk: Desk, lane: str = "-5", waited: int = 3000, most: int = 10, gap: int = 0, burst: int = 3) -> list[int]:
    """All that may be marked now, one by one."""
    found = iter(lambda: int(desk.shard.ask("glance", lane, waited, most, gap, burst)), 0)
    return list(found)


def waiting(desk: Desk, count: int, lane: str = "-5", **given: Any) -> Any:
    """A turn that runs, and so many messages behind it that have waited for five seconds; ids from 11 on."""
    desk.store(lane, mid=10)
    claim = desk.take(lease=60_000)
    for number in range(count):
        desk.store(lane, mid=11 + number, **given)
    desk.shard.tick(5000)
    return claim


def test_what_has_waited_behind_a_running_turn_is_marked_once_and_the_question_that_runs_is_not(desk: Desk) -> None:
    waiting(desk, 3)
    assert glance(desk) == [11, 12, 13]
    assert glance(desk) == []


def test_what_came_just_now_is_not_marked_yet(desk: Desk) -> None:
    waiting(desk, 1)
    desk.store("-5", mid=20)
    assert glance(desk) == [11]
    desk.shard.tick(3000)
    assert glance(desk) == [20]


def test_at_most_ten_of_a_chat_in_a_minute_whatever_the_topic(desk: Desk) -> None:
    waiting(desk, 8)
    waiting(desk, 8, lane="-5:t7")
    assert len(glance(desk)) == 8
    assert len(glance(desk, "-5:t7")) == 2
    assert glance(desk, "-5:t7") == []
    desk.shard.client.delete(desk._key("notice:-5:eyes"))  # a minute passes for Redis, whose clock no test owns
    assert glance(desk, "-5:t7") == [13, 14, 15, 16, 17, 18]


def test_the_measure_of_a_minute_is_forgotten_after_it(desk: Desk) -> None:
    waiting(desk, 1)
    glance(desk)
    assert 50 < desk.shard.client.ttl(desk._key("notice:-5:eyes")) <= 60


def test_a_lane_in_which_nothing_runs_has_nothing_to_show(desk: Desk) -> None:
    claim = waiting(desk, 2)
    desk.release(claim)
    assert glance(desk) == []
    assert glance(desk, "-6") == []


def test_never_during_a_penalty_nor_in_the_minute_after(desk: Desk) -> None:
    waiting(desk, 2)
    desk.shard.ask("cool", "-5", 9000)
    assert glance(desk) == []
    desk.shard.tick(68_000)
    assert glance(desk) == []
    desk.shard.tick(1001)
    assert glance(desk) == [11, 12]


def test_it_takes_no_slot_of_an_answer(desk: Desk) -> None:
    claim = waiting(desk, 5)
    assert glance(desk, gap=1000) == [11, 12], "of a burst of three one stays free"
    assert desk.mark(claim, "op", gap=1000)[0] == "grant"
    assert glance(desk, gap=1000) == []
    desk.shard.tick(2000)
    assert glance(desk, gap=1000) == [13]


def test_an_album_is_marked_once(desk: Desk) -> None:
    waiting(desk, 3, group="a77")
    desk.store("-5", mid=30)
    desk.shard.tick(4000)
    assert glance(desk) == [11, 30]
    assert glance(desk) == []
