"""The simulator over HTTP: aiogram's Bot drives it, aiogram's models read every answer, a scripted person talks."""

import asyncio
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import pytest
from aiogram import Bot, types
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.exceptions import (
    TelegramBadRequest,
    TelegramConflictError,
    TelegramForbiddenError,
    TelegramNetworkError,
    TelegramRetryAfter,
    TelegramServerError,
    TelegramUnauthorizedError,
)
from pydantic import BaseModel

from simulator.client import NoAnswer, Someone
from simulator.limits import CHAT_CALLS, CHAT_SECONDS
from simulator.seed import FORUM, HIKERS
from simulator.server import Simulator
from simulator.store import InUse, Unusable
from tests.support.wait import until

TOKEN = "42:AAtest"
ADA, GRACE = 1001, 1002
QUESTIONS = 3
POST = {"X-Lanekeeper-Page": "1"}


def driver(simulator: Simulator, token: str = TOKEN) -> Bot:
    return Bot(token, session=AiohttpSession(api=TelegramAPIServer.from_base(simulator.api_url)))


@pytest.fixture
async def simulator(tmp_path: Path) -> AsyncIterator[Simulator]:
    simulator = Simulator(tmp_path, 0, TOKEN, strict=False)
    await simulator.start()
    yield simulator
    await simulator.close()


@pytest.fixture
async def bot(simulator: Simulator) -> AsyncIterator[Bot]:
    async with driver(simulator) as bot:
        yield bot


@pytest.fixture
async def ada(simulator: Simulator) -> AsyncIterator[Someone]:
    async with Someone(simulator.page_url, ADA) as ada:
        yield ada


@pytest.fixture
async def http(simulator: Simulator) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(simulator.page_url) as http:
        yield http


async def raw(http: aiohttp.ClientSession, method: str, **given: Any) -> Any:
    async with http.post(f"/bot{TOKEN}/{method}", json=given) as answer:
        return await answer.json()


def unknown(model: BaseModel, path: str = "") -> list[str]:
    """Fields that the Bot API does not have."""
    found = [f"{path}.{name}" for name in model.model_extra or {}]
    for name in type(model).model_fields:
        value = getattr(model, name)
        for one in value if isinstance(value, list) else [value]:
            if isinstance(one, BaseModel):
                found += unknown(one, f"{path}.{name}")
    return found


async def test_aiograms_bot_drives_every_method(bot: Bot, ada: Someone) -> None:
    me = await bot.get_me()
    assert (me.id, me.username, me.can_read_all_group_messages) == (42, "lanekeeper_bot", True)
    asked = await ada.say("Hello")
    assert [update.message.text for update in await bot.get_updates(timeout=5) if update.message] == ["Hello"]
    assert await bot.send_chat_action(ADA, "typing")
    entity = types.MessageEntity(type="bold", offset=0, length=2)
    answer = await bot.send_message(
        ADA,
        "Hi there",
        entities=[entity],
        reply_parameters=types.ReplyParameters(message_id=asked["id"], allow_sending_without_reply=True),
        link_preview_options=types.LinkPreviewOptions(is_disabled=True),
    )
    assert answer.reply_to_message is not None
    assert answer.reply_to_message.text == "Hello"
    assert [one.model_dump(exclude_none=True) for one in answer.entities or []] == [
        entity.model_dump(exclude_none=True)
    ]
    edited = await bot.edit_message_text("Hi again", chat_id=ADA, message_id=answer.message_id)
    assert isinstance(edited, types.Message)
    assert (edited.text, edited.entities) == ("Hi again", None)
    assert await bot.delete_message(ADA, answer.message_id)
    assert await bot.set_my_commands([types.BotCommand(command="help", description="What I can do")])
    assert [(one.command, one.description) for one in await bot.get_my_commands()] == [("help", "What I can do")]
    assert (await ada.look())["chats"][0]["commands"] == [{"command": "help", "description": "What I can do"}]
    assert await bot.delete_my_commands()
    assert await bot.get_my_commands() == []
    assert (await bot.get_chat(HIKERS)).title == "Weekend hikers"
    assert (await bot.get_chat(ADA)).first_name == "Ada"
    statuses = [(await bot.get_chat_member(HIKERS, user)).status for user in (ADA, GRACE, 1003, 42)]
    assert statuses == ["administrator", "creator", "member", "member"]
    assert {member.user.id for member in await bot.get_chat_administrators(FORUM)} == {ADA, GRACE}
    assert await bot.set_webhook("https://example.com/hook")
    assert (await bot.get_webhook_info()).url == "https://example.com/hook"
    assert await bot.delete_webhook(drop_pending_updates=True)
    assert (await bot.get_webhook_info()).pending_update_count == 0


