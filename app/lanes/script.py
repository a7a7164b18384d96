"""The Lua scripts: files beside this one, each put together from the shared parts that its head line names."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from hashlib import sha1
from pathlib import Path

HERE = Path(__file__).with_name("scripts")


@dataclass(frozen=True, slots=True)
class Script:
    """A script as it is sent: its name, its text, and the digest by which EVALSHA knows it."""

    name: str
    text: str
    sha: str


@cache
def script(name: str) -> Script:
    """Read ``scripts/<name>.lua`` and put the parts of its `-- parts:` line before it."""
    body = (HERE / f"{name}.lua").read_text()
    head = body.partition("\n")[0]
    parts = head.removeprefix("-- parts:").split() if head.startswith("-- parts:") else []
    text = "\n".join([*((HERE / "parts" / f"{part}.lua").read_text() for part in parts), body])
    return Script(name, text, sha1(text.encode(), usedforsecurity=False).hexdigest())
