"""Characters that no message holds: Telegram drops them, or they reorder or hide what people see."""

from __future__ import annotations

import re
import unicodedata

# Controls but tab and newline, separators, bidi marks, halves of a pair; and three marks over and under letters, which
# Telegram takes out of every text. For use inside of a set of a regular expression.
HIDDEN = "\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff\u030a\u0333\u033f"
_HIDDEN = re.compile(f"[{HIDDEN}]")
_RING = re.compile(".\u030a")


def clean(text: str) -> str:
    """The text without them; line ends become newlines, halves are joined or shown as unreadable."""
    if (text.isascii() and text.isprintable()) or not _HIDDEN.search(text):
        return text
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\u2028", "\n").replace("\u2029", "\n")
    text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    text = _RING.sub(lambda found: unicodedata.normalize("NFC", found[0]), text)  # an å stays what it is
    return _HIDDEN.sub("", text)
