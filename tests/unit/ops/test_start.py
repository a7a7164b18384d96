"""What a start sets at Telegram: the menus, of everybody and of operators."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from app.core.errors import Forbidden, Rejected, TelegramError, Unsent
from app.core.schema import Me
from app.ops.start import menu

EVERYBODY, MORE = [("start", "Hello")], [("pause", "Wait")]


class Telegram:
    """Notes which menu was set where (None: everywhere); `refusals` by chat."""

    def __init__(self, refusals: dict[int | None, TelegramError] | None = None) -> None:
        self.menus: dict[int | None, list[str]] = {}
        self.refusals = refusals or {}

    async def me(self) -> Me:
        raise NotImplementedError

    async def set_commands(self, commands: Sequence[tuple[str, str]], chat: int | None = None) -> None:
        if chat in self.refusals:
            raise self.refusals[chat]
        self.menus[chat] = [name for name, _ in commands]


async def test_operators_are_offered_their_commands_in_their_private_chats_and_nobody_else_is() -> None:
    telegram = Telegram()
    await menu(telegram, EVERYBODY, MORE, {9, 7})
    assert telegram.menus == {None: ["start"], 7: ["start", "pause"], 9: ["start", "pause"]}


@pytest.mark.parametrize("refusal", [Rejected("chat not found"), Forbidden("bot was blocked by the user")])
async def test_an_operator_without_a_chat_keeps_no_other_from_theirs(refusal: TelegramError) -> None:
    telegram = Telegram({7: refusal})
    await menu(telegram, EVERYBODY, MORE, {7, 9})
    assert set(telegram.menus) == {None, 9}


async def test_a_bot_whose_menu_cannot_be_set_starts_all_the_same() -> None:
    telegram = Telegram({None: Unsent("no connection")})
    await menu(telegram, EVERYBODY, MORE, {7})
    assert telegram.menus == {}
