"""What is promised of a whole chat: what /forget leaves, and where everything stands that a move carries."""

from collections.abc import Callable
from typing import Any

from tests.property.claims import lift
from tests.property.shadow import Journal, Shadow, Step, chat_of
from tests.property.state import State, Waiting

FORGOTTEN = "dropped: forgotten"


def forget(shadow: Shadow, step: Step, before: State, after: State) -> None:
    scope, mid, moving = step.args[0], int(step.args[1]), step.args[2]
    chat, whole = chat_of(scope), ":" not in scope
    for lane in _lanes(shadow, before, chat) if whole else {scope}:
        _dropped(shadow, step, before, after, lane, lambda entry: entry.mid < mid, "all")
        shadow.answered[lane].clear()
        shadow.inherits.pop(lane, None)
        for key in [key for key in shadow.albums if key[0] == lane]:
            del shadow.albums[key]
    if whole:
        shadow.journals[f"?{chat}"] = Journal()
        for key in [key for key in shadow.order if key[0] == f"?{chat}"]:  # what was told may be told again
            del shadow.order[key]
            shadow.starts.pop(key, None)
        assert f"?{chat}" not in after.lists
        assert f"chat:{chat}" not in after.lives or after.hashes[f"chat:{chat}"].keys() <= {"from", "was"}
        if chat in shadow.parcels:
            shadow.parcels[chat] = {}
        assert after.hashes.get(f"parcel:{chat}", {}).keys() <= {"to"}, "the parcel is full still"
    shadow.arrived |= {moving} - {""}
    left = [
        letter for letter in after.hashes.get(f"dead:{chat}", {}).values() if whole or letter.startswith(f"{scope}|")
    ]
    assert all(int(letter.partition("\n")[2].split("|")[3]) >= mid for letter in left), "a dead letter is left"
    others = {name: lane for name, lane in before.lists.items() if chat_of(name) != chat or name[0] == "!"}
    assert others == {name: lane for name, lane in after.lists.items() if chat_of(name) != chat or name[0] == "!"}


def erase(shadow: Shadow, step: Step, before: State, after: State) -> None:
    chat, named, triples = step.args[0], step.args[1].strip("|").split("|"), step.args[2:]
    values = {f"session:{lane}": text for lane, text in before.sessions.items()}
    values |= {f"inherit:{lane}": text for lane, text in before.inherits.items()}
    same = all(values.get(key, "") == was for key, was in zip(triples[::3], triples[1::3], strict=True))
    assert (step.answer[0] == b"ok") == same, f"{step.answer} for {triples}"
    if not same:
        assert before.core() == after.core(), "a refused erase changed something"
        return
    anew = set()
    for key, becomes in zip(triples[::3], triples[2::3], strict=True):
        kind, _, lane = key.partition(":")
        anew.add(lane)
        if kind == "session":
            shadow.answered[lane] = becomes.split(",") if becomes else []
        elif becomes:
            shadow.inherits[lane] = becomes.split(",")
        else:
            shadow.inherits.pop(lane, None)
    for lane in _lanes(shadow, before, chat):
        _dropped(shadow, step, before, after, lane, lambda e: e.uids[0] in named, "same" if lane in anew else "")


def out(shadow: Shadow, step: Step, before: State, after: State) -> None:
    old, new = step.args
    waits = [lane for lane in before.lists if chat_of(lane) == old]
    busy = step.answer[0] == b"busy"
    assert busy == (bool(waits) and old not in shadow.moved), f"{step.answer} while {waits} wait"
    if busy:
        assert after.hashes.get("parcels", {}).get(old) == str(step.now), "no note of the move"
        assert before.core() == after.core()
        return
    if old not in shadow.moved:
        shadow.moved[old], parcel = new, {}
        for lane in _lanes(shadow, before, old):
            if ids := shadow.answered.pop(lane, None):
                parcel[f"session:{lane}"] = ids
            if ids := shadow.inherits.pop(lane, None):
                parcel[f"inherit:{lane}"] = ids
        shadow.parcels[old] = parcel
    found = {step.answer[2][i].decode(): step.answer[2][i + 1].decode() for i in range(0, len(step.answer[2]), 2)}
    sessions = {key: ids.split(",") for key, ids in found.items() if key.startswith(("session:", "inherit:"))}
    assert sessions == shadow.parcels.get(old, {}), "the parcel is not what the chat remembered"
    assert step.answer[1].decode() == shadow.moved[old]


def into(shadow: Shadow, step: Step, before: State, after: State) -> None:
    old, new = step.args[:2]
    if f">{new}" in shadow.pauses:
        lift(shadow, f">{new}", step.now)
    shadow.vers[f">{new}"] = (1, 0)
    for lane, rank in before.places.get(f"held:>{new}", {}).items():
        assert after.where(lane) == [("ready", rank)], f"{lane} lost its place in the move"
    assert f"held:>{new}" not in after.places, "the hold of the new chat stays"
    assert f">{new}" not in after.hashes.get("pause", {})
    assert (step.answer == b"dup") == (old in shadow.arrived), f"{old} is {step.answer}"
    assert before.sessions == after.sessions, "a move changed the session of the new chat"
    if old not in shadow.arrived:
        shadow.arrived.add(old)
        for key, text in zip(step.args[4::2], step.args[5::2], strict=True):
            shadow.inherits[key.partition(":")[2]] = text.split(",")


def moved(shadow: Shadow, step: Step, before: State, after: State) -> None:
    assert step.answer == (step.args[0] in before.hashes.get("parcels", {}))
    shadow.parcels.pop(step.args[0], None)
    for scope in [scope for scope in shadow.pauses if chat_of(scope) == step.args[0]]:
        lift(shadow, scope, min(step.now, shadow.pauses[scope].until or step.now))
    assert not any(chat_of(scope) == step.args[0] for scope in after.hashes.get("pause", {})), "a pause without a chat"
    assert f"parcel:{step.args[0]}" not in after.lives


def _lanes(shadow: Shadow, before: State, chat: str) -> set[str]:
    known = {*before.lists, *before.sessions, *before.inherits, *shadow.answered}
    return {lane for lane in known if lane[0] not in "!?" and chat_of(lane) == chat}


def _dropped(
    shadow: Shadow, step: Step, before: State, after: State, lane: str, goes: Callable[[Waiting], Any], anew: str
) -> None:
    """What stays of a lane, and of the turn that stood at its head."""
    entries, turn, token = before.lists.get(lane, []), before.turns.get(lane, {}), before.token(lane)
    stay = [entry for entry in entries if not goes(entry)]
    assert after.lists.get(lane, []) == stay, f"{lane} keeps {after.lists.get(lane, [])}, not {stay}"
    shadow.expected |= {uid: FORGOTTEN for entry in entries if goes(entry) for uid in entry.uids}
    head = entries[: max(1, int(turn.get("n", 1)))]
    heads = [entry for entry in head if not goes(entry)]
    changed = len(heads) < len(head)
    if not heads:
        shadow.journals[lane] = Journal()
    elif changed or anew:
        shadow.journals[lane].last = ""
        if changed or anew == "all":
            shadow.journals[lane].answer = ""
        counted = shadow.starts.pop((lane, head[0].uids[0]), 0) - bool(token)
        shadow.starts[lane, heads[0].uids[0]] = counted
        assert "n" not in turn or after.turns.get(lane, {}).get("n") == str(len(heads))
    if entries and (changed or (anew and token)):
        assert not after.token(lane), f"whoever runs {lane} was not refused"
        assert not stay or after.where(lane) == [("ready", step.now * 1000)]
    else:
        assert before.where(lane) == after.where(lane), f"{lane} moved"
