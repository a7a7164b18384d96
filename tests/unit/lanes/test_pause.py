"""hold: pauses that end by hand or by themselves, and what they cut off."""

import pytest

from tests.unit.lanes.desk import Desk


def test_an_older_or_repeated_command_changes_nothing(desk: Desk) -> None:
    assert desk.hold("7", ver="1700000100.5") == "ok"
    assert desk.resume("7", ver="1700000099.9") == "old"
    before = desk.shard.get("HGETALL", "pause")
    assert desk.hold("7", ver="1700000100.5", until=desk.shard.now_ms + 1000) == "same", (
        "it is in force: nothing newer is"
    )
    assert desk.shard.get("HGETALL", "pause") == before
    assert desk.resume("7", ver="1700000100.10") == "ok"
    assert desk.resume("7", ver="1700000100.10") == "same", "whoever repeats it is not told that it came too late"
    assert desk.hold("7", ver="1700000100.9") == "old"
    assert desk.hold("7", ver="1700000100.5") == "old"
    assert not desk.shard.get("EXISTS", "pause")


def test_paused_lanes_keep_their_place(desk: Desk) -> None:
    desk.store("-5")
    desk.shard.tick(1)
    desk.store("8")
    desk.hold("-5")
    assert [c.lane for c in desk.claim(1).claims] == ["8"]
    assert desk.where("-5") == ["held:-5"]
    desk.store("9")
    desk.resume("-5")
    assert [c.lane for c in desk.claim(2).claims] == ["-5", "9"]


def test_a_topic_pauses_alone_and_a_chat_with_all_its_topics(desk: Desk) -> None:
    for lane in ("-5", "-5:t1", "-5:t1,u9", "-5:t12", "-55"):
        desk.store(lane)
    desk.hold("-5:t1")
    assert sorted(c.lane for c in desk.claim(9).claims) == ["-5", "-55", "-5:t12"]
    desk.hold("-5")
    desk.resume("-5:t1")
    assert desk.claim(9).claims == []
    desk.resume("-5")
    assert sorted(c.lane for c in desk.claim(9).claims) == ["-5:t1", "-5:t1,u9"]


def test_running_turns_are_told_and_go_on(desk: Desk) -> None:
    desk.store("-5:t1")
    desk.store("8")
    mine, other = desk.claim(2).claims
    desk.hold("-5")
    assert desk.sweep().signals == {"-5:t1": f"hold {mine.token}"}
    assert desk.renew(mine, other)[1] == {"-5:t1": f"hold {mine.token}"}
    assert desk.complete(mine) == ("ok", 0)
    assert desk.sweep().signals == {}


def test_a_stop_is_not_covered_up_by_a_pause(desk: Desk) -> None:
    desk.store("7")
    claim = desk.take()
    desk.signal("7", "s1", 9)
    desk.hold("7")
    assert desk.sweep().signals == {"7": f"stop {claim.token}"}
    desk.resume("7")
    assert desk.sweep().signals == {"7": f"stop {claim.token}"}


def test_the_pause_of_the_bot_is_said_in_every_answer(desk: Desk) -> None:
    desk.store()
    desk.hold("*", ver="1700000001.2")
    answer = desk.claim(3)
    assert (answer.claims, answer.ready) == ([], 0)
    assert answer.paused.split("|")[1] == "1700000001.2"
    assert answer.paused.endswith("|ann|lunch | back soon")
    desk.resume("*", ver="1700000002.1")
    answer = desk.claim(3)
    assert (len(answer.claims), answer.paused, answer.resumed) == (1, "", "1700000002.1|")


def test_a_timed_pause_ends_by_itself(desk: Desk) -> None:
    desk.store()
    desk.hold("7", until=desk.shard.now_ms + 5000)
    assert desk.claim().claims == []
    desk.shard.tick(4999)
    assert desk.claim().claims == []
    desk.shard.tick(1)
    assert desk.take().lane == "7"
    assert not desk.shard.get("EXISTS", "pause")


def test_a_pause_may_be_prolonged_and_made_endless(desk: Desk) -> None:
    desk.store()
    desk.hold("7", until=desk.shard.now_ms + 1000)
    desk.hold("7", until=desk.shard.now_ms + 9000)
    desk.shard.tick(1001)
    assert desk.claim().claims == []
    desk.hold("7")
    desk.shard.tick(90_000)
    assert desk.claim().claims == []


