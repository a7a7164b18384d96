"""Limits and times as people are told them: what was used, what is left, and when there is more."""

from __future__ import annotations

import math
from datetime import UTC, datetime

from app.core.allowance import Limit, Unit, Window
from app.core.tongue import Plural, Sentence, number

_ = Sentence
_n = Plural

NO_QUOTA = _("No limit is set for you here: ask as much as you like.")
# By the scope of the ledger.
WHOSE = {"u": _("You: {figures}"), "c": _("This chat: {figures}"), "b": _("Everybody: {figures}")}
# Translators: these stand for {limit} and {figures} elsewhere.
_LIMIT: dict[tuple[Unit, Window], Plural] = {
    ("r", "minute"): _n("{n} request a minute", "{n} requests a minute"),
    ("r", "hour"): _n("{n} request an hour", "{n} requests an hour"),
    ("r", "day"): _n("{n} request a day", "{n} requests a day"),
    ("r", "month"): _n("{n} request a month", "{n} requests a month"),
    ("t", "minute"): _n("{n} token a minute", "{n} tokens a minute"),
    ("t", "hour"): _n("{n} token an hour", "{n} tokens an hour"),
    ("t", "day"): _n("{n} token a day", "{n} tokens a day"),
    ("t", "month"): _n("{n} token a month", "{n} tokens a month"),
}
_USED: dict[tuple[Unit, Window], Plural] = {
    ("r", "minute"): _n("{used} of {n} request this minute", "{used} of {n} requests this minute"),
    ("r", "hour"): _n("{used} of {n} request this hour", "{used} of {n} requests this hour"),
    ("r", "day"): _n("{used} of {n} request today", "{used} of {n} requests today"),
    ("r", "month"): _n("{used} of {n} request this month", "{used} of {n} requests this month"),
    ("t", "minute"): _n("{used} of {n} token this minute", "{used} of {n} tokens this minute"),
    ("t", "hour"): _n("{used} of {n} token this hour", "{used} of {n} tokens this hour"),
    ("t", "day"): _n("{used} of {n} token today", "{used} of {n} tokens today"),
    ("t", "month"): _n("{used} of {n} token this month", "{used} of {n} tokens this month"),
}
_RESETS = _("{figures}, back to 0 {when}")

_SPENT = {
    "user": _("You have used up your {limit}; I can answer you again {when}."),
    "chat": _("This chat has used up its {limit}; I can answer here again {when}."),
    "bot": _("All of us together have used up my {limit}; I can answer again {when}."),
}
_SHORT = {
    "user": _n(
        "Of your {limit} {n} is left, too few for this question; there are more {when}.",
        "Of your {limit} {n} are left, too few for this question; there are more {when}.",
    ),
    "chat": _n(
        "Of this chat's {limit} {n} is left, too few for this question; there are more {when}.",
        "Of this chat's {limit} {n} are left, too few for this question; there are more {when}.",
    ),
    "bot": _n(
        "Of my {limit} {n} is left, too few for this question; there are more {when}.",
        "Of my {limit} {n} are left, too few for this question; there are more {when}.",
    ),
}
_NONE = {
    "user": _n(
        "Of your {limit} {n} is left, too few for any question; there are more {when}.",
        "Of your {limit} {n} are left, too few for any question; there are more {when}.",
    ),
    "chat": _n(
        "Of this chat's {limit} {n} is left, too few for any question; there are more {when}.",
        "Of this chat's {limit} {n} are left, too few for any question; there are more {when}.",
    ),
    "bot": _n(
        "Of my {limit} {n} is left, too few for any question; there are more {when}.",
        "Of my {limit} {n} are left, too few for any question; there are more {when}.",
    ),
}
_LONG = {
    "user": _("This question needs more than your {limit}; please send me less of it."),
    "chat": _("This question needs more than this chat's {limit}; please send me less of it."),
    "bot": _("This question needs more than my {limit}; please send me less of it."),
}
_SMALL = {
    "user": _("No question fits into your {limit}; only my operators can allow more."),
    "chat": _("No question fits into this chat's {limit}; only my operators can allow more."),
    "bot": _("No question fits into my {limit}; only my operators can allow more."),
}

SOON_SECONDS = 90
# Translators: these stand for {when} elsewhere; {time} is like 14:05.
_SOON = _n("in {n} second (at {time} UTC)", "in {n} seconds (at {time} UTC)")
_TODAY = _("at {time} UTC")
_DAY = _("on {day} {month} at {time} UTC")
_YEAR = _("on {day} {month} {year} at {time} UTC")
_LATER = _("later")
# Translators: months as they stand for {month} above.
_MONTHS = (
    *(_("Jan"), _("Feb"), _("Mar"), _("Apr"), _("May"), _("Jun")),
    *(_("Jul"), _("Aug"), _("Sep"), _("Oct"), _("Nov"), _("Dec")),
)


def spent(scope: str, limit: Limit, resets: float, now: float, left: int = 0, rest: int = 0) -> str:
    """That a quota has no room for a question: whose (user, chat or bot), which, and when it starts anew.

    ``left``, ``rest`` and ``resets`` as in QuotaSpent.
    """
    scope, said = scope if scope in _SPENT else "bot", a_window(limit)
    if not resets:
        return (_LONG if left else _SMALL)[scope](limit=said)
    moment = when(resets, now)
    if some := left or rest:
        return (_SHORT if left else _NONE)[scope](some, limit=said, when=moment)
    return _SPENT[scope](limit=said, when=moment)


def a_window(limit: Limit) -> str:
    """A limit: `300 requests an hour`."""
    return _LIMIT[limit.unit, limit.window](limit.amount)


def used(limit: Limit, amount: int, resets: float, now: float) -> str:
    """A quota in figures: `12 of 300 requests this hour, back to 0 at 14:05 UTC`."""
    figures = _USED[limit.unit, limit.window](limit.amount, used=number(amount))
    return _RESETS(figures=figures, when=when(resets, now)) if resets > now else figures


def when(at: float, now: float) -> str:
    """A point in time for people, rounded up so that nobody comes too early: `at 14:05 UTC`.

    `later` where the calendar ends.
    """
    at = max(at, now)  # in this order: not a number stays one that is none
    try:
        minute = datetime.fromtimestamp(math.ceil(at / 60) * 60, UTC)
        today = datetime.fromtimestamp(now, UTC)
    except (ValueError, OverflowError, OSError):
        return _LATER()
    time = f"{minute:%H:%M}"
    if at - now < SOON_SECONDS:
        return _SOON(max(1, math.ceil(at - now)), time=time)
    if minute.date() == today.date():
        return _TODAY(time=time)
    day = _DAY if minute.year == today.year else _YEAR
    return day(day=minute.day, month=_MONTHS[minute.month - 1](), year=minute.year, time=time)
