"""Which language a chat is spoken to in: of turns, of notices, and as /language has it."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import pytest

from app.chain.context import Context
from app.chain.dispatch import Dispatch
from app.core import words
from app.core.claims import Claim
from app.core.clock import Manual
from app.core.errors import Later
from app.core.outcome import End, Outcome
from app.core.schema import Change
from app.core.tongue import speaking
from handlers.language import Language
from handlers.notices import Notices
from handlers.rights import Rights
from tests.unit.fakes import ANN, BOB, GROUP, ME, Outbox, claim, context, update

GERMAN = ANN | {"language_code": "de-AT"}
NEW = {
    "en": "A new conversation: I have forgotten what we said before.",
    "de": "Ein neues Gespräch: Ich habe vergessen, was wir vorher gesagt haben.",
    "zh": "新的对话：之前说过的我都忘了。",
}


async def says(ctx: Context) -> Outcome:
    return End("answered", notice=words.NEW())


async def nothing(claimed: Claim) -> Outcome:
    return End("answered")


def spoken(raw: bytes, **fields: Any) -> Claim:
    return claim(raw, chat_fields=fields)


class TestTurns:
    @pytest.mark.parametrize(
        "fields, chat, language",
        [
            ({}, {}, "en"),
            ({"from_": GERMAN}, {}, "de"),
            ({"from_": GERMAN}, {"language": "zh"}, "zh"),
            ({"from_": ANN | {"language_code": "x" * 1000}}, {}, "en"),
            ({"from_": GERMAN, "chat": GROUP}, {}, "zh"),
            ({"from_": GERMAN, "chat": GROUP}, {"language": "en"}, "en"),
            ({"from_": None}, {}, "en"),
        ],
    )
    async def test_each_speaks_as_its_person_or_its_group(
        self, fields: dict[str, Any], chat: dict[str, str], language: str
    ) -> None:
        dispatch = Dispatch(says, nothing, ME, language="zh")
        assert await dispatch(spoken(update(**fields), **chat)) == End("answered", notice=NEW[language])

    async def test_turns_at_once_speak_each_their_own(self) -> None:
        meeting = asyncio.Barrier(2)

        async def chain(ctx: Context) -> Outcome:
            await meeting.wait()
            first = words.NEW()
            await meeting.wait()
            return End(first, notice=words.NEW())

        dispatch = Dispatch(chain, nothing, ME)
        turns = [dispatch(claim(update(from_=who))) for who in (GERMAN, ANN | {"language_code": "zh-hans"})]
        assert await asyncio.gather(*turns) == [End(NEW[one], notice=NEW[one]) for one in ("de", "zh")]
        assert words.NEW() == NEW["en"]

    async def test_a_group_that_we_are_added_to_is_greeted_in_the_language_of_groups(self) -> None:
        async def changed(claimed: Claim, change: Change) -> Outcome:
            return End("answered", notice=words.NEW())

        states = {"old_chat_member": {"status": "left"}, "new_chat_member": {"status": "member"}}
        change = {"chat": GROUP, "date": 1, "from": GERMAN, **states}
        raw = msgspec.json.encode({"update_id": 5, "my_chat_member": change})
        dispatch = Dispatch(says, nothing, ME, changed=changed, language="zh")
        assert await dispatch(claim(raw)) == End("answered", notice=NEW["zh"])


class Always:
    """A pause covers everything."""

    async def paused(self, lane: str) -> bool:
        return True


@pytest.mark.parametrize(
    "lane, code, chat, beginning",
    [
        ("7", "de", {}, "Ich mache gerade Pause"),
        ("7", "tlh", {}, "I am paused"),
        ("7", "", {}, "I am paused"),
        ("7", "de", {"language": "ru"}, "Сейчас я на паузе"),
        ("-100", "de", {}, "Ahora mismo estoy en pausa"),
        ("-100", "de", {"language": "ja"}, "現在、一時停止中です"),
    ],
)
async def test_a_notice_speaks_as_whom_it_is_for(lane: str, code: str, chat: dict[str, str], beginning: str) -> None:
    outbox = Outbox()
    raw = msgspec.json.encode({"kind": "pause", "lane": lane, "mid": 3, "language": code})
    assert await Notices(outbox, Always(), language="es")(claim(raw, lane=f"?{lane}", chat_fields=chat)) == End(
        "answered"
    )
    assert outbox.texts[0].startswith(beginning)


class Admins:
    """Ann is an admin."""

    async def status_of(self, chat: int, user: int) -> str:
        return "administrator" if user == 7 else "member"


async def language(outbox: Outbox, args: str = "", **fields: Any) -> Outcome:
    """`/language` as it is given in a chat where German is spoken."""
    handler = Language(outbox, Rights(Admins(), Manual(), {9}), groups="ru")
    with speaking("de"):
        return await handler.routes()["language"](context(text=f"/language {args}".strip(), **fields))


class TestCommand:
    @pytest.mark.parametrize(
        "asked, chosen, said",
        [
            ("es", "es", "A partir de ahora, aquí hablo español."),
            ("ES-mx", "es", "A partir de ahora, aquí hablo español."),
            ("Русский", "ru", "Теперь я говорю здесь по-русски."),
            ("english", "en", "From now on I speak English here."),
            ("en", "en", "From now on I speak English here."),
            ("中文", "zh", "从现在起，我在这里说中文。"),
        ],
    )
    async def test_it_chooses_by_code_or_name_and_answers_in_it(self, asked: str, chosen: str, said: str) -> None:
        outbox = Outbox()
        assert await language(outbox, asked) == End("answered", fields=(("language", chosen),))
        assert outbox.texts == [said]

    @pytest.mark.parametrize(
        "fields, said",
        [
            ({"from_": ANN | {"language_code": "ja"}}, "これからここでは日本語を使います。"),
            ({"from_": ANN}, "From now on I speak English here."),
            ({"from_": ANN | {"language_code": "ja"}, "chat": GROUP}, "Теперь я говорю здесь по-русски."),
        ],
    )
    async def test_auto_is_the_language_of_the_app_or_of_groups_again(self, fields: dict[str, Any], said: str) -> None:
        outbox = Outbox()
        assert await language(outbox, "auto", **fields) == End("answered", fields=(("language", ""),))
        assert outbox.texts == [said]

    @pytest.mark.parametrize("asked", ["", "klingon", "de es", "x" * 1000, "de\ufffd"])
    async def test_it_lists_what_there_is_and_changes_nothing(self, asked: str) -> None:
        outbox = Outbox()
        assert await language(outbox, asked) == End("answered")
        (text,) = outbox.texts
        assert "Hier spreche ich Deutsch." in text
        assert ("Diese Sprache spreche ich noch nicht." in text) is bool(asked)
        assert text.endswith(
            "en - English\nde - Deutsch\nes - Español\nja - 日本語\nru - Русский\nzh - 中文\n"
            "auto - die Sprache deiner App"
        )

    async def test_in_a_group_it_is_for_admins(self) -> None:
        outbox = Outbox()
        assert await language(outbox, "de", chat=GROUP, from_=BOB) == End("dropped: access")
        assert await language(outbox, "de", chat=GROUP) == End("answered", fields=(("language", "de"),))
        assert await language(outbox, "de", chat=GROUP, from_=BOB | {"id": 9}) != End("dropped: access")

    async def test_it_holds_even_if_the_chat_has_no_room_for_the_reply(self) -> None:
        outcome = await language(Outbox(Later(900, "op")), "zh")
        assert outcome == End("answered", fields=(("language", "zh"),), notice="从现在起，我在这里说中文。")
