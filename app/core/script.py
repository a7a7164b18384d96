"""Lua scripts as files: each is put together from the shared parts, in `parts/`, that its head line names."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from hashlib import sha1
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Script:
    """A script as it is sent: its name, its text, and the digest by which EVALSHA knows it."""

    name: str
    text: str
    sha: str


@cache
def script(folder: Path, name: str) -> Script:
    """Read ``<folder>/<name>.lua`` and put the parts of its `-- parts:` line before it."""
    body = (folder / f"{name}.lua").read_text()
    head = body.partition("\n")[0]
    parts = head.removeprefix("-- parts:").split() if head.startswith("-- parts:") else []
    text = "\n".join([*((folder / "parts" / f"{part}.lua").read_text() for part in parts), body])
    return Script(name, text, sha1(text.encode(), usedforsecurity=False).hexdigest())
