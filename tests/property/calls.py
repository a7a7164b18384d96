"""What each script promises of one call: checked against the state before and after, and noted in the shadow."""

from collections.abc import Callable
from fractions import Fraction
from typing import Any

from tests.property.chats import erase, forget, into, moved, out
from tests.property.claims import BURIED, claim, lift
from tests.property.shadow import ATTEMPTS, Journal, Pause, Shadow, Step, chat_of
from tests.property.state import State

SETTLE_MS, SETTLE_MOST_MS, ALBUM_MS = 1500, 5000, 15000


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
        shadow.arrivals += 1
        shadow.order[lane, uid] = Fraction(shadow.arrivals)
    else:
        assert waits or uid in shadow.known, f"{uid} of {lane} was told twice"


def _joined(shadow: Shadow, lane: str, uid: str, group: str, before: State, after: State) -> None:
    """A part of an album stands behind the last one that waits."""
    running = int(before.turns.get(lane, {}).get("n", 0))
    entries = [entry for entry in after.lists[lane] if (lane, entry.uids[0]) in shadow.order]
    place = next(n for n, entry in enumerate(entries) if uid in entry.uids)
    if not any(entry.group == group for entry in entries[running:place]):
        assert place == len(entries) - 1, f"{uid} went before others"
        return
    assert entries[place - 1].group == group, f"{uid} is parted from its album"
    numbers = [shadow.order[lane, entry.uids[0]] for entry in entries]
    if place + 1 < len(entries):
        shadow.order[lane, uid] = (numbers[place - 1] + numbers[place + 1]) / 2


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
        uid, lane, limit, _, _, mid, group, kind, raw = step.args[2 + 9 * i : 11 + 9 * i]
        assert (status == "dup") == (uid in shadow.known), f"{uid} is {status}"
        alias = shadow.moved.get(chat_of(lane))
        assert status == "dup" or (status == f"to {alias}") == bool(alias), (
            f"{uid} is {status}, {lane} moved to {alias}"
        )
        if status == "dup" or alias:
            continue
        first, till = shadow.albums.get((lane, group), (0, 0))
        follows = till + ALBUM_MS >= step.now
        shadow.known[uid] = lane
        full = lengths.get(lane, 0) >= int(limit)
        policies = [shadow.pauses[scope].policy for scope in shadow.covering(lane)]
        if status in {"ignored", "flood", "paused"}:
            shadow.expected[uid] = f"dropped: {status}"
            assert status != "ignored" or kind == "i" or (kind in {"a", "ea"} and not follows), f"{uid} is ignored"
            assert status != "flood" or full
            assert status != "paused" or "drop" in policies
        elif status == "edited":
            places = [n for n, entry in enumerate(after.lists[lane]) if uid in entry.uids]
            assert "e" in kind
            assert len(places) == 1
            assert places[0] >= int(before.turns.get(lane, {}).get("n", 0)), f"{uid} edited an entry that runs"
            found = after.lists[lane][places[0]]
            assert found.mid == int(mid)
            assert found.group in {"", group}, f"an edit that belongs to {group!r} left {found.group!r}"
        else:
            assert status == "ok"
            assert not full
            assert kind != "i"
            assert kind != "a" or follows
            assert policies[:1] != ["drop"]
            settles = group[:1] == "a" and "e" not in kind
            if settles:
                began = first if follows else step.now
                shadow.albums[lane, group] = (began, min(step.now + SETTLE_MS, began + SETTLE_MOST_MS))
            ready += lengths.get(lane, 0) == 0 and not (settles and shadow.albums[lane, group][1] > step.now)
            lengths[lane] = lengths.get(lane, 0) + 1
            alone = [(e.raw, e.group) for e in after.lists[lane] if e.uids == (uid,)]
            assert alone == [(raw.encode(), "" if "e" in kind else group)] or _edited_since(after, lane, uid)
            _arrived(shadow, lane, uid)
            if settles and follows:
                _joined(shadow, lane, uid, group, before, after)
    assert made == ready, f"{made} made ready, {ready} were empty"
    for lane, entries in before.lists.items():
        running = int(before.turns.get(lane, {}).get("n", 0))
        assert after.lists[lane][:running] == entries[:running], f"{lane}: a running entry was changed"
        assert before.where(lane) == after.where(lane), f"{lane} moved"


def _edited_since(after: State, lane: str, uid: str) -> bool:
    return any(uid in entry.uids and len(entry.uids) > 1 for entry in after.lists[lane])