async def test_every_update_is_what_aiograms_models_expect_and_no_more(
    http: aiohttp.ClientSession, ada: Someone
) -> None:
    private = await ada.say("/start see https://example.com \U0001f600 @lanekeeper_bot")
    await ada.edit(private, "/start again")
    await ada.reply(private, "and?", quote="again")
    group = await ada.say("hi all", str(HIKERS))
    await ada.reply(group, "hi me")
    topic = await ada.say("in a topic", f"{FORUM}:{QUESTIONS}")
    await ada.reply(topic, "more")
    await ada.say("in general", f"{FORUM}:1")
    await ada.block()
    await ada.block(False)
    updates = (await raw(http, "getUpdates", timeout=5))["result"]
    read = [types.Update.model_validate(update) for update in updates]
    assert [update.event_type for update in read] == [
        "message", "edited_message", *["message"] * 6, "my_chat_member", "my_chat_member",
    ]  # fmt: skip
    assert [update["update_id"] - updates[0]["update_id"] for update in updates] == list(range(10))
    assert [words for update in read for words in unknown(update)] == []


async def test_every_answer_is_what_aiograms_models_expect_and_no_more(
    http: aiohttp.ClientSession, ada: Someone
) -> None:
    asked = await ada.say("in a topic", f"{FORUM}:{QUESTIONS}")
    place = {"chat_id": FORUM, "message_thread_id": QUESTIONS}
    sent = await raw(http, "sendMessage", **place, text="a", reply_parameters={"message_id": asked["id"]})
    number = sent["result"]["message_id"]
    answers: list[tuple[type[BaseModel], Any]] = [
        (types.User, await raw(http, "getMe")),
        (types.Message, sent),
        (types.Message, await raw(http, "editMessageText", chat_id=FORUM, message_id=number, text="b")),
        (types.ChatFullInfo, await raw(http, "getChat", chat_id=FORUM)),
        (types.ChatMemberAdministrator, await raw(http, "getChatMember", chat_id=FORUM, user_id=ADA)),
        (types.ChatMemberOwner, await raw(http, "getChatMember", chat_id=FORUM, user_id=GRACE)),
        (types.ChatMemberMember, await raw(http, "getChatMember", chat_id=ADA, user_id=ADA)),
        (types.WebhookInfo, await raw(http, "getWebhookInfo")),
    ]
    for model, answer in answers:
        assert answer["ok"] is True
        assert unknown(model.model_validate(answer["result"]), model.__name__) == []
    assert (answers[1][1]["result"]["is_topic_message"], answers[1][1]["result"]["message_thread_id"]) == (
        True,
        QUESTIONS,
    )


@pytest.mark.parametrize("form", ["json", "form", "multipart", "query"])
async def test_a_call_may_come_in_any_form_and_any_case(http: aiohttp.ClientSession, ada: Someone, form: str) -> None:
    await ada.say("hi")
    given = {"chat_id": str(ADA), "text": "räksmörgås", "entities": '[{"type":"bold","offset":0,"length":3}]'}
    multipart = aiohttp.FormData(given, default_to_multipart=True)
    bodies: dict[str, dict[str, Any]] = {
        "json": {"json": given},
        "form": {"data": given},
        "multipart": {"data": multipart},
        "query": {"params": given},
    }
    verb = http.get if form == "query" else http.post
    async with verb(f"/bot{TOKEN}/SENDmessage", **bodies[form]) as answer:
        result = (await answer.json())["result"]
    assert (result["text"], result["entities"]) == ("räksmörgås", [{"type": "bold", "offset": 0, "length": 3}])


