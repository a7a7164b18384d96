"""Keeps the catalogues in app/core/locale in step with the sentences of the code and of the shipped personas.

`make catalogues` writes them: what is new comes in untranslated, what has changed comes in as fuzzy, what is gone goes.
With `check` it only says what is wrong with them, a line each, and ends with 1 if anything is.
"""

import io
import string
import sys
from collections.abc import Iterator
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_file
from babel.messages.pofile import read_po, write_po

from app.core.tongue import ENGLISH, LANGUAGES, path_of
from app.model.persona import load

ROOT = Path(__file__).parents[1]
KEYWORDS = {"_": None, "_n": (1, 2)}
REMARK = "Translators:"
PERSONAS = "app/model/personas"
# Babel's own has dates, versions and blanks to fill in.
HEAD = r"""# {name}. Kept in step with the code by `make catalogues`; docs/languages.md says more.
msgid ""
msgstr ""
"Language: {language}\n"
"Plural-Forms: {plurals}\n"
"Content-Type: text/plain; charset=utf-8\n"

"""


def template() -> Catalog:
    """Every sentence that there is to translate."""
    found = Catalog(project="lanekeeper", charset="utf-8")
    for path in sorted((ROOT / "app").rglob("*.py")):
        for _, ids, remarks, _ in extract_from_file("python", path, keywords=KEYWORDS, comment_tags=(REMARK,)):
            found.add(ids, locations=[(str(path.relative_to(ROOT)), 0)], auto_comments=remarks)
    for key, persona in sorted(load("assistant").personas.items()):
        for text in (persona.about, persona.greeting):
            found.add(text, locations=[(f"{PERSONAS}/{key}.toml", 0)])
    return found


def stored(language: str) -> Catalog:
    """A catalogue as it stands; an empty one where there is none."""
    path = path_of(language)
    if not path.exists():
        return Catalog(language, project="lanekeeper", charset="utf-8", fuzzy=False)
    with path.open("rb") as file:
        return read_po(file, locale=language)


def updated(language: str) -> bytes:
    """A catalogue as it ought to stand."""
    catalog, text = stored(language), io.BytesIO()
    catalog.update(template(), update_creation_date=False)
    text.write(HEAD.format(name=LANGUAGES[language], language=language, plurals=catalog.plural_forms).encode())
    write_po(text, catalog, width=120, omit_header=True, ignore_obsolete=True, include_lineno=False)
    return text.getvalue()


def faults(language: str) -> Iterator[str]:
    """What is wrong with a catalogue."""
    path = path_of(language)
    if not path.exists() or updated(language) != path.read_bytes():
        yield f"{language}: not in step with the code: run `make catalogues`, then translate"
    catalog = stored(language)
    for message in catalog:
        if message.id:
            yield from (
                f"{language}: {fault}: {_each(message.id)[0]!r}" for fault in _faults(message, catalog.num_plurals)
            )


def _faults(message: Message, plurals: int) -> Iterator[str]:
    ids, said = _each(message.id), _each(message.string)
    if message.fuzzy:
        yield "fuzzy"
    if not all(said) or (len(ids) > 1 and len(said) != plurals):
        yield "not translated in every form"
        return
    for form in said:
        if holes(form) != holes(ids[-1]):
            yield "other placeholders"
        if (form[0].isspace(), form[-1].isspace()) != (ids[-1][0].isspace(), ids[-1][-1].isspace()):
            yield "other white space at an end"


def holes(text: str) -> set[str]:
    """The placeholders of a sentence; those that cannot be read count as one of their own."""
    try:
        return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}
    except ValueError as error:
        return {str(error)}


def _each(text: str | list[str] | tuple[str, ...] | None) -> tuple[str, ...]:
    return (text,) if isinstance(text, str) else tuple(text or ())


if __name__ == "__main__":
    languages = [language for language in LANGUAGES if language != ENGLISH]
    if sys.argv[1:] == ["check"]:
        wrong = [fault for language in languages for fault in faults(language)]
        print("\n".join(wrong), end="\n" if wrong else "")
        sys.exit(bool(wrong))
    for language in languages:
        text = updated(language)
        path_of(language).parent.mkdir(parents=True, exist_ok=True)
        path_of(language).write_bytes(text)
