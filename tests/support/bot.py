"""The real command as a process: settings by environment only; stopped, killed, frozen; its log is read to the end.

When it is closed, neither the token nor a key may stand in its log, whatever was thrown at it.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

from tests.support.remote import Remote
from tests.support.wait import until

COMMAND = os.environ.get("LANEKEEPER") or str(Path(sys.executable).with_name("lanekeeper"))
"""As in bench/: LANEKEEPER names another build to be tested."""
INHERITED = ("PATH", "HOME", "LANG", "TMPDIR")
SETTINGS = {
    "STREAM": "off",
    "MERGE_WAITING": "off",
    "GROUP_MODE": "always",
    "HISTORY_TURNS": "5",
    "HISTORY_TOKENS": "100000",
    "PACE_GLOBAL_PER_SECOND": "0",
    "PACE_CHAT_PER_SECOND": "0",
    "PACE_GROUP_PER_MINUTE": "0",
    "USER_MESSAGES_PER_MINUTE": "0",
    "LANE_LIMIT": "1000000",
    "HOLD_MINUTES": "0",
    "STALE_MINUTES": "0",
    "WEB_PORT": "0",
    "LOG_FORMAT": "json",
    "LOG_LEVEL": "info",
}
"""Nothing drops, merges or paces what the world sends: each question has one answer, and its time is the bot's."""


class Bot:
    """One process of the bot. Settings are given by their names in lower case; None takes one away."""

    def __init__(self, world: Remote, redis_url: str, folder: Path, **settings: object) -> None:
        self.world, self.folder = world, folder
        self.environment = {name: os.environ[name] for name in INHERITED if name in os.environ}
        self.environment |= SETTINGS | {
            "TELEGRAM_BOT_TOKEN": world.token,
            "TELEGRAM_API_BASE_URL": world.url,
            "REDIS_URL": redis_url,
            "MODEL_BASE_URL": f"{world.url}/v1",
            "MODEL_API_KEYS": world.key,
            "MODEL_NAME": "strict-1",
            "DATA_DIR": str(folder / "data"),
        }
        for name, value in settings.items():
            if value is None:
                self.environment.pop(name.upper(), None)
            else:
                self.environment[name.upper()] = str(value)
        self.log_path = folder / f"bot-{id(self):x}.log"
        self.process: subprocess.Popen[bytes] | None = None

    def launch(self, *arguments: str) -> Bot:
        """Starts the command and does not wait for anything."""
        assert self.process is None or self.process.poll() is not None, "it still runs"
        with self.log_path.open("ab") as log:
            self.process = subprocess.Popen(
                [COMMAND, *(arguments or ("run",))],
                env=self.environment,
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        return self

    async def start(self, seconds: float = 20) -> Bot:
        """Starts the command and waits for its first getUpdates."""
        polls = self.world.status["polls"]
        self.launch()

        def there() -> bool:
            assert self.running, f"the bot ended with {self.code}:\n{self.tail()}"
            status = self.world.do("wait", seconds=0.1, polls=polls + 1)
            return bool(status["polls"] > polls)

        try:
            await until(there, seconds=seconds, what="the first getUpdates")
        except AssertionError as late:
            raise AssertionError(f"{late}\n{self.tail()}") from None
        return self

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    @property
    def running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    @property
    def code(self) -> int | None:
        return self.process.poll() if self.process is not None else None

    def signal(self, number: int) -> None:
        os.kill(self.pid, number)

    def kill(self) -> None:
        """SIGKILL, and the process is gone."""
        self.signal(signal.SIGKILL)
        assert self.process is not None
        self.process.wait(10)

    async def ended(self, seconds: float = 25) -> int:
        """Waits for the end of the process; its exit code."""
        try:
            await until(lambda: not self.running, seconds=seconds, what="the end of the bot")
        except AssertionError as late:
            raise AssertionError(f"{late}\n{self.tail()}") from None
        assert self.code is not None
        return self.code

    async def stop(self, seconds: float = 25) -> float:
        """SIGTERM; the seconds until it had ended, which must be with exit code 0."""
        started = time.monotonic()
        self.signal(signal.SIGTERM)
        code = await self.ended(seconds)
        assert code == 0, f"exit code {code}:\n{self.tail()}"
        return time.monotonic() - started

    @property
    def log(self) -> str:
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    def tail(self, lines: int = 15) -> str:
        return "\n".join(line[:400] for line in self.log.splitlines()[-lines:])

    def memory_mb(self, which: str = "VmHWM") -> float:
        """Peak (VmHWM) or present (VmRSS) resident memory."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        found = re.search(rf"^{which}:\s+(\d+) kB", status, re.MULTILINE)
        assert found is not None
        return int(found[1]) / 1024

    def close(self) -> None:
        """Ends the process if it still runs, and reads its log for secrets and for errors that nobody expected."""
        if self.running:
            self.kill()
        for secret in (self.world.token, self.world.token.partition(":")[2], *self.world.secrets):
            lines = [line for line in self.log.splitlines() if secret in line]
            assert not lines, f"a secret stands in {len(lines)} lines of the log, e.g. {lines[0][:300]}"
