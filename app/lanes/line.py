"""One connection kept for pipelines: words out, answers back, one clock for the whole exchange.

redis-py's own pipeline takes a connection from the pool, and sets a timer for each answer, at each exchange: that is
more CPU than all scripts of an update together.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import hiredis
from redis.asyncio import Redis
from redis.exceptions import ResponseError

from app.core.redis import ANSWER_SECONDS


@dataclass(slots=True, eq=False)
class Line:
    """Exchanges commands for answers; after any failure the next exchange begins on a new connection."""

    client: Redis
    _connection: Any = None

    async def exchange(self, commands: Iterable[tuple[Any, ...]]) -> list[Any]:
        """Send all, read all: an answer that is an error comes as a value. Raises redis-py's errors of connections."""
        packed = [hiredis.pack_command(words) for words in commands]
        connection = self._connection
        if connection is None:
            pool: Any = self.client.connection_pool
            connection = self._connection = await pool.get_connection()
            # Its timeout for writing is an asyncio.wait_for, which in Python 3.11 can swallow a cancellation.
            connection.socket_timeout = None
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                await connection.send_packed_command(packed, check_health=False)
                return [await self._read(connection) for _ in packed]
        except BaseException:
            self._connection = None
            await connection.disconnect(nowait=True)
            await self.client.connection_pool.release(connection)
            raise

    @staticmethod
    async def _read(connection: Any) -> Any:
        try:
            return await connection.read_response(disable_decoding=True, timeout=math.inf)
        except ResponseError as error:
            return error
