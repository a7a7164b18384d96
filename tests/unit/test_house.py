"""The repository itself: locks, tracked files, compose file, generated pages and the Makefile's first words."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LOCKS = ["requirements.lock", "requirements-dev.lock", "requirements-llmock.lock"]

# Put together here, so that this file does not find itself.
MACHINE_PATHS = re.compile("|".join(f"(?<![\\w.}}])/{name}/" for name in ("work", "root", "farm", "home")))
INDEXES = re.compile("--(?:extra-)?index" + "-url|--find" + r"-links|https?://[^\s\"]*/(?:sim" + "ple|pack" + "ages)/")


def pins(lock: str) -> dict[str, str]:
    """Name → version of every requirement of a lock file; AssertionError for one that is not pinned."""
    found = {}
    for line in (ROOT / lock).read_text().splitlines():
        if line[:1].isspace() or not line:
            continue
        match = re.match(r"([a-z0-9-]+)==([^ ;]+)( ; [^\\]+)? \\$", line)
        assert match, f"{lock}: not pinned with hashes: {line}"
        found[match[1]] = match[2]
    return found


def wanted(*groups: str) -> set[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    lines = [*project["project"]["dependencies"], *(r for g in groups for r in project["dependency-groups"][g])]
    return {re.split(r"[^A-Za-z0-9-]", line, maxsplit=1)[0].lower() for line in lines}


def tracked() -> list[Path]:
    """What is in the repository or would be with the next `git add`; everything, where git is missing."""
    try:
        listing = subprocess.run(
            ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
            cwd=ROOT, check=True, capture_output=True, text=True,
        ).stdout.splitlines()  # fmt: skip
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("not a git checkout")
    return [ROOT / name for name in listing if (ROOT / name).is_file()]


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_names_no_address_and_no_path(lock: str) -> None:
    text = (ROOT / lock).read_text()
    assert "://" not in text
    assert not re.search(r"(?m)^\s*(-|#)(?!-hash=sha256:)", text)
    assert set(re.findall(r"--hash=(\w+):", text)) == {"sha256"}


def test_the_runtime_lock_holds_what_the_project_asks_for_and_its_build_backend() -> None:
    assert wanted("build") <= pins("requirements.lock").keys()


def test_the_dev_lock_is_the_runtime_lock_and_the_tools() -> None:
    dev = pins("requirements-dev.lock")
    assert wanted("dev") <= dev.keys()
    assert pins("requirements.lock").items() <= dev.items()


def test_no_tracked_file_names_a_path_of_this_machine_or_an_index() -> None:
    found = []
    for path in tracked():
        try:
            lines = path.read_text().splitlines()
        except UnicodeDecodeError:
            continue  # a picture
        for number, line in enumerate(lines, 1):
            if MACHINE_PATHS.search(line) or INDEXES.search(line):
                found.append(f"{path.relative_to(ROOT)}:{number}: {line.strip()[:100]}")
    assert not found, "\n".join(found)


def check_compose(path: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", str(path)]
    return subprocess.run(command, check=False, capture_output=True, text=True)


def test_the_compose_file_is_valid() -> None:
    result = check_compose(ROOT / "docker-compose.yml")
    assert result.returncode == 0, result.stdout


def test_a_wrong_compose_file_is_found(tmp_path: Path) -> None:
    wrong = tmp_path / "docker-compose.yml"
    wrong.write_text((ROOT / "docker-compose.yml").read_text().replace("read_only:", "reed_only:"))
    assert check_compose(wrong).returncode == 1


def test_every_setting_is_in_the_example() -> None:
    from app.core.settings import Settings

    shown = set(re.findall(r"(?m)^#? ?([A-Z][A-Z0-9_]*)=", (ROOT / ".env.example").read_text()))
    names = {name.upper() for name in Settings.model_fields}
    assert names == shown, f"missing: {sorted(names - shown)}, unknown: {sorted(shown - names)}"


@pytest.mark.parametrize("page", ["docs/settings.md", "docs/redis.md", "docs/metrics.md", ".env.example"])
def test_a_generated_page_is_what_the_code_says(page: str) -> None:
    made = subprocess.run(
        [sys.executable, str(ROOT / "docs/generate.py"), page], cwd=ROOT, check=False, capture_output=True, text=True
    )
    assert made.returncode == 0, made.stderr
    assert made.stdout == (ROOT / page).read_text(), "run `make docs`"


@pytest.fixture
def alone(tmp_path: Path) -> Path:
    """A folder with what `make install` reads, and no .venv."""
    for name in ("Makefile", "pyproject.toml", "requirements.lock"):
        shutil.copy(ROOT / name, tmp_path)
    return tmp_path


def make(folder: Path, python: str) -> list[str]:
    """The lines `make install` prints when `python` is all there is."""
    command = ["make", "--no-print-directory", "-C", str(folder), "install", f"PYTHON={python}"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    result = subprocess.run(command, check=False, capture_output=True, text=True, env=environment)
    assert result.returncode != 0
    return [line for line in result.stderr.splitlines() if not line.startswith("make: ***")]


def fake_python(folder: Path, fails_at: str) -> str:
    script = folder / "python"
    script.write_text(f'#!/bin/sh\ncase "$2" in *{fails_at}*) exit 1;; esac\necho "Python 3.9.2"\n')
    script.chmod(0o755)
    return str(script)


def test_without_python_one_line_says_what_to_install(alone: Path) -> None:
    (line,) = make(alone, str(alone / "nowhere"))
    assert "apt-get install python3 python3-venv" in line


def test_an_old_python_is_named_in_one_line(alone: Path) -> None:
    (line,) = make(alone, fake_python(alone, "version_info"))
    assert "needs Python 3.11" in line
    assert "Python 3.9.2" in line


def test_without_venv_one_line_says_what_to_install(alone: Path) -> None:
    (line,) = make(alone, fake_python(alone, "ensurepip"))
    assert "apt-get install python3-venv" in line
