"""The scripts of a shard under names with defaults, and their answers as plain values."""

from dataclasses import dataclass, field
from typing import Any

from app.lanes.answers import Claimed, claimed
from tests.support.shard import PREFIX, START_MS, Shard

WEEK = 604_800


@dataclass(slots=True)
class Desk:
    """What a test asks of its shard; update and message ids count up by themselves."""

    shard: Shard
    uid: int = 100
    number: int = 0
    ver: int = 0
    mids: dict[str, int] = field(default_factory=dict)

    def update(self, lane: str = "7", **given: Any) -> tuple[Any, ...]:
        """One update as `store` takes it."""
        self.uid += 1
        self.mids[lane] = self.mids.get(lane, 0) + 1
        values = {
            "uid": self.uid, "lane": lane, "limit": 100, "at": self.shard.now_ms, "by": 0, "mid": self.mids[lane],
            "group": "", "kind": "m", "raw": f"text {self.uid}", **given,
        }  # fmt: skip
        return tuple(values.values())

    def batch(self, *updates: tuple[Any, ...], mode: str = "mention") -> list[str]:
        """The statuses of a batch."""
        return [s.decode() for s in self.shard.ask("store", mode, WEEK, *(w for u in updates for w in u))[1:]]

    def store(self, lane: str = "7", **given: Any) -> str:
        return self.batch(self.update(lane, **given))[0]

    def claim(self, want: int = 1, urgent: int = 0, notices: int = 0, **given: Any) -> Claimed:
        """A claim call with the next number; `number`, `worker`, `lease` and `attempts` may be given."""
        self.number += 1
        number, worker = given.get("number", self.number), given.get("worker", "w")
        bounds = (given.get("lease", 1000), given.get("attempts", 3), given.get("merge", 10))
        args = (worker, number, want, urgent, notices, *bounds)
        return claimed(0, self.shard.ask("claim", *args), 0.0)

    def take(self, want: int = 1, **given: Any) -> Any:
        """The one claim that is there."""
        (claim,) = self.claim(want, **given).claims
        return claim

    def sweep(self) -> Claimed:
        return self.claim(0, number=0)

    def mark(self, claim: Any, op: str, part: int = 1, first: bool = True, **given: Any) -> tuple[str, int, int]:
        pace = (given.get("gap", 0), given.get("burst", 3))
        args = (claim.lane, claim.token, part, op, given.get("answer", ""), *pace, "1" if first else "")
        kind, value, stop = self.shard.ask("mark", *args, given.get("way", ""), given.get("apart", 0))
        return kind.decode(), int(value), stop

    def sent(self, claim: Any, message: int, part: int = 1) -> str:
        return str(self.shard.ask("sent", claim.lane, claim.token, part, message).decode())

    def complete(self, claim: Any, kind: str = "answered", session: str = "", **given: Any) -> tuple[str, int]:
        fields = [word for pair in given.get("fields", {}).items() for word in pair]
        flags = (given.get("inherit", ""), given.get("keep_bad", ""), given.get("notice", ""), 0)
        args = (claim.lane, claim.token, given.get("n", len(claim.entries)), kind, session, WEEK, *flags, *fields)
        done, left = self.shard.ask("complete", *args)
        return done.decode(), left

    def release(self, claim: Any, delay: int = 0, op: str = "") -> str:
        return str(self.shard.ask("release", claim.lane, claim.token, delay, op).decode())

    def fail(self, claim: Any, delay: int = 50, op: str = "", final: str = "", attempts: int = 3) -> str:
        return str(self.shard.ask("fail", claim.lane, claim.token, delay, "Broken", op, final, attempts).decode())

    def renew(self, *claims: Any, lease: int = 1000) -> tuple[list[str], dict[str, str]]:
        refused, signals = self.shard.ask("renew", lease, *(word for c in claims for word in (c.lane, c.token)))
        pairs = [word.decode() for word in signals]
        return [lane.decode() for lane in refused], dict(zip(pairs[::2], pairs[1::2], strict=True))

    def hold(self, scope: str, on: bool = True, ver: str = "", until: int = 0, **given: Any) -> str:
        self.ver += 1
        rest = (until, given.get("policy", "hold"), given.get("keep", 0), "ann", "lunch | back soon")
        args = (scope, "1" if on else "", ver or f"1700000000.{self.ver}", *rest)
        return str(self.shard.ask("hold", *args).decode())

    def resume(self, scope: str, ver: str = "") -> str:
        return self.hold(scope, on=False, ver=ver)

    def signal(self, lane: str, uid: str, mid: int, at: int = START_MS) -> tuple[str, str]:
        kind, token = self.shard.ask("signal", lane, uid, mid, at)
        return kind.decode(), token.decode()

    def forget(self, scope: str, mid: int, moving: str = "") -> int:
        return int(self.shard.ask("forget", scope, mid, moving)[0])

    def erase(self, chat: str, uids: str = "", **values: tuple[str, str]) -> tuple[str, int]:
        """`uids` with `|` around each; values by kind and lane, `session_7`: (was, shall be)."""
        triples = [word for key, pair in values.items() for word in (key.replace("_", ":", 1), *pair)]
        what, count, _ = self.shard.ask("erase", chat, uids, *triples)
        return what.decode(), count

    def out(self, old: str, new: str) -> dict[str, str] | None:
        """The parcel; None while the old chat is busy."""
        what, *rest = self.shard.ask("out", old, new)
        words = [word.decode() for word in rest[1]] if what == b"ok" else []
        return dict(zip(words[::2], words[1::2], strict=True)) if what == b"ok" else None

    def into(self, old: str, new: str, **values: str) -> str:
        """Values by kind and lane or field: `inherit_-9`, `chat_mode`."""
        words = [word for key, value in values.items() for word in (key.replace("_", ":", 1), value)]
        return str(self.shard.ask("into", old, new, "1.0", WEEK, *words).decode())

    def moving(self, old: str, new: str, ms: int = 60_000) -> str:
        """The hold of a chat that another moves to."""
        args = (f">{new}", "1", "1.0", ms, "hold", 0, "", old)
        return str(self.shard.ask("hold", *args).decode())

    def ends(self) -> list[tuple[str, str]]:
        """(update id, end) of everything that ended."""
        return [(f[b"u"].decode(), f[b"e"].decode()) for _, f in self.shard.client.xrange(self._key("ends"))]

    def waiting(self, lane: str = "7") -> list[str]:
        """The ids of a lane's entries."""
        return [e.decode().partition("|")[0] for e in self.shard.get("LRANGE", f"lane:{lane}", 0, -1)]

    def turn(self, lane: str = "7") -> dict[str, str]:
        return {k.decode(): v.decode() for k, v in self.shard.client.hgetall(self._key(f"turn:{lane}")).items()}

    def where(self, lane: str = "7") -> list[str]:
        """The places that a lane stands in."""
        places = [key for key in self.shard.names() if self.shard.client.type(self._key(key)) == b"zset"]
        return sorted(key for key in places if self.shard.get("ZSCORE", key, lane) is not None and key[:5] != "lanes")

    def _key(self, name: str) -> str:
        return PREFIX + name
