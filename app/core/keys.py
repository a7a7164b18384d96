"""Every key in Redis: its name, its type, what it holds and how long it lives; docs/redis.md is made from this.

All keys of a shard share a hash tag, so one script may touch them all; keys of the whole bot have tags of their own.
A script derives its keys from the shard's `ready` key, so the names of a shard's keys stand here and in the scripts.
"""

from __future__ import annotations

from dataclasses import dataclass

FORMAT = 1
"""Version of what stands in Redis; a change that cannot be read by the release before raises it."""


@dataclass(frozen=True, slots=True)
class Key:
    """One row of docs/redis.md. ``…`` stands for the prefix of a shard, ``lk:{<bot id>.<shard>}:``."""

    name: str
    type: str
    content: str
    life: str


KEYS: tuple[Key, ...] = (
    Key(
        "…lane:<lane>",
        "list",
        "waiting updates, oldest first: a header line, then the raw JSON",
        "while one waits or runs",
    ),
    Key(
        "…ready",
        "sorted set",
        "lanes of conversations that may run, by the µs at which they became ready",
        "while non-empty",
    ),
    Key("…urgent", "sorted set", "control lanes that may run, likewise", "while non-empty"),
    Key("…notices", "sorted set", "notice lanes that may run, likewise", "while non-empty"),
    Key("…leases", "sorted set", "claimed lanes, by the ms at which the lease ends", "while claimed"),
    Key(
        "…later",
        "sorted set",
        "lanes that wait for a time (ms); also `~<scope>`, the end of a pause or of its cut-off",
        "until due",
    ),
    Key(
        "…held:<scope>",
        "sorted set",
        "lanes parked by a pause of their chat or topic, or by a move to it (`><chat>`), with their rank",
        "until resume",
    ),
    Key("…turn:<lane>", "hash", "token, attempt and journal of the lane's first update", "first claim to end"),
    Key(
        "…session:<lane>",
        "string",
        "the conversation: `<version>.<reader>`, a newline, JSON",
        "SESSION_DAYS, renewed by each turn",
    ),
    Key(
        "…inherit:<lane>",
        "string",
        "a conversation that came with a move and is not part of the lane's own yet",
        "SESSION_DAYS, or the next turn's end",
    ),
    Key(
        "…chat:<chat>",
        "hash",
        "settings and flags of a chat; `from` the chat that moves here, `was` the one that has",
        "SESSION_DAYS, renewed",
    ),
    Key("…album:<lane>", "hash", "the lane's latest albums: group → `<first part>|<settles>`, in ms", "20 s"),
    Key(
        "…lanes:<chat>",
        "sorted set",
        "the chat's lanes that have a suffix, by last use",
        "SESSION_DAYS and 30 days, trimmed",
    ),
    Key("…seen:<id div 4096>", "string", "bitmap of the update ids that were stored", "48 h after its last write"),
    Key("…fence", "string", "the last fence given", "forever"),
    Key("…call:<worker>", "string", "number and result of a worker's last claim call", "10 min"),
    Key("…pause", "hash", "scope to `until|ver|policy|since|hold|author|reason` of active pauses", "while paused"),
    Key("…resume", "hash", "scope to `ver|cut-off` of ended pauses", "48 h each"),
    Key("…signals", "hash", "lane to `stop <token>` or `hold <token>`", "until that token goes"),
    Key("…notice:<chat>:<mark>", "string", "this was told already", "1 h; of a pause 48 h; of a limit until its reset"),
    Key("…dead", "sorted set", "dead letters as `<chat>/<ids>`, by ms", "newest 1,000"),
    Key("…dead:<chat>", "hash", "ids to `lane|reason|attempts|replays|ms`, a newline, the entry", "30 days"),
    Key("…count", "hash", "ends counted by kind", "forever"),
    Key("…ends", "stream", "the last thousand or so ends (id, kind), without chats", "forever, capped"),
    Key("…pace:<chat>", "hash", "the chat's send budget and the end of a penalty", "until then and 60 s"),
    Key("…moved:<chat>", "string", "the new id of a chat that moved: its updates go there", "30 days"),
    Key(
        "…arrived:<chat>",
        "string",
        "what this chat remembered is in its new chat, or must not come any more",
        "30 days",
    ),
    Key(
        "…parcel:<chat>",
        "hash",
        "what a chat that moves remembers: `session:<lane>`, `inherit:<lane>`, `chat:<field>`, and `to`",
        "until it has moved",
    ),
    Key("…parcels", "sorted set", "chats that move, by the ms at which somebody worked on it", "until it has moved"),
    Key("…bad:<key>", "any", "a value of a wrong type, or one that could not be read, kept aside", "7 days"),
    Key("lk:{<bot id>}:poller", "string", "which process polls Telegram", "LEASE_SECONDS"),
    Key("lk:{<bot id>}:setup", "hash", "SHARDS, format, and the birth id of this store", "forever"),
    Key("lk:{<bot id>}:processes", "sorted set", "live processes, by heartbeat (ms)", "members 30 s"),
    Key("lk:{<bot id>.pace}:out", "string", "the bot-wide send budget", "seconds"),
    Key(
        "lk:{<bot id>.model}:health",
        "hash",
        "what is known of keys (`k<label>`; for one model `k<label>@<endpoint's>`) and endpoints (`e<label>`): "
        "`until:gen:count:why:slot:used`, in ms",
        "33 days after its last change",
    ),
    Key(
        "lk:{<bot id>.quota}:use:<scope>:<unit>/<window>",
        "hash",
        "used and held in the window that is open; scope: `u<user>`, `c<chat>`, `b` or `k<key's label>`; day and month "
        "with `:<Unix time of its begin>`",
        "to the window's end and a day",
    ),
    Key("lk:{<bot id>.quota}:held", "sorted set", "reservations under way, by the ms at which they expire", "35 days"),
    Key(
        "lk:{<bot id>.quota}:call:<turn>",
        "hash",
        "ticket to what it holds in which windows, or was charged in vain",
        "1 min after it was settled, 1 day after it expired or was in vain",
    ),
    Key("lk:{<bot id>.quota}:override", "hash", "chat to the limits that an operator gave it, or `off`", "forever"),
    Key("lk:{<bot id>}:alarm:<digest>", "string", "operators were told this already", "1 h"),
    Key(
        "lk:{<bot id>}:errors", "list", "the last 50 errors that somebody was told of: `id|Unix seconds|kind`", "7 days"
    ),
    Key("lk:<bot id>:wake", "channel", "hint: numbers of shards that have work", "-"),
    Key("lk:<bot id>:signal", "channel", "hint: `<stop|hold> <lane> <token>`", "-"),
)

