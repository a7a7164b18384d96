"""Which processes of a bot live, and whether the store is still the one that they started with."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass

from app.core import keys
from app.core.clock import Clock
from app.core.errors import SettingsError, StoreError
from app.lanes.lanes import Lanes

BEAT_SECONDS, GONE_SECONDS = 5.0, 30


@dataclass(slots=True, eq=False)
class Presence:
    """A heartbeat; a process that is alone publishes no hints."""

    lanes: Lanes
    clock: Clock
    alone: Callable[[bool], None]
    alarm: Callable[[str], None]
    birth: str = ""

    async def begin(self, *, alone: bool = False) -> None:
        """Check what was fixed at the first start. SettingsError: SHARDS or the format is another.

        ``alone``: no other process can live on this store, so what a killed predecessor held is free at once.
        """
        shards, version, self.birth = await self.lanes.setup(secrets.token_hex(8))
        if shards != self.lanes.shards:
            raise SettingsError(
                [f"SHARDS={self.lanes.shards}: this Redis was set up with {shards}; set SHARDS={shards}"]
            )
        if version > keys.FORMAT:
            raise SettingsError([f"REDIS_URL: written by a newer release (format {version}); install that release"])

        if alone:
            await self.lanes.abandon()

    async def run(self) -> None:
        """Beat for as long as the process lives."""
        while True:
            try:
                await self._beat()
            except StoreError as error:
                self.alarm(f"a heartbeat was refused by Redis: {error}")
            await self.clock.sleep(BEAT_SECONDS)

    async def _beat(self) -> None:
        self.alone(await self.lanes.presence(GONE_SECONDS) <= 1)
        _, _, birth = await self.lanes.setup(secrets.token_hex(8))
        if birth != self.birth:
            self.birth = birth
            self.alarm("the store is not the one that this process started with: what waited in it is gone")

    async def end(self) -> None:
        """Say farewell, so that the others know at once."""
        await self.lanes.presence(0)
