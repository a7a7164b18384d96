"""Six people, each spoken to in the language of their app, and groups in that of their setting."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from telegram import Bot, BotCommandScopeAllChatAdministrators

from app.core import manual, words
from app.core.tongue import LANGUAGES, speaking
from simulator import people
from simulator.client import Json, Someone
from tests.integration.operated import TOKEN, Operated, operated
from tests.support.demo import ADA, BOT_NAME, GENERAL, GRACE, HIKERS, LINUS, MARGARET
from tests.support.wait import until

pytestmark = pytest.mark.asyncio(loop_scope="module")

NAMES = {"en": "Emma", "de": "Emil", "es": "Elena", "ja": "Emiko", "ru": "Egor", "zh": "Enlai"}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def bot(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Operated]:
    given: dict[str, Any] = {
        "quota_user": "1r/hour",
        "user_messages_per_minute": 3,
        "operator_ids": MARGARET,
        "group_language": "es",
    }
    async with operated(tmp_path_factory.mktemp("languages"), **given) as bot:
        yield bot


async def ask(person: Someone, text: str, chat: str = "") -> str:
    """Says something and waits for the answer."""
    said: Json = await person.answer(await person.say(text, chat))
    return str(said["text"])


def newcomer(bot: Operated, language: str) -> Someone:
    return bot.someone(people.enter(bot.simulator.world, NAMES[language], language=language).id)


def saying(language: str, what: Callable[[], str]) -> str:
    with speaking(language):
        return what()


@pytest.mark.parametrize("language", LANGUAGES)
async def test_each_is_helped_told_of_their_quota_and_of_their_haste_in_their_own_language(
    bot: Operated, language: str
) -> None:
    async with newcomer(bot, language) as person:
        assert await ask(person, "/help") == saying(language, manual.help_text)
        assert "1" in await ask(person, "What is 1?")
        spent = await ask(person, "And what is 2?")
        assert {
            "en": "You have used up your 1 request an hour; I can answer you again ",
            "de": "Du hast dein Limit (1 Anfrage pro Stunde) aufgebraucht; ",
            "es": "Has agotado tu límite (1 petición por hora); podré responderte de nuevo ",
            "ja": "あなたの利用枠（1時間あたり1件）を使い切りました。",
            "ru": "Вы исчерпали свой лимит (1 запрос в час); я снова смогу ответить вам ",
            "zh": "你的限额（每小时 1 次请求）已用完；",
        }[language] in spent
        assert "UTC" in spent
        assert await ask(person, "And what is 3?") == saying(language, words.THROTTLED)


@pytest.mark.parametrize("language", LANGUAGES)
async def test_an_apology_is_in_the_language_of_whom_it_is_for(bot: Operated, language: str) -> None:
    bot.model.status = 401
    try:
        async with newcomer(bot, language) as person:
            told = await ask(person, "Is anybody there?")
    finally:
        bot.model.status = 200
    assert told.startswith(saying(language, words.SORRY_DOWN))
    assert words.is_apology(told)


async def test_a_pause_is_told_in_each_language_and_confirmed_to_operators_in_english(bot: Operated) -> None:
    async with AsyncExitStack() as visits:
        margaret = await visits.enter_async_context(bot.someone(MARGARET))
        await margaret.speak("de")
        assert "paused everywhere" in await ask(margaret, "/pause all")
        try:
            for language in LANGUAGES:
                person = await visits.enter_async_context(newcomer(bot, language))
                assert await ask(person, "Hello?") == saying(language, words.NOTICES["pause"])
            status = await ask(margaret, "/status")
            assert "Endpoint " in status
        finally:
            assert "resumed everywhere" in await ask(margaret, "/resume all")


async def test_a_group_is_spoken_to_as_its_setting_says_whoever_speaks(bot: Operated) -> None:
    async with bot.someone(ADA) as ada, bot.someone(LINUS) as linus, bot.someone(GRACE) as grace:
        await grace.speak("ru")
        await ada.speak("ja")
        await linus.speak("ru")
        assert await ask(linus, f"/new{BOT_NAME}", HIKERS) == saying("es", words.NEW)
        assert await ask(ada, f"/language{BOT_NAME} zh", HIKERS) == saying("zh", words.LANGUAGE_SET)
        assert await ask(linus, f"/new{BOT_NAME}", HIKERS) == saying("zh", words.NEW)
        assert await ask(linus, f"/new{BOT_NAME}", GENERAL) == saying("es", words.NEW), "of another group"
        assert await ask(grace, "/new") == saying("ru", words.NEW)
        assert await ask(ada, f"/language{BOT_NAME} auto", HIKERS) == saying("es", words.LANGUAGE_SET)


async def test_menus_are_there_in_every_language(bot: Operated) -> None:
    url = f"{bot.simulator.api_url}/bot"
    async with Bot(TOKEN, base_url=url) as peer:
        menus = manual.menus()
        last = list(menus)[-1]
        await until(
            lambda: f"all_chat_administrators/{last}" in bot.simulator.world.bots[bot.simulator.world.main].commands,
            what="the last menu",
        )
        for language, menu in menus.items():
            shown = await peer.get_my_commands(language_code=language or None)
            assert [(one.command, one.description) for one in shown] == menu["default"]
            admins = await peer.get_my_commands(BotCommandScopeAllChatAdministrators(), language or None)
            assert [(one.command, one.description) for one in admins] == menu["all_chat_administrators"]


async def test_a_language_of_ones_own_holds_after_a_restart(tmp_path: Path) -> None:
    async with operated(tmp_path) as bot:
        async with bot.someone(LINUS) as linus:
            assert await ask(linus, "/language de") == "Von jetzt an spreche ich hier Deutsch."
        await bot.bot.stop()
        await bot.bot.start()
        async with bot.someone(LINUS) as linus:
            assert await ask(linus, "/new") == saying("de", words.NEW)
            assert await ask(linus, "/language auto") == "From now on I speak English here."
