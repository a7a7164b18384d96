"""Drafts, buttons, reactions, files, groups and limits of the simulator over HTTP, with aiogram's Bot as the bot."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from aiogram import Bot, types
from aiogram.exceptions import TelegramBadRequest, TelegramForbiddenError, TelegramMigrateToChat, TelegramRetryAfter

from simulator.client import Someone, Upload
from simulator.limits import CHAT_CALLS
from simulator.seed import HIKERS
from simulator.server import Simulator
from tests.integration.test_simulator import ADA, GRACE, TOKEN, driver, raw, unknown
from tests.unit.simulator.test_media import png

ASKED = ["message", "edited_message", "callback_query", "my_chat_member", "stopped_message_generation"]


@pytest.fixture
async def simulator(tmp_path: Path) -> AsyncIterator[Simulator]:
    simulator = Simulator(tmp_path, 0, TOKEN)
    await simulator.start()
    yield simulator
    await simulator.close()


@pytest.fixture
async def bot(simulator: Simulator) -> AsyncIterator[Bot]:
    async with driver(simulator) as bot:
        await bot.get_updates(allowed_updates=ASKED)
        yield bot


@pytest.fixture
async def ada(simulator: Simulator) -> AsyncIterator[Someone]:
    async with Someone(simulator.page_url, ADA) as ada:
        yield ada


@pytest.fixture
async def http(simulator: Simulator) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(simulator.page_url) as http:
        yield http


class Reader:
    """Takes a bot's updates one by one."""

    def __init__(self, bot: Bot) -> None:
        self.bot, self.offset = bot, 0

    async def next(self) -> types.Update:
        (update,) = await self.bot.get_updates(offset=self.offset, limit=1, timeout=5)
        self.offset = update.update_id + 1
        return update


async def test_an_answer_grows_as_a_draft_until_it_is_stopped(bot: Bot, ada: Someone) -> None:
    reader = Reader(bot)
    await ada.say("Tell me")
    await reader.next()
    assert await bot.send_message_draft(ADA, 5, text="Once", can_stop=True)
    assert await bot.send_message_draft(ADA, 5, text="Once upon a time", can_stop=True)
    await ada.until(lambda: (ada.drafts.get(str(ADA)) or {}).get("text") == "Once upon a time", what="the draft")
    await ada.stop()
    stopped = (await reader.next()).stopped_message_generation
    assert stopped is not None
    assert (stopped.chat.id, stopped.draft_id) == (ADA, 5)
    await bot.send_message(ADA, "Once upon a time…")
    await ada.until(lambda: str(ADA) not in ada.drafts, what="the message in place of the draft")


async def test_a_pressed_button_reaches_the_bot_and_its_answer_the_person(bot: Bot, ada: Someone) -> None:
    reader = Reader(bot)
    await ada.say("hi")
    await reader.next()
    key = types.InlineKeyboardButton(text="Yes", callback_data="yes")
    sent = await bot.send_message(ADA, "Really?", reply_markup=types.InlineKeyboardMarkup(inline_keyboard=[[key]]))
    assert sent.reply_markup is not None
    await ada.until(lambda: bool(ada.heard), what="the question")
    pressing = asyncio.create_task(ada.press({"chat": str(ADA), "id": sent.message_id}, "yes"))
    query = (await reader.next()).callback_query
    assert query is not None
    await bot.answer_callback_query(query.id, text="Noted", show_alert=True)
    assert {key: (await pressing)[key] for key in ("text", "alert")} == {"text": "Noted", "alert": True}
    with pytest.raises(TelegramBadRequest, match="query is too old"):
        await bot.answer_callback_query(query.id)


async def test_a_reaction_of_the_bot_is_seen_under_the_message(bot: Bot, ada: Someone) -> None:
    asked = await ada.say("hi")
    assert await bot.set_message_reaction(ADA, asked["id"], [types.ReactionTypeEmoji(emoji="👀")])
    await ada.until(lambda: bool(ada.heard[str(ADA), asked["id"]]["reactions"]), what="the reaction")
    shown = ada.heard[str(ADA), asked["id"]]["reactions"]
    assert shown == [{"emoji": "👀", "names": ["Lanekeeper"], "mine": False}]


async def test_an_album_arrives_in_different_batches_when_its_parts_come_apart(bot: Bot, ada: Someone) -> None:
    reader = Reader(bot)
    pictures = [Upload(png(), f"{number}.png", "image/png", "photo") for number in range(2)]
    sending = asyncio.create_task(ada.send(pictures, "Two of them", apart_ms=30))
    first = (await reader.next()).message
    second = (await reader.next()).message
    assert first is not None
    assert second is not None
    assert (first.media_group_id, first.caption) == (second.media_group_id, "Two of them")
    assert len(await sending) == 2


async def test_a_file_is_fetched_with_the_token_in_its_address_and_nowhere_else(
    bot: Bot, ada: Someone, simulator: Simulator
) -> None:
    await ada.send([Upload(b"%PDF-1.7 hello", "a/b:report.pdf", "application/pdf")])
    message = (await Reader(bot).next()).message
    assert message is not None
    assert message.document is not None
    assert message.document.file_name == "a_b:report.pdf"
    there = await bot.get_file(message.document.file_id)
    assert there.file_path is not None
    assert there.file_path.startswith("documents/file_1")
    body = await bot.download_file(there.file_path)
    assert body is not None
    assert body.read() == b"%PDF-1.7 hello"
    async with aiohttp.ClientSession(simulator.api_url) as http:
        for path in (f"/file/bot42:wrong/{there.file_path}", f"/file/bot{TOKEN}/../journal.jsonl"):
            async with http.get(path) as answer:
                assert answer.status in {401, 404}
        async with http.get(f"/chat/file/{next(iter(simulator.world.files))}") as answer:
            assert answer.headers["Content-Disposition"] == "attachment"


