"""The list of all commands: what menus offer and what goes ahead of everything is there."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from app.core import manual
from app.core.clock import Manual
from app.core.settings import load
from app.core.triage import CONTROL
from app.model.persona import load as personas
from handlers.table import Parts, hosts, table
from tests.unit.fakes import ME, Outbox

ALL = (*manual.MENU, *manual.MENU_GROUP, *manual.MENU_ADMIN, *manual.MENU_OPERATOR)
FALLBACKS = '[{"base_url": "https://two.test/v1", "name": "m"}, {"name": "other"}]'


def commands(folder: Path) -> set[str]:
    nothing = cast(Any, SimpleNamespace(model=None, ledger=None))
    parts = Parts(
        me=ME,
        outbox=cast(Any, Outbox()),
        sender=nothing,
        control=nothing,
        figures=nothing,
        models=nothing,
        cast=personas("assistant"),
        teller=nothing,
        media=cast(Any, SimpleNamespace(hears=False)),
        metrics=nothing,
        forget=nothing,
        clock=Manual(),
        operators=frozenset(),
    )
    router, _ = table(load({}, folder), parts)
    return set(router.commands)


def test_what_a_menu_offers_is_obeyed_and_so_is_what_goes_ahead_of_everything(tmp_path: Path) -> None:
    known = commands(tmp_path)
    assert {name for name, _ in ALL} <= known
    assert known >= CONTROL


@pytest.mark.parametrize("language", ["", "de", "es", "ja", "ru", "zh"])
def test_telegram_takes_every_line_of_a_menu_in_every_language(language: str) -> None:
    menus = manual.menus()[language]
    for name, about in (*menus["default"], *menus["all_group_chats"], *menus["all_chat_administrators"]):
        assert re.fullmatch("[a-z0-9_]{1,32}", name)
        assert 1 <= len(about) <= 256
    assert all(1 <= len(about) <= 256 for _, about in manual.MENU_OPERATOR)


def test_help_names_what_the_menus_offer(tmp_path: Path) -> None:
    offered = {name for name, _ in (*manual.MENU, *manual.MENU_GROUP)} - {"start"}
    assert {name for name in offered if f"/{name} " not in manual.help_text()} == set()


def test_who_sees_questions_is_said_of_all_endpoints(tmp_path: Path) -> None:
    assert hosts(load({}, tmp_path)) == []
    given = {"MODEL_BASE_URL": "https://user:pass@one.test:8443/v1", "MODEL_FALLBACKS": FALLBACKS}
    assert hosts(load(given, tmp_path)) == ["one.test", "two.test"], "hosts only: an address may hold a password"
