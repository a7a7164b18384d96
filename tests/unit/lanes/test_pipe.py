"""The pipe: every call is answered once, in the order that the journal needs, however bad the line is."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import pytest
from redis.asyncio import Redis

from app.core import keys
from app.core.clock import Real
from app.core.errors import StoreBroken, StoreFull
from app.core.redis import connect
from app.core.script import script
from app.lanes.lanes import HERE
from app.lanes.pipe import Pipe
from tests.support.cut import Cut, cut
from tests.support.wait import turns, until

READY = keys.ready(1, 0)


@pytest.fixture
async def line(valkey: str, redis: Redis) -> AsyncIterator[Cut]:
    async with cut(valkey) as proxy:
        yield proxy


@pytest.fixture
async def pipe(line: Cut) -> AsyncIterator[Pipe]:
    stores = connect(line.url)
    yield Pipe(stores.work, Real())
    await stores.close()


@contextlib.asynccontextmanager
async def running(pipe: Pipe) -> AsyncIterator[None]:
    task = asyncio.get_running_loop().create_task(pipe.run())
    yield
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


def store(pipe: Pipe, uid: int, lane: str = "7") -> asyncio.Future[Any]:
    return pipe.call(script(HERE, "store"), READY, ("mention", 60, uid, lane, 9, 1, 0, uid, "", "m", f"raw{uid}"))


def cool(pipe: Pipe, chat: str, *, front: bool = False) -> asyncio.Future[Any]:
    return pipe.call(script(HERE, "cool"), READY, (chat, 5), front=front)


def order(data: bytes, *words: str) -> list[str]:
    """Those of the words that were sent, in the order in which they were."""
    return sorted((word for word in words if word.encode() in data), key=lambda word: data.index(word.encode()))


async def test_what_follows_a_send_goes_first_in_the_order_asked(pipe: Pipe, line: Cut) -> None:
    words = ["back1", "back2", "front1", "front2"]
    calls = [cool(pipe, word, front=word.startswith("front")) for word in words]
    async with running(pipe):
        await asyncio.gather(*calls)
    assert order(line.seen[0], *words) == ["front1", "front2", "back1", "back2"]


async def test_what_is_asked_meanwhile_leaves_together(pipe: Pipe, line: Cut) -> None:
    async with running(pipe):
        await asyncio.gather(cool(pipe, "warm"))
        line.seen.clear()
        first = cool(pipe, "first")
        await turns(3)
        await asyncio.gather(first, *(cool(pipe, f"later{n}") for n in range(50)))
    assert len(line.seen) <= 3


async def test_a_lost_answer_is_asked_for_again_with_the_same_arguments(pipe: Pipe, line: Cut, redis: Redis) -> None:
    await redis.script_load(script(HERE, "store").text)
    line.lose_answers = 1
    async with running(pipe):
        assert await store(pipe, 11) == [0, b"dup"]
    first, second = line.seen
    assert first == second
    assert await redis.llen(keys.shard_prefix(1, 0) + "lane:7") == 1


async def test_a_lost_request_is_sent_again(pipe: Pipe, line: Cut) -> None:
    line.lose_requests = 3
    async with running(pipe):
        assert await store(pipe, 11) == [1, b"ok"]


async def test_what_was_not_answered_goes_before_what_came_later(pipe: Pipe, line: Cut, redis: Redis) -> None:
    await redis.script_load(script(HERE, "cool").text)
    line.lose_requests = 1
    async with running(pipe):
        early = [cool(pipe, "early1", front=True), cool(pipe, "early2")]
        await until(lambda: line.seen, what="the first request")
        await asyncio.gather(*early, cool(pipe, "late", front=True))
    assert order(line.seen[1], "early1", "early2", "late") == ["early1", "early2", "late"]


async def test_redis_may_be_away_for_a_while_and_it_is_said_once(pipe: Pipe, line: Cut) -> None:
    said: list[str] = []
    pipe.report = said.append
    async with running(pipe):
        await asyncio.gather(cool(pipe, "7"))
        await line.close()
        call = cool(pipe, "8")
        await until(lambda: pipe.down_since is not None, what="the pipe to see it")
        assert not call.done()
        await line.open()
        await asyncio.wait_for(call, 5)
        await until(lambda: pipe.down_since is None)
    assert [line.split()[1:3] for line in said] == [["does", "not"], ["answers", "again"]]


async def test_a_server_that_forgot_its_scripts_gets_them_again(pipe: Pipe, line: Cut, redis: Redis) -> None:
    async with running(pipe):
        await asyncio.gather(store(pipe, 11), cool(pipe, "7"))
        await redis.script_flush()
        stored, cooled = await asyncio.gather(store(pipe, 12), cool(pipe, "7"))
        assert stored == [0, b"ok"]
        assert cooled
        line.seen.clear()
        await asyncio.gather(store(pipe, 13))
    assert b"EVALSHA" in line.seen[0]
    assert b"EVAL\r" not in b"".join(line.seen)


async def test_the_answer_to_a_script_sent_whole_may_be_lost_too(pipe: Pipe, line: Cut, redis: Redis) -> None:
    await redis.script_load(script(HERE, "cool").text)
    async with running(pipe):
        await asyncio.gather(cool(pipe, "7"))
        await redis.script_flush()
        line.spare_answers, line.lose_answers = 1, 1
        assert await store(pipe, 11) == [0, b"dup"]
    assert await redis.llen(keys.shard_prefix(1, 0) + "lane:7") == 1


async def test_a_refused_call_does_not_hurt_the_others(pipe: Pipe, redis: Redis) -> None:
    await redis.set(keys.shard_prefix(1, 0) + "pace:7", "junk")
    answers: Any
    async with running(pipe):
        answers = await asyncio.gather(cool(pipe, "7"), cool(pipe, "8"), store(pipe, 11), return_exceptions=True)
    bad, good, stored = answers
    assert isinstance(bad, StoreBroken)
    assert good
    assert stored == [1, b"ok"]


async def test_a_full_memory_refuses_what_grows_and_answers_the_rest(pipe: Pipe, redis: Redis) -> None:
    async with running(pipe):
        await asyncio.gather(store(pipe, 11), cool(pipe, "7"))
        await redis.config_set("maxmemory", 1)
        try:
            answers: Any = await asyncio.gather(store(pipe, 12), cool(pipe, "8"), return_exceptions=True)
        finally:
            await redis.config_set("maxmemory", 0)
        assert isinstance(answers[0], StoreFull)
        assert answers[1]
        assert await store(pipe, 12) == [0, b"ok"]


async def test_what_nobody_waits_for_is_not_sent(pipe: Pipe, line: Cut) -> None:
    gone, call = cool(pipe, "gone"), cool(pipe, "here")
    gone.cancel()
    async with running(pipe):
        await call
    assert b"gone" not in b"".join(line.seen)


async def test_more_than_a_pipeline_holds_is_all_answered(pipe: Pipe) -> None:
    async with running(pipe):
        answers = await asyncio.gather(*(store(pipe, uid, str(uid)) for uid in range(1, 700)))
    assert answers == [[1, b"ok"]] * 699
