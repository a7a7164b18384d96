"""share: the room is never exceeded, and no shard with waiting lanes is left out for long."""

from hypothesis import given
from hypothesis import strategies as st

from app.runner.share import CLAIM_MOST, Load, share

loads = st.lists(st.builds(Load, ready=st.integers(0, 200), oldest_us=st.integers(1, 10**9)), min_size=1, max_size=24)


@given(st.integers(-3, 400), loads, st.integers(0, 10**6))
def test_nobody_is_asked_for_more_than_there_is(room: int, loads: list[Load], turn: int) -> None:
    given = share(room, loads, turn)
    assert sum(given.values()) <= max(0, room)
    assert all(1 <= want <= min(loads[s].ready, CLAIM_MOST) for s, want in given.items())
    assert bool(given) == (room > 0 and any(load.ready > 0 for load in loads))


@given(loads, st.integers(0, 10**6))
def test_a_single_place_goes_to_who_has_waited_longest(loads: list[Load], turn: int) -> None:
    waiting = {s: load.oldest_us for s, load in enumerate(loads) if load.ready}
    given = share(1, loads, turn)
    assert set(given.values()) <= {1}
    assert all(waiting[s] == min(waiting.values()) for s in given)


@given(st.integers(2, 400), loads, st.integers(0, 10**6))
def test_every_shard_that_waits_is_served_within_one_rotation(room: int, loads: list[Load], turn: int) -> None:
    waiting = {s for s, load in enumerate(loads) if load.ready}
    served = {s for n in range(len(waiting)) for s in share(room, loads, turn + n)}
    assert served == waiting


@given(st.integers(2, 400), loads, st.integers(0, 10**6))
def test_a_deep_shard_gets_its_part_and_no_more_over_a_rotation(room: int, loads: list[Load], turn: int) -> None:
    waiting = [s for s, load in enumerate(loads) if load.ready]
    total = sum(load.ready for load in loads)
    for n in range(len(waiting)):
        for s, want in share(room, loads, turn + n).items():
            assert want <= max(1, room * loads[s].ready / total)


@given(loads, st.integers(0, 10**6))
def test_where_there_is_room_for_all_all_are_asked_for(loads: list[Load], turn: int) -> None:
    total = sum(load.ready for load in loads)
    wanted = {s: min(load.ready, CLAIM_MOST) for s, load in enumerate(loads) if load.ready}
    assert share(max(2, total), loads, turn) == wanted
