"""Whole answers as models write them: what people see of each was looked at once, and stays so."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.outbox.markup import Part, parts
from tests.support.entities import strict

ANSWERS = Path(__file__).parents[2] / "data" / "answers"
NAMES = {"text_link": "a", "blockquote": "quote", "bold": "b", "italic": "i", "underline": "u", "strikethrough": "s"}


def shown(found: list[Part]) -> str:
    """Messages as one text with the formatting as tags; ⸨ and ⸩ stand around each tag."""
    return "\n⸨message⸩\n".join(tagged(part) for part in found) + "\n"


def tagged(part: Part) -> str:
    raw = part.text.encode("utf-16-le")
    tags: list[tuple[int, int, int, str]] = []
    for number, entity in enumerate(part.entities):
        name = NAMES.get(entity["type"], entity["type"])
        extra = entity.get("url") or entity.get("language")
        begin, end = entity["offset"], entity["offset"] + entity["length"]
        tags += [(begin, 1, number, f"⸨{name} {extra}⸩" if extra else f"⸨{name}⸩"), (end, 0, -number, f"⸨/{name}⸩")]
    out, last = "", 0
    for at, _, _, tag in sorted(tags):
        out += raw[2 * last : 2 * at].decode("utf-16-le") + tag
        last = at
    return out + raw[2 * last :].decode("utf-16-le")


@pytest.mark.parametrize("name", sorted(path.stem for path in ANSWERS.glob("*.md")))
def test_an_answer_looks_as_it_was_found_good(name: str) -> None:
    found = parts((ANSWERS / f"{name}.md").read_text())
    assert shown(found) == (ANSWERS / f"{name}.txt").read_text()


@pytest.mark.parametrize("name", sorted(path.stem for path in ANSWERS.glob("*.md")))
def test_every_beginning_of_an_answer_is_a_message_too(name: str) -> None:
    answer = (ANSWERS / f"{name}.md").read_text()
    for end in range(1, len(answer)):
        for part in parts(answer[:end]):
            strict(part.text, part.entities)
