"""Media through the whole bot: Telegram in the test's process, a real Redis, a model that sees and one that hears.

The address of a file holds the bot's token: it reaches neither model nor Redis nor log.
"""

from __future__ import annotations

from base64 import b64decode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import web

from app.core import unread
from simulator.client import Json, Someone, Upload
from simulator.world import copy
from tests.integration.operated import KEY, TOKEN, kept, telegram
from tests.support.demo import ADA, BOT_NAME, GRACE, HIKERS, LINUS, MARGARET, Demo
from tests.unit.media.pdfs import pdf

pytestmark = pytest.mark.asyncio(loop_scope="module")

SECRET = TOKEN.partition(":")[2]
PNG = b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==")


@dataclass(eq=False)
class Senses:
    """An endpoint that sees and hears, or does not; it keeps whatever it was sent, byte by byte."""

    sees: bool = True
    bodies: list[bytes] = field(default_factory=list)
    asked: list[Any] = field(default_factory=list)

    async def answer(self, request: web.Request) -> web.Response:
        self.bodies.append(await request.read())
        content = (await request.json())["messages"][-1]["content"]
        if not isinstance(content, str) and not self.sees:
            return web.json_response({"error": {"message": "this model does not support image input"}}, status=400)
        self.asked.append(content)
        seen = content if isinstance(content, str) else f"{content[0]['text']} +{len(content) - 1}"
        return web.json_response({"choices": [{"message": {"content": f"Echo: {seen}"}, "finish_reason": "stop"}]})

    async def hear(self, request: web.Request) -> web.Response:
        self.bodies.append(await request.read())
        assert request.headers["Authorization"] == f"Bearer {KEY}"
        return web.json_response({"text": "what I said aloud"})


@asynccontextmanager
async def senses() -> AsyncIterator[tuple[Senses, str]]:
    """The endpoint and its base URL."""
    made, app = Senses(), web.Application(client_max_size=64 << 20)
    app.add_routes([web.post("/v1/chat/completions", made.answer), web.post("/v1/audio/transcriptions", made.hear)])
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield made, f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
    finally:
        await runner.cleanup()


@dataclass(eq=False)
class Sensing:
    """The bot, its Telegram, and what its model was sent."""

    bot: Demo
    simulator: Any
    model: Senses

    def someone(self, person: int) -> Someone:
        return Someone(self.simulator.page_url, person)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def bot(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Sensing]:
    folder = tmp_path_factory.mktemp("media")
    async with telegram(folder) as simulator, senses() as (model, url):
        demo = Demo(
            folder / "bot",
            telegram_bot_token=TOKEN,
            telegram_api_base_url=simulator.api_url,
            model_base_url=url,
            model_api_keys=KEY,
            model_name="m",
            stream="off",
            transcribe_model="whisper-1",
            media_max_bytes=100_000,
            media_tokens=500,
            pace_chat_per_second=0,
            pace_group_per_minute=0,
            user_messages_per_minute=0,
            log_level="debug",
        )
        made = Sensing(await demo.start(), simulator, model)
        try:
            yield made
            await nowhere(made)
        finally:
            demo.close()


async def nowhere(bot: Sensing) -> None:
    """The promise of the whole module, looked at when all of it has happened."""
    assert bot.model.bodies
    heard, log = b"\n".join(bot.model.bodies), bot.bot.log.encode()
    for text in (heard, log, str(await kept(bot.bot.folder)).encode()):
        assert SECRET.encode() not in text
        assert b"/file/bot" not in text
        assert KEY.encode() not in text
    assert bot.simulator.api_url.encode() not in heard


def photo(kind: str = "photo") -> Upload:
    return Upload(PNG, "a.png", "image/png", kind)


async def answered(person: Someone, sent: Json) -> str:
    return str((await person.answer(sent))["text"])


