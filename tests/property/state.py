"""What stands in the keys of a shard at one moment, read for the checks."""

from dataclasses import dataclass, field
from typing import Any

PLACES = ("ready", "urgent", "notices", "leases", "later")


@dataclass(frozen=True, slots=True)
class Waiting:
    """An entry of a lane."""

    uids: tuple[str, ...]
    at: int
    by: int
    mid: int
    group: str
    raw: bytes


@dataclass(slots=True)
class State:
    """The keys of a shard; places hold lanes only, `timers` what `later` holds beside them."""

    lists: dict[str, list[Waiting]] = field(default_factory=dict)
    places: dict[str, dict[str, int]] = field(default_factory=dict)
    timers: dict[str, int] = field(default_factory=dict)
    turns: dict[str, dict[str, str]] = field(default_factory=dict)
    sessions: dict[str, str] = field(default_factory=dict)
    inherits: dict[str, str] = field(default_factory=dict)
    hashes: dict[str, dict[str, str]] = field(default_factory=dict)
    ends: list[tuple[str, str]] = field(default_factory=list)
    since: str = "0"
    lives: dict[str, int] = field(default_factory=dict)

    def token(self, lane: str) -> str:
        return self.turns.get(lane, {}).get("token", "")

    def where(self, lane: str) -> list[tuple[str, int]]:
        """The places a lane stands in, with its score."""
        return [(name, lanes[lane]) for name, lanes in self.places.items() if lane in lanes]

    def score(self, lane: str) -> int:
        """Its score in the first place it stands in; -1 nowhere."""
        return next((score for _, score in self.where(lane)), -1)

    def core(self) -> Any:
        """What a refused call must leave as it was."""
        hashes = {name: self.hashes.get(name) for name in ("signals", "pause", "resume", "count")}
        dead = {name: letters for name, letters in self.hashes.items() if name[:5] == "dead:"}
        return (self.lists, self.places, self.timers, self.turns, self.sessions, self.inherits, hashes, dead)


def read(dump: list[Any], since: str) -> State:
    """The dump of `Shard.ask_and_look` as a State."""
    state = State(since=since)
    for name, value, life in dump:
        key = name.decode()
        state.lives[key] = life
        kind, _, rest = key.partition(":")
        if kind == "lane":
            state.lists[rest] = [_waiting(entry) for entry in value]
        elif kind in {*PLACES, "held"}:
            scores = {value[i].decode(): int(float(value[i + 1])) for i in range(0, len(value), 2)}
            if lanes := {lane: score for lane, score in scores.items() if lane[0] != "~"}:
                state.places[key] = lanes
            state.timers |= {scope: score for scope, score in scores.items() if scope[0] == "~"}
        elif kind == "turn":
            state.turns[rest] = _flat(value)
        elif kind == "session":
            state.sessions[rest] = value.decode()
        elif kind == "inherit":
            state.inherits[rest] = value.decode()
        elif kind == "ends":
            for stream_id, fields in value:
                state.since = stream_id.decode()
                state.ends.append((fields[1].decode(), fields[3].decode()))
        elif isinstance(value, list):
            state.hashes[key] = _flat(value)
    return state


def _flat(value: list[bytes]) -> dict[str, str]:
    return {value[i].decode(): value[i + 1].decode() for i in range(0, len(value), 2)}


def _waiting(entry: bytes) -> Waiting:
    head, _, raw = entry.partition(b"\n")
    uids, at, by, mid, group = head.decode().split("|")
    return Waiting(tuple(uids.split("+")), int(at), int(by), int(mid), group, raw)
