"""What people type, made safe to pass on: no control, bidi or tag characters, NFC, emoji as set. Pure."""

from __future__ import annotations

import re
import unicodedata
from typing import Literal

Emoji = Literal["keep", "strip", "name"]

NAME_LENGTH = 32

# C0 and C1 controls but tab and newline; bidi embeddings and isolates (they reorder what follows); tag characters (they
# carry text that nobody sees). Joiners and variation selectors stay: scripts and emoji need them.
_BAD = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\U000e0000-\U000e007f]")

_PICTURE = (
    "\U0001f000-\U0001faff\u2600-\u27bf\u2b05-\u2b07\u2b1b\u2b1c\u2b50\u2b55"
    "\u231a\u231b\u2328\u23cf\u23e9-\u23fa\u3030\u303d"
)
_TONE = "\U0001f3fb-\U0001f3ff"
# One picture: flags are two letters; others may carry a selector, a skin tone, and further pictures after a joiner.
# Signs that are text by default (© 3 #) count only with the emoji selector or the keycap.
_ONE = f"(?:[{_PICTURE}]\ufe0f?[{_TONE}]?)"
_EMOJI = re.compile(
    f"[\U0001f1e6-\U0001f1ff]{{2}}|{_ONE}(?:\u200d(?:{_ONE}|[\u2190-\u21ff\u2640\u2642\u2695]\ufe0f?))*"
    "|(?:[0-9#*]\ufe0f?\u20e3)|(?:[\u00a9\u00ae\u203c\u2049\u2122\u2139\u2194-\u21aa\u3297\u3299]\ufe0f)"
)

_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co", "Zs", "Zl", "Zp", "Mn", "Me"})
_FILLERS = "\u115f\u1160\u2800\u3164\uffa0"  # letters and a symbol that show nothing


def clean(text: str) -> str:
    """The text without characters that hide, reorder or control, in NFC, without white space around it."""
    if not text.isprintable():
        text = _BAD.sub("", text.replace("\r\n", "\n"))
    if not text.isascii():
        text = unicodedata.normalize("NFC", text)
    return text.strip()


def blank(text: str) -> bool:
    """Whether nobody would see anything of it: white space, joiners, fillers, marks on nothing."""
    return all(unicodedata.category(sign) in _UNSEEN or sign in _FILLERS for sign in text)


def name(text: str) -> str:
    """A member's name as the model may see it: one short line that cannot be taken for anything else."""
    line = " ".join(clean(text).replace(":", " ").split())
    return line[:NAME_LENGTH].rstrip() or "Someone"


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
    if "\U0001f1e6" <= signs[0] <= "\U0001f1ff":
        return ":flag_" + "".join(chr(ord(sign) - 0x1F1E6 + ord("a")) for sign in signs) + ":"
    if signs[0].isascii():
        return signs[0]
    plain = [sign for sign in signs if sign not in "\ufe0f\u200d" and not "\U0001f3fb" <= sign <= "\U0001f3ff"]
    names = (unicodedata.name(sign, "symbol").lower().replace(" ", "_").replace("-", "_") for sign in plain)
    return ":" + "_".join(names) + ":"
