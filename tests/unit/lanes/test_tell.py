"""tell: a notice in the middle of a turn, once for its mark."""

from typing import Any

from tests.support.shard import PREFIX
from tests.unit.lanes.desk import Desk

RAW = '{"kind":"text"}'


def tell(desk: Desk, claim: Any, mark: str = "held", seconds: int = 60) -> str:
    return str(desk.shard.ask("tell", claim.lane, claim.token, mark, seconds, RAW).decode())


def test_it_waits_in_the_notice_lane_while_the_turn_goes_on(desk: Desk) -> None:
    desk.store("-5:t1", mid=44)
    claim = desk.take()
    assert tell(desk, claim) == "told"
    (notice,) = desk.claim(0, notices=1).claims
    assert notice.lane == "?-5"
    assert (notice.entries[0].uids, notice.entries[0].mid) == ("nheld-101", 44)
    assert notice.entries[0].raw == RAW.encode()
    assert desk.complete(claim) == ("ok", 0)
    assert desk.complete(notice) == ("ok", 0)
    assert desk.ends() == [("101", "answered")]


def test_the_chat_hears_it_once_whoever_repeats_it_and_each_mark_by_itself(desk: Desk) -> None:
    desk.store("-5:t1")
    desk.store("-5:t2")
    first, second = desk.claim(2).claims
    assert [tell(desk, claim) for claim in (first, first, second)] == ["told", "known", "known"]
    assert tell(desk, second, "other") == "told"
    assert desk.waiting("?-5") == ["nheld-101", "nother-102"]


def test_a_mark_is_forgotten_after_its_time(desk: Desk) -> None:
    desk.store()
    tell(desk, desk.take(), seconds=77)
    assert 70 < desk.shard.client.ttl(f"{PREFIX}notice:7:held") <= 77


def test_who_has_lost_the_lane_tells_nothing(desk: Desk) -> None:
    desk.store()
    old = desk.take()
    desk.shard.tick(1001)
    new = desk.take()
    assert tell(desk, old) == "refused"
    assert tell(desk, new) == "told"
    desk.complete(new)
    assert tell(desk, new, "again") == "refused"


def test_ids_that_were_joined_make_one_notice(desk: Desk) -> None:
    desk.store()
    desk.store(kind="e", mid=desk.mids["7"])
    assert tell(desk, desk.take()) == "told"
    (notice,) = desk.claim(0, notices=1).claims
    assert "+" not in notice.entries[0].uids
    desk.complete(notice)
    assert desk.ends() == []
