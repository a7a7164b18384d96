"""A claim: one worker's right to a lane, and the live object of the turn it runs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

ANEW = 1000  # the part of this number more takes the place of one whose message was deleted


@dataclass(slots=True)
class Entry:
    """One waiting update as the lane keeps it.

    ``uids``: update id(s) joined by "+"; ``at_ms``: when it was written, ``by_ms``: when it goes stale (0 never),
    both Unix ms; ``mid``: message id; ``group``: merge key ("" none); ``raw``: the JSON that Telegram sent.
    """

    uids: str
    at_ms: int
    by_ms: int
    mid: int
    group: str
    raw: bytes


@dataclass(slots=True, eq=False)
class Claim:
    """What a worker holds while it runs a turn; changed in place by runner and outbox, so compared by identity."""

    shard: int
    lane: str
    token: str
    attempt: int
    entries: list[Entry]
    session: bytes
    chat: dict[str, str]
    journal: dict[str, str]
    """"answer" -> the text; "m:<part>" -> "123" (message id) or "?1:op1" (so many sends whose end is unknown, the last
    one's id); "done" -> how many of its first parts are finished, and a checksum of them."""
    stop: bool
    """/stop was asked for."""
    t0_ms: int
    lease_until: float
    """Monotonic seconds."""
    op: str = ""
    """Operation id of the intended send, until it may have happened; "" none."""
    sending: bool = False
    """A granted send is on its way: nobody knows yet whether it happened."""
    shown: bool = False
    """Something of the answer is visible."""
    inherit: bytes = b""
    """The session that a move brought, until the end of a turn has merged it with the lane's own."""
    visible: str = ""
    """What people see of an answer that still grows, as the model said it."""
    shows: dict[int, object] = field(default_factory=dict)
    """Part -> what its message shows, as far as this process knows."""
    held: bool = False
    """A pause reached this turn."""
    on_end: Callable[[], None] | None = None
    """Called once when the turn has ended in the store, or was let go."""
    on_hold: Callable[[], None] | None = None
    on_stop: Callable[[], None] | None = None
    """Told that /stop was asked for while an answer grows."""

    def takes_over(self, messages: Sequence[int]) -> None:
        """The answer will stand in these messages instead of new ones: they show an earlier answer."""
        for number, message in enumerate(messages, 1):
            self.journal.setdefault(f"m:{number}", str(message))

    def messages(self) -> list[int]:
        """The ids of the messages that show the answer, in order."""
        found = {
            int(name[2:]): int(noted) for name, noted in self.journal.items() if name[:2] == "m:" and noted[0] != "?"
        }
        return [found.get(number + ANEW, found[number]) for number in sorted(found) if number < ANEW]

    def unsent(self) -> str:
        """The operation id that may be taken back: that of a send which certainly did not happen."""
        return "" if self.sending else self.op
