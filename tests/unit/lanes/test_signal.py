"""signal: /stop and the Stop button hit what was asked before them, and nothing younger."""

import pytest

from tests.unit.lanes.desk import Desk


def test_a_running_turn_is_stopped_by_its_token(desk: Desk) -> None:
    desk.store(mid=5)
    claim = desk.take()
    assert desk.signal("7", "s1", 6) == ("ok", claim.token)
    assert desk.sweep().signals == {"7": f"stop {claim.token}"}
    assert desk.mark(claim, "op1") == ("grant", 0, 1)


def test_a_question_that_still_waits_never_runs(desk: Desk) -> None:
    desk.store(mid=5)
    desk.store(mid=7)
    assert desk.signal("7", "s1", 6) == ("head", "")
    assert [e.mid for e in desk.take().entries] == [7]
    assert desk.ends() == [("101", "dropped: stopped")]


def test_a_question_between_two_attempts_never_runs_again(desk: Desk) -> None:
    desk.store(mid=5)
    desk.fail(desk.take(), delay=50)
    assert desk.signal("7", "s1", 6) == ("head", "")
    desk.shard.tick(50)
    assert desk.claim().claims == []
    assert desk.ends() == [("101", "dropped: stopped")]


def test_a_successor_of_what_was_shown_learns_of_the_stop(desk: Desk) -> None:
    desk.store(mid=5)
    desk.mark(desk.take(), "op1")
    desk.signal("7", "s1", 6)
    desk.shard.tick(1001)
    assert desk.take().stop


@pytest.mark.parametrize("running", [True, False])
def test_a_later_question_is_never_hit(running: bool, desk: Desk) -> None:
    desk.store(mid=7)
    if running:
        desk.take()
    before = desk.turn()
    assert desk.signal("7", "s1", 6) == ("idle", "")
    assert desk.turn() == before


def test_the_button_hits_only_a_turn_that_ran_when_it_was_pressed(desk: Desk) -> None:
    desk.store()
    assert desk.signal("7", "s1", 0, at=desk.shard.now_ms) == ("idle", "")
    desk.shard.tick(100)
    claim = desk.take()
    assert desk.signal("7", "s2", 0, at=desk.shard.now_ms - 1) == ("idle", "")
    assert desk.signal("7", "s3", 0, at=desk.shard.now_ms) == ("ok", claim.token)


def test_a_repetition_does_nothing_even_to_an_edit_of_the_same_message(desk: Desk) -> None:
    desk.store(mid=5)
    claim = desk.take()
    desk.signal("7", "s1", 6)
    desk.complete(claim, kind="dropped: stopped")
    desk.store(mid=5, kind="e")
    assert desk.signal("7", "s1", 6) == ("dup", "")
    assert not desk.take().stop


def test_an_empty_lane_is_idle_and_stays_empty(desk: Desk) -> None:
    assert desk.signal("7", "s1", 6) == ("idle", "")
    assert desk.turn() == {}


def test_the_signal_goes_with_its_token(desk: Desk) -> None:
    desk.store(mid=5)
    desk.take()
    desk.signal("7", "s1", 6)
    desk.shard.tick(1001)
    assert desk.sweep().signals == {}
