"""What a reader must see as the model wrote it: maths, addresses, text that looks like HTML.

Each such place becomes one private character before Markdown is read, and itself again afterwards. The parser takes
the character for a letter, so it may stand anywhere; inside of code it comes back all the same.
"""

from __future__ import annotations

import re

_FIRST, _LAST = 0xF0000, 0xFFFFD
UNDERLINE, UNDERLINE_END = chr(_FIRST), chr(_FIRST + 1)
_STAND_IN = re.compile(f"[{chr(_FIRST)}-{chr(_LAST)}]")
_STAND_IN_WORD = re.compile(f"[{chr(_FIRST + 2)}-{chr(_LAST)}]")

# Inside of maths there is no blank line and no code.
_INNER = r"(?!\n[ \t>]*\n)[^`]"
# Scripts that put no space around bold words, and where Markdown would see none beside punctuation: "**注意：**请看".
_CJK, _ASCII = "\u2e80-\uffef", "\x00-\u2010"
_PLACE = "[!#-'*-;=?-Z_a-z~]"  # in an address; a bracket only where it is closed in it
_TIMES = r"(?:\*(?=[A-Za-z0-9(])|\*\*(?=[0-9]))"  # as in 2*3*4, a*(b+c)*d, x**2 + y**2
_RAW = re.compile(
    rf"""(?=[\\$`hw<:_*{chr(_FIRST)}-{chr(_LAST)}])(?:
    (?P<underline></?u>)
    | (?P<maths> \\\[(?:(?!\\[\[\]]){_INNER})*+\\\]
        | \\\((?:(?!\\[()]){_INNER})*+\\\)
        | \$\$(?:(?!\$\$){_INNER})++\$\$
        | (?<![\\$\w])\$(?![\s$])[^$\n`]*(?<![\s\\])\$(?![\d$]) )     # not the prices of "$5 or $6"
    | \\[()\[\]]                                                      # maths that has not ended yet
    | (?P<code> (?<!`)(?P<ticks>``?)(?![`\s])[^`\n]*(?<!\s)(?P=ticks)(?!`) )
    | (?P<address> (?<![a-z<])(?:https?://|www\.)(?:(?!\*\*|~~){_PLACE}|\({_PLACE}*\)|\()+ )
    | (?P<html> (?<!\]\()(?<!\\)<(?=[a-zA-Z/!?])(?!(?:https?|ftp|mailto):[^\s<>]*>|[\w.+-]+@[\w.-]+>) )
    | (?<=\]):                                # else "[1]: https://…" is a definition, which nobody sees
    | (?:(?<=(?<!\*)[0-9)\]])|(?<=(?<![\w*])[A-Za-z])){_TIMES}(?:(?:[A-Za-z]|[0-9.]++){_TIMES})*
    | (?<![\w*])__[a-z]++(?:_[a-z]++)*+__(?!\w)                       # Python's __init__
    | (?P<close> (?: (?<=[^\w\s*{_ASCII}])(?=\*{{2,3}}\w|\*[{_CJK}])      # bold that ends with punctuation, and
        | (?<=[^\w\s*\\(\[{{<])(?=\*{{2,3}}[{_CJK}]) )(?=\*+\w) \*+ )         # no space follows
    | (?P<open> (?<=\w)(?: \*{{2,3}}(?=[^\w\s*{_ASCII}])                  # ... or begins with it, and none precedes
        | (?<=[{_CJK}])(?:\*{{2,3}}(?=[^\w\s*])|\*(?=[^\w\s*{_ASCII}])) ) )
    | [{chr(_FIRST)}-{chr(_LAST)}]
    )""",
    re.VERBOSE,
)
_MARKUP = re.compile(r"[*_~&]")
_TAIL = "?!.,:;*_~'\""
_QUOTED = re.compile(r"\n[ \t]*(?:>[ \t]?)+")


class Shield:
    """Hides such places of one text, and brings them back."""

    __slots__ = ("_hidden", "text")

    def __init__(self, source: str) -> None:
        self._hidden = ["<u>", "</u>"]
        self.text = _RAW.sub(self._hide, source)

    def restore(self, text: str, *, quoted: bool = False, words: bool = False) -> str:
        """The text as it was written, in ``words`` but for the marks of underlining.

        ``quoted`` takes away the marks of a quote that lay inside of a hidden place.
        """
        if text.isascii():
            return text
        return (_STAND_IN_WORD if words else _STAND_IN).sub(lambda found: self._shown(found[0], quoted=quoted), text)

    def _shown(self, sign: str, *, quoted: bool) -> str:
        index = ord(sign) - _FIRST
        text = self._hidden[index] if index < len(self._hidden) else sign
        return _QUOTED.sub("\n", text) if quoted and "\n" in text else text

    def _hide(self, found: re.Match[str]) -> str:
        text, kind = found[0], found.lastgroup
        if kind == "underline":
            return UNDERLINE if text == "<u>" else UNDERLINE_END
        if kind == "close":
            return self._sign("") + text
        if kind == "open":
            return text + self._sign("")
        if kind == "address":
            return self._address(text)
        if kind == "code":
            return text.replace("|", self._sign("|")) if "|" in text and _in_row(found) else text
        if kind == "maths" and text.endswith("|$") and text[1] != "|" and _in_row(found):  # "|$a|$b|"
            return text
        return self._sign(text)

    def _address(self, text: str) -> str:
        """Marks that follow an address are not part of it."""
        address = text.rstrip(_TAIL)
        return self._sign(address) + text[len(address) :] if _MARKUP.search(address) else text

    def _sign(self, text: str) -> str:
        if len(self._hidden) > _LAST - _FIRST:
            return text
        self._hidden.append(text)
        return chr(_FIRST + len(self._hidden) - 1)


def _in_row(found: re.Match[str]) -> bool:
    """Whether it stands in a line of a table, whose cells the bars divide."""
    line = found.string[found.string.rfind("\n", 0, found.start()) + 1 : found.start()]
    return line.lstrip(" \t>").startswith("|")
