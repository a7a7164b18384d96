"""`mark` for an answer that grows: its beginning gives way to answers, its end has their rights."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.lanes.desk import Desk

GAP, BURST = 1000, 3


def mark(desk: Desk, claim: Any, op: str, way: str = "", part: int = 1, answer: str = "") -> tuple[str, int]:
    args = (claim.lane, claim.token, part, op, answer, GAP, BURST, "1" if part == 1 else "", way)
    kind, value, _ = desk.shard.ask("mark", *args)
    return kind.decode(), int(value)


def held(desk: Desk, lane: str = "7") -> Any:
    desk.store(lane)
    return desk.take(lease=10**9)


def test_a_beginning_is_journaled_like_any_part(desk: Desk) -> None:
    claim = held(desk)
    assert mark(desk, claim, "a", "grow") == ("grant", 0)
    assert desk.turn()["m:1"] == "?1:a"
    assert "answer" not in desk.turn()
    assert mark(desk, claim, "b", "grow") == ("grant", 0)
    assert mark(desk, claim, "c", "grow") == ("unsure", 0)


def test_a_beginning_takes_no_slot_that_an_answer_could_need_and_reserves_none(desk: Desk) -> None:
    claim = held(desk)
    assert [mark(desk, claim, "a", "grow", part)[0] for part in (1, 2, 3)] == ["grant", "grant", "wait"]
    assert "slot" not in desk.turn()
    assert "m:3" not in desk.turn()
    assert mark(desk, claim, "d", "", 3) == ("grant", 0)
    assert mark(desk, claim, "e", "", 4) == ("wait", GAP)
    assert mark(desk, claim, "f", "grow", 5)[0] == "wait"


def test_the_end_of_what_stands_has_an_answers_rights(desk: Desk) -> None:
    claim = held(desk)
    mark(desk, claim, "a", "grow")
    desk.sent(claim, 50)
    assert mark(desk, claim, "b") == ("sent", 50)
    assert mark(desk, claim, "", "edit", answer="whole") == ("grant", 0)
    assert (desk.turn()["m:1"], desk.turn()["answer"]) == ("50", "whole")
    assert mark(desk, claim, "", "edit") == ("grant", 0)
    assert mark(desk, claim, "", "edit") == ("wait", GAP)
    assert "slot" in desk.turn()
    desk.shard.tick(GAP)
    assert mark(desk, claim, "", "edit") == ("grant", 0)
    assert "slot" not in desk.turn()


@pytest.mark.parametrize("way", ["grow", "edit"])
def test_nothing_of_it_goes_out_in_a_penalty(desk: Desk, way: str) -> None:
    claim = held(desk)
    mark(desk, claim, "a", "grow")
    desk.sent(claim, 50)
    desk.shard.ask("cool", "7", 5000)
    assert mark(desk, claim, "b", way, 2 if way == "grow" else 1)[0] == "wait"
    desk.shard.tick(5000 + 2 * GAP)
    assert mark(desk, claim, "b", way, 2 if way == "grow" else 1) == ("grant", 0)


def test_no_answer_begins_in_a_pause_but_one_that_began_is_finished(desk: Desk) -> None:
    claim = held(desk)
    desk.hold("7")
    assert mark(desk, claim, "a", "grow")[0] == "hold"
    desk.resume("7")
    mark(desk, claim, "a", "grow")
    desk.sent(claim, 50)
    desk.hold("7")
    args = (claim.lane, claim.token, 1, "", "whole", GAP, BURST, "", "edit")
    assert desk.shard.ask("mark", *args)[0] == b"grant"


APART = 1100


def apart(desk: Desk, claim: Any, way: str, part: int = 0) -> tuple[str, int]:
    args = (claim.lane, claim.token, part, "a", "", GAP, BURST, "", way, APART)
    kind, value, _ = desk.shard.ask("mark", *args)
    return kind.decode(), int(value)


def test_what_people_read_is_apart_and_what_they_do_not_read_may_come_between(desk: Desk) -> None:
    claim = held(desk)
    assert apart(desk, claim, "grow", 1) == ("grant", 0)
    assert apart(desk, claim, "") == ("grant", 0), "typing"
    assert apart(desk, claim, "more") == ("wait", APART)
    assert apart(desk, claim, "edit", 1) == ("wait", APART)
    desk.shard.tick(APART)
    assert apart(desk, claim, "edit", 1) == ("grant", 0)


def test_in_the_minute_after_a_penalty_nothing_comes_at_once(desk: Desk) -> None:
    claim = held(desk)
    desk.shard.ask("cool", "7", 3000)
    desk.shard.tick(3000)
    assert apart(desk, claim, "grow", 1) == ("grant", 0)
    assert apart(desk, claim, "") == ("wait", APART)
    desk.shard.tick(61_000)
    assert apart(desk, claim, "more") == ("grant", 0)
    assert apart(desk, claim, "") == ("grant", 0)
