"""What people type, made safe to pass on: no control, bidi or tag characters, NFC, emoji as set. Pure."""

from __future__ import annotations

import re
import unicodedata
from typing import Literal

Emoji = Literal["keep", "strip", "name"]

NAME_LENGTH = 32
HEAD_LENGTH = 512  # of a text; an ignore prefix stands within that

# C0 and C1 controls but tab and newline; bidi embeddings and isolates (they reorder what follows); tag characters (they
# carry text that nobody sees). Joiners and variation selectors stay: scripts and emoji need them.
_BAD = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\U000e0000-\U000e007f]")
_IGNORE = re.compile(r"/ignore(?!\w)")
# What shows nothing by itself, though it is no control: fillers, the braille blank, variation selectors.
_UNSEEN = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
_EMPTY = frozenset({"Cc", "Cf", "Zs", "Zl", "Zp"})
# A member of this name would look like a speaker of the conversation that is no member.
_ROLES = frozenset({"system", "assistant", "user", "developer", "tool", "function", "model", "human", "ai"})

# The code points of Unicode's emoji-data that are pictures, with a margin inside the blocks of pictures.
_PICTURE = (
    "\U0001f004\U0001f0cf\U0001f170\U0001f171\U0001f17e\U0001f17f\U0001f18e\U0001f191-\U0001f19a\U0001f1e6-\U0001f1ff"
    "\U0001f201\U0001f202\U0001f21a\U0001f22f\U0001f232-\U0001f23a\U0001f250\U0001f251\U0001f300-\U0001f64f"
    "\U0001f680-\U0001f6ff\U0001f7e0-\U0001f7eb\U0001f7f0\U0001f900-\U0001f9ff\U0001fa70-\U0001faff"
    "\u2600-\u2604\u260e\u2611\u2614\u2615\u2618\u261d\u2620\u2622\u2623\u2626\u262a\u262e\u262f\u2638-\u263a\u2640"
    "\u2642\u2648-\u2653\u265f\u2660\u2663\u2665\u2666\u2668\u267b\u267e\u267f\u2692-\u2697\u2699\u269b\u269c\u26a0"
    "\u26a1\u26a7\u26aa\u26ab\u26b0\u26b1\u26bd\u26be\u26c4\u26c5\u26c8\u26ce\u26cf\u26d1\u26d3\u26d4\u26e9\u26ea"
    "\u26f0-\u26f5\u26f7-\u26fa\u26fd\u2702\u2705\u2708-\u270d\u270f\u2712\u2714\u2716\u271d\u2721\u2728\u2733\u2734"
    "\u2744\u2747\u274c\u274e\u2753-\u2755\u2757\u2763\u2764\u2795-\u2797\u27a1\u27b0\u27bf"
    "\u231a\u231b\u2328\u23cf\u23e9-\u23fa\u2b05-\u2b07\u2b1b\u2b1c\u2b50\u2b55\u303d"
)
# Where Unicode's name misleads: by "black" it means filled.
_CALLED = {"\u2764": "red heart", "\u2665": "heart suit", "\u2600": "sun", "\u260e": "telephone", "\u2702": "scissors"}
_TONE = "\U0001f3fb-\U0001f3ff"
# Signs that are text by default (© ™ ↔) count only with the emoji selector; digits with the keycap.
_SIGN = (
    "\u00a9\u00ae\u203c\u2049\u2122\u2139\u2194-\u21aa\u24c2\u25aa\u25ab\u25b6\u25c0\u25fb-\u25fe\u2934\u2935\u3030"
    "\u3297\u3299"
)
# One picture, not followed by the selector that makes it text; it may carry a selector and a skin tone, and further
# pictures after a joiner. Flags are two letters.
_ONE = f"(?:[{_PICTURE}](?!\ufe0e)\ufe0f?[{_TONE}]?)"
_EMOJI = re.compile(
    f"[\U0001f1e6-\U0001f1ff]{{2}}|{_ONE}(?:\u200d(?:{_ONE}|[{_SIGN}]\ufe0f?))*|[0-9#*]\ufe0f?\u20e3|[{_SIGN}]\ufe0f"
    "|[\u25fd\u25fe](?!\ufe0e)"
)


def clean(text: str, *, nfc: bool = True) -> str:
    """The text without characters that hide, reorder or control, in NFC, without white space around it.

    ``nfc`` False for long texts from elsewhere: a run of combining marks costs the square of its length.
    """
    if not text.isprintable():
        text = _BAD.sub("", text.replace("\r\n", "\n"))
    if nfc and not text.isascii():
        text = unicodedata.normalize("NFC", text)
    return text.strip()


def blank(text: str) -> bool:
    """Whether a text shows nothing: white space, joiners, selectors, fillers."""
    return all(_unseen(char) for char in text)


def _unseen(char: str) -> bool:
    if char.isascii():
        return not char.isprintable() or char == " "
    selector = "\ufe00" <= char <= "\ufe0f" or "\U000e0100" <= char <= "\U000e01ef"
    return selector or char in _UNSEEN or unicodedata.category(char) in _EMPTY


def ignored(text: str, prefix: str, username: str = "") -> bool:
    """Whether a text or caption begins with the ignore prefix ("" for none) or `/ignore`, perhaps after our mention."""
    head, prefix = text[:HEAD_LENGTH].casefold(), prefix.casefold()
    if "/ignore" not in head and (not prefix or prefix not in head):
        return False
    bare = clean(head)
    if username and bare.startswith(mention := f"@{username.casefold()}"):
        bare = bare.removeprefix(mention).lstrip(" \t\n,:")
    return bool(prefix and bare.startswith(prefix)) or _IGNORE.match(bare) is not None


def name(text: str) -> str:
    """A member's name as the model may see it: one short line that cannot be taken for anything else."""
    line = " ".join(clean(text[: 8 * NAME_LENGTH]).replace(":", " ").replace("\uff1a", " ").split())
    line = line.lstrip("> ")[:NAME_LENGTH].rstrip(" \u200d")
    if blank(line):
        return "Someone"
    return f"{line} (a member)" if line.casefold().strip("[]<>()*_#|/ ") in _ROLES else line


def emoji(text: str, way: Emoji) -> str:
    """The text with its emoji kept, left out, or named like ``:red_heart:``."""
    if way == "keep" or text.isascii():
        return text
    if way == "name":
        return _EMOJI.sub(_named, text)
    # A keycap leaves its digit.
    less = _EMOJI.sub(lambda found: found[0][0] if found[0][0].isascii() else "", text)
    return re.sub(r"[ \t]{2,}", " ", less).strip() if less != text else text


def _named(found: re.Match[str]) -> str:
    signs = found[0]
    if "\U0001f1e6" <= signs[0] <= "\U0001f1ff" and len(signs) == 2:
        return ":flag_" + "".join(chr(ord(sign) - 0x1F1E6 + ord("a")) for sign in signs) + ":"
    if signs[0].isascii():
        return signs[0]
    plain = [sign for sign in signs if sign not in "\ufe0f\u200d" and not "\U0001f3fb" <= sign <= "\U0001f3ff"] or signs
    names = (_CALLED.get(sign) or unicodedata.name(sign, "emoji").lower() for sign in plain)
    return ":" + re.sub("[ -]", "_", "_".join(names)) + ":"
