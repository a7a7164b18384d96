"""What a process finds out before it begins: who it is, and whether its Redis keeps what it is given."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

import structlog
from redis.asyncio import Redis

from app.core.clock import Clock
from app.core.durability import durability
from app.core.errors import Forbidden, Rejected, SettingsError, StoreError, TelegramError, Unauthorised
from app.core.schema import Me

Commands = Sequence[tuple[str, str]]
"""Names without slash, and what they do."""

FIRST_DELAY_SECONDS, LAST_DELAY_SECONDS = 1.0, 15.0


class Telegram(Protocol):
    """The rare calls."""

    async def me(self) -> Me: ...
    async def set_commands(self, commands: Commands, where: int | str = "default") -> Any: ...


async def introduce(telegram: Telegram, clock: Clock) -> Me:
    """Ask Telegram who we are, until it answers. SettingsError: it does not know the token."""
    delay = FIRST_DELAY_SECONDS
    while True:
        try:
            return await telegram.me()
        except Unauthorised:
            raise SettingsError(["TELEGRAM_BOT_TOKEN: Telegram does not know it; ask @BotFather for it"]) from None
        except TelegramError as error:
            structlog.get_logger().warning(f"Telegram does not answer, again in {delay:.0f} s", why=error.description)
            await clock.sleep(delay)
            delay = min(LAST_DELAY_SECONDS, delay * 2)


async def menu(
    telegram: Telegram,
    menus: Mapping[str, Commands],
    more: Commands = (),
    operators: Iterable[int] = (),
) -> None:
    """Set the command menus by Telegram's names of who is shown them, and ``more`` in each operator's private chat.

    A bot without it still works, so a failure is only said. An operator who never wrote to the bot has no chat yet.
    """
    log = structlog.get_logger()
    try:
        for scope, commands in menus.items():
            await telegram.set_commands(commands, scope)
        for operator in sorted(operators):
            try:
                await telegram.set_commands([*menus["default"], *more], operator)
            except (Rejected, Forbidden) as error:
                log.info("an operator's menu comes with a start after a first word to the bot", why=error.description)
    except TelegramError as error:
        log.warning("the command menu could not be set", why=error.description)


async def risks(client: Redis, *, strict: bool) -> list[str]:
    """Say what Redis may forget, one sentence each; ``strict`` refuses to start on it (SettingsError)."""
    try:
        found = await durability(client)
    except StoreError as error:
        found = [f"cannot see whether Redis keeps what it is given ({error})"]
    if found and strict:
        raise SettingsError([f"REDIS_DURABILITY=require: {line}" for line in found])
    for line in found:
        structlog.get_logger().warning(f"Redis may forget: {line}")
    return found
