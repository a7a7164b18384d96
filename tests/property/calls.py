"""What each script promises of one call: checked against the state before and after, and noted in the shadow."""

from collections.abc import Callable
from typing import Any

from tests.property.shadow import ATTEMPTS, Journal, Pause, Shadow, Step
from tests.property.state import State

BURIED, STOPPED, STALE = "dead", "dropped: stopped", "dropped: stale"


def note(shadow: Shadow, step: Step, after: State) -> None:
    """Check one call, then every invariant; the state after becomes the one before."""
    CHECKS[step.name](shadow, step, shadow.before, after)
    for lane, entries in after.lists.items():
        for entry in entries:
            _arrived(shadow, lane, entry.uids[0])
    shadow.check(step, after)
    shadow.before = after


def _arrived(shadow: Shadow, lane: str, uid: str) -> None:
    waits = any(uid == entry.uids[0] for entry in shadow.before.lists.get(lane, []))
    if (lane, uid) not in shadow.order:
        shadow.order[lane, uid] = len(shadow.order)
    else:
        assert waits or uid in shadow.known, f"{uid} of {lane} was told twice"


def _same(step: Step, before: State, after: State) -> None:
    assert before.core() == after.core(), f"{step.name} answered {step.answer!r}, yet it changed something"


def _holds(step: Step, before: State) -> bool:
    return bool(step.args[1]) and before.token(step.args[0]) == step.args[1]


def _text(answer: Any) -> str:
    return answer.decode() if isinstance(answer, bytes) else str(answer)


def _store(shadow: Shadow, step: Step, before: State, after: State) -> None:
    made, *statuses = step.answer
    lengths = {lane: len(entries) for lane, entries in before.lists.items()}
    ready = 0
    for i, status in enumerate(map(_text, statuses)):
        uid, lane, limit, _, _, mid, _, kind, raw = step.args[2 + 9 * i : 11 + 9 * i]
        assert (status == "dup") == (uid in shadow.known), f"{uid} is {status}"
        if status == "dup":
            continue
        shadow.known[uid] = lane
        full = lengths.get(lane, 0) >= int(limit)
        policies = [shadow.pauses[scope].policy for scope in shadow.covering(lane)]
        if status in {"ignored", "flood", "paused"}:
            shadow.expected[uid] = f"dropped: {status}"
            assert status != "ignored" or kind in {"i", "a", "ea"}
            assert status != "flood" or full
            assert status != "paused" or "drop" in policies
        elif status == "edited":
            places = [n for n, entry in enumerate(after.lists[lane]) if uid in entry.uids]
            assert "e" in kind
            assert len(places) == 1
            assert places[0] >= int(before.turns.get(lane, {}).get("n", 0)), f"{uid} edited an entry that runs"
            assert after.lists[lane][places[0]].mid == int(mid)
        else:
            assert status == "ok"
            assert not full
            assert kind not in {"i", "a"}
            assert policies[:1] != ["drop"]
            ready += lengths.get(lane, 0) == 0
            lengths[lane] = lengths.get(lane, 0) + 1
            assert [e.raw for e in after.lists[lane] if uid in e.uids] == [raw.encode()] or _edited_since(after, lane, uid)
            _arrived(shadow, lane, uid)
    assert made == ready, f"{made} made ready, {ready} were empty"
    for lane, entries in before.lists.items():
        running = int(before.turns.get(lane, {}).get("n", 0))
        assert after.lists[lane][:running] == entries[:running], f"{lane}: a running entry was changed"
        assert before.where(lane) == after.where(lane), f"{lane} moved"


def _edited_since(after: State, lane: str, uid: str) -> bool:
    return any(uid in entry.uids and len(entry.uids) > 1 for entry in after.lists[lane])


def _claim(shadow: Shadow, step: Step, before: State, after: State) -> None:
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
        assert due > step.now or lane not in after.places.get("later", {}), f"{lane} sleeps on"
    for name, lanes in before.places.items():
        for lane, rank in lanes.items():
            ready = name in {"ready", "urgent", "notices"} or name[:5] == "held:"
            last = before.lists[lane][-1].uids  # gone: the lane ended, and may have begun again
            stays = last in {entry.uids for entry in after.lists.get(lane, [])}
            if ready and lane not in fresh and stays:
                assert after.score(lane) == rank, f"{lane} lost its rank"
    for lane in fresh:
        assert not shadow.covering(lane), f"{lane} claimed in spite of {shadow.covering(lane)}"


