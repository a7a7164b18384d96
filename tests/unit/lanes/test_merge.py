"""Entries of one group make one turn; the parts of an album are waited for."""

import pytest

from tests.unit.lanes.desk import Desk


def taken(desk: Desk, **given: int) -> list[str]:
    return [entry.uids for entry in desk.take(**given).entries]


def answered(desk: Desk) -> list[str]:
    claim = desk.take()
    desk.complete(claim)
    return [entry.uids for entry in claim.entries]


def test_what_waits_together_is_one_turn_up_to_a_bound(desk: Desk) -> None:
    for _ in range(5):
        desk.store(group="t7")
    assert taken(desk, merge=3) == ["101", "102", "103"]


def test_another_group_and_none_at_all_end_the_run(desk: Desk) -> None:
    for group in ("t7", "t7", "", "t7"):
        desk.store(group=group)
    for expected in (["101", "102"], ["103"], ["104"]):
        claim = desk.take()
        assert [entry.uids for entry in claim.entries] == expected
        desk.complete(claim)


def test_each_of_a_merged_turn_has_its_end_and_fewer_may_end(desk: Desk) -> None:
    for _ in range(3):
        desk.store(group="t7")
    claim = desk.take()
    assert desk.complete(claim, n=2) == ("ok", 1)
    assert desk.ends() == [("101", "answered"), ("102", "answered")]
    assert taken(desk) == ["103"]


def test_a_second_try_takes_the_first_alone(desk: Desk) -> None:
    for _ in range(3):
        desk.store(group="t7")
    desk.fail(desk.take(), delay=0)
    again = desk.take()
    assert ([entry.uids for entry in again.entries], again.attempt) == (["101"], 2)
    desk.complete(again)
    assert taken(desk) == ["102", "103"]


def test_given_back_it_is_merged_again_with_what_came_meanwhile(desk: Desk) -> None:
    desk.store(group="t7")
    desk.release(desk.take())
    desk.store(group="t7")
    assert taken(desk) == ["101", "102"]


def test_an_answer_that_has_begun_keeps_its_questions(desk: Desk) -> None:
    for _ in range(2):
        desk.store(group="t7")
    claim = desk.take()
    desk.mark(claim, "op1", answer="both")
    desk.store(group="t7")
    desk.fail(claim, delay=0)
    assert taken(desk) == ["101", "102"]


@pytest.mark.parametrize("begun", [False, True])
def test_the_innocent_are_not_buried_unless_their_answer_had_begun(begun: bool, desk: Desk) -> None:
    for _ in range(3):
        desk.store(group="t7")
    claim = desk.take()
    if begun:
        desk.mark(claim, "op1", answer="all")
    desk.fail(claim, final="1")
    assert [uid for uid, _ in desk.ends()] == (["101", "102", "103"] if begun else ["101"])


def test_an_answer_that_waits_for_its_place_in_the_pace_buries_one_only(desk: Desk) -> None:
    for _ in range(2):
        desk.store(group="t7")
    desk.shard.ask("cool", "7", 60_000)
    for _ in range(3):
        claim = desk.take()
        assert desk.mark(claim, "op1", answer="both")[0] == "wait"
        desk.shard.tick(1001)
    desk.sweep()
    desk.claim()
    assert desk.ends() == [("101", "dead")]


def test_a_stop_ends_all_that_were_asked_together(desk: Desk) -> None:
    for _ in range(3):
        desk.store(group="t7")
    desk.release(desk.take())
    assert desk.signal("7", "9", 50) == ("head", "")
    assert desk.claim().claims == []
    assert {end for _, end in desk.ends()} == {"dropped: stopped"}
    assert len(desk.ends()) == 3


def test_an_edit_of_what_waits_takes_its_place_and_stays_in_its_group(desk: Desk) -> None:
    desk.store(group="t7")
    desk.store(group="t7")
    assert desk.store(group="t7", kind="e", mid=2, raw="better") == "edited"
    claim = desk.take()
    assert [(entry.uids, entry.raw) for entry in claim.entries] == [("101", b"text 101"), ("102+103", b"better")]


def test_an_edit_that_is_no_plain_text_any_more_leaves_its_group(desk: Desk) -> None:
    desk.store(group="t7")
    desk.store(group="t7")
    desk.store(group="", kind="e", mid=2)
    assert taken(desk) == ["101"]


def test_an_edit_of_what_runs_is_a_turn_of_its_own(desk: Desk) -> None:
    desk.store(group="t7")
    claim = desk.take()
    assert desk.store(group="t7", kind="e", mid=1) == "ok"
    desk.store(group="t7")
    desk.complete(claim)
    assert taken(desk) == ["102"]


def test_an_album_is_one_turn_though_it_came_in_parts(desk: Desk) -> None:
    desk.store(group="a1")
    desk.shard.tick(1000)
    assert desk.claim().claims == []
    desk.store(group="a1")
    desk.shard.tick(1000)
    assert desk.claim().claims == []
    desk.shard.tick(500)
    assert taken(desk) == ["101", "102"]


def test_an_album_without_end_is_answered_after_five_seconds(desk: Desk) -> None:
    desk.store(group="a1")
    for _ in range(5):
        desk.shard.tick(1000)
        desk.store(group="a1")
    assert len(desk.take().entries) == 6


def test_an_album_behind_something_else_settles_too(desk: Desk) -> None:
    desk.store()
    desk.store(group="a1")
    claim = desk.take()
    desk.complete(claim)
    assert desk.claim().claims == []
    assert desk.where() == ["later"]
    desk.shard.tick(1500)
    assert taken(desk) == ["102"]


def test_one_caption_asks_for_the_whole_album(desk: Desk) -> None:
    assert desk.store("-5", group="a1", kind="m") == "ok"
    assert desk.store("-5", group="a1", kind="a") == "ok"
    assert desk.store("-5", group="a2", kind="a") == "ignored"
    assert desk.store("-5:t1", group="a1", kind="a") == "ignored"
    desk.shard.tick(1500)
    assert taken(desk) == ["101", "102"]


def test_what_others_write_meanwhile_does_not_part_an_album(desk: Desk) -> None:
    desk.store("-5", group="a1", kind="m")
    desk.store("-5", group="", kind="m")
    desk.store("-5", group="a2", kind="m")
    for group in ("a1", "a2", "a1"):
        assert desk.store("-5", group=group, kind="a") == "ok"
    desk.shard.tick(1500)
    assert [answered(desk) for _ in range(3)] == [["101", "104", "106"], ["102"], ["103", "105"]]


def test_a_part_that_comes_while_its_album_is_answered_is_a_turn_of_its_own(desk: Desk) -> None:
    desk.store(group="a1")
    desk.shard.tick(1500)
    claim = desk.take()
    desk.store()
    desk.store(group="a1")
    desk.complete(claim)
    desk.shard.tick(1500)
    assert [answered(desk) for _ in range(2)] == [["102"], ["103"]]


def test_a_late_part_long_after_its_album_is_none_of_it(desk: Desk) -> None:
    desk.store("-5", group="a1", kind="m")
    desk.shard.tick(17_000)
    assert desk.store("-5", group="a1", kind="a") == "ignored"
