"""claim: the sweep, the attempts, the call numbers, and what is settled about a head before it runs."""

from tests.unit.lanes.desk import Desk


def test_lanes_are_given_in_the_order_in_which_they_became_ready(desk: Desk) -> None:
    for lane in ("9", "7", "8"):
        desk.store(lane)
        desk.shard.tick(1)
    assert [c.lane for c in desk.claim(2).claims] == ["9", "7"]
    assert [c.lane for c in desk.claim(2).claims] == ["8"]


def test_a_claim_brings_all_that_its_turn_needs(desk: Desk) -> None:
    desk.store("-5:t1")
    desk.complete(desk.take(), session="1.1\n{}", fields={"mode": "always"})
    desk.store("-5:t1", raw="hello", by=desk.shard.now_ms + 9000)
    claim = desk.take()
    assert (claim.lane, claim.attempt, claim.stop, claim.journal) == ("-5:t1", 1, False, {})
    assert (claim.session, claim.chat, claim.t0_ms) == (b"1.1\n{}", {"mode": "always"}, desk.shard.now_ms)
    (entry,) = claim.entries
    assert (entry.uids, entry.raw, entry.mid, entry.by_ms) == ("102", b"hello", 2, desk.shard.now_ms + 9000)


def test_one_lane_is_never_given_twice(desk: Desk) -> None:
    desk.store()
    desk.store()
    assert len(desk.claim(5).claims) == 1
    assert desk.claim(5, worker="other", number=1).claims == []


def test_tokens_of_one_microsecond_differ_and_grow(desk: Desk) -> None:
    for lane in ("7", "8", "9"):
        desk.store(lane)
    tokens = [c.token for c in desk.claim(3).claims]
    assert tokens == sorted(set(tokens))


def test_the_fence_grows_when_the_clock_steps_back(desk: Desk) -> None:
    desk.store("7")
    desk.store("8")
    first = desk.take()
    desk.shard.tick(-60_000)
    second = desk.take()
    assert int(second.token.split("-")[0]) > int(first.token.split("-")[0])


def test_the_same_number_gives_the_same_lanes_again(desk: Desk) -> None:
    for lane in ("7", "8", "9"):
        desk.store(lane)
    first = desk.claim(2, number=5).claims
    again = desk.claim(2, number=5).claims
    assert [(c.lane, c.token, c.attempt) for c in again] == [(c.lane, c.token, c.attempt) for c in first]
    desk.complete(first[0])
    assert [c.lane for c in desk.claim(2, number=5).claims] == ["8"]


def test_a_lower_number_gives_nothing(desk: Desk) -> None:
    desk.store()
    assert desk.claim(number=6).claims
    desk.store("8")
    assert desk.claim(number=5).claims == []
    assert desk.where("8") == ["ready"]


def test_workers_count_for_themselves(desk: Desk) -> None:
    desk.store("7")
    desk.store("8")
    assert desk.claim(number=6, worker="a").claims
    assert desk.claim(number=1, worker="b").claims


def test_the_sweep_takes_nothing_and_writes_nothing(desk: Desk) -> None:
    desk.store()
    before = desk.shard.names()
    answer = desk.sweep()
    assert (answer.claims, answer.ready, answer.oldest_us) == ([], 1, desk.shard.now_ms * 1000)
    assert desk.shard.names() == before


def test_an_expired_lane_returns_to_the_place_it_had(desk: Desk) -> None:
    desk.store("7")
    desk.take()
    desk.shard.tick(5)
    desk.store("8")
    desk.shard.tick(1000)
    assert [c.lane for c in desk.claim(2).claims] == ["7", "8"]


def test_a_lease_ends_when_it_ends_and_not_before(desk: Desk) -> None:
    desk.store()
    desk.take(lease=1000)
    desk.shard.tick(999)
    assert desk.claim().claims == []
    desk.shard.tick(1)
    assert desk.take().attempt == 2


def test_three_starts_then_it_is_buried_with_one_apology_and_the_next_runs(desk: Desk) -> None:
    desk.store(raw="poison")
    desk.store(raw="innocent")
    for attempt in (1, 2, 3):
        assert desk.take().attempt == attempt
        desk.shard.tick(1001)
    claim = desk.take()
    assert (claim.entries[0].raw, claim.attempt) == (b"innocent", 1)
    assert desk.ends() == [("101", "dead")]
    assert desk.waiting("?7") == ["ndead101"]
    letter = desk.shard.get("HGET", "dead:7", "101").decode()
    assert letter.startswith("7|attempts|3|0|")
    assert letter.endswith("poison")
    assert min(desk.shard.get("TTL", "dead:7"), desk.shard.get("TTL", "dead")) > 0


