"""A server as a process of its own, with its output at hand when a test fails."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import httpx

from tests.support.wait import until

INHERITED = ("PATH", "HOME", "LANG", "TMPDIR")
START_SECONDS = 40


@contextlib.asynccontextmanager
async def running(command: list[str], health: str, folder: Path) -> AsyncIterator[None]:
    """The command, from when it answers at ``health`` until the end of the block."""
    environment = {name: os.environ[name] for name in INHERITED if name in os.environ}
    log = folder / "server.log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            command, stdout=out, stderr=out, stdin=subprocess.DEVNULL, env=environment, cwd=folder
        )

    def there() -> bool:
        assert process.poll() is None, f"it ended with {process.returncode}:\n{log.read_text()[-2000:]}"
        with contextlib.suppress(httpx.TransportError):
            return httpx.get(health, trust_env=False, timeout=5).status_code == 200
        return False

    try:
        await until(there, seconds=START_SECONDS, what=f"{command[0]} at {health}")
        yield
    finally:
        process.kill()
        process.wait()
