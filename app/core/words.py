"""Every sentence that the bot says of its own accord, in one place. Short, kind, and true."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime

from app.core.allowance import UNITS, Limit

# The menu that Telegram shows on "/"; names and what they do.
MENU = (
    ("start", "Say hello"),
    ("help", "What I can do"),
    ("new", "Start a new conversation"),
    ("stop", "Stop my answer"),
    ("usage", "What you have used of your limits"),
    ("persona", "Who answers in this chat"),
)
# What operators are shown besides, in their private chats.
MENU_OPERATOR = (
    ("pause", "Answer nobody: [all] [30m] [reason]"),
    ("resume", "Go on, in order: [all]"),
    ("status", "How I am"),
    ("keys", "My keys and their limits"),
    ("quota", "This chat's quota"),
)

HELP = (
    "Write to me and I answer; I remember our conversation.\n"
    "In groups, mention me or reply to one of my messages.\n\n"
    "/new - start a new conversation\n"
    "/stop - stop the answer I am working on\n"
    "/usage - what you have used, and when it starts anew\n"
    "/persona - who answers here, and who else could (in a group for its admins)\n"
    "/help - this message"
)
HELP_OPERATOR = (
    "\n\nFor operators:\n"
    "/pause [all] [30m] [reason] - answer nobody, here or anywhere\n"
    "/resume [all] - go on, in order\n"
    "/status - how I am, and for how long my limits will last\n"
    "/keys - each key and what it has used\n"
    "/quota [chat id] 100000t/day,300r/hour - set a chat's quota; off lifts it, default takes the setting"
)
NEW = "A new conversation: I have forgotten what we said before."
HINT = "I do not know that command. /help shows what I can do."
TEXT_ONLY = "I can only read text so far; please write to me in words."
EMPTY = "I found no words in that; what would you like to ask?"

ACCESS = "I am a private assistant and may not talk with you; please ask my operator for access."
THROTTLED = "That was a lot at once; please give me a minute and then ask again."
UNSURE = "My answer may be missing here; if you cannot see it, please ask again."
UNSENT = "I could not deliver my answer to this; please ask again."

NOT_YOURS = "Only my operators may do that."
NOT_YOURS_GROUP = "Only my operators and this group's admins may do that."
NOT_EVERYWHERE = "Only my operators may pause or resume me everywhere."
NO_TIME = "“{given}” is no time I can pause for: write 30s, 10m, 2h or 1d, or no time at all. Nothing has changed."
STOPPED = "I stopped."
NOTHING_TO_STOP = "There is nothing to stop."
PERSONA_UNKNOWN = "I do not know a persona of that name.\n\n{list}"
PERSONA_LIST = "In this chat I am {name}. I can be:\n{list}\n\nChoose with /persona and one of these words."
PERSONA_NOW = "(Here I am {name} from now on, and our conversation starts afresh.)"
QUOTA_HELP = (
    "Write /quota and limits such as 100000t/day,300r/hour (t tokens, r requests; min, hour, day, month), or off, or "
    "default. A chat's id before it means that chat."
)
NO_QUOTA = "No limit is set for you here: ask as much as you like."
NO_KEYS = "No key is set: the model is asked without one."
OUTDATED = "A later /pause or /resume is already in force, so this one changes nothing."

# Last lines, appended to an answer by `with_lines`; they are ours and never part of the conversation.
TRIMMED = "(This conversation is long; I no longer see its beginning. /new starts afresh.)"
TRIMMED_LIMIT = "(Little is left of a limit, so I no longer see all that we said before; /usage shows how much.)"
LENGTH = "(My answer reached its length limit and ends here.)"
FILTERED = "(My answer was ended here by a content filter.)"
CUT = "(My answer was cut off here; please ask again for the rest.)"
CAPTION_ONLY = "(I can only read text so far, so I answered your words alone.)"
_LINES = (TRIMMED, TRIMMED_LIMIT, LENGTH, FILTERED, CUT, CAPTION_ONLY)

# One sentence per reason; `apology` appends an id that an operator finds in the log.
SORRY_DOWN = "Sorry, my language model cannot be reached right now; please try again in a little while"
SORRY_BUSY = "Sorry, my language model is very busy right now; please try again in a minute"
SORRY_FAILED = "Sorry, I could not find an answer to that; please try again"
SORRY_EMPTY = "Sorry, my language model gave an empty answer; please try to ask in another way"
SORRY_FILTERED = "Sorry, a content filter kept me from answering that; please try to ask in another way"
SORRY_SLOW = "Sorry, that took me too long; please try again"
SORRY_LONG = "Sorry, that is more than my language model can read at once; please send me less of it"
SORRY_SMALL = "Sorry, no question fits into the limits of my keys; only my operators can change that"
SORRY_LENGTH = "Sorry, my answer reached its length limit before its first word; please ask for less at once"
_SORRY = (
    *(SORRY_DOWN, SORRY_BUSY, SORRY_FAILED, SORRY_EMPTY, SORRY_FILTERED, SORRY_SLOW),
    *(SORRY_LONG, SORRY_LENGTH, SORRY_SMALL),
)
_APOLOGY = re.compile("(?:" + "|".join(map(re.escape, _SORRY)) + r") \(error [0-9a-f]{6}\)\.\Z")

# Told once, by the notice lane; `when` gives the time.
LOADING = "The model is waking up, about {seconds} s; then I answer."
HELD = "My language model has reached its limit. I keep your question and answer it {when}."
EXHAUSTED = "Sorry, my language model has reached its limit; please ask again {when}."
_SPENT = {
    "user": "You have used up your {limit}; I can answer you again {when}.",
    "chat": "This chat has used up its {limit}; I can answer here again {when}.",
    "bot": "All of us together have used up my {limit}; I can answer again {when}.",
}
_WHOSE = {"user": "your", "chat": "this chat's", "bot": "my"}
_SHORT = "Of {whose} {amount:,} tokens {this} {left:,} are left, too few for this question; there are more {when}."
_NONE = "Of {whose} {amount:,} tokens {this} {rest:,} {are} left, too few for any question; there are more {when}."
_LONG = "This question needs more than {whose} {limit}; please send me less of it."
_SMALL = "No question fits into {whose} {limit}; only my operators can allow more."
_THIS = {"minute": "this minute", "hour": "this hour", "day": "today", "month": "this month"}
SOON_SECONDS = 90
_LATER = "later"

# Notices: what the lanes tell a chat by themselves, by kind.
NOTICES = {
    "flood": "Too many messages are waiting here, so I had to leave some out; please ask again a little later.",
    "stale": "Some messages waited so long that I left them unanswered; please ask again if you still want to know.",
    "pause": "I am paused at the moment; please be patient until an operator resumes me.",
    "dead": "Sorry, I could not answer this message; please ask again.",
    "unsure": UNSURE,
    "throttled": THROTTLED,
}
NOTICE = "Something went wrong with this message; please ask again."


def spent(scope: str, limit: Limit, resets: float, now: float, left: int = 0, rest: int = 0) -> str:
    """That a quota has no room for a question: whose (user, chat or bot), which, and when it starts anew.

    ``left``, ``rest`` and ``resets`` as in QuotaSpent.
    """
    scope = scope if scope in _SPENT else "bot"
    if resets:
        text = _SHORT if left else _NONE if rest else _SPENT[scope]
    else:
        text = _LONG if left else _SMALL
    return text.format(
        whose=_WHOSE[scope],
        limit=limit.words,
        amount=limit.amount,
        this=_THIS[limit.window],
        left=left,
        rest=rest,
        are="is" if rest == 1 else "are",
        when=when(resets, now),
    )


def when(at: float, now: float) -> str:
    """A point in time for people, rounded up so that nobody comes too early: `at 14:05 UTC`.

    `later` where the calendar ends.
    """
    at = max(at, now)  # in this order: not a number stays one that is none
    try:
        minute = datetime.fromtimestamp(math.ceil(at / 60) * 60, UTC)
        today = datetime.fromtimestamp(now, UTC)
    except (ValueError, OverflowError, OSError):
        return _LATER
    if at - now < SOON_SECONDS:
        return f"in {max(1, math.ceil(at - now))} s (at {minute:%H:%M} UTC)"
    year = "" if minute.year == today.year else f"{minute.year} "
    day = "" if minute.date() == today.date() else f"on {minute.day} {minute:%b} {year}"
    return f"{day}at {minute:%H:%M} UTC"


def used(limit: Limit, amount: int, resets: float, now: float) -> str:
    """A quota in figures: `12 of 300 requests this hour, back to 0 at 14:05 UTC`."""
    figures = f"{amount:,} of {limit.amount:,} {UNITS[limit.unit]} {_THIS[limit.window]}"
    return f"{figures}, back to 0 {when(resets, now)}" if resets > now else figures


def apology(sorry: str, error_id: str) -> str:
    """A sentence of the list above with six hex digits to find it by."""
    return f"{sorry} (error {error_id})."


def is_apology(text: str) -> bool:
    """Whether a finished text is one of our apologies and not an answer."""
    return _APOLOGY.match(text) is not None


def with_lines(text: str, lines: list[str]) -> str:
    """An answer with our last lines."""
    return "\n\n".join((text.rstrip(), *lines)) if lines else text


def bare(text: str) -> tuple[str, list[str]]:
    """An answer as the model gave it, and the last lines that were ours."""
    lines: list[str] = []
    while (end := next((line for line in _LINES if text.endswith("\n\n" + line)), None)) is not None:
        lines.insert(0, end)
        text = text.removesuffix("\n\n" + end)
    return text, lines
