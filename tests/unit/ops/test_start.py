"""What a start sets at Telegram: the menus, of everybody and of operators."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from app.core.errors import Forbidden, Rejected, TelegramError, Unsent
from app.core.schema import Me
from app.ops.start import menu

MENUS = {"default": [("start", "Hello")], "all_group_chats": [("new", "Afresh")]}
MORE = [("pause", "Wait")]


class Telegram:
    """Notes which menu was set where ; `refusals` by chat."""

    def __init__(self, refusals: dict[int | str, TelegramError] | None = None) -> None:
        self.menus: dict[int | str, list[str]] = {}
        self.refusals = refusals or {}

    async def me(self) -> Me:
        raise NotImplementedError

    async def set_commands(self, commands: Sequence[tuple[str, str]], where: int | str = "default") -> None:
        if where in self.refusals:
            raise self.refusals[where]
        self.menus[where] = [name for name, _ in commands]


async def test_operators_are_offered_their_commands_in_their_private_chats_and_nobody_else_is() -> None:
    telegram = Telegram()
    await menu(telegram, MENUS, MORE, {9, 7})
    assert telegram.menus == {
        "default": ["start"],
        "all_group_chats": ["new"],
        7: ["start", "pause"],
        9: ["start", "pause"],
    }


@pytest.mark.parametrize("refusal", [Rejected("chat not found"), Forbidden("bot was blocked by the user")])
async def test_an_operator_without_a_chat_keeps_no_other_from_theirs(refusal: TelegramError) -> None:
    telegram = Telegram({7: refusal})
    await menu(telegram, MENUS, MORE, {7, 9})
    assert set(telegram.menus) == {"default", "all_group_chats", 9}


async def test_a_bot_whose_menu_cannot_be_set_starts_all_the_same() -> None:
    telegram = Telegram({"default": Unsent("no connection")})
    await menu(telegram, MENUS, MORE, {7})
    assert telegram.menus == {}
