"""plan: never more than there is room for, and a command that waits is called for before anything is guessed."""

from hypothesis import given
from hypothesis import strategies as st

from app.runner.share import Call, Load, Room, plan

loads = st.dictionaries(
    st.integers(0, 40),
    st.builds(
        Load,
        ready=st.integers(0, 60),
        oldest_us=st.integers(1, 10**6),
        urgent=st.sampled_from([0, 0, 1, 2, 9]),
        notices=st.sampled_from([0, 0, 1, 5]),
        kicked=st.booleans(),
        not_before=st.sampled_from([0.0, 0.0, 99.0]),
    ),
    max_size=16,
)
rooms = st.builds(Room, st.integers(-2, 80), st.integers(0, 8), st.integers(0, 4))
rotations = st.integers(0, 10**6)
NOW = 50.0


def by_shard(calls: list[Call]) -> dict[int, Call]:
    found = {call.shard: call for call in calls}
    assert len(found) == len(calls), "a shard is asked twice at once"
    return found


@given(loads, rooms, rotations, st.booleans())
def test_a_plan_never_asks_for_more_than_there_is_room_for(
    loads: dict[int, Load], room: Room, rotation: int, sweep: bool
) -> None:
    calls = plan(loads, room, rotation, NOW, sweep=sweep)
    assert sum(call.want for call in calls) <= max(0, room.turns)
    assert sum(call.urgent for call in calls) <= room.urgent
    assert sum(call.notices for call in calls) <= room.notices
    assert all(min(call.want, call.urgent, call.notices) >= 0 for call in calls)


@given(loads, rooms, rotations, st.booleans())
def test_a_plan_leaves_a_shard_alone_that_refused_and_asks_each_other_one_once(
    loads: dict[int, Load], room: Room, rotation: int, sweep: bool
) -> None:
    called = by_shard(plan(loads, room, rotation, NOW, sweep=sweep))
    open_ = {shard for shard, load in loads.items() if load.not_before <= NOW}
    assert set(called) <= open_
    if sweep:
        assert set(called) == open_


@given(loads, rooms, rotations, st.booleans())
def test_commands_that_are_known_to_wait_get_slots_before_any_is_guessed(
    loads: dict[int, Load], room: Room, rotation: int, sweep: bool
) -> None:
    called = by_shard(plan(loads, room, rotation, NOW, sweep=sweep))
    for slots, waiting, got in (
        (room.urgent, {s: load.urgent for s, load in loads.items()}, {s: c.urgent for s, c in called.items()}),
        (room.notices, {s: load.notices for s, load in loads.items()}, {s: c.notices for s, c in called.items()}),
    ):
        known = {s: count for s, count in waiting.items() if count and loads[s].not_before <= NOW}
        served = sum(min(count, got.get(s, 0)) for s, count in known.items())
        assert served == min(slots, sum(known.values()))
        if sum(known.values()) <= slots:
            assert all(got.get(s, 0) == count for s, count in known.items())


@given(loads, rooms, rotations)
def test_each_shard_with_a_command_has_its_turn_within_one_rotation(
    loads: dict[int, Load], room: Room, rotation: int
) -> None:
    open_ = [shard for shard, load in loads.items() if load.not_before <= NOW]
    served = set()
    for turn in range(len(open_)):
        called = by_shard(plan(loads, room, rotation + turn, NOW, sweep=False))
        served |= {shard for shard, call in called.items() if call.urgent}
    if room.urgent:
        assert served >= {shard for shard in open_ if loads[shard].urgent}


@given(loads, rooms, rotations)
def test_what_was_just_stored_is_looked_at_while_anything_is_free(
    loads: dict[int, Load], room: Room, rotation: int
) -> None:
    called = by_shard(plan(loads, room, rotation, NOW, sweep=False))
    kicked = {shard for shard, load in loads.items() if load.kicked and load.not_before <= NOW}
    assert kicked <= set(called)
