"""store: each update once, in its lane's order, or with an end that says why not."""

import pytest
from redis.exceptions import OutOfMemoryError, ResponseError

from tests.unit.lanes.desk import Desk


def test_an_update_is_stored_once(desk: Desk) -> None:
    update = desk.update()
    assert desk.batch(update) == ["ok"]
    assert desk.batch(update, update) == ["dup", "dup"]
    assert desk.waiting() == [str(desk.uid)]


def test_ids_that_restart_lower_are_new(desk: Desk) -> None:
    assert desk.store(uid=9_000_000_001) == "ok"
    assert desk.store(uid=3) == "ok"
    assert desk.store(uid=9_000_000_000) == "ok"
    assert desk.store(uid=3) == "dup"


def test_the_memory_of_ids_goes_after_two_days(desk: Desk) -> None:
    desk.store(uid=4096 * 7 + 5)
    assert 0 < desk.shard.get("TTL", "seen:7") <= 172_800


def test_the_answer_counts_lanes_that_became_ready(desk: Desk) -> None:
    updates = [desk.update("7"), desk.update("7"), desk.update("-5:t1")]
    assert desk.shard.ask("store", "mention", 60, *(word for u in updates for word in u))[0] == 2


def test_a_flood_ends_what_is_too_much_and_tells_once(desk: Desk) -> None:
    statuses = [desk.store(limit=2) for _ in range(5)]
    assert statuses == ["ok", "ok", "flood", "flood", "flood"]
    assert [kind for _, kind in desk.ends()] == ["dropped: flood"] * 3
    assert desk.waiting("?7") == ["nflood"]


@pytest.mark.parametrize(
    "kind, mode, status", [("i", "always", "ignored"), ("a", "mention", "ignored"), ("a", "always", "ok")]
)
def test_what_nobody_asked_the_bot_is_ignored(kind: str, mode: str, status: str, desk: Desk) -> None:
    assert desk.batch(desk.update("-5", kind=kind), mode=mode) == [status]
    assert bool(desk.ends()) == (status == "ignored")


def test_a_chats_own_mode_wins(desk: Desk) -> None:
    desk.store("-5")
    desk.complete(desk.take(), fields={"mode": "always"})
    assert desk.batch(desk.update("-5", kind="a"), mode="mention") == ["ok"]


def test_an_edit_takes_the_place_of_what_waits(desk: Desk) -> None:
    desk.store(mid=1)
    desk.store(mid=2)
    assert desk.store(mid=1, kind="e", raw="better") == "edited"
    claim = desk.take()
    assert [(e.uids, e.raw) for e in claim.entries] == [("101+103", b"better")]
    desk.complete(claim)
    assert [uid for uid, _ in desk.ends()] == ["101", "103"]


def test_an_edit_never_changes_what_runs(desk: Desk) -> None:
    desk.store(mid=1)
    claim = desk.take()
    assert desk.store(mid=1, kind="e") == "ok"
    assert desk.waiting() == ["101", "102"]
    assert desk.complete(claim) == ("ok", 1)


def test_an_edit_is_found_far_from_the_tail(desk: Desk) -> None:
    desk.batch(*(desk.update(mid=n, limit=1000) for n in range(1, 301)))
    assert desk.store(mid=70, kind="e", limit=1000) == "edited"
    assert desk.waiting()[69] == "170+401"


def test_a_command_is_as_old_as_its_arrival_and_takes_the_control_lane(desk: Desk) -> None:
    desk.store("!7", at=0, kind="c")
    (claim,) = desk.claim(0, urgent=1).claims
    assert claim.entries[0].at_ms == desk.shard.now_ms


@pytest.mark.parametrize("scope", ["*", "-5", "-5:t1"])
def test_a_pause_holds_what_comes_and_tells_once(scope: str, desk: Desk) -> None:
    desk.hold(scope)
    assert [desk.store("-5:t1") for _ in range(3)] == ["ok"] * 3
    assert len(desk.waiting("?-5")) == 1
    assert desk.claim(4).claims == []
    desk.resume(scope)
    assert len(desk.claim(4).claims) == 1


def test_a_pause_that_drops_ends_what_comes_but_not_commands(desk: Desk) -> None:
    desk.hold("*", policy="drop")
    assert desk.store() == "paused"
    assert desk.store("!7", kind="c") == "ok"
    assert desk.ends() == [("101", "dropped: paused")]


def test_the_index_knows_the_lanes_of_a_chat_that_have_a_suffix(desk: Desk) -> None:
    for lane in ("-5", "-5:t1", "-5:t2,u9"):
        desk.store(lane)
    assert desk.shard.get("ZRANGE", "lanes:-5", 0, -1) == [b"-5:t1", b"-5:t2,u9"]
    assert desk.shard.get("TTL", "lanes:-5") > 0


def test_a_turn_of_a_wrong_type_costs_no_edit(desk: Desk) -> None:
    desk.store(mid=5)
    desk.shard.get("SET", "turn:7", "not a hash")
    assert desk.store(kind="e", mid=5) == "edited"


def test_a_lane_of_a_wrong_type_is_kept_aside_and_costs_no_update(desk: Desk) -> None:
    desk.shard.get("SET", "lane:7", "not a list")
    updates = [desk.update("8"), desk.update("7")]
    assert desk.batch(*updates) == ["ok", "ok"]
    assert desk.shard.get("GET", "bad:lane:7") == b"not a list"
    assert desk.shard.get("TTL", "bad:lane:7") > 0
    assert desk.waiting() == ["102"]


def test_a_full_memory_refuses_the_whole_batch_while_turns_go_on(desk: Desk) -> None:
    desk.store("7")
    desk.store("8")
    desk.store("9")
    answered, kept, broken = desk.claim(3).claims
    before = desk.shard.names()
    desk.shard.client.config_set("maxmemory", 1)
    updates = [desk.update("20"), desk.update("21")]
    with pytest.raises((OutOfMemoryError, ResponseError), match=r"OOM|memory"):
        desk.batch(*updates)
    assert desk.renew(answered, kept) == ([], {})
    assert desk.mark(answered, "op1", answer="yes")[0] == "grant"
    assert desk.sent(answered, 55) == "ok"
    assert desk.complete(answered, session="1.1\n{}", notice="{}") == ("ok", 0)
    assert desk.fail(broken) == "later"
    assert desk.hold("*") == "ok"
    assert desk.resume("*") == "ok"
    assert desk.release(kept) == "ok"
    assert desk.claim(1).claims != []
    desk.shard.client.config_set("maxmemory", 0)
    assert not {"lane:20", "lane:21"} & desk.shard.names()
    assert before & desk.shard.names()
    assert desk.batch(*updates) == ["ok", "ok"]
