"""The fake model's keys and their judge do what they say; another HTTP client asks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from tests.support import judge
from tests.support.keyed import FOREVER, Key, Request, Ring
from tests.support.wait import until
from tests.support.world import World

A, B = "sk-aaaaaaaa-0001", "sk-bbbbbbbb-0002"


@pytest.fixture
async def world() -> AsyncIterator[World]:
    world = World()
    await world.start()
    yield world
    await world.close()


class Asker:
    """Asks the world's model, one question a call."""

    def __init__(self, world: World, http: httpx.AsyncClient) -> None:
        self.world, self.http = world, http

    async def __call__(self, key: str, most: int = 999, text: str = "hello", **more: Any) -> httpx.Response:
        index = self.world.say(1000 + len(self.world.ledger.inputs), text)
        messages = [{"role": "user", "content": f"#{index} {text}"}]
        body = {"model": "strict-1", "messages": messages, "max_tokens": most, **more}
        headers = {"Authorization": f"Bearer {key}"}
        return await self.http.post(f"{self.world.url}/v1/chat/completions", json=body, headers=headers)


@pytest.fixture
async def ask(world: World) -> AsyncIterator[Asker]:
    async with httpx.AsyncClient(trust_env=False) as http:
        yield Asker(world, http)


def keys(world: World, *made: dict[str, Any]) -> None:
    world.keys(list(made))


async def test_a_key_gives_its_allowance_to_the_request_and_then_refuses(world: World, ask: Asker) -> None:
    keys(world, {"secret": A, "amount": 5}, {"secret": B, "amount": 3})
    answers = await asyncio.gather(*(ask(key) for key in [A] * 9 + [B] * 9))
    assert [answer.status_code for answer in answers].count(200) == 8
    counts = {key: sum(r.status == 200 for r in world.oracle.ring.requests if r.key == key) for key in (A, B)}
    assert counts == {A: 5, B: 3}
    assert world.status()["asked"] == 18
    assert world.status()["asked_429"] == 10


@pytest.mark.parametrize("tells", ["after", "ms", "reset", "nothing"])
async def test_a_refusal_says_the_time_in_the_way_that_was_asked_for(world: World, ask: Asker, tells: str) -> None:
    keys(world, {"secret": A, "amount": 1, "seconds": 7.25, "tells": tells})
    await ask(A)
    refused = await ask(A)
    assert refused.status_code == 429
    assert refused.json()["error"]["code"] == "rate_limit_exceeded"
    said = {name: value for name, value in refused.headers.items() if "retry" in name or "reset" in name}
    request = world.oracle.ring.requests[-1]
    if tells == "nothing":
        assert not said
        assert not request.told
        return
    (value,) = said.values()
    seconds = float(value.removesuffix("s")) / (1000 if tells == "ms" else 1)
    assert request.told - request.at == pytest.approx(seconds, abs=0.001)
    assert seconds == 8 if tells == "after" else 7 < seconds < 7.25


async def test_a_window_opens_with_the_first_request_or_by_the_clock_of_its_key(world: World, ask: Asker) -> None:
    keys(world, {"secret": A, "amount": 1, "seconds": 0.3}, {"secret": B, "amount": 1, "seconds": 60, "ends": 0.3})
    for key in (A, B):
        assert (await ask(key)).status_code == 200
        assert (await ask(key)).status_code == 429

    async def opens(key: str) -> None:
        async def given() -> bool:
            return (await ask(key)).status_code == 200

        await until(given, seconds=3, what="the next window")

    await opens(A)
    await opens(B)
    assert (await ask(B)).status_code == 429, "its second window is a whole one"


def test_windows_of_a_clock_follow_without_a_gap() -> None:
    ring = Ring([Key(A, amount=1, seconds=10, ends=4)], 100.0)
    seen = [(at, ring.enter(A, at).status) for at in (101, 103.9, 104, 113.9, 114, 150, 153, 154)]
    assert [status for _, status in seen] == [200, 429, 200, 429, 200, 200, 429, 200]


def test_a_request_in_a_penalty_is_late_by_the_time_since_its_first_refusal() -> None:
    ring = Ring([Key(A, amount=1, seconds=10.2, tells="after")], 0.0)
    late = [ring.enter(A, at).late for at in (50.0, 51.0, 51.4, 60.3, 62.1)]
    assert late == pytest.approx([0, 0, 0.4, 9.3, 0]), "in whole seconds it was told 61.0, then 61.4"
    assert ring.requests[3].status == 200, "the window was new, but the key had been told to wait"