def _complete(shadow: Shadow, step: Step, before: State, after: State) -> None:
    lane, token, n, kind, session = step.args[:5]
    waits = bool(token) and shadow.journals[lane].last == token and not before.token(lane)
    expired = waits and int(n) <= int(before.turns[lane]["n"])
    assert (_text(step.answer[0]) == "ok") == (_holds(step, before) or expired)
    if not _holds(step, before) and not expired:
        return _same(step, before, after)
    done, rest = before.lists[lane][: int(n)], before.lists[lane][int(n) :]
    if step.args[6] == "1":
        shadow.answered[lane][:0] = shadow.inherits.pop(lane)
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
    shadow.journals[lane].take_back(op)
    merged = int(before.turns[lane]["n"]) if "1" in shadow.journals[lane].marks else 1
    assert (answer == "dead") == (final == "1" or shadow.used(lane, before) >= ATTEMPTS)
    if answer == "later":
        assert after.where(lane) == [("later", step.now + int(delay))]
        return
    shadow.journals[lane] = Journal()
    buried = [uid for entry in before.lists[lane][:merged] for uid in entry.uids]
    shadow.expected |= {uid: BURIED for uid in buried if uid[0] != "n"}
    assert after.lists.get(lane, []) == before.lists[lane][merged:]


def _mark(shadow: Shadow, step: Step, before: State, after: State) -> None:
    lane, _, part, op, answer, _, _, first, way, apart = step.args
    kind, value = _text(step.answer[0]), step.answer[1]
    assert (kind == "refused") == (not _holds(step, before))
    if kind == "refused":
        return _same(step, before, after)
    journal = shadow.journals[lane]
    assert bool(step.answer[2]) == journal.stop
    journal.answer = journal.answer or answer
    mark: Any = journal.marks.get(part, (0, "")) if way != "edit" else (0, "")
    assert (kind == "sent") == isinstance(mark, str)
    if isinstance(mark, str):
        assert _text(value) == mark
        return
    held = first == "1" and bool(shadow.covering(lane))
    assert (kind == "hold") == held, f"mark answers {kind}, pauses {shadow.covering(lane)}"
    if held:
        return
    assert (kind == "unsure") == (mark[0] >= 2 and mark[1] != op)
    if kind == "wait" and (part == "0" or way == "grow"):
        assert before.turns[lane].get("slot") == after.turns[lane].get("slot"), "what may be left out took a slot"
    if kind == "grant":
        chat = lane.strip("!?").partition(":")[0]
        assert step.now >= shadow.penalties.get(chat, 0), f"granted before the penalty of {chat} ended"
        if part != "0":
            assert step.now >= shadow.read.get(chat, 0) + int(apart), f"two messages of {chat} in {apart} ms"
            shadow.read[chat] = step.now
        if part != "0" and mark[1] != op and way != "edit":
            journal.marks[part] = (mark[0] + 1, op)


def _sent(shadow: Shadow, step: Step, before: State, after: State) -> None:
    lane, _, part, message = step.args
    assert (_text(step.answer) == "ok") == _holds(step, before)
    if not _holds(step, before):
        return _same(step, before, after)
    shadow.journals[lane].marks[part] = str(message)


def _renew(shadow: Shadow, step: Step, before: State, after: State) -> None:
    refused = {_text(token) for token in step.answer[0]}
    pairs = list(zip(step.args[1::2], step.args[2::2], strict=True))
    gone = {token for lane, token in pairs if before.token(lane) != token}
    assert refused == gone, f"renewal refused {refused}, but {gone} are gone"
    renewed = {lane for lane, token in pairs if before.token(lane) == token}
    for lane, end in after.places.get("leases", {}).items():
        expected = step.now + int(step.args[0]) if lane in renewed else before.places.get("leases", {}).get(lane)
        assert end == expected, f"the lease of {lane} ends at {end}, not {expected}"


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
        end = step.now + int(until) if scope[0] == ">" else int(until)
        shadow.pauses[scope] = Pause(end, number, since, int(hold), policy)
        assert before.places == after.places, "a pause moves no lane"
        for lane in before.places.get("leases", {}):
            if scope in shadow.scopes(lane)[1:]:
                assert lane in after.hashes.get("signals", {}), f"{lane} was not told of the pause"
        return
    if scope in shadow.pauses:
        lift(shadow, scope, min(step.now, shadow.pauses[scope].until or step.now))
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
    "claim": claim,
    "renew": _renew,
    "mark": _mark,
    "sent": _sent,
    "complete": _complete,
    "release": _release,
    "fail": _fail,
    "hold": _hold,
    "signal": _signal,
    "cool": _cool,
    "forget": forget,
    "erase": erase,
    "out": out,
    "into": into,
    "moved": moved,
}
