"""The list of all commands: what menus offer and what goes ahead of everything is there."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from app.core import words
from app.core.clock import Manual
from app.core.settings import load
from app.core.triage import CONTROL
from app.model.persona import load as personas
from handlers.table import Parts, hosts, table
from tests.unit.fakes import ME, Outbox

ALL = (*words.MENU, *words.MENU_GROUP, *words.MENU_ADMIN, *words.MENU_OPERATOR)
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


@pytest.mark.parametrize("name, about", ALL)
def test_telegram_takes_every_line_of_a_menu(name: str, about: str) -> None:
    assert re.fullmatch("[a-z0-9_]{1,32}", name)
    assert 1 <= len(about) <= 256


def test_help_names_what_the_menus_offer(tmp_path: Path) -> None:
    offered = {name for name, _ in (*words.MENU, *words.MENU_GROUP)} - {"start"}
    assert {name for name in offered if f"/{name} " not in words.HELP} == set()


def test_who_sees_questions_is_said_of_all_endpoints(tmp_path: Path) -> None:
    assert hosts(load({}, tmp_path)) == []
    given = {"MODEL_BASE_URL": "https://user:pass@one.test:8443/v1", "MODEL_FALLBACKS": FALLBACKS}
    assert hosts(load(given, tmp_path)) == ["one.test", "two.test"], "hosts only: an address may hold a password"