async def test_an_unknown_or_revoked_key_is_refused_and_one_without_money_in_other_words(
    world: World, ask: Asker
) -> None:
    keys(world, {"secret": A}, {"secret": B})
    assert (await ask("sk-other")).status_code == 401
    assert (await ask(A)).status_code == 200
    world.turn(A)
    world.turn(B, 402)
    assert (await ask(A)).json()["error"]["code"] == "invalid_api_key"
    assert (await ask(B)).json()["error"]["code"] == "insufficient_quota"
    assert [request.told == FOREVER for request in world.oracle.ring.requests] == [False, False, True, True]


async def test_a_whole_answer_is_booked_with_its_tokens_and_a_broken_one_is_not(world: World, ask: Asker) -> None:
    keys(world, {"secret": A})
    world.model(spread=200)
    for _ in range(4):
        answer = (await ask(A)).json()
        booked = world.oracle.ring.requests[-1]
        assert booked.done
        assert answer["usage"]["total_tokens"] == booked.prompt + booked.answer
        assert booked.answer == len(answer["choices"][0]["message"]["content"]) // 4
    assert len({request.answer for request in world.oracle.ring.requests}) > 1
    world.fault(method="model", kind="cut")
    with pytest.raises(httpx.HTTPError):
        await ask(A)
    assert not world.oracle.ring.requests[-1].done


async def test_an_answer_keeps_its_limit_of_tokens_and_says_so(world: World, ask: Asker) -> None:
    keys(world, {"secret": A})
    answer = (await ask(A, most=10)).json()
    assert answer["usage"]["completion_tokens"] <= 10
    assert answer["choices"][0]["finish_reason"] == "length"
    assert answer["choices"][0]["message"]["content"] == world.ledger.answer(0, 1)


@pytest.mark.parametrize("kind", ["cut", "stop"])
async def test_a_stream_is_cut_at_the_byte(world: World, ask: Asker, kind: str) -> None:
    whole = (await ask(world.key, stream=True)).content
    for at in (0, 1, 200, len(whole) // 2, -1, -14, -200):
        world.fault(method="model", kind=kind, at=at)
        index = world.say(50, "hello")
        body = {"model": "m", "messages": [{"role": "user", "content": f"#{index} hello"}], "max_tokens": 99}
        headers, came = {"Authorization": f"Bearer {world.key}"}, b""
        url = f"{world.url}/v1/chat/completions"
        try:
            async with ask.http.stream("POST", url, json=body | {"stream": True}, headers=headers) as answer:
                async for part in answer.aiter_raw():
                    came += part
            assert kind == "stop"
        except httpx.RemoteProtocolError:
            assert kind == "cut"
        call = world.ledger.inputs[index].calls[-1]
        assert len(came) == at if at >= 0 else b"data:" in came
        assert (call in world.ledger.cut) == (b'"finish_reason":"stop"}]}' not in came)


def asked(key: str, at: float, status: int = 200, told: float = 0.0, late: float = 0.0) -> Request:
    return Request(at, key, status, late, told)


def test_the_judge_sees_a_key_asked_in_its_penalty() -> None:
    book = [asked(A, 1, 429, 9), asked(A, 1.4, 429, 9, 0.4), asked(A, 9)]
    assert not judge.pestered(book)
    assert judge.pestered([*book, asked(A, 1.6, 429, 9, 0.6)])


def test_the_judge_sees_a_second_key_used_while_the_first_is_free() -> None:
    assert judge.disordered([asked(B, 1)], [A, B])
    book = [asked(A, 1), asked(A, 2, 429, 9), asked(B, 2.1), asked(B, 9.5), asked(B, 20.9)]
    assert not judge.disordered(book, [A, B]), "until it told, and while it returns"
    assert judge.disordered([*book, asked(B, 21.1)], [A, B])
    revoked = [asked(A, 1, 401, FOREVER), asked(B, 9999)]
    assert not judge.disordered(revoked, [A, B])


def test_the_judge_sees_a_key_that_is_not_used_again_at_once() -> None:
    book = [asked(A, 1, 429, 9), asked(A, 1.1, 429, 9.5, 0.1), asked(A, 9.7)]
    assert judge.returns(book, A, 30) == pytest.approx([0.2])
    assert judge.returns(book[:2], A, 30) == pytest.approx([20.5])
    assert judge.returns(book[:2], A, 10) == [], "nobody waited any more"


def test_the_judge_sees_a_rush_on_a_key_that_returns() -> None:
    book = [asked(A, 1, 429, 9), *(asked(A, 9 + i / 10) for i in range(5))]
    assert not judge.rushed(book, [A])
    assert judge.rushed([*book, asked(A, 9.95)], [A])
