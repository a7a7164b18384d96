"""`lanekeeper status` and `lanekeeper check`, put together: looks from outside, beside a bot that may be running."""

from __future__ import annotations

from collections.abc import Callable

from app.chain.cast import cast_of, too_small
from app.core.botapi import Telegram, bot_id
from app.core.clock import Real
from app.core.connections import Connections
from app.core.settings import Settings
from app.model.choose import probes
from app.ops import inspect


async def look(settings: Settings, verb: str, version: str, token: str, say: Callable[[object], None]) -> int:
    """Say what is seen; answers the exit code. ``token`` is the simulator's, for a bot that has none of its own."""
    own = settings.telegram_bot_token
    secret = own.get_secret_value() if own else token
    bot = bot_id(secret)
    if verb == "status":
        return await inspect.status(settings, bot, version, say)
    doubts = [*settings.warnings, *too_small(settings, cast_of(settings))]
    async with Connections(4) as connections:
        telegram = Telegram(connections, secret, settings.telegram_api_base_url) if own else None
        return await inspect.check(settings, telegram, bot, probes(settings, connections, Real()), doubts, say)
