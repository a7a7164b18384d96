"""What the bot can be asked for, as people are shown it: the menus behind "/", and the text of /help."""

from __future__ import annotations

from app.core.tongue import ENGLISH, LANGUAGES, Sentence, speaking

_ = Sentence

# Names of commands, and what they do. The first menu is shown wherever no other is.
MENU = (
    ("start", _("Say hello")),
    ("help", _("What I can do")),
    ("new", _("Start a new conversation")),
    ("retry", _("Answer your last question anew")),
    ("stop", _("Stop my answer")),
    ("usage", _("What you have used of your limits")),
    ("persona", _("Who answers in this chat")),
    ("language", _("Which language I speak here")),
    ("privacy", _("What I keep, and who sees it")),
    ("forget", _("Delete what I know of this chat")),
)
MENU_GROUP = (
    ("help", _("What I can do")),
    ("new", _("Start a new conversation")),
    ("retry", _("Answer the last question anew")),
    ("stop", _("Stop my answer")),
    ("usage", _("What you have used of your limits")),
    ("privacy", _("What I keep, and who sees it")),
    ("forget", _("Delete what you have said to me here")),
)
# A group's admins are shown these.
MENU_ADMIN = (
    *MENU_GROUP[:-1],
    ("forget", _("Delete what I know of this group")),
    ("mode", _("When I answer here: mention or always")),
    ("persona", _("Who answers in this group")),
    ("language", _("Which language I speak here")),
    ("pause", _("Answer nobody here: [30m] [reason]")),
    ("resume", _("Go on, in order")),
)
MENUS = {"default": MENU, "all_group_chats": MENU_GROUP, "all_chat_administrators": MENU_ADMIN}
"""By Telegram's name of who is shown it."""

_WRITE = _("Write to me and I answer; I remember our conversation. If you edit your last question, I answer it anew.")
_GROUPS = _("In groups, mention me or reply to one of my messages.")
_FILES = _("I read text and PDF files, and look at photos if my language model can.")
_VOICE = _("Voice messages I write down first; then I answer what they say.")
HELP = (
    ("new", _("start a new conversation")),
    ("retry", _("answer the last question anew")),
    ("stop", _("stop the answer I am working on")),
    ("usage", _("what you have used, and when it starts anew")),
    ("persona", _("who answers here, and who else could (in a group for its admins)")),
    ("mode", _("when I answer in a group (for its admins)")),
    ("language", _("which language I speak here (in a group for its admins)")),
    ("privacy", _("what I keep, and who sees it")),
    ("forget", _("delete it")),
    ("ignore", _("what follows is not for me")),
    ("help", _("this message")),
)

# Operators are spoken to in English.
MENU_OPERATOR = (
    ("pause", "Answer nobody: [all] [30m] [reason]"),
    ("resume", "Go on, in order: [all]"),
    ("status", "How I am"),
    ("keys", "My keys and their limits"),
    ("quota", "This chat's quota"),
)
HELP_OPERATOR = (
    "\n\nFor operators:\n"
    "/pause [all] [30m] [reason] - answer nobody, here or anywhere\n"
    "/resume [all] - go on, in order\n"
    "/status - how I am, and for how long my limits will last\n"
    "/keys - each key and what it has used\n"
    "/quota [chat id] 100000t/day,300r/hour - set a chat's quota; off lifts it, default takes the setting"
)


def help_text(*, hears: bool = False) -> str:
    """What /help says; ``hears``: recordings are written down."""
    commands = (f"/{name} - {what()}" for name, what in HELP)
    return "\n".join((_WRITE(), _GROUPS(), _FILES(), *((_VOICE(),) if hears else ()), "", *commands))


def menus() -> dict[str, dict[str, list[tuple[str, str]]]]:
    """What each of MENUS shows, by language; those in English under "", for everybody who has none of their own."""
    found = {}
    for language in sorted(LANGUAGES, key=lambda each: each != ENGLISH):
        with speaking(language):
            shown = {who: [(name, what()) for name, what in menu] for who, menu in MENUS.items()}
        found["" if language == ENGLISH else language] = shown
    return found