class TestPictures:
    async def test_a_photo_reaches_the_model_as_it_was_sent(self, bot: Sensing) -> None:
        async with bot.someone(ADA) as ada:
            (sent,) = await ada.send([photo()], "what is it?")
            assert await answered(ada, sent) == "Echo: [photo]\nwhat is it? +1"
            _, picture = bot.model.asked[-1]
            assert b64decode(picture["image_url"]["url"].removeprefix("data:image/png;base64,")) == PNG

    async def test_an_album_whose_parts_come_apart_is_one_turn(self, bot: Sensing) -> None:
        async with bot.someone(ADA) as ada:
            before = len(bot.model.asked)
            sent = await ada.send([photo(), photo(), photo()], "compare", apart_ms=400)
            await ada.until(lambda: any(ada.answers(one) for one in sent), 10, "an answer to the album")
            assert [ada.answers(one)[0]["text"] for one in sent if ada.answers(one)] == ["Echo: [3 photos]\ncompare +3"]
            assert len(bot.model.asked) == before + 1

    async def test_in_a_group_the_photo_replied_to_is_shown(self, bot: Sensing) -> None:
        async with bot.someone(LINUS) as linus, bot.someone(GRACE) as grace:
            (sent,) = await linus.send([photo()], "my cat", HIKERS)
            asked = await grace.say(f"{BOT_NAME} what is this?", HIKERS, sent["id"])
            assert (await answered(grace, asked)).endswith("+1")
            words, _ = bot.model.asked[-1]
            assert words["text"] == "Grace: what is this?\n\n> Linus sent:\n> [photo]\n> my cat"
            assert not linus.answers(sent)

    async def test_a_model_without_eyes_is_asked_in_words_and_not_shown_a_second_picture(self, bot: Sensing) -> None:
        bot.model.sees = False
        try:
            async with bot.someone(MARGARET) as margaret:
                before = len(bot.model.bodies)
                for _ in range(2):
                    (sent,) = await margaret.send([photo()], "what is it?")
                    said = await answered(margaret, sent)
                    assert said.startswith("Echo: [photo]\nwhat is it?\n\n[The pictures")
                    assert said.endswith(unread.aside(unread.NO_SIGHT))
                assert sum(b"image_url" in body for body in bot.model.bodies[before:]) == 1
                (sent,) = await margaret.send([photo()])
                assert await answered(margaret, sent) == unread.NO_SIGHT()
        finally:
            bot.model.sees = True


class TestFiles:
    async def test_a_text_is_read(self, bot: Sensing) -> None:
        async with bot.someone(LINUS) as linus:
            (sent,) = await linus.send([Upload(b"print('hi')\n", "hello.py", "text/x-python")], "what does it do?")
            await answered(linus, sent)
            assert bot.model.asked[-1] == "what does it do?\n\n[document hello.py]\n> print('hi')"

    async def test_a_pdf_is_read(self, bot: Sensing) -> None:
        async with bot.someone(LINUS) as linus:
            (sent,) = await linus.send([Upload(pdf("of the paper"), "paper.pdf", "application/pdf")])
            await linus.answer(sent, 10)
            assert bot.model.asked[-1] == "[document paper.pdf]\n> of the paper"

    @pytest.mark.parametrize(
        "upload, sentence",
        [
            (Upload(b"x" * 100_001, "big.txt", "text/plain"), unread.BIG),
            (Upload(b"PK\x03\x04\0\0", "a.zip", "application/zip"), unread.NO_TEXT),
            (Upload(b"%PDF-1.4 broken", "a.pdf", "application/pdf"), unread.PDF_BROKEN),
        ],
    )
    async def test_what_cannot_be_read_is_said(self, bot: Sensing, upload: Upload, sentence: Any) -> None:
        async with bot.someone(LINUS) as linus:
            (sent,) = await linus.send([upload])
            assert (await linus.answer(sent, 10))["text"] == sentence()

    async def test_a_file_that_telegram_lost_is_said(self, bot: Sensing) -> None:
        async with bot.someone(LINUS) as linus:
            world = bot.simulator.world
            put = world.put
            world.put = lambda record: put(copy(record, gone=True) if hasattr(record, "gone") else record)
            try:
                (sent,) = await linus.send([Upload(b"words", "a.txt", "text/plain")])
            finally:
                world.put = put
            assert await answered(linus, sent) == unread.GONE()


class TestOthers:
    async def test_a_voice_message_is_answered_by_its_words(self, bot: Sensing) -> None:
        async with bot.someone(LINUS) as linus:
            (sent,) = await linus.send([Upload(b"OggS voice", "v.ogg", "audio/ogg", "voice", 3)])
            assert await answered(linus, sent) == "Echo: what I said aloud"

    async def test_a_place_and_a_sticker_are_words(self, bot: Sensing) -> None:
        async with bot.someone(LINUS) as linus:
            assert await answered(linus, await linus.locate(52.52, 13.4)) == "Echo: [location 52.52, 13.4]"
            (sent,) = await linus.send([Upload(PNG, "s.png", "image/png", "sticker", emoji="😀")])
            assert await answered(linus, sent) == "Echo: [sticker 😀]"

    async def test_a_video_gets_one_kind_sentence(self, bot: Sensing) -> None:
        async with bot.someone(LINUS) as linus:
            (sent,) = await linus.send([Upload(b"film", "v.mp4", "video/mp4", "video", 3)])
            assert await answered(linus, sent) == unread.KIND()
