"""The shadow of a shard: what must be true of its keys, whatever was asked of it (docs/lanes.md).

`calls.py` says what each script promises of its own answer and keeps this ledger; here are the invariants that hold
after every step. Nothing here knows how a script works.
"""

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from tests.property.state import PLACES, State

ATTEMPTS, MERGE_MOST = 3, 3
FOREVER = {"fence", "count", "ends"}
MORTAL = {"session", "inherit", "chat", "lanes", "seen", "call", "notice", "dead", "pace", "bad", "album"} | {
    *("moved", "arrived")
}
PASSING = {"lane", "turn", "signals", "pause", "resume", "held", "parcel", "parcels", *PLACES}
TAKERS = {"forget", "erase"}
"""Scripts that may take a token away from its holder."""


def chat_of(lane: str) -> str:
    return lane.strip("!?").partition(":")[0]


@dataclass(frozen=True, slots=True)
class Step:
    """One script call, its answer, and when it ran."""

    name: str
    args: tuple[Any, ...]
    answer: Any
    now: int


@dataclass(slots=True)
class Pause:
    """A pause as its operator meant it."""

    until: int
    ver: tuple[int, int]
    since: int
    hold: int
    policy: str


@dataclass(slots=True)
class Journal:
    """What the turn of a head must remember: marks are part → (operations, the last one), or a message id."""

    answer: str = ""
    marks: dict[str, tuple[int, str] | str] = field(default_factory=dict)
    stop: bool = False
    last: str = ""

    def fields(self) -> dict[str, str]:
        made = {"answer": self.answer} if self.answer else {}
        for part, mark in self.marks.items():
            made[f"m:{part}"] = mark if isinstance(mark, str) else f"?{mark[0]}:{mark[1]}"
        if self.stop:
            made["stop"] = "1"
        if self.last:
            made["last"] = self.last
        return made

    @property
    def begun(self) -> bool:
        return bool(self.answer) or "1" in self.marks

    def take_back(self, op: str) -> None:
        for part, mark in list(self.marks.items()):
            if not isinstance(mark, str) and op and mark[1] == op:
                if mark[0] > 1:
                    self.marks[part] = (mark[0] - 1, "")
                else:
                    del self.marks[part]


