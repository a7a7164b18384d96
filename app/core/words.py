"""Every sentence that the bot says of its own accord, in one place. Short, kind, and true."""

from __future__ import annotations

import re

# The menu that Telegram shows on "/"; names and what they do.
MENU = (
    ("start", "Say hello"),
    ("help", "What I can do"),
    ("new", "Start a new conversation"),
    ("stop", "Stop my answer"),
)
# What operators are shown besides, in their private chats.
MENU_OPERATOR = (
    ("pause", "Answer nobody: [all] [30m] [reason]"),
    ("resume", "Go on, in order: [all]"),
    ("status", "How I am"),
)

START = "Hello! I am {name}. Write to me and I will answer; /help shows what else I can do."
HELP = (
    "Write to me and I answer; I remember our conversation.\n"
    "In groups, mention me or reply to one of my messages.\n\n"
    "/new - start a new conversation\n"
    "/stop - stop the answer I am working on\n"
    "/help - this message"
)
HELP_OPERATOR = (
    "\n\nFor operators:\n"
    "/pause [all] [30m] [reason] - answer nobody, here or anywhere\n"
    "/resume [all] - go on, in order\n"
    "/status - how I am"
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
OUTDATED = "A later /pause or /resume is already in force, so this one changes nothing."

# Last lines, appended to an answer by `with_lines`; they are ours and never part of the conversation.
TRIMMED = "(This conversation is long; I no longer see its beginning. /new starts afresh.)"
LENGTH = "(My answer reached its length limit and ends here.)"
FILTERED = "(My answer was ended here by a content filter.)"
CUT = "(My answer was cut off here; please ask again for the rest.)"
CAPTION_ONLY = "(I can only read text so far, so I answered your words alone.)"
_LINES = (TRIMMED, LENGTH, FILTERED, CUT, CAPTION_ONLY)

# One sentence per reason; `apology` appends an id that an operator finds in the log.
SORRY_DOWN = "Sorry, my language model cannot be reached right now; please try again in a little while"
SORRY_BUSY = "Sorry, my language model is very busy right now; please try again in a minute"
SORRY_FAILED = "Sorry, I could not find an answer to that; please try again"
SORRY_EMPTY = "Sorry, my language model gave an empty answer; please try to ask in another way"
SORRY_FILTERED = "Sorry, a content filter kept me from answering that; please try to ask in another way"
SORRY_SLOW = "Sorry, that took me too long; please try again"
_SORRY = (SORRY_DOWN, SORRY_BUSY, SORRY_FAILED, SORRY_EMPTY, SORRY_FILTERED, SORRY_SLOW)
_APOLOGY = re.compile("(?:" + "|".join(map(re.escape, _SORRY)) + r") \(error [0-9a-f]{6}\)\.\Z")

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
