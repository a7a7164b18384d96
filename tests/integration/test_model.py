"""An endpoint against servers that answer well, badly, late, half, or not at all."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from typing import Any

import httpx
import msgspec
import pytest

from app.core.clock import Real
from app.core.connections import Connections
from app.core.errors import ModelBusy, ModelCut, ModelDown, ModelError, ModelFailed, ModelRefused, SettingsError
from app.core.exchange import Clocks
from app.core.http import Client
from app.model.base import Chunk, Prompt, Usage, whole
from app.model.openai import Endpoint
from tests.integration.peer import cut, half, says, serving, silent
from tests.support.wait import takes, until
from tests.support.wire import Exchange

KEY = "sk-very-secret"
ASK = Prompt([{"role": "user", "content": "hello"}])
GOOD: dict[str, Any] = {
    "choices": [{"message": {"role": "assistant", "content": "Hi!"}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 3, "completion_tokens": 2},
}


class Hasty(Real):
    """Waits for nothing."""

    async def sleep(self, seconds: float) -> None:
        await takes(0)


ANSWER = ("Hi!", "stop", Usage(3, 2))
QUICK = Clocks(connect=1, first=0.3, between=0.3, total=5)


@pytest.fixture
async def connections() -> AsyncIterator[Connections]:
    async with Connections(concurrency=300) as connections:
        yield connections


@pytest.fixture
def endpoint(connections: Connections) -> Callable[..., Endpoint]:
    def make(url: str, **more: Any) -> Endpoint:
        settings: dict[str, Any] = {"key": KEY, "name": "m", "patience_seconds": 0.0, **more}
        return Endpoint(Client(connections), f"{url}/v1", **settings)

    return make


def data(**more: object) -> bytes:
    return b"data: " + msgspec.json.encode(more) + b"\n\n"


def word(text: str) -> bytes:
    return data(choices=[{"delta": {"content": text}, "finish_reason": None}])


STOP = data(choices=[{"delta": {}, "finish_reason": "stop"}])
COUNT = data(choices=[], usage={"prompt_tokens": 3, "completion_tokens": 2})
DONE = b"data: [DONE]\n\n"


def stream(*packets: bytes, end: bool = True, hang: bool = False) -> Callable[[Exchange], None]:
    """Streams the packets; then ends as HTTP wants, is cut, or says no more."""

    def handler(exchange: Exchange) -> None:
        exchange.begin()
        for packet in packets:
            exchange.feed(packet)
        if not hang:
            (exchange.end if end else exchange.cut)()

    return handler


WHOLE = stream(word("Hi"), word("!"), STOP, COUNT, DONE)


async def test_one_response_is_one_answer(endpoint: Callable[..., Endpoint]) -> None:
    async with serving(says(200, GOOD)) as peer:
        assert await whole(endpoint(peer.url, stream=False), ASK) == ANSWER
        assert peer.bodies == [{"model": "m", "messages": ASK.messages, "max_tokens": 1024}]
        assert peer.asked[0].headers[b"authorization"] == f"Bearer {KEY}".encode()
        assert peer.asked[0].path == "/v1/chat/completions"


async def test_a_stream_is_one_answer_and_its_connection_is_used_again(endpoint: Callable[..., Endpoint]) -> None:
    async with serving(WHOLE) as peer:
        model = endpoint(peer.url)
        for _ in range(3):
            assert await whole(model, ASK) == ANSWER
        assert peer.connections == 1
        assert peer.bodies[0]["stream_options"] == {"include_usage": True}


async def test_without_a_key_nothing_is_authorised(endpoint: Callable[..., Endpoint]) -> None:
    async with serving(WHOLE) as peer:
        await whole(endpoint(peer.url, key=""), ASK)
        assert b"authorization" not in peer.asked[0].headers


@pytest.mark.parametrize(
    "answer",
    [
        stream(word("Hi") + word("!") + STOP + COUNT + DONE),
        stream(*[bytes([byte]) for byte in word("Hi!") + STOP + COUNT + DONE]),
        stream((word("Hi!") + STOP + COUNT + DONE).replace(b"\n", b"\r\n")),
        stream(b": waiting\n\n", word("Hi!"), STOP, COUNT),
        stream(word("Hi!"), COUNT, DONE),
        stream(
            data(choices=[]),
            data(choices=[{"delta": {"role": "assistant", "content": None}}]),
            word("Hi!"),
            COUNT,
            DONE,
        ),
        stream(data(choices=[{"delta": {"reasoning_content": "hm"}}]), word("Hi!"), STOP, COUNT, DONE),
        stream(data(choices=[{"delta": {"content": [{"type": "text", "text": "Hi!"}]}}]), STOP, COUNT, DONE),
        stream(word("Hi!"), STOP, COUNT, end=False),
        says(200, GOOD),
    ],
)
async def test_streams_of_every_shape_are_understood(
    endpoint: Callable[..., Endpoint], answer: Callable[[Exchange], None]
) -> None:
    async with serving(answer) as peer:
        assert await whole(endpoint(peer.url), ASK) == ANSWER


@pytest.mark.parametrize("why", ["length", "content_filter"])
async def test_why_an_answer_ended_is_passed_on(endpoint: Callable[..., Endpoint], why: str) -> None:
    async with serving(stream(word("x"), data(choices=[{"delta": {}, "finish_reason": why}]), DONE)) as peer:
        assert (await whole(endpoint(peer.url), ASK))[1] == why


@pytest.mark.parametrize("end", [True, False])
async def test_a_cut_stream_is_never_taken_for_a_whole_answer(endpoint: Callable[..., Endpoint], end: bool) -> None:
    async with serving(stream(word("Hel"), word("lo"), end=end)) as peer:
        with pytest.raises(ModelCut) as caught:
            await whole(endpoint(peer.url), ASK)
    assert caught.value.text == "Hello"
    assert len(peer.asked) == 1


async def test_a_stream_that_stalls_is_cut_by_the_clock(endpoint: Callable[..., Endpoint]) -> None:
    async with serving(stream(word("Hel"), hang=True)) as peer:
        with pytest.raises(ModelCut) as caught:
            await whole(endpoint(peer.url, clocks=QUICK), ASK)
        assert caught.value.text == "Hel"
        await until(lambda: not peer.open, what="the upstream closed")


async def test_a_stream_that_trickles_for_ever_ends_at_the_total(endpoint: Callable[..., Endpoint]) -> None:
    tasks: list[asyncio.Task[None]] = []

    def trickle(exchange: Exchange) -> None:
        async def drip() -> None:
            exchange.begin()
            while not exchange.over:
                exchange.feed(word("x"))
                await takes(0.02)

        tasks.append(asyncio.get_running_loop().create_task(drip()))

    async with serving(trickle) as peer:
        with pytest.raises(ModelCut):
            await whole(endpoint(peer.url, clocks=Clocks(1, 1, 1, total=0.3)), ASK)
        await asyncio.gather(*tasks)


async def test_before_the_first_word_a_cut_is_repeated(endpoint: Callable[..., Endpoint]) -> None:
    async with serving(cut, stream(COUNT), stream(word(""), end=False), WHOLE) as peer:
        assert await whole(endpoint(peer.url, patience_seconds=20, clock=Hasty()), ASK) == ANSWER
        assert len(peer.asked) == 4


@pytest.mark.parametrize("answer", [cut, silent, half(GOOD), says(500, {"error": "boom"}), says(502, b"<html>")])
async def test_a_model_that_is_down_is_said_to_be_down(
    endpoint: Callable[..., Endpoint], answer: Callable[[Exchange], None]
) -> None:
    async with serving(answer) as peer:
        with pytest.raises(ModelDown):
            await whole(endpoint(peer.url, stream=False, clocks=QUICK), ASK)


async def test_nobody_at_the_address_is_down_within_seconds(endpoint: Callable[..., Endpoint]) -> None:
    began = time.monotonic()
    with pytest.raises(ModelDown):
        await whole(endpoint("http://127.0.0.1:1", patience_seconds=1.0), ASK)
    assert time.monotonic() - began < 3


async def test_what_passes_is_waited_for(endpoint: Callable[..., Endpoint]) -> None:
    loading = says(503, {"error": "Model m is currently loading", "estimated_time": 0.05})
    async with serving(says(500, {}), loading, WHOLE) as peer:
        assert await whole(endpoint(peer.url, patience_seconds=10), ASK) == ANSWER
        assert len(peer.asked) == 3


async def test_a_limit_is_told_at_once_and_left_to_who_has_more_keys(endpoint: Callable[..., Endpoint]) -> None:
    async with serving(says(429, {}, b"Retry-After: 30\r\n")) as peer:
        with pytest.raises(ModelBusy) as caught:
            await whole(endpoint(peer.url, patience_seconds=10), ASK)
    assert caught.value.retry_after == 30
    assert len(peer.asked) == 1


@pytest.mark.parametrize("status", [400, 401, 403, 404, 422])
async def test_a_refusal_is_not_repeated_and_holds_no_key(endpoint: Callable[..., Endpoint], status: int) -> None:
    async with serving(says(status, {"error": {"message": f"wrong key {KEY}"}})) as peer:
        model = endpoint(peer.url, patience_seconds=10)
        with pytest.raises(ModelRefused) as caught:
            await whole(model, ASK)
    assert caught.value.status == status
    assert caught.value.reason == "wrong key <key>"
    assert len(peer.asked) == 1
    assert KEY not in repr(model) + repr(caught.value) + str(caught.value)


async def test_an_empty_purse_is_not_waited_for(endpoint: Callable[..., Endpoint]) -> None:
    async with serving(says(429, {"error": {"message": "pay", "code": "insufficient_quota"}})) as peer:
        with pytest.raises(ModelRefused):
            await whole(endpoint(peer.url, patience_seconds=10), ASK)
        assert len(peer.asked) == 1


async def test_stream_options_that_are_refused_are_left_out_from_then_on(endpoint: Callable[..., Endpoint]) -> None:
    refusal = says(422, {"detail": [{"loc": ["body", "stream_options"], "msg": "extra fields not permitted"}]})
    async with serving(refusal, WHOLE) as peer:
        model = endpoint(peer.url)
        assert await whole(model, ASK) == ANSWER
        assert await whole(model, ASK) == ANSWER
        assert ["stream_options" in body for body in peer.bodies] == [True, False, False]


async def test_the_name_of_the_limit_is_learned(endpoint: Callable[..., Endpoint]) -> None:
    refusal = says(400, {"error": {"message": "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens'."}})
    async with serving(refusal, says(200, GOOD)) as peer:
        model = endpoint(peer.url, stream=False)
        assert await whole(model, ASK) == ANSWER
        assert await whole(model, ASK) == ANSWER
        assert ["max_completion_tokens" in body for body in peer.bodies] == [False, True, True]


async def test_a_lesson_that_does_not_help_is_forgotten(endpoint: Callable[..., Endpoint]) -> None:
    refusal = says(400, {"error": {"message": "max_tokens is too large"}})
    async with serving(refusal, says(400, {"error": "unknown field"}), says(200, GOOD)) as peer:
        model = endpoint(peer.url, stream=False)
        with pytest.raises(ModelRefused, match="too large"):
            await whole(model, ASK)
        assert await whole(model, ASK) == ANSWER
        assert "max_tokens" in peer.bodies[-1]


@pytest.mark.parametrize(
    "answer",
    [
        says(200, {"error": {"message": f"boom {KEY}"}}),
        says(200, b"<html>"),
        says(200, {"choices": []}),
        stream(data(error={"message": f"boom {KEY}"})),
        stream(b"data: " + b"x" * (1 << 21)),
    ],
)
async def test_an_error_inside_a_200_is_an_error(
    endpoint: Callable[..., Endpoint], answer: Callable[[Exchange], None]
) -> None:
    async with serving(answer) as peer:
        with pytest.raises(ModelFailed) as caught:
            await whole(endpoint(peer.url), ASK)
        assert KEY not in str(caught.value)


@pytest.mark.parametrize(
    "rest, why",
    [
        (b'event: error\ndata: {"error": {"message": "boom"}}\n\n', ModelFailed),
        (b'data: {"error": {"message": "boom", "code": 502}}\n\n', ModelDown),
        (b'data: {"error": {"message": "boom", "type": "overloaded_error"}}', ModelDown),
        (b'data: {"error": {"message": "boom", "code": 429}}\n\n', ModelBusy),
        (b"data: <html>\n\n", ModelFailed),
    ],
)
@pytest.mark.parametrize("apart", [True, False])
async def test_an_error_in_the_middle_of_an_answer_is_a_cut_and_says_why(
    endpoint: Callable[..., Endpoint], rest: bytes, why: type[ModelError], apart: bool
) -> None:
    parts = (word("Hel"), rest) if apart else (word("Hel") + rest,)
    async with serving(stream(*parts)) as peer:
        with pytest.raises(ModelCut) as caught:
            await whole(endpoint(peer.url), ASK)
    assert caught.value.text == "Hel"
    assert type(caught.value.why) is why


async def test_an_error_behind_the_end_of_an_answer_does_not_cost_the_answer(endpoint: Callable[..., Endpoint]) -> None:
    for parts in ((word("Hi"), STOP, data(error="boom")), (word("Hi"), STOP + data(error="boom"))):
        async with serving(stream(*parts)) as peer:
            assert (await whole(endpoint(peer.url), ASK))[:2] == ("Hi", "stop")


async def test_without_a_name_the_first_model_is_taken(endpoint: Callable[..., Endpoint]) -> None:
    async with serving(says(200, {"data": [{"id": "first"}, {"id": "second"}]}), WHOLE) as peer:
        model = endpoint(peer.url, name="")
        assert await whole(model, ASK) == ANSWER
        assert await model.start() == "first"
        assert [exchange.path for exchange in peer.asked] == ["/v1/models", "/v1/chat/completions"]


@pytest.mark.parametrize("answer", [says(404, {}), says(200, {"data": []}), says(200, b"hello")])
async def test_without_any_name_the_settings_are_wrong(
    endpoint: Callable[..., Endpoint], answer: Callable[[Exchange], None]
) -> None:
    async with serving(answer) as peer:
        with pytest.raises(SettingsError, match="MODEL_NAME"):
            await endpoint(peer.url, name="").start()


async def test_a_cancelled_stream_closes_upstream_within_a_second(endpoint: Callable[..., Endpoint]) -> None:
    async with serving(stream(word("Hel"), hang=True)) as peer:
        model, got = endpoint(peer.url), asyncio.Event()

        async def read() -> None:
            async with aclosing(model.stream(ASK)) as chunks:
                async for _ in chunks:
                    got.set()

        task = asyncio.create_task(read())
        await got.wait()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await until(lambda: not peer.open, seconds=1, what="the upstream closed")


async def test_a_stream_that_is_left_closes_upstream_within_a_second(endpoint: Callable[..., Endpoint]) -> None:
    async with serving(stream(word("Hel"), hang=True)) as peer:
        async with aclosing(endpoint(peer.url).stream(ASK)) as chunks:
            assert await anext(chunks) == Chunk("Hel")
        await until(lambda: not peer.open, seconds=1, what="the upstream closed")


async def test_cancelling_200_of_400_requests_leaks_no_connection(
    endpoint: Callable[..., Endpoint], connections: Connections
) -> None:
    waiting: list[Exchange] = []
    async with serving(waiting.append) as peer:
        model = endpoint(peer.url, stream=False)
        tasks = [asyncio.create_task(whole(model, ASK)) for _ in range(400)]
        await until(lambda: len(waiting) == 400, what="400 requests")
        for task in tasks[::2]:
            task.cancel()
        await until(lambda: len(peer.open) == 200, what="200 connections closed")
        for exchange in waiting:
            exchange.reply(msgspec.json.encode(GOOD))
        results = await asyncio.gather(*tasks, return_exceptions=True)
        assert sum(result == ANSWER for result in results) == 200
        assert sum(isinstance(result, asyncio.CancelledError) for result in results) == 200
        assert "0 busy" in repr(connections._direct)


async def test_a_call_can_be_heard_by_a_hook_and_served_by_any_transport(connections: Connections) -> None:
    heard: list[str] = []

    async def hook(request: httpx.Request) -> None:
        heard.append(request.method)

    client = Client(connections, httpx.MockTransport(lambda request: httpx.Response(200, json=GOOD)))
    model = Endpoint(client, "http://model.test/v1", name="m", stream=False)
    assert await whole(model, ASK) == ANSWER
    client.event_hooks = {"request": [hook]}
    assert await whole(model, ASK) == ANSWER
    assert heard == ["POST"]
    assert issubclass(ModelDown, ModelError)