@dataclass(slots=True)
class Shadow:
    """The ledger, and the state before the step that is checked."""

    before: State = field(default_factory=State)
    known: dict[str, str] = field(default_factory=dict)
    """Update id → its lane."""
    expected: dict[str, str] = field(default_factory=dict)
    """Ends that a call must have brought."""
    ends: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    order: dict[tuple[str, str], Fraction] = field(default_factory=dict)
    """Lane and id of an entry → its number in the order of arrival; a part of an album comes behind the others."""
    starts: Counter[tuple[str, str]] = field(default_factory=Counter)
    """(lane, head) → starts that count as attempts."""
    journals: dict[str, Journal] = field(default_factory=lambda: defaultdict(Journal))
    """Lane → what the turn of its head remembers."""
    answered: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    """Lane → ids that its session must hold, in order."""
    pauses: dict[str, Pause] = field(default_factory=dict)
    vers: dict[str, tuple[int, int]] = field(default_factory=dict)
    cuts: dict[str, int] = field(default_factory=dict)
    inherits: dict[str, list[str]] = field(default_factory=dict)
    """Lane → ids of the session that a move brought."""
    albums: dict[tuple[str, str], tuple[int, int]] = field(default_factory=dict)
    """Lane and group → first part and end of the settling of an album."""
    moved: dict[str, str] = field(default_factory=dict)
    parcels: dict[str, dict[str, list[str]]] = field(default_factory=dict)
    """Chat that moved → the ids of the sessions in its parcel, by key."""
    arrived: set[str] = field(default_factory=set)
    penalties: dict[str, int] = field(default_factory=dict)
    read: dict[str, int] = field(default_factory=dict)
    """Chat → when something that people read was granted last."""
    calls: dict[str, tuple[int, list[tuple[str, str]]]] = field(default_factory=dict)
    signalled: set[str] = field(default_factory=set)
    ended: int = 0
    arrivals: int = 0

    def covering(self, lane: str) -> list[str]:
        """Scopes whose pause covers a lane."""
        return [scope for scope in self.scopes(lane) if scope in self.pauses]

    def scopes(self, lane: str) -> list[str]:
        if lane[0] in "!?":
            return []
        chat, _, suffix = lane.partition(":")
        topic = next((f"{chat}:{part}" for part in suffix.split(",") if part[:1] == "t"), "")
        return ["*", chat, *([topic] if topic else [])]

    def cut(self, lane: str) -> int:
        return max((self.cuts.get(scope, 0) for scope in self.scopes(lane)), default=0)

    def used(self, lane: str, state: State) -> int:
        """Attempts that count for the present head."""
        entries = state.lists.get(lane)
        return self.starts[lane, entries[0].uids[0]] if entries else 0

    def check(self, step: Step, after: State) -> None:
        """Every invariant that holds between calls, and from the state before to this one."""
        self._places(after)
        self._turns(step, after)
        self._lists(step, after)
        self._tokens(step, after)
        self._ledger(after)
        self._lives(after)

    def _places(self, after: State) -> None:
        for lane, entries in after.lists.items():
            where = after.where(lane)
            assert len(where) == 1, f"lane {lane} with {len(entries)} entries stands in {where}"
            home = {"!": "urgent", "?": "notices"}.get(lane[0], "ready")
            name = where[0][0]
            assert name in {home, "leases", "later"} or (home == "ready" and name[:5] == "held:"), f"{lane} in {name}"
            assert (name == "leases") == bool(after.token(lane)), f"{lane} in {name}, token {after.token(lane)!r}"
        for name, lanes in after.places.items():
            empty = lanes.keys() - after.lists.keys()
            assert not empty, f"{empty} in {name} have no entries"
        for name in after.places:
            assert name[:5] != "held:" or name[5:] in self.pauses, f"{name} without its pause"
        for lane, signal in after.hashes.get("signals", {}).items():
            assert signal.split()[1] == after.token(lane), f"signal {signal} of {lane} outlived its token"

    def _turns(self, step: Step, after: State) -> None:
        for lane, turn in after.turns.items():
            assert lane in after.lists, f"a turn record without entries: {lane} {turn}"
            before, head = self.before.lists.get(lane), after.lists[lane][0].uids[0]
            if step.name not in TAKERS and (not before or before[0].uids[0] != head):
                assert turn.get("t0", str(step.now)) == str(step.now), f"{lane}: the turn of another head stayed"
            assert int(turn.get("try", 0)) == self.starts[lane, head], f"{lane}: try {turn}, {self.starts[lane, head]}"
            mine = {k: v for k, v in turn.items() if k in {"answer", "stop", "last"} or k[:2] == "m:"}
            assert mine == self.journals[lane].fields(), f"{lane}: {turn}, not {self.journals[lane].fields()}"
        for lane in self.journals.keys() - after.turns.keys():
            assert not self.journals[lane].fields(), f"{lane} lost {self.journals[lane].fields()}"

    def _lists(self, step: Step, after: State) -> None:
        for lane, entries in after.lists.items():
            numbers = [self.order[lane, entry.uids[0]] for entry in entries]
            assert numbers == sorted(set(numbers)), f"{lane} out of order: {numbers}"
            before = self.before.lists.get(lane, [])
            stay = [e.uids[0] for e in before if e.uids[0] in {e.uids[0] for e in entries}]
            cut = step.name in TAKERS or stay == [e.uids[0] for e in before][len(before) - len(stay) :]
            assert not before or cut, f"{lane} lost its middle"

    def _tokens(self, step: Step, after: State) -> None:
        for lane in self.before.turns:
            token = self.before.token(lane)
            if token and after.token(lane) != token:
                expired = step.name == "claim" and self.before.places.get("leases", {}).get(lane, 0) <= step.now
                own = step.name in {"complete", "release", "fail"} and tuple(step.args[:2]) == (lane, token)
                taken = step.name in TAKERS and chat_of(lane) == chat_of(step.args[0])
                assert expired or own or taken, f"{step.name} took {token} of {lane} away"

    def _ledger(self, after: State) -> None:
        for uid, kind in after.ends:
            assert uid in self.known, f"an end of {uid}, which was never stored"
            self.ends[uid].append(kind)
            self.ended += 1
        waiting = Counter(uid for entries in after.lists.values() for e in entries for uid in e.uids if uid[0] != "n")
        assert waiting.keys() <= self.known.keys()
        for uid, lane in self.known.items():
            ends = self.ends.get(uid, [])
            assert len(ends) + waiting[uid] == 1, f"{uid} of {lane}: ends {ends}, waits {waiting[uid]} times"
            if uid in self.expected:
                assert ends == [self.expected[uid]], f"{uid}: {ends}, not {self.expected[uid]}"
        assert sum(int(n) for n in after.hashes.get("count", {}).values()) == self.ended
        kept = {lane: text.split(",") for lane, text in after.sessions.items()}
        assert kept == {lane: ids for lane, ids in self.answered.items() if ids}, "a session is not what was answered"
        brought = {lane: text.split(",") for lane, text in after.inherits.items()}
        assert brought == self.inherits, "what a move brought is not what the other chat had"
        letters = {f"{key[5:]}/{uids}" for key, found in after.hashes.items() if key[:5] == "dead:" for uids in found}
        assert letters == after.hashes.get("dead", {}).keys(), "a dead letter that its index does not know"

    def _lives(self, after: State) -> None:
        for key, life in after.lives.items():
            kind = key.partition(":")[0]
            assert kind in FOREVER | MORTAL | PASSING, f"unknown key {key}"
            assert kind not in MORTAL or life > 0, f"{key} never goes"
