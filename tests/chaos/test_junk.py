"""Bad input hurts only itself: unreadable updates among good ones, and sessions that cannot be read."""

from __future__ import annotations

from functools import partial
from typing import Any, cast

import pytest
from redis import Redis

from tests.chaos.conftest import Bots
from tests.support.remote import Remote
from tests.support.valkey import Valkey
from tests.support.wait import until

pytestmark = pytest.mark.chaos

CHAT = {"id": 1000, "type": "private", "first_name": "Ann"}
USER = {"id": 1000, "is_bot": False, "first_name": "Ann"}
DEEP: Any = []
for _ in range(200):
    DEEP = [DEEP]

JUNK: list[dict[str, Any]] = [
    {},
    {"message": None},
    {"message": 5},
    {"message": "hello"},
    {"message": {}},
    {"message": {"chat": {"id": "somewhere"}}},
    {"message": {"message_id": 1, "date": 1, "chat": {}}},
    {"message": {"message_id": "one", "date": "yesterday", "chat": CHAT, "from": USER, "text": "hello"}},
    {"message": {"message_id": 77001, "date": 1_780_000_000, "chat": CHAT, "from": USER, "text": 5}},
    {"message": {"message_id": 77002, "date": 1_780_000_000, "chat": CHAT, "from": USER, "text": "x", "entities": 3}},
    {"message": {"message_id": 77003, "date": -1e30, "chat": CHAT, "from": "Ann", "text": "x"}},
    {"edited_message": 3},
    {"callback_query": {"id": 7}},
    {"my_chat_member": []},
    {"something_new": {"a": {"b": [1, 2, None]}}},
    {"something_new": DEEP},
    {"update_id": "seven", "message": {"text": "no number"}},
    {"update_id": None},
]


async def test_unreadable_updates_leave_their_neighbours_alone(world: Remote, bots: Bots, durable: Valkey) -> None:
    bot = await bots(attempts=2).start()
    for junk in JUNK:
        world.add(3, chats=3)
        world.do("junk", payloads=[junk])
        world.add(3, chats=3)
    await world.reach(25, ended=6 * len(JUNK))
    assert bot.running, bot.tail()
    verdict = world.verdict
    assert not verdict["apologies"], verdict
    world.clean()
    with Redis(unix_socket_path=durable.socket) as redis:
        await until(lambda: not [*redis.scan_iter("lk:{4242.*}:lane:*")], what="every lane's end")
        assert [*redis.scan_iter("lk:{4242.*}:dead")], "an unreadable update must leave a trace"


ASKED = (
    '{"update_id":#uid,"message":{"message_id":88,"date":1780000000,"chat":{"id":1000,"type":"private"},'
    '"from":{"id":1000,"first_name":"Ann"},"entities":[{"type":"bot_command","offset":0,"length":5}],'
)
UNDECODABLE = [
    '{"update_id":#uid,"something_new":' + "[" * 3000 + "]" * 3000 + "}",
    ASKED + '"text":"/help","reply_to_message":' + '{"a":' * 3000 + "1" + "}" * 3002,
    ASKED + '"text":"/help \x01"}}',
    '{"update_id":#uid,"message":}',
    "[" * 3000 + "]" * 3000,
]


async def test_updates_that_no_decoder_reads_leave_their_neighbours_alone(
    world: Remote, bots: Bots, durable: Valkey
) -> None:
    bot = await bots(attempts=2).start()
    for number, text in enumerate(UNDECODABLE, 1):
        world.add(3, chats=3)
        world.do("junk", payloads=[text])
        world.add(3, chats=3)
        await world.reach(10, ended=6 * number)
    assert bot.running, bot.tail()
    world.clean()
    with Redis(unix_socket_path=durable.socket) as redis:
        await until(lambda: not [*redis.scan_iter("lk:{4242.*}:lane:*")], what="every lane's end")
        dead = sum(cast(int, redis.zcard(key)) for key in redis.scan_iter("lk:{4242.*}:dead"))
        assert dead == len(UNDECODABLE) - 1, "all but the one without an id"


async def test_half_a_surrogate_pair_is_answered_like_anything_else(world: Remote, bots: Bots) -> None:
    await bots().start()
    world.say(1000, "before")
    world.do("junk", payloads=[ASKED + '"text":"/help \\ud83d"}}'])
    world.say(1000, "after")
    await world.reach(10, ended=2)
    await until(lambda: [sent for sent in world.sent(1000) if "/new" in sent["text"]], seconds=5, what="the help")
    world.clean(targets=1)  # the world knows no message 88


BROKEN = [
    b"\xff\xfe\x00garbage",
    b"",
    b"1.1\n{not json",
    b"1.1",
    b"1.1\n[1,2,3]",
    b'1.1\n{"turns":[{"ids":5}]}',
    b"x" * 100_000,
]


@pytest.mark.parametrize("kind", ["text", "type"])
async def test_a_corrupt_session_is_kept_aside_and_its_chat_starts_afresh(
    world: Remote, bots: Bots, durable: Valkey, kind: str
) -> None:
    bot = await bots().start()
    chats = range(1000, 1000 + len(BROKEN))
    for text in ("one", "two"):
        for chat in (*chats, 5000):
            world.say(chat, text)
    await world.reach(ended=2 * len(BROKEN) + 2)
    with Redis(unix_socket_path=durable.socket) as redis:
        for chat, value in zip(chats, BROKEN, strict=True):
            spoil(
                redis, await until(partial(session, redis, chat), what="the session"), value if kind == "text" else None
            )
            world.do("fresh", chat=chat)
        for chat in (*chats, 5000):
            world.say(chat, "three")
        await world.reach(15, ended=3 * len(BROKEN) + 3)
        # An empty value may be taken for a fresh session; the others are kept aside.
        kept = len(BROKEN) - (kind == "text")
        await until(lambda: len([*redis.scan_iter("lk:{4242.*}:bad:*")]) >= kept, what=f"{kept} values kept aside")
    assert bot.running, bot.tail()
    for chat in (*chats, 5000):
        world.say(chat, "four")
    await world.reach(15, ended=4 * len(BROKEN) + 4)
    world.clean()


def session(redis: Redis, chat: int) -> str:
    """The key of a chat's session of two turns; empty while it is not written."""
    for key in redis.scan_iter(f"lk:{{4242.*}}:session:{chat}"):
        if b" two" in cast(bytes, redis.get(key)):
            return cast(bytes, key).decode()
    return ""


def spoil(redis: Redis, key: str, value: bytes | None) -> None:
    """Writes a value that is no session, or something that is not even a string."""
    redis.delete(key)
    if value is None:
        redis.rpush(key, "a list")
    else:
        redis.set(key, value)
