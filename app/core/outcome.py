"""What a turn returns. The runner turns each outcome into exactly one call on the lanes."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class End:
    """The update is finished.

    ``kind`` is the end ("answered", "apologised", "undeliverable", "dropped: ignored" ...); ``session`` the new
    session value (b"" leaves it as it is); ``fields`` go to the chat's hash; ``notice`` is a text that the notice
    lane sends as a reply to this message; ``keep_bad`` keeps an unreadable session value aside.
    """

    kind: str
    session: bytes = b""
    fields: tuple[tuple[str, str], ...] = ()
    notice: str = ""
    keep_bad: bool = False


@dataclass(frozen=True, slots=True)
class Back:
    """Give the lane back for ``delay_ms``; the attempt does not count. ``op``: the send that is under way."""

    delay_ms: int = 0
    op: str = ""


@dataclass(frozen=True, slots=True)
class Fail:
    """The turn failed: again after ``delay_ms``, or at once to the dead letters when ``final``."""

    reason: str
    delay_ms: int = 1000
    op: str = ""
    final: bool = False


@dataclass(frozen=True, slots=True)
class Gone:
    """The claim's token is lost: do nothing."""


Outcome = End | Back | Fail | Gone
