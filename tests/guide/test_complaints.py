"""docs/complaints.md: what people complain of in other bots. Every promise there is held by a test that exists."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = "docs/complaints.md"
KEPT, _, NOT_YET = (ROOT / PAGE).read_text().partition("\n## Not yet\n")
TEST = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`")


def rows(text: str) -> list[list[str]]:
    """The cells of each row of its tables, without their heads."""
    found = [line.strip("|").split("|") for line in text.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in row] for row in found if "---" not in row[0] and row[0].strip() not in HEADS]


HEADS = {"people say", "what"}
PROMISES = rows(KEPT)


@cache
def names_in(path: str) -> frozenset[str]:
    """The names of the tests of a file, which is only read."""
    tree = ast.parse((ROOT / path).read_text())
    functions = (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
    return frozenset(one.name for one in functions if one.name.startswith("test_"))


@pytest.mark.parametrize("row", PROMISES, ids=lambda row: row[0][:40])
def test_each_complaint_says_whose_it_is_and_is_answered_and_held_by_tests_that_exist(row: list[str]) -> None:
    said, here, held = row
    assert re.search(r"#\d+", said), "no issue is named"
    assert here
    named = TEST.findall(held)
    assert named, "no test is named"
    assert not TEST.sub("", held).strip(), "something else than tests is named"
    assert [name for path, name in named if name not in names_in(path)] == []


def test_each_group_of_complaints_has_some() -> None:
    groups = re.split(r"^## ", KEPT, flags=re.MULTILINE)[1:]
    assert len(groups) == 11
    assert all(rows(group) for group in groups)


def test_what_is_not_there_yet_is_said_plainly() -> None:
    missing = rows(NOT_YET)
    assert missing
    assert all(len(row) == 2 and all(row) for row in missing)


def test_a_reader_finds_the_page() -> None:
    assert f"]({PAGE})" in (ROOT / "README.md").read_text()
