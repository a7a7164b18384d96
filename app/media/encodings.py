"""The encoding of a text that names none and is no clean UTF-8: damaged UTF-8, Japanese, Russian, Chinese or Western.

The characters that come out decide. A wrong guess is a text that nobody can read, never an error.
"""

from __future__ import annotations

import codecs
import re

_LOOKED_AT_BYTES = 64 << 10
_MOST_DAMAGE = 0.1  # of the characters beyond ASCII
_RUN = re.compile(rb"[\x80-\xff]+")
_SHORT_RUNS = 2  # bytes beyond ASCII in a row, on average: in Western words they mostly stand alone
_FOREIGN = re.compile(r"[^\x00-\x7f]")
# Each with what a text in it shows, and the least share of that in its characters beyond ASCII.
_OTHERS = (
    ("cp932", "[\u3041-\u30fc]", 0.2),
    ("euc_jp", "[\u3041-\u30fc]", 0.2),
    ("cp1251", "[\u0401\u0410-\u044f\u0451\u00ab\u00bb\u2013\u2014\u2116]", 0.95),
    ("gb18030", "[\u4e00-\u9fff\u3000-\u301f\uff01-\uff5e\u2014\u2018-\u2026]", 0.95),
)


def guessed(body: bytes, *, whole: bool = True) -> str:
    """The text in the encoding that suits it best. Not ``whole``: it may end inside a sign. Never raises."""
    text = _decoded(body, "utf-8", "replace", whole=whole)
    if text.count("\ufffd") <= _MOST_DAMAGE * len(_FOREIGN.findall(text)):
        return text
    sample = body[:_LOOKED_AT_BYTES]
    runs = _RUN.findall(sample)
    if sum(map(len, runs)) > _SHORT_RUNS * len(runs):
        for encoding, signs, least in _OTHERS:
            if _suits(sample, encoding, signs, least, whole=whole and len(sample) == len(body)):
                return _decoded(body, encoding, "replace", whole=whole)
    return body.decode("cp1252", "replace") if _western(body) else body.decode("latin-1")


def _suits(sample: bytes, encoding: str, signs: str, least: float, *, whole: bool) -> bool:
    try:
        foreign = "".join(_FOREIGN.findall(_decoded(sample, encoding, "strict", whole=whole)))
    except UnicodeDecodeError:
        return False
    return len(re.findall(signs, foreign)) >= least * len(foreign)


def _decoded(body: bytes, encoding: str, errors: str, *, whole: bool) -> str:
    return codecs.getincrementaldecoder(encoding)(errors).decode(body, whole)


def _western(body: bytes) -> bool:
    """Whether the bytes that only Windows has a letter for all have one."""
    return not body.translate(None, bytes(set(range(256)) - {0x81, 0x8D, 0x8F, 0x90, 0x9D}))
