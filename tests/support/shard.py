"""One shard on a real server: the scripts as they are, but for the clock, which the test owns.

`Change` is a seeded mistake: it must apply to its file exactly once, so a test never runs on unchanged scripts.
"""

import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from app.core import keys
from app.core.script import script
from app.lanes.lanes import HERE

START_MS = 1_700_000_000_000
BOT = 1
PREFIX = keys.shard_prefix(BOT, 0)
CLOCK = "test:clock"

# Everything a shard holds, in one round trip: key, type, value, milliseconds to live. ARGV[2]: last end already seen.
_DUMP = """
local out = {}
for _, key in ipairs(redis.call('KEYS', ARGV[1] .. '*')) do
  local kind = redis.call('TYPE', key).ok
  local value = ''
  if kind == 'list' then value = redis.call('LRANGE', key, 0, -1)
  elseif kind == 'zset' then value = redis.call('ZRANGE', key, 0, -1, 'WITHSCORES')
  elseif kind == 'hash' then value = redis.call('HGETALL', key)
  elseif kind == 'stream' then value = redis.call('XRANGE', key, '(' .. ARGV[2], '+')
  elseif not string.find(key, ':seen:', 1, true) then value = redis.call('GET', key) end
  out[#out + 1] = { string.sub(key, #ARGV[1] + 1), value, redis.call('PTTL', key) }
end
return out
"""


@dataclass(frozen=True, slots=True)
class Change:
    """A mistake: in `file` under scripts/, `old` becomes `new`."""

    file: str
    old: str
    new: str


@cache
def texts(change: Change | None = None, home: Path = HERE) -> dict[str, str]:
    """Every script's text with the owned clock, put together by the real code."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "scripts"
        shutil.copytree(home, folder)
        if change:
            path = folder / change.file
            text = path.read_text()
            assert text.count(change.old) == 1, f"{change} applies {text.count(change.old)} times"
            path.write_text(text.replace(change.old, change.new))
        made = {path.stem: script.__wrapped__(folder, path.stem).text for path in folder.glob("*.lua")}
    return {name: text.replace("call('TIME')", f"call('HMGET', '{CLOCK}', 's', 'u')") for name, text in made.items()}


@dataclass(slots=True)
class Shard:
    """Asks scripts of one shard at a time that only the test moves."""

    client: Any
    change: Change | None = None
    now_ms: int = START_MS
    _shas: dict[str, str] = field(default_factory=dict)
    _dump: str = ""
    _told_ms: int = 0

    def __post_init__(self) -> None:
        self.client.flushall()
        self._shas = {name: self.client.script_load(text) for name, text in texts(self.change).items()}
        self._dump = self.client.script_load(_DUMP)

    def tick(self, ms: int) -> None:
        """Let time pass."""
        self.now_ms += ms

    def ask(self, name: str, *args: Any, key: str = PREFIX + "ready") -> Any:
        """The answer of a script; a script's error is raised."""
        return self._run([("EVALSHA", self._shas[name], 1, key, *args)])[0]

    def ask_and_look(self, name: str, args: Sequence[Any], since: str) -> tuple[Any, list[Any]]:
        """The answer, and all keys as they stand after it; ends after the stream id `since`."""
        calls = [("EVALSHA", self._shas[name], 1, PREFIX + "ready", *args), ("EVALSHA", self._dump, 0, PREFIX, since)]
        answer, dump = self._run(calls)
        return answer, dump

    def get(self, command: str, key: str, *args: Any) -> Any:
        """A plain command on a key of the shard."""
        return self.client.execute_command(command, PREFIX + key, *args)

    def names(self) -> set[str]:
        """Names of the shard's keys, without their prefix."""
        return {key.decode().removeprefix(PREFIX) for key in self.client.keys(PREFIX + "*")}

    def _run(self, calls: Sequence[tuple[Any, ...]]) -> list[Any]:
        pipeline = self.client.pipeline(transaction=False)
        moved = self._told_ms != self.now_ms  # a full memory would refuse even this, so only then
        if moved:
            seconds, ms = divmod(self.now_ms, 1000)
            pipeline.execute_command("HSET", CLOCK, "s", seconds, "u", ms * 1000)
            self._told_ms = self.now_ms
        for call in calls:
            pipeline.execute_command(*call)
        answers: list[Any] = pipeline.execute(raise_on_error=True)
        return answers[moved:]


def client(socket: str) -> Any:
    """A plain client that waits for its answers and sends nothing twice."""
    return redis.Redis(unix_socket_path=socket, retry=Retry(NoBackoff(), 0))
