"""The live turns of a process: the one table that claims, signals, leases and the drain agree on."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterator
from dataclasses import dataclass, field
from typing import Any

from app.core.claims import Claim

LOST = frozenset({"lease", "refused"})


@dataclass(slots=True, eq=False)
class Turn:
    """A live claim and the task that runs it.

    ``fate`` says why it was cancelled: stop, drain, lease (not renewed in time) or refused (the token is gone).
    """

    claim: Claim
    task: asyncio.Task[None] | None = None
    fate: str = ""
    begun: bool = False
    """Its task has taken its first step; one that is cancelled before never runs, not even its `finally`."""
    settling: bool = False
    """Its work is done and its end is on the way."""


@dataclass(slots=True, eq=False)
class Turns:
    """Turns by token; also the strong references that keep their tasks alive."""

    live: dict[str, Turn] = field(default_factory=dict)
    busy: dict[str, int] = field(default_factory=lambda: {"": 0, "!": 0, "?": 0})
    """How many run: in conversations, on control lanes, on notice lanes."""
    idle: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.idle.set()

    def __iter__(self) -> Iterator[Turn]:
        return iter(list(self.live.values()))

    def __len__(self) -> int:
        return len(self.live)

    def claims(self) -> list[Claim]:
        """What they work on."""
        return [turn.claim for turn in self]

    def start(self, turn: Turn, work: Coroutine[Any, Any, None]) -> None:
        """Run a turn's work as a task of its own."""
        self.busy[kind(turn.claim.lane)] += 1
        self.idle.clear()
        self.live[turn.claim.token] = turn
        turn.task = asyncio.get_running_loop().create_task(work)

    def end(self, turn: Turn) -> None:
        """Its task is about to return."""
        del self.live[turn.claim.token]
        self.busy[kind(turn.claim.lane)] -= 1
        if not self.live:
            self.idle.set()

    def cancel(self, turn: Turn, fate: str) -> None:
        """Cancel a turn once; for a lost lease also one that was cancelled for another reason.

        Never one that is settling: its end is fenced, and repeating an answer because its `complete` waits for Redis
        would show it twice. Nor for a /stop while an answer goes out: it is there, and stays in the conversation. One
        that grows is told of the /stop (`on_stop`) and ends by itself.
        """
        if turn.task is None or turn.settling or turn.fate in LOST or (turn.fate and fate not in LOST):
            return
        if fate == "stop" and (turn.claim.sending or turn.claim.shown):
            return
        turn.fate = fate
        if turn.begun:
            turn.task.cancel()

    def deliver(self, lane: str, what: str, token: str) -> None:
        """Pass a signal, `stop` or `hold`, to the turn that it means, if it runs here."""
        turn = self.live.get(token)
        if turn is None or turn.claim.lane != lane:
            return
        if what == "stop":
            turn.claim.stop = True
            if turn.claim.on_stop:
                turn.claim.on_stop()
            self.cancel(turn, "stop")
        else:
            _hold(turn.claim)

    def hold(self) -> None:
        """The whole bot is paused: tell every conversation's turn."""
        for turn in self:
            if not kind(turn.claim.lane):
                _hold(turn.claim)


def _hold(claim: Claim) -> None:
    if not claim.held:
        claim.held = True
        if claim.on_hold:
            claim.on_hold()


def kind(lane: str) -> str:
    """`!` of a control lane, `?` of a notice lane, else nothing."""
    return lane[0] if lane[0] in "!?" else ""
