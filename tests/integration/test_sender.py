"""Calls to a Bot API server that is well, slow, flooded, behind a broken gateway, or gone."""

import asyncio
from collections.abc import AsyncIterator, Callable
from io import BytesIO

import pytest
import uvloop
from aiogram.methods import SendMessageDraft

from app.core.botapi import Telegram
from app.core.connections import Connections
from app.core.errors import (
    Conflict,
    Doubtful,
    Flooded,
    Forbidden,
    Migrated,
    Rejected,
    SettingsError,
    TelegramError,
    Unauthorised,
    Unsent,
)
from app.core.exchange import Clocks, resolve
from app.core.updates import Address, Me
from app.outbox.sender import Sender
from tests.integration.peer import cut, half, says, serving, silent
from tests.support.wait import until
from tests.support.wire import Exchange

TOKEN = "12345:secret-token"
QUICK = Clocks(connect=1, first=0.2, between=0.2, total=1)
HERE = Address(chat=7, thread=None, reply=4, forum=False)
SENT = {"ok": True, "result": {"message_id": 99, "date": 1, "chat": {"id": 7, "type": "private"}}}
PAGE = b"<html><h1>502 Bad Gateway</h1></html>"

Answer = Callable[[Exchange], None]


@pytest.fixture
async def connections() -> AsyncIterator[Connections]:
    async with Connections(concurrency=50) as connections:
        yield connections


@pytest.fixture
def sender(connections: Connections) -> Callable[[str], Sender]:
    return lambda url: Sender(connections, Telegram(connections, TOKEN, url), QUICK)


def no(status: int, description: str, **parameters: object) -> Answer:
    body = {"ok": False, "error_code": status, "description": description}
    return says(status, body | {"parameters": parameters} if parameters else body)


async def test_an_answer_is_a_reply_without_preview_and_without_markup(sender: Callable[[str], Sender]) -> None:
    async with serving(says(200, SENT)) as peer:
        assert await sender(peer.url).send(HERE, "hi") == 99
        assert peer.asked[0].path == f"/bot{TOKEN}/sendMessage"
        assert peer.bodies == [
            {
                "chat_id": 7,
                "text": "hi",
                "link_preview_options": {"is_disabled": True},
                "reply_parameters": {"message_id": 4, "allow_sending_without_reply": True},
            }
        ]


@pytest.mark.parametrize(
    "address, sent, typed",
    [
        (Address(7, None, None, False), None, None),
        (Address(7, 5, None, True), 5, 5),
        (Address(7, 1, None, True), None, 1),
        (Address(7, None, None, True), None, 1),
    ],
)
async def test_the_general_topic_is_named_only_when_typing(
    sender: Callable[[str], Sender], address: Address, sent: int | None, typed: int | None
) -> None:
    async with serving(says(200, SENT), says(200, {"ok": True, "result": True})) as peer:
        await sender(peer.url).send(address, "hi")
        await sender(peer.url).typing(address)
        assert [body.get("message_thread_id") for body in peer.bodies] == [sent, typed]
        assert "reply_parameters" not in peer.bodies[0]


@pytest.mark.parametrize(
    "answer, kind",
    [
        (no(400, "Bad Request: message is too long"), Rejected),
        (no(401, "Unauthorized"), Unauthorised),
        (no(403, "Forbidden: bot was blocked by the user"), Forbidden),
        (no(404, "Not Found"), Unauthorised),
        (no(404, "Not Found: method not found"), Rejected),
        (no(409, "Conflict: terminated by other getUpdates request"), Conflict),
        (no(429, "Too Many Requests: retry after 3", retry_after=3), Flooded),
        (no(429, "Too Many Requests"), Flooded),
        (no(400, "Bad Request: group chat was upgraded", migrate_to_chat_id=-1001), Migrated),
        (no(500, "Internal Server Error"), Unsent),
        (no(502, "Bad Gateway"), Unsent),
        (says(502, PAGE, kind=b"text/html"), Doubtful),
        (says(504, b""), Doubtful),
        (says(500, []), Doubtful),
        (says(403, PAGE, kind=b"text/html"), Unsent),
        (says(404, PAGE, kind=b"text/html"), Unsent),
        (says(413, PAGE, kind=b"text/html"), Rejected),
        (says(429, PAGE, kind=b"text/html"), Flooded),
        (says(302, b"", b"Location: http://127.0.0.1:1/\r\n"), Unsent),
        (says(200, PAGE, kind=b"text/html"), Doubtful),
        (says(200, {"ok": True}), Doubtful),
        (says(200, {"ok": True, "result": True}), Doubtful),
        (says(200, b""), Doubtful),
        (cut, Doubtful),
        (silent, Doubtful),
        (half(SENT), Doubtful),
    ],
)
async def test_every_answer_has_one_meaning(
    sender: Callable[[str], Sender], answer: Answer, kind: type[TelegramError]
) -> None:
    async with serving(answer) as peer:
        with pytest.raises(TelegramError) as caught:
            await sender(peer.url).send(HERE, "hi")
    assert type(caught.value) is kind
    assert len(peer.asked) == 1


