"""New keys without a restart: at SIGHUP, or when a file that holds keys has changed.

A file is read once it has stood unchanged for a second, since it may be half written. Whatever cannot be read or is bad
changes nothing and is said in one line.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from app.core.clock import Clock
from app.core.environ import located, read_dotenv
from app.core.errors import SettingsError, StoreError
from app.core.settings import SECRETS, Settings, load
from app.ops.logs import Redactor

LOOK_SECONDS = 1.0
REST_SECONDS = 1.0  # after a reload; what is asked for meanwhile, however often, is one more after it
NAMES = tuple(f"{name}_FILE" for secret in ("MODEL_API_KEYS", "MODEL_FALLBACKS") for name in SECRETS[secret])
Sign = tuple[tuple[int, int, int] | None, ...]


def files(environ: Mapping[str, str] | None = None, directory: Path | None = None) -> tuple[Path, ...]:
    """The files that hold keys, as the environment or `.env` names them; relative ones start at ``directory``.

    Both default to the process's own.
    """
    environ = os.environ if environ is None else environ
    directory = Path.cwd() if directory is None else directory
    given = {**read_dotenv(directory / ".env")[0], **{name: text for name, text in environ.items() if text.strip()}}
    return tuple(located(directory, given[name]) for name in NAMES if name in given)


def rereads(redactor: Redactor) -> Callable[[], Settings]:
    """Reads all settings anew, and hides from the log what came with them."""

    def read() -> Settings:
        settings = load()
        redactor.learn(settings.secrets())
        return settings

    return read


@dataclass(slots=True, eq=False)
class Reload:
    """Watches, reads and passes on; ``say`` is told what became of it."""

    read: Callable[[], Settings]
    """All settings anew; raises SettingsError."""
    apply: Callable[[Settings], Awaitable[None]]
    """Use their keys; raises SettingsError for such as it will not change to."""
    clock: Clock
    find: Callable[[], Sequence[Path]] = tuple
    """The files that hold keys; asked again with each reload, since settings may name others then."""
    say: Callable[[str], None] = lambda line: None
    _files: Sequence[Path] = ()
    _asked: asyncio.Event = field(default_factory=asyncio.Event)

    def ask(self) -> None:
        """Reload soon, after the one that is under way or was just done: what SIGHUP means."""
        self._asked.set()

    async def run(self) -> None:
        """Watch for as long as the process lives."""
        self._files = self.find()
        known = seen = self._sign()
        while True:
            await self._pause()
            before, seen = seen, self._sign()
            if self._asked.is_set():
                self._asked.clear()
            elif seen == known or seen != before:
                continue
            known = seen
            await self._reload()
            self._files = self.find()
            await self.clock.sleep(REST_SECONDS)

    async def _pause(self) -> None:
        """A second, or until somebody asks."""
        if not self._files:
            await self._asked.wait()
            return
        sleep = asyncio.ensure_future(self.clock.sleep(LOOK_SECONDS))
        asked = asyncio.ensure_future(self._asked.wait())
        try:
            await asyncio.wait({sleep, asked}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            sleep.cancel()
            asked.cancel()

    async def _reload(self) -> None:
        try:
            settings = self.read()
        except SettingsError as error:
            self.say(f"the keys were not read again, the old ones stay: {'; '.join(error.lines)}")
            return
        try:
            await self.apply(settings)
        except SettingsError as error:
            self.say(f"the keys were not read again, the old ones stay: {'; '.join(error.lines)}")
        except StoreError as error:
            self.say(f"the keys were read again; what Redis knows of them was not asked: {error}")
        else:
            others = sum(len(one.keys) for one in settings.model_fallbacks)
            more = f", and {others} of the fallbacks" if others else ""
            self.say(f"the keys were read again: {len(settings.model_api_keys)}{more}")

    def _sign(self) -> Sign:
        """What changes with a file's content; None for one that is not there."""
        return tuple(_sign(path) for path in self._files)


def _sign(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
