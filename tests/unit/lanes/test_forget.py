"""/forget: nothing of a chat is left that is older than the command, and whoever knew of it is refused."""

import pytest

from tests.unit.lanes.desk import WEEK, Desk

LEFT = {"seen:0", "fence", "call:w", "count", "ends"}


def talked(desk: Desk, lane: str = "7", session: str = "said") -> None:
    desk.store(lane)
    desk.complete(desk.take(), session=session)


def test_nothing_is_left_of_a_chat(desk: Desk) -> None:
    talked(desk, "-5:t1")
    desk.store("-5:t1")
    desk.complete(desk.take(), fields={"mode": "always"}, keep_bad="1", session="said")
    desk.store("-5")
    desk.fail(desk.take(), final="1")
    desk.store("-5", limit=0)
    desk.store("-5:t2", group="a1")
    assert desk.forget("-5", 99) == 2
    assert desk.shard.names() == LEFT
    assert desk.ends()[-1] == ("105", "dropped: forgotten")


def test_other_chats_and_the_pace_stay(desk: Desk) -> None:
    talked(desk, "8", "theirs")
    desk.store("7")
    desk.mark(desk.take(), "op1", gap=1000)
    desk.forget("7", 99)
    assert desk.shard.names() == LEFT | {"session:8", "pace:7"}


@pytest.mark.parametrize("scope", ["-5", "-5:t1"])
def test_a_pause_stays_without_the_words_of_who_paused(desk: Desk, scope: str) -> None:
    for one in (scope, "-6", "*"):
        desk.hold(one)
    was = [desk.shard.get("HGET", "pause", one) for one in (scope, "-6", "*")]
    desk.forget("-5", 99)
    was[0] = was[0].removesuffix(b"ann|lunch | back soon") + b"|"
    assert [desk.shard.get("HGET", "pause", one) for one in (scope, "-6", "*")] == was


def test_what_is_younger_is_answered_in_order_without_the_history(desk: Desk) -> None:
    talked(desk)
    for _ in range(3):
        desk.store()
    assert desk.forget("7", 3) == 1
    claim = desk.take()
    assert (claim.entries[0].uids, claim.session) == ("103", b"")
    assert desk.waiting() == ["103", "104"]


def test_whoever_runs_something_forgotten_is_refused_everywhere(desk: Desk) -> None:
    desk.store()
    claim = desk.take()
    desk.forget("7", 99)
    assert desk.renew(claim) == ([claim.token], {})
    assert desk.mark(claim, "op1")[0] == "refused"
    assert desk.complete(claim, session="back again") == ("refused", 0)
    assert desk.release(claim) == "refused"
    assert desk.shard.names() == LEFT


def test_a_younger_question_starts_again_and_is_sent_at_most_twice(desk: Desk) -> None:
    talked(desk)
    desk.store(mid=50)
    claim = desk.take()
    desk.mark(claim, "op1", answer="with what you said")
    desk.forget("7", 40)
    again = desk.take()
    assert (again.attempt, again.journal, again.session) == (1, {"m:1": "?1:op1"}, b"")
    assert desk.mark(again, "op2")[0] == "grant"
    assert desk.mark(again, "op3")[0] == "unsure"


def test_the_lease_that_ran_out_does_not_bring_it_back(desk: Desk) -> None:
    desk.store(mid=50)
    claim = desk.take()
    desk.shard.tick(1001)
    desk.sweep()
    desk.forget("7", 40)
    assert desk.complete(claim, session="with all of it") == ("refused", 0)


def test_of_questions_asked_together_the_younger_stay(desk: Desk) -> None:
    for mid in (1, 2, 30):
        desk.store(mid=mid, group="t7")
    claim = desk.take()
    assert desk.forget("7", 20) == 2
    assert desk.complete(claim) == ("refused", 0)
    assert [entry.uids for entry in desk.take().entries] == ["103"]


