"""Telegram's flood limits as it tells them: 1/s in a chat with a short burst, 20 a minute in a group, 30/s a bot.

The exact ones are unpublished and vary; these are meant to catch who ignores them.
"""

from collections import deque
from dataclasses import dataclass, field
from math import ceil

PER_CHAT_SECONDS = 1.0
CHAT_BURST = 5
PER_GROUP_MINUTE = 20
PER_SECOND = 30


@dataclass(slots=True)
class Limits:
    """Counts sends and edits of one bot, which share one budget; `refuse_for` says how long a call must stay away."""

    whole: deque[float] = field(default_factory=deque)
    chats: dict[int, deque[float]] = field(default_factory=dict)

    def refuse_for(self, chat: int, now: float) -> int:
        """0 and the call counts, or the seconds of `retry_after`. Times are seconds of a clock that only grows."""
        mine = self.chats.setdefault(chat, deque())
        spans = [(self.whole, PER_SECOND, 1.0), (mine, CHAT_BURST, CHAT_BURST * PER_CHAT_SECONDS)]
        if chat < 0:
            spans.append((mine, PER_GROUP_MINUTE, 60.0))
        wait = max(self._free_in(*span, now) for span in spans)
        if wait <= 0:
            self.whole.append(now)
            mine.append(now)
        while self.whole and self.whole[0] <= now - 1:
            self.whole.popleft()
        while mine and mine[0] <= now - 60:
            mine.popleft()
        return ceil(wait)

    @staticmethod
    def _free_in(calls: deque[float], count: int, span: float, now: float) -> float:
        return calls[-count] + span - now if len(calls) >= count else 0.0
