"""What a start sets at Telegram: the menus, of everybody in each language and of operators."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from app.core import manual
from app.core.clock import Manual
from app.core.errors import Flooded, Forbidden, Rejected, TelegramError, Unsent
from app.core.schema import Me
from app.ops.start import MENU_SECONDS, MENU_TRIES, menu

MENUS = {
    "": {"default": [("start", "Hello")], "all_group_chats": [("new", "Afresh")]},
    "de": {"default": [("start", "Hallo")], "all_group_chats": [("new", "Von vorn")]},
}
MORE = [("pause", "Wait")]


class Telegram:
    """Has the menus that were set; `refusals` by place, ``floods`` more times 429."""

    def __init__(self, refusals: dict[int | str, TelegramError] | None = None, floods: int = 0) -> None:
        self.menus: dict[tuple[int | str, str], list[tuple[str, str]]] = {}
        self.refusals = refusals or {}
        self.floods = floods
        self.sets = 0

    async def me(self) -> Me:
        raise NotImplementedError

    async def commands(self, where: int | str, language: str) -> Sequence[tuple[str, str]]:
        return self.menus.get((where, language), [])

    async def set_commands(self, commands: Sequence[tuple[str, str]], where: int | str, language: str) -> None:
        self.sets += 1
        if self.floods:
            self.floods -= 1
            raise Flooded(600)
        if where in self.refusals:
            raise self.refusals[where]
        self.menus[where, language] = list(commands)


class Patient(Manual):
    """Notes how long it slept, and has slept at once."""

    def __init__(self) -> None:
        super().__init__()
        self.slept: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)


async def run(telegram: Telegram, operators: set[int], clock: Manual | None = None) -> None:
    await menu(telegram, clock or Patient(), lambda: MENUS, MORE, operators)


async def test_operators_are_offered_their_commands_in_their_private_chats_and_nobody_else_is() -> None:
    telegram = Telegram()
    await run(telegram, {9, 7})
    assert {place: [name for name, _ in menu] for place, menu in telegram.menus.items()} == {
        ("default", ""): ["start"],
        ("all_group_chats", ""): ["new"],
        (7, ""): ["start", "pause"],
        (9, ""): ["start", "pause"],
        ("default", "de"): ["start"],
        ("all_group_chats", "de"): ["new"],
    }
    assert telegram.menus["default", "de"] == [("start", "Hallo")]


@pytest.mark.parametrize("refusal", [Rejected("chat not found"), Forbidden("bot was blocked by the user")])
async def test_an_operator_without_a_chat_keeps_no_other_from_theirs(refusal: TelegramError) -> None:
    telegram = Telegram({7: refusal})
    await run(telegram, {7, 9})
    assert {where for where, _ in telegram.menus} == {"default", "all_group_chats", 9}


async def test_a_bot_whose_menu_cannot_be_set_starts_all_the_same() -> None:
    telegram = Telegram({"default": Unsent("no connection")})
    await run(telegram, {7})
    assert telegram.menus == {}


async def test_menus_that_are_as_they_should_be_are_left_alone() -> None:
    telegram = Telegram()
    await run(telegram, {7})
    telegram.menus["default", "de"] = [("start", "Servus")]
    telegram.sets = 0
    await run(telegram, {7})
    assert telegram.sets == 1
    assert telegram.menus["default", "de"] == [("start", "Hallo")]


async def test_a_429_delays_menus_but_neither_for_ever_nor_without_end() -> None:
    telegram, clock = Telegram(floods=2), Patient()
    await run(telegram, set(), clock)
    assert len(telegram.menus) == 4
    assert clock.slept == [MENU_SECONDS] * 2
    stubborn = Telegram(floods=1000)
    await run(stubborn, set())
    assert stubborn.sets == MENU_TRIES, "the first is not set, so it is left for the next start"


async def test_each_language_has_every_menu() -> None:
    telegram = Telegram()
    await menu(telegram, Manual(), manual.menus)
    assert {language for _, language in telegram.menus} == {"", "de", "es", "ja", "ru", "zh"}
    assert len(telegram.menus) == 18
    assert dict(telegram.menus["all_chat_administrators", "ru"])["resume"] == "Продолжить по порядку"