async def test_a_download_fails_as_it_is_told_to(bot: Bot, ada: Someone, simulator: Simulator) -> None:
    await ada.send([Upload(b"x" * 1000, "a.txt", "text/plain")])
    (file,) = simulator.world.files.values()
    address = f"{simulator.api_url}/file/bot{TOKEN}/documents/file_{file.number}.txt"
    async with aiohttp.ClientSession() as http:
        await http.post(
            f"{simulator.api_url}/faults",
            json=[{"kind": "torn", "method": "file"}, {"kind": "error", "method": "file", "status": 500}],
        )
        with pytest.raises(aiohttp.ClientPayloadError):
            async with http.get(address) as answer:
                await answer.read()
        async with http.get(address) as answer:
            assert answer.status == 500
        async with http.get(address) as answer:
            assert len(await answer.read()) == 1000


async def test_nothing_that_a_bot_hears_is_unknown_to_aiogram(
    ada: Someone, simulator: Simulator, http: aiohttp.ClientSession
) -> None:
    group = (await ada.rule("group", "", title="Book club", people=[GRACE]))["chat"]
    said = await ada.say("hi", group, speaker="group")
    await ada.rule("announce", group, text="News")
    await ada.say("We are a channel", group, speaker="channel")
    for hidden in (False, True):
        await ada.forward(await ada.say("look", group), hidden=hidden)
    await ada.forward(said)
    kinds = {"photo": "image/png", "document": "text/plain", "voice": "audio/ogg", "audio": "audio/mpeg"}
    kinds |= {"video": "video/mp4", "sticker": "image/png"}
    for kind, mime in kinds.items():
        await ada.send([Upload(png(), "a", mime, kind)], "Look")
    await ada.locate(1, 2)
    for deed in ("promote", "demote", "mute", "remove", "add"):
        await ada.rule("member", group, bot=42, deed=deed)
    await ada.rule("migrate", group)
    updates = (await raw(http, "getUpdates", timeout=5))["result"]
    read = [types.Update.model_validate(update) for update in updates]
    assert len(read) > 20
    assert [words for update in read for words in unknown(update)] == []
    for status in ("restricted", "kicked", "administrator"):
        simulator.world.chats[0, HIKERS].bots[42] = status
        answer = await raw(http, "getChatMember", chat_id=HIKERS, user_id=42)
        assert status == "kicked" or answer["result"]["status"] == status


async def test_files_and_their_messages_survive_a_restart(tmp_path: Path) -> None:
    for start in range(2):
        simulator = Simulator(tmp_path, 0, TOKEN)
        await simulator.start()
        async with Someone(simulator.page_url, ADA) as ada:
            if start == 0:
                await ada.send([Upload(png(), "a.png", "image/png", "photo")], "Keep it")
            (message,) = await ada.read()
            assert (message["text"], message["media"]["kind"], message["media"]["gone"]) == ("Keep it", "photo", False)
            assert simulator._shelf.path(next(iter(simulator.world.files.values()))).read_bytes() == png()
        await simulator.close()


async def test_a_moved_group_answers_with_its_new_id_and_a_lost_one_with_403(bot: Bot, ada: Someone) -> None:
    made = (await ada.rule("group", "", title="Book club", people=[GRACE]))["chat"]
    await bot.send_message(int(made), "Welcome")
    moved = (await ada.rule("migrate", made))["chat"]
    with pytest.raises(TelegramMigrateToChat) as caught:
        await bot.send_message(int(made), "Welcome")
    assert caught.value.migrate_to_chat_id == int(moved)
    await ada.rule("member", moved, bot=42, deed="remove")
    with pytest.raises(TelegramForbiddenError, match="bot was kicked from the supergroup chat"):
        await bot.send_message(int(moved), "Welcome")


async def test_limits_hold_unless_they_are_switched_off_and_impatience_costs(
    bot: Bot, ada: Someone, simulator: Simulator
) -> None:
    await ada.say("hi", str(HIKERS))
    for number in range(CHAT_CALLS):
        await bot.send_message(HIKERS, f"{number}")
    waits = []
    for _ in range(3):
        with pytest.raises(TelegramRetryAfter) as caught:
            await bot.send_message(HIKERS, "too much")
        waits.append(caught.value.retry_after)
    assert waits == sorted(waits)
    assert waits[0] < waits[-1]
    async with aiohttp.ClientSession(simulator.api_url) as http:
        await http.post("/faults", json={"strict": False})
    await bot.send_message(HIKERS, "at last")


async def test_an_anonymous_question_a_forward_and_a_place_come_as_telegram_writes_them(bot: Bot, ada: Someone) -> None:
    reader = Reader(bot)
    said = await ada.say("Who?", str(HIKERS), speaker="group")
    await ada.forward(said)
    await ada.locate(1.5, 2.5)
    first, second, third = [(await reader.next()).message for _ in range(3)]
    assert first is not None
    assert second is not None
    assert third is not None
    assert first.sender_chat is not None
    assert first.sender_chat.id == HIKERS
    assert second.forward_origin is not None
    assert second.forward_origin.type == "chat"
    assert third.location is not None
