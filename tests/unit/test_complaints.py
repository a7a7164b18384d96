"""What people complain of in other bots, where no other test says just that (docs/complaints.md)."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from redis.asyncio import Redis

from app.core.clock import Manual
from app.core.errors import KeyUnpaid, ModelBusy, ModelDown, SettingsError
from app.core.settings import load
from app.model.base import Message, Prompt
from app.outbox.markup import parts
from tests.support.clocked import Clocked
from tests.unit.model.test_failover import K, L, World

DATA = Path(__file__).parents[1] / "data"
EVERYWHERE = {"blockquote", "pre", "code", "text_link", "bold", "italic", "underline", "strikethrough", "spoiler"}
"""What each app of the last years shows; for rich messages an older one says "not supported"."""


@pytest.mark.parametrize(
    "name, value",
    [
        ("QUOTA_USER", "0r/day"),
        ("QUOTA_CHAT", "0t/month"),
        ("QUOTA_BOT", "-5r/hour"),
        ("MODEL_API_KEYS", "sk-a;0r/h"),
    ],
)
def test_a_budget_of_nothing_is_refused_and_never_taken_for_no_limit(name: str, value: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as refused:
        load({"MODEL_BASE_URL": "http://127.0.0.1:1/v1", name: value}, tmp_path)
    [line] = refused.value.lines
    assert line.startswith(name)


def test_drafts_are_asked_for_and_never_the_default(tmp_path: Path) -> None:
    assert load({}, tmp_path).stream == "edit"


def test_an_answer_uses_only_what_each_app_can_show() -> None:
    kinds = {
        entity["type"]
        for name in ("commonmark.json", "gfm.json")
        for markdown, _ in json.loads((DATA / name).read_text())
        for part in parts(markdown)
        for entity in part.entities
    }
    assert {"bold", "code", "pre", "text_link"} <= kinds <= EVERYWHERE


@pytest.mark.parametrize("trouble", [ModelBusy(30), KeyUnpaid(402), ModelDown("down")])
async def test_whoever_is_asked_next_gets_the_question_once(trouble: Exception, redis: Redis) -> None:
    clock = Manual()
    world = World(Clocked(redis, clock), clock)
    world.first.answers = dict.fromkeys((K, L), trouble)
    asked: list[Message] = [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "2+2?"}]
    assert await world.ask(world.process(secrets=(K, L)), Prompt(list(asked), turn="7.1", broke=set())) == "second"
    prompts = world.first.prompts + world.second.prompts
    assert len(prompts) > 1
    assert all(prompt.messages == asked for prompt in prompts)
