"""The world as a process of its own, and the test's hand on it."""

from __future__ import annotations

import http.client
import subprocess
import sys
from typing import Any

import msgspec

from tests.support.clean import clean
from tests.support.keyed import Key, Request
from tests.support.wait import until
from tests.support.world import KEY, TOKEN

LOOK_SECONDS = 0.2


class Remote:
    """Starts a world; each verb of `tests.support.world.World` is one call of `do`."""

    token, key = TOKEN, KEY
    secrets: tuple[str, ...] = (KEY,)
    """Every key that was ever given to the model: none may stand in a log."""

    def __init__(self, turns: int = 5) -> None:
        command = [sys.executable, "-m", "tests.support.world", "--turns", str(turns)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE)
        assert self.process.stdout is not None
        ready = self.process.stdout.readline().decode().split()
        assert ready[:1] == ["ready"], "the world did not start"
        self.url = ready[1]
        self._http = http.client.HTTPConnection(self.url.removeprefix("http://"), timeout=30)

    def do(self, verb: str, **arguments: Any) -> Any:
        """Calls a verb of the world and returns what it answers."""
        self._http.request("POST", f"/control/{verb}", msgspec.json.encode(arguments))
        answer = self._http.getresponse()
        body = answer.read()
        assert answer.status == 200, f"{verb}: {body.decode()}"
        return msgspec.json.decode(body)

    def add(self, count: int, **arguments: Any) -> None:
        self.do("add", count=count, **arguments)

    def say(self, chat: int, text: str, **arguments: Any) -> int:
        """One person writes one message; its index."""
        index: int = self.do("say", chat=chat, text=text, **arguments)
        return index

    def fault(self, method: str, kind: str, **arguments: Any) -> None:
        self.do("fault", method=method, kind=kind, **arguments)

    def model(self, **settings: float) -> None:
        self.do("model", **settings)

    def keys(self, *keys: Key) -> None:
        """The model's keys from now on; its book of requests begins anew."""
        self.secrets += tuple(key.secret for key in keys)
        self.do("keys", keys=[msgspec.to_builtins(key) for key in keys])

    def requests(self, since: float = 0) -> list[Request]:
        """What the model was asked, key by key."""
        return msgspec.convert(self.do("requests", since=since), list[Request])

    @property
    def status(self) -> dict[str, Any]:
        status: dict[str, Any] = self.do("status")
        return status

    def look(self, index: int) -> dict[str, Any]:
        """All that is known of one input."""
        seen: dict[str, Any] = self.do("look", index=index)
        return seen

    def sent(self, chat: int = 0, since: float = 0) -> list[dict[str, Any]]:
        messages: list[dict[str, Any]] = self.do("sent", chat=chat, since=since)
        return messages

    def latency(self, label: str, since: str = "handed") -> dict[str, float]:
        figures: dict[str, float] = self.do("latency", label=label, since=since)
        return figures

    @property
    def verdict(self) -> dict[str, Any]:
        verdict: dict[str, Any] = self.do("verdict")
        return verdict

    def clean(self, **allowed: int) -> None:
        """Asserts that all went as promised, but for what is allowed by name."""
        clean(self.verdict, **allowed)

    async def reach(self, seconds: float = 20, **least: int) -> dict[str, Any]:
        """Waits until each named figure of `status` is at least as said."""
        seen: dict[str, Any] = {}

        def there() -> bool:
            seen.update(self.do("wait", seconds=LOOK_SECONDS, **least))
            return all(seen[name] >= count for name, count in least.items())

        try:
            await until(there, seconds=seconds, what=f"{least}")
        except AssertionError as late:
            figures = {name: seen[name] for name in ("inputs", "handed", "confirmed", "ended", "running")}
            raise AssertionError(f"{late}; the world stands at {figures}; {self.verdict['samples']}") from None
        return seen

    async def answered(self, label: str, count: int, seconds: float = 20) -> None:
        """Waits until so many inputs with this label have a reply."""

        def there() -> bool:
            self.do("wait", seconds=LOOK_SECONDS, polls=1 << 60)
            return self.latency(label)["n"] >= count

        await until(there, seconds=seconds, what=f"{count} answers to {label!r}")

    async def replied(self, index: int, seconds: float = 10, words: str = "") -> str:
        """Waits until the bot has said something (with these words in it) in reply to an input; what it said."""
        said: list[str] = []

        def there() -> bool:
            seen = self.look(index)
            said[:] = [text for _, text in seen["said"] if words.lower() in text.lower()]
            return bool(said)

        await until(there, seconds=seconds, what=f"a reply with {words!r} to input {index}")
        return said[0]

    def close(self) -> None:
        self._http.close()
        self.process.kill()
        self.process.wait(5)
        if self.process.stdout is not None:
            self.process.stdout.close()
