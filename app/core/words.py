"""Every sentence that the bot says of its own accord, in one place. Short, kind, and true.

A `Sentence` or `Plural` is called to say it, in the language that is spoken (app/core/tongue.py). Its translations
stand in app/core/locale and are kept up by `make catalogues`. What is only for operators is plain English text.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence

from app.core import unread
from app.core.tongue import LANGUAGES, Plural, Sentence, forms, speaking

_ = Sentence
_n = Plural

NEW = _("A new conversation: I have forgotten what we said before.")
HINT = _("I do not know that command. /help shows what I can do.")
EMPTY = _("I found no words in that; what would you like to ask?")
NOTHING_TO_RETRY = _("There is no question of this conversation that I could answer anew.")

GREETING = {
    "mention": _(
        "Hello! I am {name}. To speak with me here, mention {mention}, reply to one of my messages, or use a "
        "command; /help names them. I answer nothing else, unless an admin says /mode always."
    ),
    "always": _(
        "Hello! I am {name}, and I answer every message here, unless an admin says /mode mention. "
        "/help names my commands."
    ),
}
PRIVACY_MENTION = _(
    "Telegram's privacy mode is on for me, so it may not show me messages that only mention me: a reply to one of my "
    "messages, such as this one, always reaches me. To change that, switch it off at @BotFather (/setprivacy) and add "
    "me to this group again, or make me an admin."
)
PRIVACY_ALWAYS = _(
    "But Telegram's privacy mode is on for me, so it shows me only commands and replies to my messages. To change "
    "that, switch it off at @BotFather (/setprivacy) and add me to this group again, or make me an admin."
)
# Translators: these two stand for {now} below.
MODES = {"mention": _("when I am mentioned, replied to or commanded"), "always": _("every message")}
MODE_NOW = _("In this group I answer {now}. /mode mention or /mode always changes that.")
MODE_SET = {
    "mention": _("From now on I answer in this group only when I am mentioned ({mention}), replied to or commanded."),
    "always": _("From now on I answer every message in this group."),
}
MODE_UNKNOWN = _("Write /mode mention or /mode always. Now I answer {now}.")
MODE_PRIVATE = _("Here I answer every message; /mode is for groups.")

# Translators: name your own language in these two.
LANGUAGE_NOW = _("Here I speak English. To change that, write /language and one of these words:")
LANGUAGE_SET = _("From now on I speak English here.")
LANGUAGE_UNKNOWN = _("I do not speak that language yet.")
LANGUAGE_AUTO = {"private": _("the language of your app"), "group": _("what my operator has chosen for groups")}

FORGOTTEN = _("I have forgotten everything of this chat.")
FORGOTTEN_GROUP = _("I have forgotten everything of this group, and its settings.")
FORGOTTEN_MEMBER = _("I have forgotten what you said to me in this group, and what I answered.")
_KEEP = _("What I keep")
# Translators: {days} is "{n} days" below.
_TALK = _n(
    "our conversation: at most the last {n} question with my answer, for {days} after the last message",
    "our conversation: at most the last {n} questions with my answers, for {days} after the last message",
)
_TALK_GROUP = _n(
    "what is said to me here: at most the last {n} question with my answer, for {days} after the last message",
    "what is said to me here: at most the last {n} questions with my answers, for {days} after the last message",
)
_DAYS = _n("{n} day", "{n} days")
_WAITING = _("a message until it is answered; one that I cannot answer, for 30 days, so that my operator can see to it")
_FIGURES = _("how much was used of which limit, in figures")
_LOGS = _("My logs hold no words of yours.")
_SEE = _("Who sees it")
_SERVER = _("my operator's server, where it is kept")
_MODEL = _("to answer you, the language model at {hosts}: your question and the conversation before it")
_MODEL_GROUP = _(
    "to answer you, the language model at {hosts}: your question and the conversation before it, with members' first "
    "names"
)
_MODEL_OFFLINE = _("nobody else: I answer without any other service")
# Translators: two of the {hosts} above.
_OR = _("{one} or {other}")
_FORGET = _("/forget deletes all of it at once but the figures; /new only begins a new conversation.")
_FORGET_GROUP = _(
    "/forget deletes at once what you have said to me here; said by an admin, everything of this group. The figures "
    "stay."
)

ACCESS = _("I am a private assistant and may not talk with you; please ask my operator for access.")
THROTTLED = _("That was a lot at once; please give me a minute and then ask again.")
UNSURE = _("My answer may be missing here; if you cannot see it, please ask again.")
UNSENT = _("I could not deliver my answer to this; please ask again.")

NOT_YOURS = _("Only my operators may do that.")
NOT_EVERYWHERE = _("Only my operators may pause or resume me everywhere.")
STOPPED = _("I stopped.")
NOTHING_TO_STOP = _("There is nothing to stop.")
PERSONA_UNKNOWN = _("I do not know a persona of that name.")
PERSONA_LIST = _("In this chat I am {name}. I can be:\n{list}\n\nChoose with /persona and one of these words.")
PERSONA_NOW = _("(Here I am {name} from now on, and our conversation starts afresh.)")

# For operators.
NO_TIME = "“{given}” is no time I can pause for: write 30s, 10m, 2h or 1d, or no time at all. Nothing has changed."
OUTDATED = "A later /pause or /resume is already in force, so this one changes nothing."
QUOTA_HELP = (
    "Write /quota and limits such as 100000t/day,300r/hour (t tokens, r requests; min, hour, day, month), or off, or "
    "default. A chat's id before it means that chat."
)
NO_KEYS = "No key is set: the model is asked without one."
PRIVACY_STATUS = (
    "Privacy mode is on: in groups where I am no admin I see only what is addressed to me; @BotFather, /setprivacy, "
    "then adding me to the group again changes that"
)

# Last lines, appended to an answer by `with_lines`; they are ours and never part of the conversation.
TRIMMED = _("(This conversation is long; I no longer see its beginning. /new starts afresh.)")
TRIMMED_LIMIT = _("(Little is left of a limit, so I no longer see all that we said before; /usage shows how much.)")
LENGTH = _("(My answer reached its length limit and ends here.)")
FILTERED = _("(My answer was ended here by a content filter.)")
CUT = _("(My answer was cut off here; please ask again for the rest.)")
STOPPED_HERE = _("(I was asked to stop here.)")
_LINES = (TRIMMED, TRIMMED_LIMIT, LENGTH, FILTERED, CUT, STOPPED_HERE)

# One sentence per reason, without its full stop; `apology` appends an id that an operator finds in the log.
SORRY_DOWN = _("Sorry, my language model cannot be reached right now; please try again in a little while")
SORRY_BUSY = _("Sorry, my language model is very busy right now; please try again in a minute")
SORRY_FAILED = _("Sorry, I could not find an answer to that; please try again")
SORRY_EMPTY = _("Sorry, my language model gave an empty answer; please try to ask in another way")
SORRY_FILTERED = _("Sorry, a content filter kept me from answering that; please try to ask in another way")
SORRY_SLOW = _("Sorry, that took me too long; please try again")
SORRY_LONG = _("Sorry, that is more than my language model can read at once; please send me less of it")
SORRY_SMALL = _("Sorry, no question fits into the limits of my keys; only my operators can change that")
SORRY_LENGTH = _("Sorry, my answer reached its length limit before its first word; please ask for less at once")
_SORRY = (
    *(SORRY_DOWN, SORRY_BUSY, SORRY_FAILED, SORRY_EMPTY, SORRY_FILTERED, SORRY_SLOW),
    *(SORRY_LONG, SORRY_SMALL, SORRY_LENGTH, unread.SORRY),
)
# Translators: a sentence without its full stop, and the number under which an operator finds what happened.
_TRACED = _("{sentence} (error {id}).")
_ID = re.compile(r"\b[0-9a-f]{6}\b(?=\W{1,4}\Z)")

# Told once, by the notice lane; `when` gives the time.
LOADING = _n(
    "The model is waking up, about {n} second; then I answer.",
    "The model is waking up, about {n} seconds; then I answer.",
)
HELD = _("My language model has reached its limit. I keep your question and answer it {when}.")
EXHAUSTED = _("Sorry, my language model has reached its limit; please ask again {when}.")

# Notices: what the lanes tell a chat by themselves, by kind.
NOTICES = {
    "flood": _("Too many messages are waiting here, so I had to leave some out; please ask again a little later."),
    "stale": _("Some messages waited so long that I left them unanswered; please ask again if you still want to know."),
    "pause": _("I am paused at the moment; please be patient until an operator resumes me."),
    "dead": _("Sorry, I could not answer this message; please ask again."),
    "unsure": UNSURE,
    "throttled": THROTTLED,
}
NOTICE = _("Something went wrong with this message; please ask again.")


def privacy(hosts: Sequence[str], turns: int, days: float, *, private: bool) -> str:
    """What is kept, for how long and who sees it; ``hosts``: where questions go, none for the offline model."""
    talk, model, forget = (_TALK, _MODEL, _FORGET) if private else (_TALK_GROUP, _MODEL_GROUP, _FORGET_GROUP)
    asked = functools.reduce(lambda one, other: _OR(one=one, other=other), hosts) if hosts else ""
    return "\n".join(
        (
            _KEEP(),
            *(f"- {kept}" for kept in (talk(turns, days=_DAYS(days)), _WAITING(), _FIGURES())),
            _LOGS(),
            f"\n{_SEE()}",
            *(f"- {who}" for who in (_SERVER(), model(hosts=asked) if asked else _MODEL_OFFLINE())),
            f"\n{forget()}",
        )
    )


def apology(sorry: Sentence, error_id: str) -> str:
    """A sentence of the list above with six hex digits to find it by."""
    return traceable(sorry(), error_id)


def traceable(sentence: str, error_id: str) -> str:
    """Any sentence of ours, likewise."""
    return _TRACED(sentence=sentence.rstrip(".。"), id=error_id)


def is_apology(text: str) -> bool:
    """Whether a finished text is one of our apologies, in whichever language, and not an answer."""
    found = _ID.search(text, max(0, len(text) - 20))
    return found is not None and text[: found.start()] + text[found.end() :] in _apologies()


@functools.cache
def _apologies() -> frozenset[str]:
    """All of them, without their ids."""
    said = set()
    for language in LANGUAGES:
        with speaking(language):
            said |= {apology(sorry, "") for sorry in _SORRY}
    return frozenset(said)


def with_lines(text: str, lines: list[str]) -> str:
    """An answer with our last lines."""
    return "\n\n".join((text.rstrip(), *lines)) if lines else text


def bare(text: str) -> tuple[str, list[str]]:
    """An answer as the model gave it, and the last lines that were ours, in whichever language."""
    lines: list[str] = []
    while True:
        before, gap, last = text.rpartition("\n\n")
        if not gap or last not in _last_lines():
            return text, lines
        lines.insert(0, last)
        text = before


@functools.cache
def _last_lines() -> set[str]:
    asides = {f"({form})" for sentence in unread.SENTENCES for form in forms(sentence)}
    return asides.union(*map(forms, _LINES))
