"""Where settings come from: the environment, then `.env`; secrets also from files. Names and texts only, no meaning.

An empty value counts as unset. A value of the environment hides the one in `.env`, and also every other way of
giving the same secret there (NAME, NAME_FILE, an older name).
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from dotenv.parser import parse_stream

NEAR = 0.85  # as alike as REDIS_URI and REDIS_URL; below that a name is somebody else's


def read_dotenv(path: Path) -> tuple[dict[str, str], list[str]]:
    """The values of a `.env` file that are not empty, and a line for each thing in it that cannot be understood."""
    try:
        with path.open(encoding="utf-8") as stream:
            bindings = list(parse_stream(stream))
    except FileNotFoundError:
        return {}, []
    except (OSError, UnicodeDecodeError) as error:
        return {}, [f"{path.name}: cannot be read: {_reason(error)}"]
    bad = [
        f"{path.name}, line {b.original.line}: NAME=value is needed"
        for b in bindings
        if b.error or (b.key and b.value is None)
    ]
    return {b.key: b.value.strip() for b in bindings if b.key and b.value and b.value.strip()}, bad


def collect(
    sources: Iterable[Mapping[str, str]], names: Iterable[str], secrets: Mapping[str, tuple[str, ...]], directory: Path
) -> tuple[dict[str, str], list[str]]:
    """What is set, by name, and a line for each secret that cannot be read.

    ``secrets`` maps a secret to all names it goes by; relative paths of files start at ``directory``.
    """
    values: dict[str, str] = {}
    bad: list[str] = []
    for source in sources:
        given = {name: text.strip() for name, text in source.items() if text.strip()}
        for name in names:
            if name in values:
                continue
            found = _secret(given, secrets[name], directory, bad) if name in secrets else given.get(name, "")
            if found:
                values[name] = found
    return values, bad


def _secret(given: Mapping[str, str], names: tuple[str, ...], directory: Path, bad: list[str]) -> str:
    ways = [way for name in names for way in (name, f"{name}_FILE") if way in given]
    if len(ways) > 1:
        bad.append(f"{' and '.join(ways)} are set: leave one of them")
        return ""
    if not ways or not ways[0].endswith("_FILE"):
        return given[ways[0]] if ways else ""
    path = located(directory, given[ways[0]])
    try:
        text = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        # what names no file may be the secret itself, written into the wrong setting
        shown = f"={given[ways[0]]}" if os.path.exists(path) else ""  # noqa: PTH110  Path's raises
        bad.append(f"{ways[0]}{shown}: the file cannot be read: {_reason(error)}")
        return ""
    if not text:
        bad.append(f"{ways[0]}={given[ways[0]]}: the file is empty")
    return text


def located(directory: Path, text: str) -> Path:
    """The file that a setting names; a relative one starts at ``directory``, `~` is the home folder."""
    return directory / Path(os.path.expanduser(text.strip()))  # noqa: PTH111  Path's raises for an unknown person


def misspelt(given: Iterable[str], known: Iterable[str]) -> list[str]:
    """A line for each name that is nearly one of ours."""
    ours = set(known)
    near = {name: difflib.get_close_matches(name.upper(), ours, 1, NEAR) for name in given if name not in ours}
    return [f"{name} is not a setting: is {match[0]} meant?" for name, match in near.items() if match]


def _reason(error: OSError | UnicodeDecodeError) -> str:
    return (error.strerror or str(error)) if isinstance(error, OSError) else "it is not UTF-8 text"
