"""What a Redis may forget, in plain sentences; asked at start, by /status and by `lanekeeper check`."""

from __future__ import annotations

from redis.asyncio import Redis
from redis.exceptions import RedisError, ResponseError

from app.core.redis import retryable, translate


async def durability(client: Redis) -> list[str]:
    """One sentence per way in which confirmed data may be lost; empty when it is safe. Raises StoreError."""
    try:
        info = {**await client.info("persistence"), **await client.info("memory"), **await client.info("replication")}
        fsync = await _config(client, "appendfsync")
        save = await _config(client, "save")
    except (RedisError, OSError) as error:
        raise translate(error) from error
    return [*_disk(info, fsync, save), *_health(info), *_eviction(info)]


async def _config(client: Redis, name: str) -> str | None:
    """The value of a server setting; None where a managed server does not show it."""
    try:
        found = await client.config_get(name)
    except ResponseError as error:
        if retryable(error):
            raise
        return None
    return str(found[name]) if name in found else None


def _disk(info: dict[str, object], fsync: str | None, save: str | None) -> list[str]:
    if not info.get("aof_enabled"):
        if save is None:
            return ["appendonly is off: a crash of Redis forgets what is newer than its last snapshot, if it makes any"]
        if save:
            return ["appendonly is off: a crash of Redis forgets what is newer than its last snapshot"]
        return ["nothing is kept on disk: a restart of Redis forgets all waiting messages and conversations"]
    if fsync is None:
        return ["cannot see appendfsync: whether a power loss may forget the last moments is for its owner to say"]
    if fsync == "always":
        return []
    return [f"appendfsync is {fsync}: a power loss may forget the last {'second' if fsync == 'everysec' else 'minute'}"]


def _health(info: dict[str, object]) -> list[str]:
    lines = []
    if info.get("aof_enabled") and info.get("aof_last_write_status", "ok") != "ok":
        lines.append("Redis cannot write its append-only file: its disk may be full")
    if info.get("role") == "slave":
        lines.append("this Redis is a replica: it takes no writes")
    return lines


def _eviction(info: dict[str, object]) -> list[str]:
    policy = str(info.get("maxmemory_policy", ""))
    if not policy:
        return ["cannot see maxmemory-policy: it must be noeviction"]
    if policy == "noeviction":
        return []
    limit = "at its memory limit" if info.get("maxmemory") else "if it ever gets a memory limit"
    lost = "conversations" if policy.startswith("volatile") else "waiting messages and conversations"
    return [f"maxmemory-policy is {policy}: Redis throws away {lost} {limit}; noeviction is needed"]