def test_what_a_pause_held_for_longer_than_sessions_last_is_found(desk: Desk) -> None:
    desk.hold("-5:t1")
    desk.store("-5:t1")
    desk.claim()
    desk.shard.tick(WEEK * 1000 + 1)
    desk.store("-5:t2")
    assert desk.forget("-5", 99) == 2
    assert desk.waiting("-5:t1") == []


def test_a_stop_that_was_heard_is_not_heard_again(desk: Desk) -> None:
    desk.store()
    desk.signal("7", "200", 5)
    desk.forget("7", 6)
    desk.store(mid=7)
    assert desk.signal("7", "200", 50) == ("dup", "")


def test_one_lane_may_be_forgotten_alone(desk: Desk) -> None:
    for lane in ("-5", "-5:t1"):
        talked(desk, lane, f"in {lane}")
    for lane in ("-5", "-5:t1"):
        desk.store(lane)
    assert desk.forget("-5:t1", 99) == 1
    assert desk.waiting("-5") == ["103"]
    assert desk.shard.get("GET", "session:-5") == b"in -5"
    assert desk.shard.get("EXISTS", "session:-5:t1") == 0


def test_the_command_itself_is_not_forgotten(desk: Desk) -> None:
    desk.store("!7", mid=50)
    claim = desk.claim(0, urgent=1).claims[0]
    desk.forget("7", 50)
    assert desk.complete(claim) == ("ok", 0)


def test_of_a_member_only_what_is_theirs_goes(desk: Desk) -> None:
    talked(desk, "-5", "ann,bob")
    desk.store("-5:t1")
    desk.fail(desk.take(), final="1")
    for _ in range(3):
        desk.store("-5")
    assert desk.erase("-5", "|102|104|", **{"session_-5": ("ann,bob", "bob")}) == ("ok", 2)
    assert desk.waiting("-5") == ["103", "105"]
    assert desk.shard.get("GET", "session:-5") == b"bob"
    assert desk.shard.get("TTL", "session:-5") > 0
    assert desk.shard.names() & {"dead", "dead:-5"} == set()


def test_a_session_that_was_written_meanwhile_is_not_overwritten(desk: Desk) -> None:
    talked(desk, "-5", "ann,bob")
    desk.store("-5")
    talked_on = desk.take()
    assert desk.complete(talked_on, session="ann,bob,eve") == ("ok", 0)
    assert desk.erase("-5", "|101|", **{"session_-5": ("ann,bob", "bob")}) == ("changed", 0)
    assert desk.shard.get("GET", "session:-5") == b"ann,bob,eve"


@pytest.mark.parametrize("expired", [False, True])
def test_whoever_was_given_the_old_session_may_not_write_it_back(expired: bool, desk: Desk) -> None:
    talked(desk, "-5", "ann,bob")
    desk.store("-5")
    claim = desk.take()
    desk.mark(claim, "op1", answer="to bob")
    desk.sent(claim, 77)
    if expired:
        desk.shard.tick(1001)
        desk.sweep()
    assert desk.erase("-5", "", **{"session_-5": ("ann,bob", "bob")}) == ("ok", 0)
    assert desk.complete(claim, session="ann,bob,bob") == ("refused", 0)
    again = desk.take()
    assert (again.session, again.journal) == (b"bob", {"answer": "to bob", "m:1": "77"})


def test_a_turn_that_has_nothing_of_the_member_goes_on(desk: Desk) -> None:
    desk.store("-5")
    claim = desk.take()
    desk.store("-5")
    assert desk.erase("-5", "|102|") == ("ok", 1)
    assert desk.complete(claim) == ("ok", 0)


def test_the_last_of_a_session_takes_it_along(desk: Desk) -> None:
    talked(desk, "-5", "ann")
    desk.erase("-5", "", **{"session_-5": ("ann", "")})
    assert desk.shard.get("EXISTS", "session:-5") == 0