FOREVER = frozenset({"fence", "count", "ends", "setup", "override"})
"""Last words of the keys that have no TTL and no natural end."""


def shard_prefix(bot: int, shard: int) -> str:
    """What the keys of a shard begin with."""
    return f"lk:{{{bot}.{shard}}}:"


def ready(bot: int, shard: int) -> str:
    """The key that routes every script call of a shard."""
    return shard_prefix(bot, shard) + "ready"


def poller(bot: int) -> str:
    """Who polls."""
    return f"lk:{{{bot}}}:poller"


def setup(bot: int) -> str:
    """What was fixed at the first start."""
    return f"lk:{{{bot}}}:setup"


def processes(bot: int) -> str:
    """Who lives."""
    return f"lk:{{{bot}}}:processes"


def budget(bot: int) -> str:
    """The bot-wide send budget."""
    return f"lk:{{{bot}.pace}}:out"


def health(bot: int) -> str:
    """What is known of the models' keys and endpoints."""
    return f"lk:{{{bot}.model}}:health"


def held(bot: int) -> str:
    """The key that routes every script call of quotas."""
    return f"lk:{{{bot}.quota}}:held"


def use(bot: int, scope: str, window: str) -> str:
    """What a scope has used in a window."""
    return f"lk:{{{bot}.quota}}:use:{scope}:{window}"


def override(bot: int) -> str:
    """Limits of chats that differ from the setting."""
    return f"lk:{{{bot}.quota}}:override"


def alarm(bot: int, digest: str) -> str:
    """That operators were told something."""
    return f"lk:{{{bot}}}:alarm:{digest}"


def errors(bot: int) -> str:
    """The last errors that somebody was told of."""
    return f"lk:{{{bot}}}:errors"


def wake(bot: int) -> str:
    """Channel of hints that shards have work."""
    return f"lk:{bot}:wake"


def signals(bot: int) -> str:
    """Channel of hints that a turn is to stop or to give back."""
    return f"lk:{bot}:signal"
