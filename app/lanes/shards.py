"""Which shard a chat lives in, and which shards a process serves. All lanes of a chat share its shard."""

from __future__ import annotations

from binascii import crc_hqx

from app.core.errors import SettingsError


def shard_of(lane: str, shards: int) -> int:
    """The shard of a lane: CRC16 of its chat, as Redis Cluster hashes slots, modulo the number of shards."""
    chat = lane.lstrip("!?").partition(":")[0]
    return crc_hqx(chat.encode(), 0) % shards


def served(shards: int, ids: frozenset[int] | None = None) -> tuple[int, ...]:
    """The shards that a process serves: all of them, or those named. SettingsError: one does not exist."""
    if ids is not None and not ids <= set(range(shards)):
        raise SettingsError([f"--shard-ids: there are shards 0 to {shards - 1}"])
    return tuple(range(shards)) if ids is None else tuple(sorted(ids))
