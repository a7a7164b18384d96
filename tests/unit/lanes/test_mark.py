"""mark, sent, cool: one send at most until it is known, two at all, and the chat's pace."""

import heapq
import random

import pytest

from tests.unit.lanes.desk import Desk

GROUP_GAP, GROUP_BURST = 3529, 3  # 20 a minute: 60 / (20 - 3) s


def test_a_send_is_journaled_before_it_is_granted(desk: Desk) -> None:
    desk.store()
    claim = desk.take()
    assert desk.mark(claim, "op1", answer="yes") == ("grant", 0, 0)
    assert (desk.turn()["m:1"], desk.turn()["answer"]) == ("?1:op1", "yes")


def test_the_same_operation_makes_no_second_mark(desk: Desk) -> None:
    desk.store()
    claim = desk.take()
    for _ in range(3):
        assert desk.mark(claim, "op1")[0] == "grant"
    assert desk.turn()["m:1"] == "?1:op1"


def test_two_doubtful_sends_are_the_most(desk: Desk) -> None:
    desk.store()
    claim = desk.take()
    assert [desk.mark(claim, op)[0] for op in ("op1", "op2", "op3")] == ["grant", "grant", "unsure"]
    assert desk.mark(claim, "op2")[0] == "grant"
    assert desk.turn()["m:1"] == "?2:op2"


def test_a_sent_part_is_never_granted_again(desk: Desk) -> None:
    desk.store()
    claim = desk.take()
    desk.mark(claim, "op1")
    desk.sent(claim, 4711)
    assert desk.mark(claim, "op2") == ("sent", 4711, 0)
    desk.shard.tick(1001)
    assert desk.mark(desk.take(), "op3") == ("sent", 4711, 0)


def test_the_first_answer_stays(desk: Desk) -> None:
    desk.store()
    claim = desk.take()
    desk.mark(claim, "op1", answer="first")
    desk.mark(claim, "op1", answer="second")
    assert desk.turn()["answer"] == "first"


@pytest.mark.parametrize("end", ["release", "fail", "uncounted"])
def test_a_send_that_certainly_failed_is_taken_back(end: str, desk: Desk) -> None:
    desk.store()
    claim = desk.take()
    desk.mark(claim, "op1")
    if end == "uncounted":
        desk.shard.tick(1001)
        desk.sweep()
    assert (desk.fail(claim, op="op1") if end == "fail" else desk.release(claim, op="op1")) != "refused"
    assert "m:1" not in desk.turn()


def test_only_that_send_is_taken_back(desk: Desk) -> None:
    desk.store()
    claim = desk.take()
    desk.mark(claim, "op1")
    desk.mark(claim, "op2")
    desk.release(claim, op="op2")
    claim = desk.take()
    assert desk.turn()["m:1"].startswith("?1:")
    assert [desk.mark(claim, op)[0] for op in ("op3", "op4")] == ["grant", "unsure"]


@pytest.mark.parametrize("scope", ["*", "-5", "-5:t1"])
def test_a_pause_holds_the_first_part_even_of_a_known_operation(scope: str, desk: Desk) -> None:
    desk.store("-5:t1")
    claim = desk.take()
    assert desk.mark(claim, "op1")[0] == "grant"
    desk.hold(scope)
    assert desk.mark(claim, "op1")[0] == "hold"
    assert desk.mark(claim, "op2", part=2, first=False)[0] == "grant"


def test_a_pause_of_another_topic_holds_nothing(desk: Desk) -> None:
    desk.store("-5:t1")
    desk.hold("-5:t2")
    desk.hold("7")
    assert desk.mark(desk.take(), "op1")[0] == "grant"


def test_commands_and_notices_are_answered_in_a_pause(desk: Desk) -> None:
    desk.store("!7", kind="c")
    desk.hold("*")
    desk.hold("7")
    (claim,) = desk.claim(0, urgent=1).claims
    assert desk.mark(claim, "op1")[0] == "grant"


def test_the_pace_lets_a_burst_through_and_then_one_each_gap(desk: Desk) -> None:
    claims = many(desk, 5)
    answers = [desk.mark(c, f"op{i}", gap=1000, burst=3) for i, c in enumerate(claims)]
    assert [(kind, ms) for kind, ms, _ in answers] == [("grant", 0)] * 3 + [("wait", 1000), ("wait", 2000)]


def test_a_slot_is_reserved_and_kept_over_a_release(desk: Desk) -> None:
    *_, claim = claims = many(desk, 2)
    desk.mark(claims[0], "op0", gap=1000, burst=1)
    assert desk.mark(claim, "op1", gap=1000, burst=1) == ("wait", 1000, 0)
    desk.release(claim, delay=1000, op="op1")
    desk.shard.tick(1000)
    again = desk.take()
    assert desk.mark(again, "op2", gap=1000, burst=1)[0] == "grant"
    assert "slot" not in desk.turn(again.lane)


