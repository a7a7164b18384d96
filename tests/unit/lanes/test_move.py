"""The move of a chat to another id: what it remembers goes along, once, and its updates follow."""

from typing import Any

import pytest

from tests.unit.lanes.desk import Desk

OLD, NEW = "-5", "-9"


def talked(desk: Desk, lane: str, session: str, **given: Any) -> None:
    desk.store(lane)
    desk.complete(desk.take(), session=session, **given)


def test_what_a_chat_remembers_arrives_whole_and_once(desk: Desk) -> None:
    talked(desk, OLD, "here", fields={"mode": "always"})
    talked(desk, f"{OLD}:u3", "mine")
    desk.moving(OLD, NEW)
    parcel = desk.out(OLD, NEW)
    assert parcel == {"to": NEW, f"session:{OLD}": "here", f"session:{OLD}:u3": "mine", "chat:mode": "always"}
    assert desk.out(OLD, NEW) == parcel
    brought = {"inherit_-9": "here", "inherit_-9:u3": "mine", "chat_mode": "always"}
    assert desk.into(OLD, NEW, **brought) == "ok"
    assert desk.into(OLD, NEW, **brought) == "dup"
    assert desk.shard.ask("moved", OLD) == 1
    assert desk.out(OLD, NEW) == {}
    desk.store(f"{NEW}:u3")
    claim = desk.take()
    assert (claim.inherit, claim.session, claim.chat) == (b"mine", b"", {"mode": "always", "was": OLD})
    left = {name for name in desk.shard.names() if OLD in name}
    assert left == {f"moved:{OLD}", f"arrived:{OLD}"}


def test_its_updates_are_sent_after_it_and_are_not_marked_here(desk: Desk) -> None:
    desk.out(OLD, NEW)
    update = desk.update(f"{OLD}:t1")
    assert desk.batch(update) == [f"to {NEW}"]
    assert desk.batch(update) == [f"to {NEW}"]
    there = (update[0], f"{NEW}:t1", *update[2:])
    assert desk.batch(there) == ["ok"]
    assert desk.batch(update) == ["dup"]


@pytest.mark.parametrize("lane", [OLD, f"{OLD}:t1", f"!{OLD}"])
def test_it_waits_until_the_old_chat_has_run_out_and_leaves_a_note(lane: str, desk: Desk) -> None:
    desk.store(lane)
    desk.claim(1, urgent=1)
    assert desk.out(OLD, NEW) is None
    desk.shard.tick(5000)
    assert desk.sweep().moves == {OLD: NEW}
    desk.out(OLD, NEW)
    assert desk.sweep().moves == {}
    desk.complete(desk.claim(1, urgent=1).claims[0])
    assert desk.out(OLD, NEW) is not None


def test_nothing_new_starts_in_the_new_chat_before_it_arrived(desk: Desk) -> None:
    desk.store(NEW)
    begun = desk.take()
    desk.store(NEW)
    desk.store(f"!{NEW}")
    desk.moving(OLD, NEW)
    desk.release(begun)
    again = desk.take()
    assert again.attempt == 1
    desk.complete(again)
    assert desk.claim(5).claims == []
    assert desk.where(NEW) == [f"held:>{NEW}"]
    assert len(desk.claim(0, urgent=1).claims) == 1
    desk.out(OLD, NEW)
    desk.into(OLD, NEW)
    assert desk.take().entries[0].uids == "102"


def test_nobody_is_told_of_that_pause_and_none_is_refused_for_it(desk: Desk) -> None:
    desk.store(NEW)
    claim = desk.take()
    desk.moving(OLD, NEW)
    assert desk.mark(claim, "op1")[0] == "grant"
    assert desk.store(NEW) == "ok"
    assert f"?{NEW}" not in str(desk.shard.names())
    assert desk.renew(claim) == ([], {})


def test_the_new_chat_is_held_once_and_for_a_minute_at_most(desk: Desk) -> None:
    desk.store(NEW)
    assert desk.moving(OLD, NEW, ms=1000) == "ok"
    assert desk.moving(OLD, NEW) == "same"
    desk.claim()
    desk.shard.tick(1000)
    assert desk.moving(OLD, NEW) == "same"
    assert desk.take().lane == NEW
    assert desk.moving(OLD, NEW) == "old"


def test_a_parcel_that_came_lifts_the_hold_again(desk: Desk) -> None:
    desk.into(OLD, NEW)
    assert desk.moving(OLD, NEW) == "old"
    assert desk.shard.get("HGET", f"chat:{NEW}", "from") is None


def test_what_the_new_chat_has_already_stays(desk: Desk) -> None:
    talked(desk, NEW, "new", fields={"mode": "mention"})
    desk.into(OLD, NEW, **{"inherit_-9": "old", "chat_mode": "always", "chat_persona": "pirate"})
    desk.store(NEW)
    claim = desk.take()
    assert (claim.session, claim.inherit) == (b"new", b"old")
    assert claim.chat == {"mode": "mention", "persona": "pirate", "was": OLD}
    desk.complete(claim, session="old, new", inherit="1")
    assert desk.shard.get("EXISTS", f"inherit:{NEW}") == 0


def test_a_turn_that_did_not_merge_it_leaves_it(desk: Desk) -> None:
    desk.into(OLD, NEW, **{"inherit_-9": "old"})
    desk.store(NEW)
    desk.complete(desk.take(), kind="dropped: ignored")
    assert desk.shard.get("GET", f"inherit:{NEW}") == b"old"


def test_a_chat_that_moves_on_takes_along_what_it_had_not_merged(desk: Desk) -> None:
    desk.into(OLD, NEW, **{"inherit_-9": "first"})
    talked(desk, NEW, "second")
    parcel = desk.out(NEW, "-11")
    assert parcel
    assert (parcel[f"inherit:{NEW}"], parcel[f"session:{NEW}"]) == ("first", "second")


@pytest.mark.parametrize("until", [0, 60_000])
def test_a_pause_of_the_old_chat_ends_with_the_move(until: int, desk: Desk) -> None:
    for scope in (OLD, f"{OLD}:t1", "7"):
        desk.hold(scope, until=until and desk.shard.now_ms + until)
    desk.out(OLD, NEW)
    desk.into(OLD, NEW)
    desk.shard.ask("moved", OLD)
    assert desk.shard.get("HKEYS", "pause") == [b"7"]


def test_what_was_forgotten_does_not_arrive(desk: Desk) -> None:
    talked(desk, OLD, "secret")
    parcel = desk.out(OLD, NEW)
    assert parcel
    desk.moving(OLD, NEW)
    desk.forget(NEW, 99, moving=OLD)
    assert desk.shard.get("HGET", f"chat:{NEW}", "from") == OLD.encode()
    desk.forget(OLD, 2**53)
    assert desk.shard.get("HGETALL", f"parcel:{OLD}") == {b"to": NEW.encode()}
    assert desk.into(OLD, NEW, **{"inherit_-9": parcel[f"session:{OLD}"]}) == "dup"
    assert b"secret" not in b"".join(desk.shard.client.get(key) or b"" for key in desk.shard.client.keys("*inherit*"))
