"""How a turn ends that did not end by itself: each error to the one outcome that loses and repeats nothing."""

from __future__ import annotations

import time
import traceback

import structlog

from app.core import words
from app.core.claims import Claim
from app.core.clock import Clock
from app.core.errors import (
    Conflict,
    Dead,
    Flooded,
    Forbidden,
    Held,
    Later,
    Lost,
    Rejected,
    Stopped,
    StoreError,
    TelegramError,
    TopicDead,
    Unauthorised,
    Unsent,
    Unsure,
)
from app.core.outcome import Back, End, Fail, Gone, Outcome

# A turn that Telegram cannot take now waits without losing an attempt, but not for ever.
PATIENCE_MS = 15 * 60_000
UNSENT_MS = 5_000
STORE_MS = 1_000
FAILED_MS = 1_000
GONE = ("dead", "refused")  # fields of a chat in which nothing can be said


def over(claim: Claim, error: Exception, clock: Clock | None = None) -> Outcome:
    """The outcome of a turn that raised ``error``; logs what nobody expected, without any text of a message."""
    now_ms = int((clock.now() if clock else time.time()) * 1000)
    if isinstance(error, Lost):
        return Gone()
    if isinstance(error, Held):
        return Back(op=error.op)
    if isinstance(error, Later):
        return Back(error.delay_ms, error.op)
    if isinstance(error, Stopped):
        return End("answered" if claim.shown else "dropped: stopped")
    if isinstance(error, Unsure):
        return End("apologised", notice=words.UNSURE())
    if isinstance(error, TopicDead):
        return End("undeliverable")
    if isinstance(error, (Dead, Forbidden)):
        return End("undeliverable", fields=(("refused", f"{now_ms}."),))
    if isinstance(error, StoreError):
        return Back(STORE_MS, claim.unsent())
    if isinstance(error, TelegramError):
        return _telegram(claim, error, now_ms)
    where = "".join(traceback.format_tb(error.__traceback__))
    structlog.get_logger().error(
        "a turn failed", lane=claim.lane, update=claim.entries[0].uids, error=type(error).__name__, where=where
    )
    return Fail(type(error).__name__, FAILED_MS * max(1, claim.attempt), claim.unsent())


def gone(claim: Claim) -> bool:
    """Whether the chat was gone when what is claimed was written.

    `dead` is when it went, `back` when it came back: ms, and behind a dot the id of the update that said so, since
    Telegram's times are whole seconds. `refused` is when a send was, which is often heard of first; behind its dot
    stands the last message that waited then. One of that second that came later may be from somebody who is back, so
    it is answered.
    """
    entry = claim.entries[0]
    first = entry.uids.partition("+")[0]
    at, uid = entry.at_ms // 1000, int(first) if first.isdecimal() else 0
    back_ms, back_uid = _moment(claim.chat.get("back", ""))
    for name in GONE:
        ms, by = _moment(claim.chat.get(name, ""))
        over = back_ms // 1000 >= ms // 1000 and uid > back_uid  # a send from before that ended only now
        if not over and (at < ms // 1000 or (at == ms // 1000 and 0 < uid <= max(by, back_uid))):
            return True
    return False


def _moment(noted: str) -> tuple[int, int]:
    ms, _, uid = noted.partition(".")
    return int(ms) if ms.isdecimal() else 0, int(uid) if uid.isdecimal() else 0


def _telegram(claim: Claim, error: TelegramError, now_ms: int) -> Outcome:
    kind = type(error).__name__
    structlog.get_logger().warning(
        "Telegram did not take a message", lane=claim.lane, error=kind, description=error.description[:200]
    )
    if isinstance(error, Rejected):
        return End("apologised", notice=words.UNSENT())
    if isinstance(error, Flooded):
        return Back(round(error.retry_after * 1000), claim.unsent())
    patient = now_ms - claim.t0_ms < PATIENCE_MS
    if isinstance(error, (Unsent, Conflict, Unauthorised)) and patient:
        return Back(UNSENT_MS, claim.unsent())
    return Fail(kind, UNSENT_MS, claim.unsent())
