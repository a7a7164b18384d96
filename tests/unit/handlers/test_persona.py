"""/persona: who may, what it says, and that a chat's conversations start afresh."""

from __future__ import annotations

from typing import Any

import pytest

from app.core import words
from app.core.clock import Manual
from app.core.outcome import End, Outcome
from app.model.persona import load
from app.sessions.session import fresh
from app.sessions.session import load as loaded
from handlers.persona import Choice
from handlers.rights import Rights
from tests.unit.fakes import ANN, BOB, GROUP, PRIVATE, Outbox, claim, context, update


class Admins:
    def __init__(self, status: str) -> None:
        self.status = status

    async def status_of(self, chat: int, user: int) -> str:
        return self.status


class Bench:
    """The handler, and the session and chat fields as they were left."""

    def __init__(self, status: str = "member", operators: tuple[int, ...] = ()) -> None:
        self.outbox = Outbox()
        rights = Rights(Admins(status), Manual(), operators)
        self.choice = Choice(self.outbox, rights, cast=load("assistant"), name="Lane")
        session = fresh()
        session.add("1", 1, "q", "a", keep_turns=5)
        self.session, self.chat = session.dump(), dict[str, str]()

    async def give(self, text: str, **fields: Any) -> Outcome:
        made = claim(update(text=text, **fields), session=self.session, chat_fields=self.chat)
        outcome = await self.choice.routes()["persona"](context(claimed=made))
        if isinstance(outcome, End):
            self.session = outcome.session or self.session
            self.chat |= dict(outcome.fields)
        return outcome

    @property
    def said(self) -> str:
        return self.outbox.texts[-1]


async def test_alone_it_lists_each_persona_in_one_line_and_says_who_is_here() -> None:
    bench = Bench()
    assert await bench.give("/persona") == End("answered")
    head, *lines = bench.said.splitlines()
    assert head == "In this chat I am Assistant. I can be:"
    assert [line.split(" - ")[0] for line in lines[:3]] == ["assistant", "keeper", "tutor"]
    assert loaded(bench.session).turns


async def test_a_switch_is_greeted_and_the_conversation_starts_afresh() -> None:
    bench = Bench()
    await bench.give("/persona keeper")
    assert bench.said.startswith("Mind the third step")
    assert bench.said.endswith(words.PERSONA_NOW(name="Edda Marrow"))
    assert bench.chat == {"persona": "keeper"}
    assert (loaded(bench.session).turns, loaded(bench.session).speaker) == ([], "keeper")
    await bench.give("/persona")
    assert bench.said.startswith("In this chat I am Edda Marrow.")


@pytest.mark.parametrize("name", ["Keeper", "edda marrow", "KEEPER please"])
async def test_a_name_is_understood_as_people_write_it(name: str) -> None:
    bench = Bench()
    await bench.give(f"/persona {name}")
    assert bench.chat == {"persona": "keeper"}


async def test_the_default_can_be_chosen_again_and_says_the_bots_own_name() -> None:
    bench = Bench()
    await bench.give("/persona tutor")
    await bench.give("/persona assistant")
    assert bench.chat == {"persona": "assistant"}
    assert bench.said.startswith("Hello! I am Lane.")


async def test_an_unknown_name_changes_nothing_and_shows_the_list() -> None:
    bench = Bench()
    assert await bench.give("/persona pirate") == End("answered")
    assert "do not know" in bench.said
    assert "keeper - " in bench.said
    assert bench.chat == {}


class TestWhoMay:
    async def test_the_person_of_a_private_chat(self) -> None:
        bench = Bench()
        await bench.give("/persona tutor", from_=ANN, chat=PRIVATE)
        assert bench.chat == {"persona": "tutor"}

    @pytest.mark.parametrize("status, chosen", [("creator", True), ("administrator", True), ("member", False)])
    async def test_in_a_group_its_admins(self, status: str, chosen: bool) -> None:
        bench = Bench(status)
        outcome = await bench.give("/persona tutor", from_=BOB, chat=GROUP)
        assert bench.chat == ({"persona": "tutor"} if chosen else {})
        assert chosen or outcome == End("dropped: access")

    async def test_operators_everywhere(self) -> None:
        bench = Bench(operators=(8,))
        await bench.give("/persona tutor", from_=BOB, chat=GROUP)
        assert bench.chat == {"persona": "tutor"}
