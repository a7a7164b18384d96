"""What a claim promises: the sweep, the call numbers, and the reason for each head that it ended or started."""

from tests.property.shadow import ATTEMPTS, MERGE_MOST, Journal, Shadow, Step, chat_of
from tests.property.state import State

MOVE_MS = 5000
BURIED, STOPPED, STALE = "dead", "dropped: stopped", "dropped: stale"


def claim(shadow: Shadow, step: Step, before: State, after: State) -> None:
    worker, number = step.args[0], int(step.args[1])
    wants = [int(want) for want in step.args[2:5]]
    _timed(shadow, step.now)
    fresh = {lane: after.token(lane) for lane in after.turns if after.token(lane) not in {"", before.token(lane)}}
    given = [(row[0].decode(), _flat(row[1]).get("token", "")) for row in step.answer[0]]
    last, result = shadow.calls.get(worker, (0, []))
    if not any(wants) or number < last:
        assert not given, f"call {number} after {last} gave {given}"
        assert not fresh
    elif number == last:
        assert not fresh, f"call {number} repeated claimed {fresh}"
        assert given == [pair for pair in result if pair[1] == after.token(pair[0])], "a repetition answers the same"
    else:
        shadow.calls[worker] = (number, given)
        assert dict(given) == fresh, f"answered {given}, claimed {fresh}"
        _counted(given, wants)
    _swept(shadow, step, before, after, fresh)
    for lane, entries in before.lists.items():
        _popped(shadow, step, lane, [e.uids for e in entries], after)
    for lane in fresh:
        _started(shadow, step, lane, before, after)
    for row in step.answer[0]:
        lane, turn = row[0].decode(), _flat(row[1])
        assert turn == after.turns[lane]
        heads = [entry.partition(b"\n")[2] for entry in row[2]]
        assert heads == [e.raw for e in after.lists[lane]][: int(turn["n"])]
        assert row[3].decode() == after.sessions.get(lane, "")
        assert row[5].decode() == after.inherits.get(lane, "")
    alone = {old for old, at in after.hashes.get("parcels", {}).items() if int(at) <= step.now - MOVE_MS}
    assert _flat(step.answer[9]).keys() == alone, "moves that nobody works on"


def _counted(given: list[tuple[str, str]], wants: list[int]) -> None:
    kinds = [sum(lane[0] not in "!?" for lane, _ in given), *(sum(lane[0] == c for lane, _ in given) for c in "!?")]
    assert all(kind <= want for kind, want in zip(kinds, wants, strict=True)), f"{given} for {wants}"


def _swept(shadow: Shadow, step: Step, before: State, after: State, fresh: dict[str, str]) -> None:
    """What ran out before this call stands where it stood when it was claimed; what was due is awake."""
    for lane, end in before.places.get("leases", {}).items():
        if end > step.now:
            assert after.places.get("leases", {}).get(lane) == end, f"the lease of {lane} had not run out"
            continue
        assert lane in fresh or after.token(lane) == "", f"{lane} expired and keeps its token"
        shadow.journals[lane].last = before.token(lane)
        if lane not in fresh and lane in after.lists and lane in after.turns:
            assert after.score(lane) == int(before.turns[lane]["rank"]), f"{lane} lost its place"
    for lane, due in before.places.get("later", {}).items():
        assert due > step.now or after.places.get("later", {}).get(lane, step.now + 1) > step.now, f"{lane} sleeps on"
    for name, lanes in before.places.items():
        for lane, rank in lanes.items():
            ready = name in {"ready", "urgent", "notices"} or name[:5] == "held:"
            last = before.lists[lane][-1].uids  # gone: the lane ended, and may have begun again
            stays = last in {entry.uids for entry in after.lists.get(lane, [])}
            settles = after.where(lane) in [
                [("later", till)] for key, (_, till) in shadow.albums.items() if key[0] == lane
            ]
            if ready and lane not in fresh and stays and not settles:
                assert after.score(lane) == rank, f"{lane} lost its rank"
    for lane in fresh:
        assert not shadow.covering(lane), f"{lane} claimed in spite of {shadow.covering(lane)}"
        begun = "try" in before.turns.get(lane, {}) and before.lists[lane][0].uids == after.lists[lane][0].uids
        moving = lane[0] not in "!?" and f">{chat_of(lane)}" in shadow.pauses
        assert begun or not moving, f"{lane} starts before the old chat has run out"