async def test_refusals_are_telegrams_in_status_and_words(bot: Bot, simulator: Simulator, ada: Someone) -> None:
    await ada.say("hi")
    for text, words in [("x" * 4097, "message is too long"), (" ", "text must be non-empty")]:
        with pytest.raises(TelegramBadRequest, match=f"Bad Request: {words}"):
            await bot.send_message(ADA, text)
    with pytest.raises(TelegramBadRequest, match="chat not found"):
        await bot.send_message(4711, "hi")
    await ada.block()
    with pytest.raises(TelegramForbiddenError, match="Forbidden: bot was blocked by the user"):
        await bot.send_message(ADA, "hi")
    async with driver(simulator, "42:wrong") as stranger:
        with pytest.raises(TelegramUnauthorizedError, match="Unauthorized"):
            await stranger.get_me()


async def test_an_unknown_method_is_404(http: aiohttp.ClientSession) -> None:
    answer = await raw(http, "sendTelepathy")
    assert answer == {"ok": False, "error_code": 404, "description": "Not Found: method not found"}


async def test_a_long_poll_waits_for_the_first_update(bot: Bot, ada: Someone) -> None:
    poll = asyncio.create_task(bot.get_updates(timeout=30))
    await ada.say("at last")
    (update,) = await poll
    assert update.message is not None
    assert update.message.text == "at last"


async def test_the_older_poller_is_thrown_out_and_a_webhook_is_named(bot: Bot, simulator: Simulator) -> None:
    older = asyncio.create_task(bot.get_updates(timeout=50))
    await until(lambda: simulator._polls[42]._waiting is not None, what="the first poll")
    newer = asyncio.create_task(bot.get_updates(timeout=50))
    with pytest.raises(TelegramConflictError, match="make sure that only one bot instance is running"):
        await older
    simulator._polls[42]._next_conflict = 0  # a second 409 within 3 s would come late
    await bot.set_webhook("https://example.com")
    with pytest.raises(TelegramConflictError, match="terminated by setWebhook request"):
        await newer
    simulator._polls[42]._next_conflict = 0
    with pytest.raises(TelegramConflictError, match="while webhook is active; use deleteWebhook"):
        await bot.get_updates()


async def test_allowed_updates_are_remembered(bot: Bot, ada: Someone) -> None:
    await bot.get_updates(allowed_updates=["edited_message"])
    message = await ada.say("one")
    await ada.edit(message, "two")
    assert [update.event_type for update in await bot.get_updates(timeout=5)] == ["edited_message"]
    assert (await bot.get_webhook_info()).allowed_updates == ["edited_message"]


async def test_trouble_comes_when_asked_for(http: aiohttp.ClientSession, bot: Bot, ada: Someone) -> None:
    await ada.say("hi")
    kinds: list[tuple[dict[str, Any], type[Exception], int]] = [
        ({"kind": "flood", "retry_after": 7}, TelegramRetryAfter, 0),
        ({"kind": "error", "status": 500}, TelegramServerError, 0),
        ({"kind": "cut"}, TelegramNetworkError, 0),
        ({"kind": "cut", "after": True}, TelegramNetworkError, 1),
        ({"kind": "torn"}, TelegramNetworkError, 1),
    ]
    for fault, error, done in kinds:
        before = len(await ada.read())
        await http.post("/faults", json={"method": "sendMessage", **fault})
        await bot.get_me()
        with pytest.raises(error):
            await bot.send_message(ADA, "hello")
        assert len(await ada.read()) - before == done, fault
        await bot.send_message(ADA, "all is well again")