async def test_what_an_error_carries(sender: Callable[[str], Sender]) -> None:
    async with serving(
        no(429, "Too Many Requests: retry after 3", retry_after=3),
        no(400, "Bad Request: upgraded", migrate_to_chat_id=-1001),
        no(400, "Bad Request: can't parse entities: Unexpected end"),
    ) as peer:
        mine = sender(peer.url)
        with pytest.raises(Flooded) as flooded:
            await mine.send(HERE, "hi")
        with pytest.raises(Migrated) as migrated:
            await mine.send(HERE, "hi")
        with pytest.raises(Rejected) as rejected:
            await mine.send(HERE, "hi", [{"type": "bold", "offset": 0, "length": 2}])
    assert (flooded.value.retry_after, migrated.value.new_chat) == (3, -1001)
    assert rejected.value.description == "Bad Request: can't parse entities: Unexpected end"


async def test_nobody_there_is_certainly_not_sent(sender: Callable[[str], Sender]) -> None:
    with pytest.raises(Unsent):
        await sender("http://127.0.0.1:1").send(HERE, "hi")


@pytest.mark.parametrize("answer", [cut, silent, no(401, f"no such token {TOKEN}"), says(500, PAGE)])
async def test_the_token_is_in_no_error(sender: Callable[[str], Sender], answer: Answer) -> None:
    async with serving(answer) as peer:
        mine = sender(peer.url)
        for call in (mine.send(HERE, "hi"), mine.me(), mine.webhook()):
            with pytest.raises(TelegramError) as caught:
                await call
            assert caught.value.__suppress_context__
            assert "secret" not in f"{caught.value!r} {caught.value} {caught.value.description} {mine!r}"


async def test_an_edit_that_changes_nothing_is_done(sender: Callable[[str], Sender]) -> None:
    same = no(400, "Bad Request: message is not modified: specified new message content is the same")
    async with serving(same, no(400, "Bad Request: message to edit not found")) as peer:
        await sender(peer.url).edit(7, 99, "hi")
        with pytest.raises(Rejected):
            await sender(peer.url).edit(7, 99, "hi")


async def test_a_draft_has_a_stop_button_and_stays_until_the_message_comes(sender: Callable[[str], Sender]) -> None:
    done = says(200, {"ok": True, "result": True})
    async with serving(done, done, no(404, "Not Found: method not found")) as peer:
        mark = {"type": "bold", "offset": 0, "length": 2}
        await sender(peer.url).draft(Address(chat=7, thread=3), 11, "hi there", [mark])
        await sender(peer.url).draft(HERE, 11, "hi")
        with pytest.raises(Rejected):
            await sender(peer.url).draft(HERE, 11, "hi")
    asked = {"chat_id": 7, "draft_id": 11, "text": "hi there", "can_stop": True, "keep_on_stop": True}
    assert peer.bodies[0] == asked | {"message_thread_id": 3, "entities": [mark]}
    assert peer.bodies[1] == asked | {"text": "hi"}
    for body in peer.bodies:
        assert SendMessageDraft.model_validate(body).draft_id == 11


async def test_a_message_that_is_gone_counts_as_deleted(sender: Callable[[str], Sender]) -> None:
    gone = no(400, "Bad Request: message to delete not found")
    async with serving(says(200, {"ok": True, "result": True}), gone, no(400, "Bad Request: no rights")) as peer:
        await sender(peer.url).delete(7, 99)
        await sender(peer.url).delete(7, 99)
        with pytest.raises(Rejected):
            await sender(peer.url).delete(7, 99)
    assert peer.bodies[0] == {"chat_id": 7, "message_id": 99}


async def test_rare_calls_go_through_ptb(sender: Callable[[str], Sender]) -> None:
    me = {"id": 1, "is_bot": True, "first_name": "B", "username": "b", "can_read_all_group_messages": True}
    member: dict[str, object] = {"status": "administrator", "user": {"id": 5, "is_bot": False, "first_name": "A"}}
    rights = (
        "can_be_edited is_anonymous can_manage_chat can_delete_messages can_manage_video_chats can_restrict_members "
        "can_promote_members can_change_info can_invite_users can_post_stories can_edit_stories can_delete_stories"
    )
    member.update((right, True) for right in rights.split())
    async with serving(
        says(200, {"ok": True, "result": me}),
        says(200, {"ok": True, "result": True}),
        says(200, {"ok": True, "result": True}),
        says(200, {"ok": True, "result": member}),
        says(
            200,
            {
                "ok": True,
                "result": {"url": "https://x.test", "has_custom_certificate": False, "pending_update_count": 0},
            },
        ),
    ) as peer:
        mine = sender(peer.url)
        assert await mine.me() == Me(
            id=1, username="b", first_name="B", can_read_all_group_messages=True, can_join_groups=False
        )
        await mine.set_commands([("start", "Begin")])
        await mine.set_commands([("pause", "Wait")], 7)
        assert await mine.status_of(7, 5) == "administrator"
        assert await mine.webhook() == "https://x.test"
        assert peer.bodies[1]["commands"] == [{"command": "start", "description": "Begin"}]
        assert peer.bodies[1]["scope"] == {"type": "default"}
        assert peer.bodies[2]["scope"] == {"type": "chat", "chat_id": 7}