def _popped(shadow: Shadow, step: Step, lane: str, before: list[tuple[str, ...]], after: State) -> None:
    """The heads that this claim ended, each for a reason of its own."""
    left = {entry.uids for entry in after.lists.get(lane, [])}
    ends = dict(after.ends)
    entries = {entry.uids: entry for entry in shadow.before.lists[lane]}
    for uids in before:
        if uids in left:
            return
        journal, used = shadow.journals[lane], shadow.starts[lane, uids[0]]
        kind = ends.get(uids[0], "") if uids[0][0] != "n" else BURIED if used >= ATTEMPTS else STALE
        entry = entries[uids]
        if kind == BURIED:
            assert used >= ATTEMPTS, f"{uids} buried after {used}"
        elif kind == STOPPED:
            assert journal.stop
            assert not journal.begun
        else:
            assert kind == STALE, f"a claim ended {uids} as {kind!r}"
            assert 0 < entry.by < step.now or entry.at < shadow.cut(lane), f"{uids} was not stale"
            assert used == 0, f"{uids} had begun"
            assert not journal.begun
        shadow.journals[lane] = Journal()


def _started(shadow: Shadow, step: Step, lane: str, before: State, after: State) -> None:
    head, turn, journal = after.lists[lane][0], after.turns[lane], shadow.journals[lane]
    shadow.starts[lane, head.uids[0]] += 1
    used = shadow.starts[lane, head.uids[0]]
    assert used <= ATTEMPTS, f"{lane}: attempt {used}"
    assert turn["n"] == "1"
    assert not journal.stop or journal.begun, f"{lane} was stopped and runs"
    late = 0 < head.by < step.now or head.at < shadow.cut(lane)
    assert not late or used > 1 or journal.begun, f"{head.uids} is stale and runs"
    assert int(turn["token"].partition("-")[0]) >= step.now * 1000
    assert after.places.get("leases", {}).get(lane) == step.now + int(step.args[5])
    came = [score for name, score in before.where(lane) if name in {"ready", "urgent", "notices"}]
    assert not came or turn["rank"] == str(came[0])


def _flat(pairs: list[bytes]) -> dict[str, str]:
    return {pairs[i].decode(): pairs[i + 1].decode() for i in range(0, len(pairs), 2)}


def _complete(shadow: Shadow, step: Step, before: State, after: State) -> None:
    lane, _, n, kind, session = step.args[:5]
    assert (_text(step.answer[0]) == "ok") == _holds(step, before)
    if not _holds(step, before):
        return _same(step, before, after)
    done, rest = before.lists[lane][: int(n)], before.lists[lane][int(n) :]
    for uid in (uid for entry in done for uid in entry.uids if uid[0] != "n"):
        shadow.expected[uid] = kind
        if session:
            shadow.answered[lane].append(uid)
    shadow.journals[lane] = Journal()
    assert after.lists.get(lane, []) == rest
    assert step.answer[1] == len(rest)
    assert lane not in after.turns
    if rest:
        assert after.score(lane) == step.now * 1000, f"{lane} is not at the tail"


def _release(shadow: Shadow, step: Step, before: State, after: State) -> None:
    lane, token, delay, op = step.args
    journal = shadow.journals[lane]
    holds, was = _holds(step, before), bool(token) and journal.last == token
    assert _text(step.answer) == ("ok" if holds else "uncounted" if was else "refused")
    if not holds and not was:
        return _same(step, before, after)
    shadow.starts[lane, before.lists[lane][0].uids[0]] -= 1
    journal.last = ""
    journal.take_back(op)
    if not holds:
        assert before.where(lane) == after.where(lane)
    elif int(delay):
        assert after.where(lane) == [("later", step.now + int(delay))]
    else:
        assert after.score(lane) == int(before.turns[lane]["rank"]), f"{lane} lost its place"


def _fail(shadow: Shadow, step: Step, before: State, after: State) -> None:
    lane, _, delay, _, op, final, _ = step.args
    answer = _text(step.answer)
    assert (answer == "refused") == (not _holds(step, before))
    if answer == "refused":
        return _same(step, before, after)
    head = before.lists[lane][0]
    assert (answer == "dead") == (final == "1" or shadow.used(lane, before) >= ATTEMPTS)
    if answer == "later":
        shadow.journals[lane].take_back(op)
        assert after.where(lane) == [("later", step.now + int(delay))]
        return
    shadow.journals[lane] = Journal()
    shadow.expected |= {uid: BURIED for uid in head.uids if uid[0] != "n"}
    assert after.lists.get(lane, []) == before.lists[lane][1:]


def _mark(shadow: Shadow, step: Step, before: State, after: State) -> None:
    lane, _, part, op, answer, _, _, first = step.args
    kind, value = _text(step.answer[0]), step.answer[1]
    assert (kind == "refused") == (not _holds(step, before))
    if kind == "refused":
        return _same(step, before, after)
    journal = shadow.journals[lane]
    assert bool(step.answer[2]) == journal.stop
    journal.answer = journal.answer or answer
    mark: Any = journal.marks.get(part, (0, ""))
    assert (kind == "sent") == isinstance(mark, str)
    if isinstance(mark, str):
        assert _text(value) == mark
        return
    held = first == "1" and bool(shadow.covering(lane))
    assert (kind == "hold") == held, f"mark answers {kind}, pauses {shadow.covering(lane)}"
    if held:
        return
    assert (kind == "unsure") == (mark[0] >= 2 and mark[1] != op)
    if kind == "grant":
        chat = lane.strip("!?").partition(":")[0]
        assert step.now >= shadow.penalties.get(chat, 0), f"granted before the penalty of {chat} ended"
        if part != "0" and mark[1] != op:
            journal.marks[part] = (mark[0] + 1, op)