async def test_a_gateways_page_and_a_broken_answer_are_no_bot_api(http: aiohttp.ClientSession, ada: Someone) -> None:
    await ada.say("hi")
    await http.post(
        "/faults", json=[{"kind": "gateway", "after": True}, {"kind": "garbage"}, {"kind": "slow", "seconds": 0.01}]
    )
    seen = []
    for _ in range(3):
        async with http.post(f"/bot{TOKEN}/sendMessage", json={"chat_id": ADA, "text": "hello"}) as answer:
            seen.append((answer.status, answer.content_type, (await answer.text())[:5]))
    assert seen == [(502, "text/html", "<html"), (200, "application/json", "<ok>"), (200, "application/json", '{"ok"')]
    assert len(await ada.read()) == 4


async def test_faults_are_shown_cleared_and_refused_when_senseless(http: aiohttp.ClientSession) -> None:
    async with http.post("/faults", json={"kind": "surprise"}) as answer:
        assert answer.status == 400
    await http.post("/faults", json={"kind": "cut", "times": 3})
    async with http.get("/faults") as answer:
        assert await answer.json() == {"faults": [{"kind": "cut", "times": 3}], "strict": False}
    async with http.delete("/faults") as answer:
        assert (await answer.json())["faults"] == []


async def test_strict_limits_hold_a_chat_to_its_pace(http: aiohttp.ClientSession, bot: Bot, ada: Someone) -> None:
    await ada.say("hi")
    await http.post("/faults", json={"strict": True})
    for number in range(CHAT_CALLS):
        await bot.send_message(ADA, f"{number}")
    with pytest.raises(TelegramRetryAfter) as caught:
        await bot.send_message(ADA, "too much")
    assert 1 <= caught.value.retry_after <= CHAT_SECONDS


async def test_a_person_is_answered_in_a_group_a_topic_and_alone(bot: Bot, ada: Someone) -> None:
    for chat in ("", str(HIKERS), f"{FORUM}:{QUESTIONS}", f"{FORUM}:1"):
        asked = await ada.say(f"hello {chat}", chat)
        (update,) = await bot.get_updates(timeout=5)
        assert update.message is not None
        await bot.send_chat_action(update.message.chat.id, "typing", message_thread_id=update.message.message_thread_id)
        await update.message.reply("hello yourself").as_(bot)
        reply = (await ada.answer(asked))["reply"]
        assert (reply["id"], reply["name"], reply["text"]) == (asked["id"], "Ada Lovelace", asked["text"])
        assert asked["chat"] in ada.typing
        await bot.get_updates(offset=update.update_id + 1)


async def test_an_answer_that_never_comes_says_what_came_instead(ada: Someone) -> None:
    with pytest.raises(NoAnswer, match="an answer to 'anyone\\?'; the bot said nothing"):
        await ada.answer(await ada.say("anyone?"), seconds=0.05)


async def test_the_page_shows_unread_last_lines_typing_and_order(bot: Bot, ada: Someone) -> None:
    await ada.say("hello", str(HIKERS))
    await ada.say("hi")
    sent = [await bot.send_message(ADA, text) for text in ("one", "two")]
    await bot.send_chat_action(ADA, "typing")
    state = await ada.look()
    first = state["chats"][0]
    assert (first["key"], first["kind"], first["last"]["text"], first["unread"], first["typing"]) == (
        str(ADA), "private", "two", 2, True,
    )  # fmt: skip
    assert [chat["key"] for chat in state["chats"]][1] == str(HIKERS)
    assert {chat["kind"] for chat in state["chats"]} == {"private", "group", "topic"}
    await ada._post("read", {"chat": str(ADA), "up_to": sent[0].message_id})
    assert (await ada.look())["chats"][0]["unread"] == 1