def _popped(shadow: Shadow, step: Step, lane: str, before: list[tuple[str, ...]], after: State) -> None:
    """The heads that this claim ended, each for a reason of its own."""
    left = {entry.uids for entry in after.lists.get(lane, [])}
    ends = dict(after.ends)
    entries = {entry.uids: entry for entry in shadow.before.lists[lane]}
    merged, with_it, kind = int(shadow.before.turns.get(lane, {}).get("n", 1)), 0, ""
    for uids in before:
        if uids in left:
            assert not with_it, f"{uids} stays of a turn that ended"
            return
        if with_it:
            with_it -= 1
            assert ends[uids[0]] == kind
            continue
        journal, used = shadow.journals[lane], shadow.starts[lane, uids[0]]
        kind = ends.get(uids[0], "") if uids[0][0] != "n" else BURIED if used >= ATTEMPTS else STALE
        entry = entries[uids]
        if kind == BURIED:
            assert used >= ATTEMPTS, f"{uids} buried after {used}"
            with_it = merged - 1 if "1" in journal.marks else 0
        elif kind == STOPPED:
            assert journal.stop
            assert not journal.begun
            with_it = merged - 1
        else:
            assert kind == STALE, f"a claim ended {uids} as {kind!r}"
            assert 0 < entry.by < step.now or entry.at < shadow.cut(lane), f"{uids} was not stale"
            assert used == 0, f"{uids} had begun"
            assert not journal.begun
        shadow.journals[lane], merged = Journal(), 1


def _started(shadow: Shadow, step: Step, lane: str, before: State, after: State) -> None:
    head, turn, journal = after.lists[lane][0], after.turns[lane], shadow.journals[lane]
    shadow.starts[lane, head.uids[0]] += 1
    used = shadow.starts[lane, head.uids[0]]
    assert used <= ATTEMPTS, f"{lane}: attempt {used}"
    assert int(turn["n"]) == _size(shadow, lane, before, after), f"{lane}: a turn of {turn['n']} entries"
    _, till = shadow.albums.get((lane, head.group), (0, 0))
    assert till <= step.now or used > 1 or journal.begun, f"{lane}: the album has not settled"
    assert not journal.stop or journal.begun, f"{lane} was stopped and runs"
    late = 0 < head.by < step.now or head.at < shadow.cut(lane)
    assert not late or used > 1 or journal.begun, f"{head.uids} is stale and runs"
    assert int(turn["token"].partition("-")[0]) >= step.now * 1000
    assert after.places.get("leases", {}).get(lane) == step.now + int(step.args[5])
    came = [score for name, score in before.where(lane) if name in {"ready", "urgent", "notices"}]
    assert not came or turn["rank"] == str(came[0])


def _size(shadow: Shadow, lane: str, before: State, after: State) -> int:
    """How many entries belong to the turn that starts: as before once it has begun to answer, merged on a first try."""
    entries = after.lists[lane]
    head = entries[0]
    if shadow.journals[lane].begun:
        return max(1, int(before.turns[lane].get("n", 1)))
    if shadow.starts[lane, head.uids[0]] > 1 or not head.group:
        return 1
    groups = [entry.group for entry in entries[:MERGE_MOST]]
    return next((n for n, group in enumerate(groups) if group != head.group), len(groups))


def _flat(pairs: list[bytes]) -> dict[str, str]:
    return {pairs[i].decode(): pairs[i + 1].decode() for i in range(0, len(pairs), 2)}


def _timed(shadow: Shadow, now: int) -> None:
    for scope, pause in list(shadow.pauses.items()):
        if 0 < pause.until <= now:
            lift(shadow, scope, pause.until)


def lift(shadow: Shadow, scope: str, end: int) -> None:
    pause = shadow.pauses.pop(scope)
    if pause.hold and end - pause.since > pause.hold:
        shadow.cuts[scope] = max(shadow.cuts.get(scope, 0), end - pause.hold)
