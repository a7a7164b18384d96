"""What a process finds out before it begins: who it is, and whether its Redis keeps what it is given."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Protocol

import structlog
from redis.asyncio import Redis

from app.core.clock import Clock
from app.core.durability import durability
from app.core.errors import Flooded, Forbidden, Rejected, SettingsError, StoreError, TelegramError, Unauthorised
from app.core.schema import Me

Commands = Sequence[tuple[str, str]]
"""Names without slash, and what they do."""

Menus = Mapping[str, Mapping[str, Commands]]
"""By language ("" for everybody), then by Telegram's name of who is shown them."""

MENU_TRIES, MENU_SECONDS = 5, 60.0  # of a menu that Telegram does not take now: how often, and the longest wait
FIRST_DELAY_SECONDS, LAST_DELAY_SECONDS = 1.0, 15.0


class Telegram(Protocol):
    """The rare calls."""

    async def me(self) -> Me: ...
    async def commands(self, where: int | str, language: str) -> Commands: ...
    async def set_commands(self, commands: Commands, where: int | str, language: str) -> Any: ...


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
    clock: Clock,
    menus: Callable[[], Menus],
    more: Commands = (),
    operators: Iterable[int] = (),
) -> None:
    """Set the command menus, and in each operator's private chat one with ``more``; runs while the bot works already.

    What is set as it should be is left alone: Telegram counts changes. A bot without menus still works, so a failure is
    only said. An operator who never wrote to the bot has no chat yet.
    """
    log = structlog.get_logger()
    shown = await asyncio.to_thread(menus)  # which compiles every catalogue
    try:
        for where, language, commands in _places(shown, more, operators):
            try:
                await _show(telegram, clock, commands, where, language)
            except (Rejected, Forbidden) as error:
                if isinstance(where, str):
                    raise
                log.info("an operator's menu comes with a start after a first word to the bot", why=error.description)
    except TelegramError as error:
        log.warning("the command menu could not be set", why=error.description)


def _places(menus: Menus, more: Commands, operators: Iterable[int]) -> Iterator[tuple[int | str, str, Commands]]:
    """Where, for which language, and what: everybody's first, then operators', then those of each language."""
    for where, commands in menus[""].items():
        yield where, "", commands
    for operator in sorted(operators):
        yield operator, "", [*menus[""]["default"], *more]
    for language in filter(None, menus):
        for where, commands in menus[language].items():
            yield where, language, commands


async def _show(telegram: Telegram, clock: Clock, commands: Commands, where: int | str, language: str) -> None:
    for left in reversed(range(MENU_TRIES)):
        try:
            if list(await telegram.commands(where, language)) != list(commands):
                await telegram.set_commands(commands, where, language)
            return
        except Flooded as error:
            if not left:
                raise
            await clock.sleep(min(MENU_SECONDS, error.retry_after))


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