def test_a_slot_that_was_missed_by_more_than_two_seconds_is_gone(desk: Desk) -> None:
    first, second, third = many(desk, 3)
    desk.mark(first, "op0", gap=1000, burst=1)
    desk.mark(second, "op1", gap=1000, burst=1)
    desk.shard.tick(3001)
    assert desk.mark(third, "op2", gap=1000, burst=1)[0] == "grant"
    assert desk.mark(second, "op1", gap=1000, burst=1)[0] == "wait"


def test_nothing_is_granted_before_a_penalty_ends_slot_or_not(desk: Desk) -> None:
    first, second = many(desk, 2)
    desk.mark(first, "op0", gap=1000, burst=1)
    desk.mark(second, "op1", gap=1000, burst=1)
    desk.shard.ask("cool", "-5", 5000)
    desk.shard.tick(1000)
    assert desk.mark(second, "op1", gap=1000, burst=1) == ("wait", 4000, 0)
    assert desk.mark(first, "", part=0, gap=1000)[0] == "wait"
    desk.shard.tick(4000)
    assert desk.mark(second, "op1", gap=1000, burst=1)[0] == "grant"


def test_a_chat_without_a_pace_has_penalties_too(desk: Desk) -> None:
    (claim,) = many(desk, 1)
    desk.shard.ask("cool", "-5", 700)
    assert desk.mark(claim, "op1") == ("wait", 700, 0)


def test_a_shorter_penalty_shortens_nothing(desk: Desk) -> None:
    assert desk.shard.ask("cool", "7", 9000) == desk.shard.ask("cool", "7", 20)
    assert desk.shard.get("TTL", "pace:7") > 9


def test_a_penalty_does_not_shorten_what_the_pace_remembers(desk: Desk) -> None:
    for i, claim in enumerate(many(desk, 5)):
        desk.mark(claim, f"op{i}", gap=100_000, burst=1)
    desk.shard.ask("cool", "-5", 20)
    assert desk.shard.get("TTL", "pace:-5") > 500


def test_typing_leaves_one_slot_free_and_no_trace(desk: Desk) -> None:
    first, second = many(desk, 2)
    before = desk.turn(first.lane)
    answers = [desk.mark(first, "", part=0, gap=1000, burst=3)[0] for _ in range(3)]
    assert answers == ["grant", "grant", "wait"]
    assert desk.turn(first.lane) == before
    assert desk.mark(second, "op1", gap=1000, burst=3)[0] == "grant"


def test_typing_does_not_use_up_the_slot_of_an_answer(desk: Desk) -> None:
    first, second = many(desk, 2)
    desk.mark(first, "op0", gap=1000, burst=2)
    desk.mark(first, "op1", part=2, gap=1000, burst=2)
    assert desk.mark(second, "op2", gap=1000, burst=2) == ("wait", 1000, 0)
    desk.shard.tick(1000)
    desk.mark(second, "", part=0, gap=1000, burst=2)
    assert desk.mark(second, "op2", gap=1000, burst=2)[0] == "grant"


@pytest.mark.parametrize("gap", [0, 1000])
def test_what_people_read_comes_apart_and_the_memory_of_it_ends(gap: int, desk: Desk) -> None:
    first, second = many(desk, 2)
    assert desk.mark(first, "op1", gap=gap, apart=1100)[0] == "grant"
    assert 60 <= desk.shard.get("TTL", "pace:-5") <= 63
    assert desk.mark(second, "", part=0, gap=gap, apart=1100)[0] == "grant"
    assert desk.mark(second, "op2", gap=gap, apart=1100) == ("wait", 1100, 0)
    desk.shard.tick(1100)
    assert desk.mark(second, "op2", gap=gap, apart=1100)[0] == "grant"


@pytest.mark.parametrize("seed", range(6))
def test_no_minute_sees_more_than_a_group_may_be_sent(seed: int, desk: Desk) -> None:
    r = random.Random(seed)
    granted: list[int] = []
    turns = [(desk.shard.now_ms, n, claim, 1) for n, claim in enumerate(many(desk, 12))]
    while len(granted) < 150:
        due, n, claim, part = heapq.heappop(turns)
        desk.shard.now_ms = max(desk.shard.now_ms, due + r.choice([0, 0, 700, 1999]))
        what = 0 if r.random() < 0.1 else part
        kind, ms, _ = desk.mark(claim, f"op{n}.{part}", part=what, first=False, gap=GROUP_GAP, burst=GROUP_BURST)
        if kind == "grant":
            granted.append(desk.shard.now_ms)
            part += what > 0
            ms = r.choice([1, 1, 400, 9000, 90_000])
        heapq.heappush(turns, (desk.shard.now_ms + ms, n, claim, part))
    most = max(sum(start <= t < start + 60_000 for t in granted) for start in granted)
    assert 18 <= most <= 20


def many(desk: Desk, count: int) -> list:  # type: ignore[type-arg]
    """Claims of as many lanes of one chat."""
    for n in range(count):
        desk.store(f"-5:t{n}")
    return desk.claim(count, lease=10_000_000).claims
