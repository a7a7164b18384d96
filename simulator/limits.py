"""Telegram's flood limits as it tells them: 1/s in a chat with short bursts, 20 a minute in a group, 30/s a bot.

The exact ones are unpublished and vary; these are meant to catch who ignores them. Who calls again during the
`retry_after` of a 429 is refused again, and each such call makes the penalty longer.
"""

from collections import deque
from dataclasses import dataclass, field
from math import ceil

CHAT_CALLS, CHAT_SECONDS = 12, 6.0  # what goes beyond 1/s for longer than a moment
PER_GROUP_MINUTE = 20
PER_SECOND = 30
FORGIVEN_SECONDS = 60.0  # so long after a penalty the next one is short again
LONGEST_SECONDS = 300.0


@dataclass(slots=True)
class Bucket:
    """The calls that count together, and the penalty that runs; `grown` is what the next impatient call adds."""

    calls: deque[float] = field(default_factory=deque)
    until: float = 0.0
    grown: float = 0.0

    def free_in(self, count: int, span: float, now: float) -> float:
        """Seconds until one more call leaves at most `count` in any `span`."""
        return self.calls[-count] + span - now if len(self.calls) >= count else 0.0

    def refuse(self, wait: float, now: float) -> float:
        """The seconds to tell, where `wait` is needed and a penalty may run."""
        if now < self.until:
            self.grown = min(max(2 * self.grown, 2.0), LONGEST_SECONDS)
            self.until = min(self.until + self.grown, now + LONGEST_SECONDS)
        elif wait > 0:
            self.grown = self.grown if now - self.until < FORGIVEN_SECONDS else 0.0
            self.until = now + ceil(wait) + self.grown
        return max(self.until - now, 0.0)


@dataclass(slots=True)
class Limits:
    """Counts sends, edits and drafts of one bot, which share one budget; `refuse_for` says how long one must wait."""

    whole: Bucket = field(default_factory=Bucket)
    chats: dict[int, Bucket] = field(default_factory=dict)

    def refuse_for(self, chat: int, now: float) -> int:
        """0 and the call counts, or the seconds of `retry_after`. Times are seconds of a clock that only grows."""
        mine = self.chats.setdefault(chat, Bucket())
        wait = mine.free_in(CHAT_CALLS, CHAT_SECONDS, now)
        if chat < 0:
            wait = max(wait, mine.free_in(PER_GROUP_MINUTE, 60.0, now))
        told = max(mine.refuse(wait, now), self.whole.refuse(self.whole.free_in(PER_SECOND, 1.0, now), now))
        if told <= 0:
            for bucket, kept in ((self.whole, PER_SECOND), (mine, PER_GROUP_MINUTE)):
                bucket.calls.append(now)
                while len(bucket.calls) > kept:
                    bucket.calls.popleft()
        return ceil(told)
