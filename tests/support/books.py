"""The books of quotas on a real server: the scripts as they are, but for the clock, which the test owns.

It is also the `Store` that a Ledger asks; each call is answered at once.
"""

import asyncio
import calendar
from dataclasses import dataclass, field
from typing import Any

from app.core import keys
from app.core.script import Script
from app.model.ledger import SCRIPTS
from tests.support.shard import CLOCK, START_MS, Change, texts

BOT = 1
HELD = keys.held(BOT)
PREFIX = HELD.removesuffix("held")


@dataclass(slots=True)
class Books:
    """Asks the scripts of app/model at a time that only the test moves."""

    client: Any
    change: Change | None = None
    now_ms: int = START_MS
    calls: int = 0
    _shas: dict[str, str] = field(default_factory=dict)
    _told_ms: int = -1

    def __post_init__(self) -> None:
        self.client.flushall()
        self._shas = {name: self.client.script_load(text) for name, text in texts(self.change, SCRIPTS).items()}

    def tick(self, ms: float) -> None:
        """Let time pass, or set the clock back."""
        self.now_ms += round(ms)

    def at(self, *date: int) -> None:
        """Set the clock: year, month, day, hour, minute, second, in UTC."""
        self.now_ms = calendar.timegm((*date, 0, 0, 0)[:6]) * 1000

    def ask(self, name: str, *args: Any) -> Any:
        """The answer of a script; a script's error is raised."""
        self.calls += 1
        if self._told_ms != self.now_ms:
            seconds, ms = divmod(self.now_ms, 1000)
            self.client.hset(CLOCK, mapping={"s": seconds, "u": ms * 1000})
            self._told_ms = self.now_ms
        return self.client.evalsha(self._shas[name], 1, HELD, *args)

    def call(self, script: Script, key: str, args: tuple[Any, ...], *, front: bool = False) -> asyncio.Future[Any]:
        """As the pipe does."""
        assert key == HELD
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        answer.set_result(self.ask(script.name, *args))
        return answer

    def windows(self) -> dict[str, dict[str, int]]:
        """Every window's figures, by the last part of its key."""
        found = {}
        for key in self.client.keys(PREFIX + "use:*"):
            fields = {name.decode(): int(value) for name, value in self.client.hgetall(key).items()}
            found[key.decode().removeprefix(PREFIX + "use:")] = fields
        return found

    def left(self) -> dict[str, int]:
        """Milliseconds that each key has to live; -1: for ever."""
        return {key.decode().removeprefix(PREFIX): self.client.pttl(key) for key in self.client.keys(PREFIX + "*")}