def test_dead_letters_are_a_thousand_at_most(desk: Desk) -> None:
    for n in range(1005):
        desk.store(str(n))
        desk.fail(desk.take(), final="1")
        desk.shard.tick(1)
    assert desk.shard.get("ZCARD", "dead") == 1000
    assert not desk.shard.get("EXISTS", "dead:4")
    assert desk.shard.get("EXISTS", "dead:5")


def test_a_notice_that_fails_brings_no_notice_and_no_end(desk: Desk) -> None:
    desk.store(limit=0)
    ends = desk.ends()
    (claim,) = desk.claim(0, notices=1).claims
    desk.fail(claim, final="1")
    assert desk.ends() == ends
    assert desk.where("?7") == []


def test_the_notice_of_an_edited_update_ends_nothing(desk: Desk) -> None:
    desk.store(mid=1)
    desk.store(mid=1, kind="e")
    desk.fail(desk.take(), final="1")
    (claim,) = desk.claim(0, notices=1).claims
    desk.complete(claim)
    assert desk.ends() == [("101", "dead"), ("102", "dead")]


def test_what_came_too_late_ends_stale_and_says_so_once(desk: Desk) -> None:
    for _ in range(3):
        desk.store(by=desk.shard.now_ms + 100)
    desk.store(raw="fresh")
    desk.shard.tick(101)
    assert desk.take().entries[0].raw == b"fresh"
    assert [kind for _, kind in desk.ends()] == ["dropped: stale"] * 3
    assert desk.waiting("?7") == ["nstale"]


def test_what_was_tried_in_time_is_never_stale(desk: Desk) -> None:
    desk.store(by=desk.shard.now_ms + 100)
    desk.take()
    desk.shard.tick(1001)
    assert desk.take().attempt == 2


def test_what_has_an_answer_is_never_stale_although_no_attempt_counts(desk: Desk) -> None:
    desk.store(by=desk.shard.now_ms + 100)
    claim = desk.take()
    desk.mark(claim, "op1", answer="done")
    desk.release(claim, op="op1")
    desk.shard.tick(101)
    assert desk.take().journal == {"answer": "done"}


def test_a_thousand_stale_entries_are_popped_in_bounded_steps(desk: Desk) -> None:
    desk.batch(*(desk.update(by=desk.shard.now_ms + 1, limit=2000) for _ in range(250)))
    desk.shard.tick(10)
    lengths = []
    while desk.where():
        assert desk.claim().claims == []
        lengths.append(len(desk.waiting()))
    assert lengths == [150, 50, 0]
    assert len(desk.ends()) == 250


def test_notice_and_control_lanes_have_room_of_their_own(desk: Desk) -> None:
    desk.store("7")
    desk.store("7", limit=1)
    desk.store("!7", kind="c")
    assert [c.lane for c in desk.claim(0, urgent=1, notices=0).claims] == ["!7"]
    assert [c.lane for c in desk.claim(0, urgent=0, notices=1).claims] == ["?7"]
    assert [c.lane for c in desk.claim(1).claims] == ["7"]


def test_the_answer_says_how_the_shard_stands(desk: Desk) -> None:
    for lane in ("7", "8", "!7", "!8", "!9"):
        desk.store(lane)
    desk.store("7", limit=1)
    answer = desk.claim(1, urgent=1)
    assert (len(answer.claims), answer.ready, answer.urgent, answer.notices) == (2, 1, 2, 1)


def test_values_of_a_wrong_type_are_kept_aside_and_the_lane_goes_on(desk: Desk) -> None:
    desk.store("-5:t1")
    for key in ("turn:-5:t1", "chat:-5"):
        desk.shard.get("SET", key, "junk")
    desk.shard.get("HSET", "session:-5:t1", "not", "a string")
    claim = desk.take()
    assert (claim.attempt, claim.session, claim.chat) == (1, b"", {})
    for key in ("turn:-5:t1", "chat:-5", "session:-5:t1"):
        assert desk.shard.get("TTL", f"bad:{key}") > 0
    assert desk.complete(claim, session="1.1\n{}", fields={"mode": "always"}) == ("ok", 0)


def test_a_ready_lane_of_a_wrong_type_hurts_nobody_else(desk: Desk) -> None:
    desk.store("7")
    desk.store("8")
    desk.shard.get("DEL", "lane:7")
    desk.shard.get("SET", "lane:7", "junk")
    assert [c.lane for c in desk.claim(2).claims] == ["8"]
    assert desk.where("7") == []
    assert desk.shard.get("GET", "bad:lane:7") == b"junk"