def _sent(shadow: Shadow, step: Step, before: State, after: State) -> None:
    lane, _, part, message = step.args
    assert (_text(step.answer) == "ok") == _holds(step, before)
    if not _holds(step, before):
        return _same(step, before, after)
    shadow.journals[lane].marks[part] = str(message)


def _renew(shadow: Shadow, step: Step, before: State, after: State) -> None:
    refused = {_text(lane) for lane in step.answer[0]}
    pairs = list(zip(step.args[1::2], step.args[2::2], strict=True))
    gone = {lane for lane, token in pairs if before.token(lane) != token}
    assert refused == gone, f"renewal refused {refused}, but {gone} are gone"
    renewed = {lane for lane, token in pairs if before.token(lane) == token}
    for lane, end in after.places.get("leases", {}).items():
        expected = step.now + int(step.args[0]) if lane in renewed else before.places.get("leases", {}).get(lane)
        assert end == expected, f"the lease of {lane} ends at {end}, not {expected}"


def _timed(shadow: Shadow, now: int) -> None:
    for scope, pause in list(shadow.pauses.items()):
        if 0 < pause.until <= now:
            _lift(shadow, scope, pause.until)


def _lift(shadow: Shadow, scope: str, end: int) -> None:
    pause = shadow.pauses.pop(scope)
    if pause.hold and end - pause.since > pause.hold:
        shadow.cuts[scope] = max(shadow.cuts.get(scope, 0), end - pause.hold)


def _hold(shadow: Shadow, step: Step, before: State, after: State) -> None:
    scope, on, ver, until, policy, hold = step.args[:6]
    number = (int(ver.partition(".")[0]), int(ver.partition(".")[2]))
    newer = number > shadow.vers.get(scope, (0, 0))
    assert (_text(step.answer) == "ok") == newer, f"{ver} after {shadow.vers.get(scope)} is {step.answer}"
    if not newer:
        return _same(step, before, after)
    shadow.vers[scope] = number
    assert before.lists == after.lists
    if on:
        since = shadow.pauses[scope].since if scope in shadow.pauses else step.now
        shadow.pauses[scope] = Pause(int(until), number, since, int(hold), policy)
        assert before.places == after.places, "a pause moves no lane"
        for lane in before.places.get("leases", {}):
            if scope in shadow.scopes(lane)[1:]:
                assert lane in after.hashes.get("signals", {}), f"{lane} was not told of the pause"
        return
    if scope in shadow.pauses:
        _lift(shadow, scope, min(step.now, shadow.pauses[scope].until or step.now))
    held = before.places.get(f"held:{scope}", {})
    assert f"held:{scope}" not in after.places
    for lane, rank in held.items():
        assert after.where(lane) == [("ready", rank)], f"{lane} lost its place in the pause"


def _signal(shadow: Shadow, step: Step, before: State, after: State) -> None:
    lane, uid, mid, at = step.args[0], step.args[1], int(step.args[2]), int(step.args[3])
    kind = _text(step.answer[0])
    assert (kind == "dup") == (uid in shadow.signalled)
    shadow.signalled.add(uid)
    turn = before.turns.get(lane, {})
    entries = before.lists.get(lane, [])[: int(turn.get("n", 1))]
    older = all(entry.mid < mid for entry in entries) if mid else int(turn.get("t0", at + 1)) <= at
    if kind == "dup" or not entries or not older:
        assert kind in {"dup", "idle"}, f"{kind} for a question that is younger"
        return _same(step, before, after)
    token = before.token(lane)
    assert (kind, _text(step.answer[1])) == (("ok", token) if token else ("head", ""))
    shadow.journals[lane].stop = True
    assert not token or after.hashes.get("signals", {}).get(lane) == f"stop {token}"


def _cool(shadow: Shadow, step: Step, before: State, after: State) -> None:
    chat, till = step.args[0], step.now + int(step.args[1])
    shadow.penalties[chat] = max(shadow.penalties.get(chat, 0), till)
    assert step.answer == str(shadow.penalties[chat]).encode()


CHECKS: dict[str, Callable[[Shadow, Step, State, State], None]] = {
    "store": _store,
    "claim": _claim,
    "renew": _renew,
    "mark": _mark,
    "sent": _sent,
    "complete": _complete,
    "release": _release,
    "fail": _fail,
    "hold": _hold,
    "signal": _signal,
    "cool": _cool,
}
