"""The catalogues of translations: complete, in step with the code, and shipped."""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from types import ModuleType

import pytest

from app.core import tongue

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def tool() -> ModuleType:
    spec = importlib.util.spec_from_file_location("catalogues", ROOT / "docs/catalogues.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_sentence_is_translated_into_every_language() -> None:
    made = subprocess.run(
        [sys.executable, str(ROOT / "docs/catalogues.py"), "check"],
        cwd=ROOT, check=False, capture_output=True, text=True,
    )  # fmt: skip
    assert (made.stdout, made.returncode) == ("", 0), made.stderr


@pytest.mark.parametrize(
    "was, becomes, fault",
    [
        ('msgstr "Остановлено."', 'msgstr ""', "not translated in every form: 'I stopped.'"),
        ('msgid "I stopped."', 'msgid "I have stopped."', "not in step with the code"),
        ('msgid "I stopped."', '#, fuzzy\nmsgid "I stopped."', "fuzzy: 'I stopped.'"),
        ('msgstr[1] "{n} дней"', 'msgstr[1] ""', "not translated in every form: '{n} day'"),
        ('msgstr[2] "{n} дней"\n', "", "not translated in every form: '{n} day'"),
        ('msgstr[2] "{n} дней"', 'msgstr[2] "{days} дней"', "other placeholders: '{n} day'"),
        ('msgstr[2] "{n} дней"', 'msgstr[2] "{n дней"', "other placeholders: '{n} day'"),
        ('msgstr "Остановлено."', 'msgstr "Остановлено. "', "other white space at an end: 'I stopped.'"),
    ],
)
def test_a_fault_of_a_catalogue_is_found(
    tool: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, was: str, becomes: str, fault: str
) -> None:
    shutil.copytree(tongue.LOCALE, tmp_path / "locale")
    monkeypatch.setattr(tongue, "LOCALE", tmp_path / "locale")
    path = tongue.path_of("ru")
    text = path.read_text()
    assert text.count(was) == 1
    path.write_text(text.replace(was, becomes))
    assert [line for line in tool.faults("ru") if fault in line]


def test_each_language_has_its_catalogue_and_each_catalogue_is_a_language() -> None:
    there = {path.name for path in tongue.LOCALE.iterdir() if path.is_dir()}
    assert there == tongue.LANGUAGES.keys() - {tongue.ENGLISH}


def test_the_wheel_holds_the_catalogues() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    patterns = project["tool"]["setuptools"]["package-data"]["*"]
    shipped = {path for pattern in patterns for path in (ROOT / "app/core").glob(pattern)}
    assert {tongue.path_of(language) for language in tongue.LANGUAGES if language != tongue.ENGLISH} <= shipped


def test_no_sentence_for_people_is_written_where_no_catalogue_sees_it() -> None:
    """In the modules of sentences, plain text is for operators, and those are known."""
    operators = {"NO_TIME", "OUTDATED", "QUOTA_HELP", "NO_KEYS", "PRIVACY_STATUS", "HELP_OPERATOR"}
    found = set()
    for name in ("words", "measures", "manual", "unread"):
        found |= set(re.findall(r'^([A-Z_]+) = \(?\s*f?"', (ROOT / f"app/core/{name}.py").read_text(), re.MULTILINE))
    assert found == operators