def test_a_long_pause_cuts_off_only_what_is_older_and_was_never_tried(desk: Desk) -> None:
    desk.store("8")
    tried = desk.take()
    desk.store("7", raw="old")
    desk.hold("*", keep=60_000)
    desk.release(tried, delay=1)
    desk.shard.tick(30_000)
    desk.store("7", raw="young")
    desk.shard.tick(40_000)
    desk.resume("*")
    claims = desk.claim(9).claims
    assert sorted(c.entries[0].raw for c in claims) == [b"young"]
    assert sorted(desk.ends()) == [("101", "dropped: stale"), ("102", "dropped: stale")]


def test_what_has_an_answer_already_is_not_cut_off(desk: Desk) -> None:
    desk.store("8")
    claim = desk.take()
    desk.hold("8", keep=1000)
    assert desk.mark(claim, "op1", answer="done")[0] == "hold"
    desk.release(claim, op="op1")
    desk.shard.tick(60_000)
    desk.resume("8")
    assert desk.take().journal == {"answer": "done"}


def test_a_short_pause_cuts_off_nothing(desk: Desk) -> None:
    desk.store(at=desk.shard.now_ms - 500_000)
    desk.hold("7", keep=60_000)
    desk.shard.tick(60_000)
    desk.resume("7")
    assert desk.take().lane == "7"


def test_a_timed_pause_that_nobody_saw_end_cuts_off_what_was_old_at_its_end(desk: Desk) -> None:
    desk.store("7", raw="old")
    desk.hold("7", keep=1000, until=desk.shard.now_ms + 10_000)
    desk.shard.tick(9500)
    desk.store("7", raw="young")
    desk.shard.tick(3_600_000)
    assert desk.take().entries[0].raw == b"young"


def test_a_second_resume_forgets_no_cut_off(desk: Desk) -> None:
    desk.store()
    desk.hold("7", keep=1000)
    desk.shard.tick(10_000)
    desk.resume("7")
    desk.resume("7")
    desk.hold("7", keep=1000)
    desk.resume("7")
    assert desk.claim().claims == []
    assert [kind for _, kind in desk.ends()] == ["dropped: stale"]


def test_the_end_of_a_pause_is_forgotten_after_two_days(desk: Desk) -> None:
    desk.hold("*", ver="1700000005.1", until=desk.shard.now_ms + 50)
    desk.resume("7")
    desk.shard.tick(50)
    assert desk.sweep().resumed == "1700000005.1|"
    desk.shard.tick(172_800_000)
    desk.sweep()
    assert not {"resume", "later", "pause"} & desk.shard.names()


def test_commands_run_in_every_pause(desk: Desk) -> None:
    desk.hold("*")
    desk.hold("7")
    desk.store("!7", kind="c")
    assert [c.lane for c in desk.claim(1, urgent=1).claims] == ["!7"]


def notices(desk: Desk, chat: str) -> list[str]:
    """What the notice lane of a chat is to tell."""
    return [entry.decode().partition("\n")[2] for entry in desk.shard.get("LRANGE", f"lane:?{chat}", 0, -1)]


@pytest.mark.parametrize("scope", ["*", "-5", "-5:t1"])
def test_a_question_that_ran_when_a_pause_came_gets_its_notice_once_it_is_given_back(desk: Desk, scope: str) -> None:
    desk.store("-5:t1")
    claim = desk.take()
    desk.hold(scope)
    assert notices(desk, "-5") == []
    assert desk.release(claim) == "ok"
    assert notices(desk, "-5") == ['{"kind":"pause","lane":"-5:t1","mid":1}']
    desk.release(claim)
    desk.store("-5:t1")
    assert len(notices(desk, "-5")) == 1, "one notice of a pause for a chat"


def test_what_is_given_back_for_another_reason_or_is_no_question_gets_no_notice_of_a_pause(desk: Desk) -> None:
    for lane in ("7", "-5:t1", "!7"):
        desk.store(lane)
    desk.hold("-5:t2")
    for claim in desk.claim(2, urgent=1).claims:
        desk.release(claim)
    desk.hold("*")
    desk.release(desk.claim(0, urgent=1).claims[0])
    assert notices(desk, "7") == notices(desk, "-5") == []
