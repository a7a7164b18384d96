"""In which language the bot speaks: one for each turn, from catalogues of translations.

The language is a context variable: a turn is a task of its own, so what `speaking` sets is heard in that turn and in
whatever it starts, and in no other. Sentences find it when they are said, that is called; so it need not be handed
through, and one that nobody has said is no text that could be sent. A catalogue is compiled in memory from its .po file
when it is needed first; a start does that for all of them, beside the loop.
"""

from __future__ import annotations

import functools
import gettext
import io
from collections.abc import Mapping
from contextvars import ContextVar, Token
from dataclasses import dataclass
from pathlib import Path

LOCALE = Path(__file__).with_name("locale")
DOMAIN = "lanekeeper"
ENGLISH = "en"  # what the sentences are written in
LANGUAGES = {"en": "English", "de": "Deutsch", "es": "Español", "ja": "日本語", "ru": "Русский", "zh": "中文"}
"""What each calls itself."""
FIELD = "language"  # of a chat's hash: what was chosen there
# How thousands and decimals are set off where it is not done as in English; the blank is one that never breaks.
_SIGNS = {
    "de": str.maketrans({",": ".", ".": ","}),
    "es": str.maketrans({",": "\N{NO-BREAK SPACE}", ".": ","}),
    "ru": str.maketrans({",": "\N{NO-BREAK SPACE}", ".": ","}),
}

_spoken: ContextVar[str] = ContextVar("language", default=ENGLISH)


class speaking:  # noqa: N801  read as a verb; a generator would cost a microsecond more of every turn
    """A block in which everything is said in this one of LANGUAGES."""

    __slots__ = ("_before", "_language")

    def __init__(self, language: str) -> None:
        self._language = language

    def __enter__(self) -> None:
        self._before: Token[str] = _spoken.set(self._language)

    def __exit__(self, *_: object) -> None:
        _spoken.reset(self._before)


def known(code: str | None) -> str:
    """Which of LANGUAGES serves a person whose app says `zh-hans`, `es-419` or `pt-br` (BCP 47): English for others."""
    language = (code or "")[:16].replace("_", "-").partition("-")[0].lower()
    return language if language in LANGUAGES else ENGLISH


def spoken_in(chat: Mapping[str, str], code: str | None, groups: str, *, private: bool) -> str:
    """The language of a chat: what was chosen there, else the person's own, or in a group that of ``groups``."""
    chosen = chat.get(FIELD, "")
    if chosen in LANGUAGES:
        return chosen
    return known(code) if private else groups


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence of ours in English, perhaps with {placeholders}. To call it is to say it."""

    text: str

    def __call__(self, **values: object) -> str:
        said = _catalogue(_spoken.get()).gettext(self.text)
        return said.format(**values) if values else said

    def says(self, text: str) -> bool:
        """Whether a text is this sentence, in whichever language."""
        return text in forms(self)


@dataclass(frozen=True, slots=True)
class Plural:
    """A sentence about a number of things, {n}, in English for one and for many."""

    one: str
    many: str

    def __call__(self, n: float, /, **values: object) -> str:
        count = int(n) if n == int(n) else 2  # half a day is spoken of like two
        return _catalogue(_spoken.get()).ngettext(self.one, self.many, count).format(n=number(n), **values)


def translated(text: str) -> str:
    """A text that may be one of ours, such as a persona's greeting; as it is, where no catalogue has it."""
    return _catalogue(_spoken.get()).gettext(text) if text else text


def number(n: float) -> str:
    """A number as it is written in the language that is spoken."""
    text = f"{n:,}" if isinstance(n, int) else f"{n:,g}"
    return text.translate(_SIGNS.get(_spoken.get(), {}))


@functools.cache
def forms(sentence: Sentence) -> frozenset[str]:
    """A sentence without placeholders in every language."""
    return frozenset(_catalogue(language).gettext(sentence.text) for language in LANGUAGES)


def path_of(language: str) -> Path:
    """Where a language's translations stand."""
    return LOCALE / language / "LC_MESSAGES" / f"{DOMAIN}.po"


@functools.cache
def _catalogue(language: str) -> gettext.NullTranslations:
    if language == ENGLISH:
        return gettext.NullTranslations()
    # Sixty milliseconds that no start has to wait for.
    from babel.messages.mofile import write_mo  # noqa: PLC0415
    from babel.messages.pofile import read_po  # noqa: PLC0415

    compiled = io.BytesIO()
    with path_of(language).open("rb") as file:
        write_mo(compiled, read_po(file, locale=language))
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)
