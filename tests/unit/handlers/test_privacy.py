"""/privacy and /forget: what is said, and whose words go."""

from __future__ import annotations

from typing import Any

import pytest

from app.core import words
from app.core.clock import Manual
from app.core.errors import Later
from app.core.outcome import End, Outcome
from handlers.privacy import Privacy
from handlers.rights import Rights
from tests.unit.fakes import BOB, GROUP, Outbox, context

CHANNEL = {"id": -200, "type": "channel", "title": "News"}


class Admins:
    """Ann is an admin."""

    async def status_of(self, chat: int, user: int) -> str:
        return "administrator" if user == 7 else "member"


class Forget:
    """Notes what was to be forgotten."""

    def __init__(self) -> None:
        self.calls: list[tuple[int, ...]] = []

    async def chat(self, chat: int, mid: int) -> int:
        self.calls.append((chat, mid))
        return 1

    async def member(self, chat: int, member: int, mid: int) -> int:
        self.calls.append((chat, member, mid))
        return 1


async def run(outbox: Outbox, text: str, forget: Forget | None = None, **fields: Any) -> Outcome:
    rights = Rights(Admins(), Manual(), {9})
    hosts = fields.pop("hosts", ["api.one.test", "api.two.test", "api.one.test"])
    privacy = Privacy(outbox, rights, forget or Forget(), hosts=hosts, turns=20, days=fields.pop("days", 30))
    return await privacy.routes()[text[1:]](context(text=text, **fields))


class TestForget:
    @pytest.mark.parametrize(
        "fields, call, said",
        [
            ({}, (7, 11), words.FORGOTTEN()),
            ({"chat": GROUP}, (-100, 11), words.FORGOTTEN_GROUP()),
            ({"chat": GROUP, "from_": BOB, "sender_chat": GROUP}, (-100, 11), words.FORGOTTEN_GROUP()),
            ({"chat": GROUP, "from_": BOB | {"id": 9}}, (-100, 11), words.FORGOTTEN_GROUP()),
            ({"chat": GROUP, "from_": BOB}, (-100, 8, 11), words.FORGOTTEN_MEMBER()),
            ({"chat": GROUP, "from_": BOB, "sender_chat": CHANNEL}, (-100, -200, 11), words.FORGOTTEN_MEMBER()),
        ],
        ids=["private", "admin", "anonymous admin", "operator", "member", "channel"],
    )
    async def test_everybody_forgets_at_once_what_is_theirs_and_no_more(
        self, fields: dict[str, Any], call: tuple[int, ...], said: str
    ) -> None:
        outbox, forget = Outbox(), Forget()
        assert await run(outbox, "/forget", forget, **fields) == End("answered")
        assert (forget.calls, outbox.texts) == ([call], [said])

    async def test_it_is_forgotten_even_if_the_chat_has_no_room_for_the_reply(self) -> None:
        forget = Forget()
        outcome = await run(Outbox(Later(900, "op")), "/forget", forget)
        assert outcome == End("answered", notice=words.FORGOTTEN())
        assert forget.calls == [(7, 11)]


class TestPrivacy:
    async def test_it_says_what_is_kept_for_how_long_and_who_sees_it(self) -> None:
        outbox = Outbox()
        assert await run(outbox, "/privacy", days=30) == End("answered")
        (text,) = outbox.texts
        for part in (
            "last 20 questions",
            "for 30 days",
            "api.one.test or api.two.test",
            "/forget",
            "no words of yours",
        ):
            assert part in text
        assert text.count("api.one.test") == 1
        assert "first names" not in text

    async def test_in_a_group_it_speaks_of_names_and_of_what_admins_can_forget(self) -> None:
        outbox = Outbox()
        await run(outbox, "/privacy", chat=GROUP, days=1)
        (text,) = outbox.texts
        for part in ("first names", "said by an admin", "for 1 day after"):
            assert part in text

    async def test_the_offline_model_shows_nothing_to_anybody(self) -> None:
        outbox = Outbox()
        await run(outbox, "/privacy", hosts=[])
        assert "nobody else" in outbox.texts[0]
