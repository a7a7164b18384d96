"""Answers that this project did not write: each rendering is one that Telegram takes, and no word is lost."""

from __future__ import annotations

import html
import json
import re
from pathlib import Path
from typing import Any

import pytest

from app.outbox.markup import Part, literal, parts
from tests.support.entities import strict

DATA = Path(__file__).parents[2] / "data"
_UNSEEN = re.compile(r"<(?:img [^>]*alt=\"([^\"]*)\"[^>]*|!--.*?--|[^>]*)>", re.DOTALL)


def load(name: str) -> Any:
    return json.loads((DATA / name).read_text())


def letters(text: str) -> str:
    return "".join(sign for sign in text if sign.isalnum())


def holds(text: str, words: str) -> bool:
    """Whether all the letters are there, in their order."""
    rest = iter(letters(text))
    return all(sign in rest for sign in letters(words))


def valid(found: list[Part], limit: int = 4096) -> str:
    for part in found:
        strict(part.text, part.entities, limit)
    return "\n".join(part.text for part in found)


@pytest.mark.parametrize("name", ["commonmark.json", "gfm.json"])
def test_no_word_of_a_specifications_example_is_lost(name: str) -> None:
    for markdown, page in load(name):
        seen = valid(parts(markdown))
        # What stands in a tag of HTML counts too: here it stays visible.
        words = html.unescape(_UNSEEN.sub(lambda found: found[1] or "", page))
        if "</div>\n``` c" not in markdown:  # here the code begins although HTML stands above it
            assert holds(seen, words), (markdown, seen, words)


@pytest.mark.parametrize("name", ["commonmark.json", "gfm.json"])
def test_all_examples_after_another_are_one_valid_answer(name: str) -> None:
    examples = load(name)
    valid(parts("\n\n".join(markdown for markdown, _ in examples)))
    for size in (200, 997):
        valid(parts("\n\n".join(markdown for markdown, _ in examples[:200]), size), size)


def test_naughty_strings_are_harmless_answers() -> None:
    strings: list[str] = load("naughty.json")
    for together in (
        "\n\n".join(strings),
        " ".join(f"**{string}**" for string in strings),
        "> " + "\n> ".join(strings),
    ):
        valid(parts(together))
    for string in strings:
        seen = valid(parts(string))
        assert holds(seen, string) or holds(seen, html.unescape(string)), (string, seen)
        assert holds(valid(literal(string)), string)


def test_every_emoji_comes_through_whole() -> None:
    lines = (DATA / "emoji.txt").read_text().split("\n")
    for line in lines:
        emoji = [one for one in line.split() if one[0] != "*"]  # the key of that sign is Markdown
        assert valid(parts(" ".join(f"**{one}** _x{one}_" for one in emoji))).split()[::2] == emoji
        for found in (parts("*a* " + "".join(emoji), 200), literal("".join(emoji), 200)):
            valid(found, 200)
            if not emoji:
                continue
            assert "".join(part.text for part in found).removeprefix("a ") == "".join(emoji)
            known = set(emoji)
            for part in found:
                assert whole(part.text.removeprefix("a "), known), part


def whole(text: str, known: set[str]) -> bool:
    """Whether a text is made of known emoji only."""
    ways = {0}
    for start in range(len(text)):
        if start in ways:
            ways |= {end for end in range(start + 1, min(start + 12, len(text)) + 1) if text[start:end] in known}
    return len(text) in ways