async def test_messages_are_paged_backwards(http: aiohttp.ClientSession, ada: Someone) -> None:
    for number in range(7):
        await ada.say(f"{number}")
    pages = []
    before = 0
    for _ in range(3):
        query = {"as": f"{ADA}", "chat": f"{ADA}", "limit": "3", "before": f"{before}"}
        async with http.get("/chat/messages", params=query) as answer:
            page = (await answer.json())["messages"]
        pages.append([message["text"] for message in page])
        before = page[0]["id"]
    assert pages == [["4", "5", "6"], ["1", "2", "3"], ["0"]]


async def test_a_page_that_was_away_gets_what_it_missed(simulator: Simulator, bot: Bot, ada: Someone) -> None:
    kept, gone = await ada.say("kept"), await ada.say("gone")
    cursor = (await ada.look())["cursor"]
    await ada.edit(kept, "changed")
    await ada.delete(gone)
    await bot.send_message(ADA, "new")
    async with Someone(simulator.page_url, ADA) as away:
        away.heard.clear()
        listening = asyncio.create_task(away._listen(cursor))
        await away.until(lambda: len(away.heard) == 3, what="three changes")
        listening.cancel()
    assert [(one["text"], one["edited"], one["deleted"]) for one in away.heard.values()] == [
        ("changed", True, False), ("gone", False, True), ("new", False, False),
    ]  # fmt: skip


async def test_people_come_and_what_they_may_not_do_is_one_line(http: aiohttp.ClientSession, ada: Someone) -> None:
    async with http.post("/chat/people", json={"name": "Barbara Liskov"}, headers=POST) as answer:
        barbara = (await answer.json())["person"]
    assert barbara == {"id": 1005, "name": "Barbara Liskov", "username": "barbara"}
    denied: list[tuple[str, dict[str, Any], str]] = [
        ("send", {"chat": str(GRACE), "text": "hi"}, "There is no such chat for this person"),
        ("send", {"chat": str(ADA), "text": " "}, "A message needs some text"),
        ("send", {"chat": str(ADA), "text": "x" * 4097}, "A message has at most 4096 characters"),
        ("edit", {"chat": str(ADA), "id": 9, "text": "x"}, "The message is gone"),
        ("read", {"chat": "nonsense"}, "There is no such chat"),
    ]
    for deed, body, words in denied:
        with pytest.raises(ValueError, match=words):
            await ada._post(deed, body)


async def test_another_site_cannot_use_the_page(http: aiohttp.ClientSession, simulator: Simulator) -> None:
    body = {"as": ADA, "chat": str(ADA), "text": "hi"}
    async with http.post("/chat/send", json=body) as answer:
        assert (answer.status, await answer.json()) == (403, {"error": "The header X-Lanekeeper-Page: 1 is missing"})
    for host in ("evil.example", f"evil.example:{simulator.port}", "127.0.0.1.evil.example"):
        async with http.get("/chat/state", params={"as": ADA}, headers={"Host": host}) as answer:
            assert answer.status == 403
        async with http.post("/faults", json={"kind": "cut"}, headers={"Host": host}) as answer:
            assert answer.status == 403
    async with http.get("/chat/state", params={"as": ADA}, headers={"Host": "localhost:1"}) as answer:
        assert answer.status == 200


async def test_the_page_is_served_fresh_and_nothing_else_is(http: aiohttp.ClientSession) -> None:
    for path, kind in (("/", "text/html"), ("/page/app.js", "text/javascript"), ("/page/style.css", "text/css")):
        async with http.get(path) as answer:
            assert (answer.status, answer.content_type, answer.headers["Cache-Control"]) == (200, kind, "no-store")
    for path in ("/page/..%2Fserver.py", "/page/%2e%2e/server.py", "/page/nothing.js", "/server.py"):
        async with http.get(path) as answer:
            assert answer.status == 404


async def test_a_taken_port_means_the_next_one(simulator: Simulator, tmp_path: Path) -> None:
    second = Simulator(tmp_path / "second", simulator.port, TOKEN)
    await second.start()
    assert second.port > simulator.port
    await second.close()


