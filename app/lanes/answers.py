"""What the scripts answer, as values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from app.core.claims import Claim, Entry


class Marked(NamedTuple):
    """Answer of `mark`.

    ``kind``: grant, sent, unsure, hold, wait or refused; ``value``: a message id for sent, milliseconds for wait;
    ``stop``: /stop was asked for.
    """

    kind: str
    value: int = 0
    stop: bool = False


@dataclass(frozen=True, slots=True)
class Stored:
    """Answer of `store`: how many lanes became ready, and one status per update."""

    ready: int
    statuses: list[str]


@dataclass(slots=True)
class Claimed:
    """Answer of `claim`: lanes given, and how the shard stands."""

    claims: list[Claim]
    ready: int
    oldest_us: int
    urgent: int
    notices: int
    more: bool
    signals: dict[str, str] = field(default_factory=dict)
    paused: str = ""
    resumed: str = ""
    moves: dict[str, str] = field(default_factory=dict)
    """Chats whose move nobody has worked on for a while, with where they go."""


def flat(pairs: Sequence[bytes]) -> dict[str, str]:
    """A hash as RESP2 gives it."""
    return {pairs[i].decode(): pairs[i + 1].decode() for i in range(0, len(pairs), 2)}


def entry(value: bytes) -> Entry:
    """A list element: `uids|at|by|mid|group`, a newline, the raw JSON."""
    head, _, raw = value.partition(b"\n")
    uids, at, by, mid, group = head.decode().split("|")
    return Entry(uids, int(at), int(by), int(mid), group, raw)


def claimed(shard: int, answer: list[object], lease_until: float) -> Claimed:
    """Read the answer of `claim`; ``lease_until`` is counted from before the request was sent."""
    rows, ready, oldest, urgent, notices, more, signals, paused, resumed, moves = answer
    return Claimed(
        [_claim(shard, row, lease_until) for row in rows],  # type: ignore[attr-defined]
        int(ready),  # type: ignore[call-overload]
        int(float(oldest)),  # type: ignore[arg-type]
        int(urgent),  # type: ignore[call-overload]
        int(notices),  # type: ignore[call-overload]
        bool(more),
        flat(signals) if signals else {},  # type: ignore[arg-type]
        paused.decode(),  # type: ignore[attr-defined]
        resumed.decode(),  # type: ignore[attr-defined]
        flat(moves) if moves else {},  # type: ignore[arg-type]
    )


def _claim(shard: int, row: list[object], lease_until: float) -> Claim:
    lane, pairs, entries, session, chat, inherit = row
    turn = flat(pairs)  # type: ignore[arg-type]
    journal = {k: v for k, v in turn.items() if k in ("answer", "done") or k.startswith("m:")}
    return Claim(
        shard=shard,
        lane=lane.decode(),  # type: ignore[attr-defined]
        token=turn["token"],
        attempt=int(turn["try"]),
        entries=[entry(e) for e in entries],  # type: ignore[attr-defined]
        session=session,  # type: ignore[arg-type]
        chat=flat(chat) if chat else {},  # type: ignore[arg-type]
        journal=journal,
        stop="stop" in turn,
        t0_ms=int(turn["t0"]),
        lease_until=lease_until,
        shown=any(k.startswith("m:") for k in journal),
        inherit=inherit,  # type: ignore[arg-type]
    )