async def test_files_go_as_multipart(sender: Callable[[str], Sender]) -> None:
    document = {"file_id": "f", "file_unique_id": "u"}
    async with serving(says(200, {"ok": True, "result": {**SENT["result"], "document": document}})) as peer:  # type: ignore[dict-item]
        message = await sender(peer.url).bot.send_document(7, BytesIO(b"content"), filename="a.txt")
        assert message.message_id == 99
        assert peer.asked[0].headers[b"content-type"].startswith(b"multipart/form-data")
        assert b"content" in peer.asked[0].body
        assert b'name="chat_id"' in peer.asked[0].body


async def test_updates_come_as_telegram_wrote_them(connections: Connections) -> None:
    raw = b'{"ok":true, "result":[ {"update_id": 1,"x":1.50} ]}'
    async with serving(says(200, raw)) as peer:
        assert await Telegram(connections, TOKEN, peer.url).updates(5, 30, ["message"]) == raw
        assert peer.bodies == [{"offset": 5, "timeout": 30, "allowed_updates": ["message"], "limit": 100}]


async def test_a_poll_has_a_hard_end(connections: Connections) -> None:
    async with serving(silent) as peer:
        with pytest.raises(Doubtful):
            await Telegram(connections, TOKEN, peer.url).fetch("getUpdates", {}, 0.2)
        await until(lambda: not peer.open, seconds=1, what="the connection closed")


async def test_cancelling_sends_leaks_no_connection(sender: Callable[[str], Sender], connections: Connections) -> None:
    waiting: list[Exchange] = []
    async with serving(waiting.append) as peer:
        mine = sender(peer.url)
        tasks = [asyncio.create_task(mine.send(HERE, "hi")) for _ in range(60)]
        await until(lambda: len(waiting) == 60, what="60 requests")
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await until(lambda: not peer.open, seconds=1, what="all closed")
        assert "0 busy" in repr(connections._direct)


def test_proxies_of_the_environment_are_obeyed(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (
        "http_proxy",
        "HTTP_PROXY",
        "https_proxy",
        "HTTPS_PROXY",
        "all_proxy",
        "ALL_PROXY",
        "no_proxy",
        "NO_PROXY",
    ):
        monkeypatch.delenv(name, raising=False)
    assert resolve("https://api.telegram.org/x").proxy is None
    monkeypatch.setenv("HTTPS_PROXY", "http://me:pw@proxy.test:3128")
    monkeypatch.setenv("NO_PROXY", "localhost,.inside.test")
    found = resolve("https://api.telegram.org/x")
    assert found.proxy == "http://proxy.test:3128"
    assert found.proxy_headers == {"Proxy-Authorization": "Basic bWU6cHc="}
    assert resolve("https://model.inside.test/v1").proxy is None
    assert resolve("http://api.telegram.org/x").proxy is None
    assert resolve("https://127.0.0.1:8081/x").proxy is None
    monkeypatch.setenv("ALL_PROXY", "socks5://proxy.test:1080")
    with pytest.raises(SettingsError, match="socks5"):
        resolve("http://api.telegram.org/x")


async def test_a_proxy_carries_the_call(connections: Connections, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    async with serving(says(200, SENT)) as proxy:
        monkeypatch.setenv("http_proxy", proxy.url.replace("://", "://me:pw@"))
        assert await Sender(connections, Telegram(connections, TOKEN, "http://bot.test"), QUICK).send(HERE, "hi") == 99
        assert proxy.asked[0].headers[b"proxy-authorization"] == b"Basic bWU6cHc="
        assert proxy.asked[0].path == f"http://bot.test/bot{TOKEN}/sendMessage"


def test_the_loop_of_production_sends_as_well() -> None:
    async def scenario() -> None:
        async with Connections(concurrency=5) as connections, serving(says(200, SENT)) as peer:
            mine = Sender(connections, Telegram(connections, TOKEN, peer.url), QUICK)
            assert await asyncio.gather(*(mine.send(HERE, "hi") for _ in range(20))) == [99] * 20

    uvloop.run(scenario())
