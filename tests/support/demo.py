"""The command as a newcomer runs it: a folder of its own, settings by environment, all that it prints in one file.

With nothing set that is the demo (simulator, embedded Valkey, offline model); a person of it is `demo.someone(1001)`.
"""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import time
from dataclasses import dataclass
from pathlib import Path

import httpx

from simulator.client import Someone
from tests.support.bot import COMMAND, INHERITED, Bot
from tests.support.wait import until

ADA, GRACE, LINUS, MARGARET = 1001, 1002, 1003, 1004
"""The people of the simulator. In its groups Grace is the creator and Ada an admin; Ada operates the demo."""
HIKERS, GENERAL = "-1001000000001", "-1001000000002:1"
IDEAS, QUESTIONS = "-1001000000002:2", "-1001000000002:3"
"""A group, and three topics of a forum."""
BOT_NAME = "@lanekeeper_bot"
ADDRESS = re.compile(r"http://\S+")


class Demo(Bot):
    """One process of the bot that brings its own Telegram; see `Bot` for how it is signalled, killed and read."""

    def __init__(self, folder: Path, **settings: object) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.environment = environment(folder, **settings)
        self.log_path = folder / "output"
        self.process = None
        self._begins = 0

    def launch(self, *arguments: str) -> Demo:
        self._begins = len(self.log)
        super().launch(*arguments)
        return self

    async def start(self, seconds: float = 20) -> Demo:
        """Starts the command and waits for the address of its chat page."""
        self.launch()
        return await self.ready(seconds)

    async def ready(self, seconds: float = 20) -> Demo:
        """Waits until it has said that all is there."""

        def there() -> bool:
            assert self.running, f"the bot ended with {self.code}:\n{self.tail()}"
            return '"event":"ready"' in self.output and (bool(self.page) or "TELEGRAM_BOT_TOKEN" in self.environment)

        try:
            await until(there, seconds=seconds, what="the bot to be ready")
        except AssertionError as late:
            raise AssertionError(f"{late}; its log:\n{self.tail()}") from None
        return self

    @property
    def output(self) -> str:
        """What it printed since it was started last."""
        return self.log[self._begins :]

    @property
    def page(self) -> str:
        """The address of the chat page, "" while none was printed whole."""
        found = re.search(r"^(http://\S+)\n", self.output, re.MULTILINE)
        return found[1] if found else ""

    def someone(self, person: int = ADA) -> Someone:
        """A person of this demo."""
        return Someone(self.page, person)

    def close(self) -> None:
        """Ends the process if it still runs, and clears away the socket that a killed one leaves."""
        if self.running:
            self.kill()
        note = self.folder / "data" / "valkey" / "server"
        if note.exists() and (place := Path(note.read_text().strip())).name.startswith("lk-"):
            shutil.rmtree(place, ignore_errors=True)


def environment(folder: Path, **settings: object) -> dict[str, str]:
    """A whole environment: the settings by their names in lower case, free ports, data under the folder."""
    inherited = {name: os.environ[name] for name in INHERITED if name in os.environ}
    own = {"DATA_DIR": str(folder / "data"), "WEB_PORT": "0", "SIMULATOR_PORT": "0", "LOG_FORMAT": "json"}
    given = {name.upper(): str(value) for name, value in settings.items() if value is not None}
    left_out = {name.upper() for name, value in settings.items() if value is None}
    return {name: text for name, text in (inherited | own | given).items() if name not in left_out}


@dataclass(frozen=True, slots=True)
class Ran:
    """A command that has ended."""

    code: int
    out: str
    err: str
    seconds: float

    @property
    def lines(self) -> list[str]:
        """All that it said."""
        return [line for line in (self.out + self.err).splitlines() if line.strip()]

    @property
    def refusals(self) -> list[str]:
        """Why it does not start, as it says to a person beside its log."""
        return [line for line in self.err.splitlines() if line.startswith("lanekeeper: ")]


async def run(folder: Path, *arguments: str, **settings: object) -> Ran:
    """Runs a command of ours to its end, at most 20 s; the loop of the test goes on meanwhile."""
    folder.mkdir(parents=True, exist_ok=True)
    began = time.monotonic()
    process = await asyncio.create_subprocess_exec(
        *(str(COMMAND), *arguments),
        env=environment(folder, **settings),
        cwd=folder,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(20):
            out, err = await process.communicate()
    except TimeoutError:
        process.kill()
        await process.wait()
        raise
    assert process.returncode is not None
    return Ran(process.returncode, out.decode(), err.decode(), time.monotonic() - began)


def get(url: str) -> tuple[int, str]:
    """Status and body of a page of another process."""
    answer = httpx.get(url, trust_env=False, timeout=5)
    return answer.status_code, answer.text


def living(folder: Path) -> list[int]:
    """Processes that work in this folder or below it: a bot of ours, and the server that it embeds."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                place = (entry / "cwd").readlink()
                dead = (entry / "stat").read_text().rpartition(")")[2].split()[0] == "Z"
            except OSError:
                continue
            if place.is_relative_to(folder) and not dead:
                found.append(int(entry.name))
    return found