async def test_one_directory_is_for_one_simulator(simulator: Simulator, tmp_path: Path) -> None:
    with pytest.raises(InUse, match="another simulator uses"):
        await Simulator(tmp_path, 0, TOKEN).start()


@pytest.mark.parametrize("host", ["192.0.2.1", "no.such.host.invalid"])
async def test_an_address_that_is_not_this_machines_is_said_to_be_the_hosts_fault(tmp_path: Path, host: str) -> None:
    with pytest.raises(Unusable) as caught:
        await Simulator(tmp_path, 0, TOKEN, host=host).start()
    assert caught.value.about == "host"
    assert "(" not in str(caught.value), "one plain sentence"


async def test_a_directory_that_cannot_be_made_is_said_to_be_its_own_fault(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(Unusable) as caught:
        await Simulator(tmp_path / "file" / "data", 0, TOKEN).start()
    assert caught.value.about == "data_dir"


@pytest.mark.parametrize("host", ["::1", "::"])
async def test_it_listens_on_ipv6_too(tmp_path: Path, host: str) -> None:
    simulator = Simulator(tmp_path, 0, TOKEN, host=host, tags={ADA: "operator"})
    await simulator.start()
    try:
        assert simulator.page_url == f"http://[::1]:{simulator.port}"
        async with Someone(simulator.page_url, ADA) as ada, driver(simulator) as bot:
            assert (await ada.look())["people"][0]["tag"] == "operator"
            await ada.say("hello")
            assert (await bot.get_updates())[0].message.text == "hello"  # type: ignore[union-attr]
    finally:
        await simulator.close()


async def test_a_restart_goes_on_with_chats_and_counters(tmp_path: Path) -> None:
    numbers = []
    for round_ in range(3):
        simulator = Simulator(tmp_path, 0, TOKEN)
        await simulator.start()
        async with driver(simulator) as bot, Someone(simulator.page_url, ADA) as ada:
            assert len(await ada.read()) == 2 * round_
            await ada.say(f"round {round_}")
            (update,) = await bot.get_updates(timeout=5)
            answer = await bot.send_message(ADA, "noted")
            await bot.get_updates(offset=update.update_id + 1)
            numbers.append((update.update_id, answer.message_id))
        await simulator.close()
    assert numbers == [(numbers[0][0] + i, 2 + 2 * i) for i in range(3)]


CHILD = """
import asyncio, sys
from pathlib import Path
from simulator.server import Simulator

async def main():
    simulator = Simulator(Path(sys.argv[1]), 0, sys.argv[2])
    await simulator.start()
    print(simulator.page_url, flush=True)
    await asyncio.Event().wait()

asyncio.run(main())
"""


async def test_sigkill_loses_nothing_that_was_answered(tmp_path: Path) -> None:
    child = subprocess.Popen([sys.executable, "-c", CHILD, str(tmp_path), TOKEN], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    url = (await asyncio.to_thread(child.stdout.readline)).strip()
    async with Someone(url, ADA) as ada:
        for number in range(20):
            await ada.say(f"{number}")
        child.send_signal(signal.SIGKILL)
    child.wait()
    child.stdout.close()
    with (tmp_path / "simulator" / "journal.jsonl").open("ab") as journal:
        journal.write(b'{"type":"message","bo')  # as if the last write had been cut
    simulator = Simulator(tmp_path, 0, TOKEN)
    await simulator.start()
    async with Someone(simulator.page_url, ADA) as ada, driver(simulator) as bot:
        assert [message["text"] for message in await ada.read()] == [f"{number}" for number in range(20)]
        assert len(await bot.get_updates(timeout=5)) == 20
        assert (await ada.say("next"))["id"] == 21
    await simulator.close()
    lines = (tmp_path / "simulator" / "journal.jsonl").read_bytes().splitlines()
    assert all(msgspec.json.decode(line) for line in lines)
