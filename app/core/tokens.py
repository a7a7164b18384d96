"""How many tokens a text may be, rather too many than too few: room is reserved by it until the truth is known.

Bytes of UTF-8 by 2.8 holds for most languages and tokenizers; characters beyond the basic plane, emoji above all, take
up to three tokens each. Pure.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

BYTES_PER_TOKEN = 2.8
MOST_PER_CHARACTER = 3
PER_MESSAGE = 4
"""What surrounds a message: role and separators."""
PER_IMAGE = 1000
"""A photo as Telegram scales it; what models count differs, and most count less."""
LEAST_ANSWER = 64
"""An answer shorter than this is not worth asking for."""


def tokens(text: str) -> int:
    """Tokens of a text."""
    if text.isascii():
        return math.ceil(len(text) / BYTES_PER_TOKEN)
    wide = len(text.encode("utf-16-le", "surrogatepass")) // 2 - len(text)
    narrow = len(text.encode("utf-8", "surrogatepass")) - 4 * wide
    return math.ceil(narrow / BYTES_PER_TOKEN) + MOST_PER_CHARACTER * wide


def conversation(messages: Iterable[Mapping[str, object]]) -> int:
    """Tokens of the messages of a prompt."""
    return sum(tokens(str(message["content"])) + PER_MESSAGE for message in messages)


def floor(front: Iterable[Mapping[str, object]], max_tokens: int) -> int:
    """Tokens that the shortest question after these messages needs, its answer of at most ``max_tokens`` included."""
    return conversation([*front, {"content": "?"}]) + min(LEAST_ANSWER, max_tokens)
