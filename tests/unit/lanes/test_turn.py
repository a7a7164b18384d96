"""renew, complete, release, fail: what the holder of a token may do, and nobody else."""

import pytest

from tests.unit.lanes.desk import Desk


def test_a_renewed_lease_lasts_longer(desk: Desk) -> None:
    desk.store()
    claim = desk.take()
    desk.shard.tick(900)
    assert desk.renew(claim) == ([], {})
    desk.shard.tick(900)
    assert desk.claim().claims == []


def test_a_lost_lane_is_refused_everywhere(desk: Desk) -> None:
    desk.store()
    old = desk.take()
    desk.shard.tick(1001)
    new = desk.take()
    before = desk.turn()
    assert desk.renew(old) == ([old.token], {})
    assert desk.mark(old, "op1")[0] == "refused"
    assert desk.sent(old, 5) == "refused"
    assert desk.complete(old, session="stolen") == ("refused", 0)
    assert desk.fail(old) == "refused"
    assert desk.turn() == before
    assert desk.complete(new) == ("ok", 0)


def test_an_end_leaves_nothing_but_what_may_stay(desk: Desk) -> None:
    desk.store()
    claim = desk.take()
    desk.mark(claim, "op1", answer="yes")
    assert desk.complete(claim, session="1.1\n{}") == ("ok", 0)
    assert desk.shard.names() == {"seen:0", "fence", "call:w", "session:7", "count", "ends"}
    assert desk.complete(claim) == ("refused", 0)
    assert desk.ends() == [("101", "answered")]


def test_after_its_turn_a_lane_waits_behind_the_others(desk: Desk) -> None:
    desk.store("7")
    desk.store("7")
    claim = desk.take()
    desk.shard.tick(1)
    desk.store("8")
    desk.shard.tick(1)
    assert desk.complete(claim) == ("ok", 1)
    assert [c.lane for c in desk.claim(2).claims] == ["8", "7"]


def test_an_empty_session_leaves_the_old_one(desk: Desk) -> None:
    for session in ("1.1\n{}", ""):
        desk.store()
        desk.complete(desk.take(), session=session)
    assert desk.shard.get("GET", "session:7") == b"1.1\n{}"
    assert desk.shard.get("TTL", "session:7") > 0


def test_an_unreadable_session_is_kept_aside(desk: Desk) -> None:
    for session, bad in (("junk", ""), ("1.1\n{}", "1")):
        desk.store()
        desk.complete(desk.take(), session=session, keep_bad=bad)
    assert desk.shard.get("GET", "bad:session:7") == b"junk"
    assert desk.shard.get("GET", "session:7") == b"1.1\n{}"
    assert desk.shard.get("TTL", "bad:session:7") > 0


def test_settings_of_a_chat_are_set_and_removed(desk: Desk) -> None:
    for fields in ({"mode": "always", "persona": "pirate"}, {"persona": ""}):
        desk.store("-5:t1")
        desk.complete(desk.take(), fields=fields)
    assert desk.shard.get("HGETALL", "chat:-5") == {b"mode": b"always"}
    assert desk.shard.get("TTL", "chat:-5") > 0


@pytest.mark.parametrize("waiting, noted", [(0, b"5."), (2, b"5.103")])
def test_a_moment_is_noted_with_what_waited_then(desk: Desk, waiting: int, noted: bytes) -> None:
    for _ in range(1 + waiting):
        desk.store("7")
    desk.complete(desk.take(), fields={"refused": "5."})
    assert desk.shard.get("HGETALL", "chat:7") == {b"refused": noted}


def test_settings_of_a_chat_live_as_long_as_it_talks(desk: Desk) -> None:
    desk.store("7")
    desk.complete(desk.take(), fields={"persona": "pirate"})
    desk.shard.client.expire(desk._key("chat:7"), 50)
    desk.store("7")
    desk.complete(desk.take())
    assert desk.shard.get("TTL", "chat:7") > 50


def test_a_notice_that_comes_with_an_end_waits_in_the_notice_lane(desk: Desk) -> None:
    desk.store("-5:t1", mid=44)
    desk.complete(desk.take(), kind="apologised", notice='{"kind":"text"}')
    (claim,) = desk.claim(0, notices=1).claims
    assert claim.lane == "?-5"
    assert (claim.entries[0].uids, claim.entries[0].mid, claim.entries[0].raw) == ("n101", 44, b'{"kind":"text"}')


def test_a_lane_given_back_keeps_its_place_its_journal_and_its_attempts(desk: Desk) -> None:
    desk.store("7")
    claim = desk.take()
    desk.mark(claim, "op1", answer="yes")
    desk.sent(claim, 77)
    desk.shard.tick(1)
    desk.store("8")
    assert desk.release(claim) == "ok"
    again, _ = desk.claim(2).claims
    assert (again.lane, again.attempt, again.journal) == ("7", 1, {"answer": "yes", "m:1": "77"})
    assert desk.release(claim) == "refused"


def test_given_back_for_a_while_it_comes_back_then(desk: Desk) -> None:
    desk.store()
    desk.release(desk.take(), delay=500)
    desk.shard.tick(499)
    assert desk.claim().claims == []
    desk.shard.tick(1)
    assert desk.take().attempt == 1


@pytest.mark.parametrize("reclaimed", [False, True])
def test_after_its_lease_only_the_attempt_is_uncounted_and_only_once(reclaimed: bool, desk: Desk) -> None:
    desk.store()
    old = desk.take()
    desk.shard.tick(1001)
    desk.sweep()
    holder = desk.take() if reclaimed else None
    tries = int(desk.turn()["try"])
    assert desk.release(old) == "uncounted"
    assert int(desk.turn()["try"]) == tries - 1
    assert desk.release(old) == "refused"
    assert int(desk.turn()["try"]) == tries - 1
    assert desk.where() == (["leases"] if reclaimed else ["ready"])
    assert holder is None or desk.complete(holder) == ("ok", 0)


def test_failed_it_is_tried_again_later_and_buried_in_the_end(desk: Desk) -> None:
    desk.store()
    desk.store()
    for answer in ("later", "later", "dead"):
        assert desk.fail(desk.take(), delay=50) == answer
        desk.shard.tick(50)
    assert desk.ends() == [("101", "dead")]
    assert desk.waiting("?7") == ["ndead101"]
    assert desk.take().attempt == 1


def test_what_fails_for_good_is_buried_at_once(desk: Desk) -> None:
    desk.store()
    assert desk.fail(desk.take(), final="1") == "dead"
    assert desk.where() == []
    assert desk.shard.get("HGET", "dead:7", "101").startswith(b"7|Broken|1|0|")


def test_the_same_person_is_told_of_each_dead_update_once(desk: Desk) -> None:
    for _ in range(2):
        desk.store()
        desk.fail(desk.take(), final="1")
    assert desk.waiting("?7") == ["ndead101", "ndead102"]
