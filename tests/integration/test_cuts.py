"""An answer that is cut at every byte, in every framing and in both ways to end a connection: never taken for whole."""

import asyncio
from collections.abc import Callable

import pytest

from app.core.connections import Connections
from app.core.errors import ModelCut, ModelDown
from app.core.exchange import Clocks
from app.core.http import Client
from app.model.base import Prompt, Usage, whole
from app.model.openai import Endpoint
from tests.integration.peer import serving
from tests.support.wire import Exchange

TEXT = "grüße, 😀!"
CLOCKS = Clocks(connect=5, first=5, between=5, total=10)
AT_ONCE = 100

WORDS = [
    b'data: {"choices":[{"delta":{"role":"assistant","content":""},"finish_reason":null}]}\n\n',
    'data: {"choices":[{"delta":{"content":"grüße, "},"finish_reason":null}]}\n\n'.encode(),
    'data: {"choices":[{"delta":{"content":"😀!"},"finish_reason":null}]}\n\n'.encode(),
]
STOP = b'data: {"choices":[{"delta":{},"finish_reason":"stop"}]}\n\n'
REST = [b'data: {"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":2}}\n\n', b"data: [DONE]\n\n"]
EVENTS = [*WORDS, STOP, *REST]
JSON = (
    '{"choices":[{"message":{"role":"assistant","content":"grüße, 😀!"},"finish_reason":"stop"}],'
    '"usage":{"prompt_tokens":3,"completion_tokens":2}}'
).encode()
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: %b\r\n%b\r\n"
SSE, PLAIN = b"text/event-stream", b"application/json"


def chunked(parts: list[bytes]) -> bytes:
    return b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"


ANSWERS = {
    "chunked stream": HEAD % (SSE, b"Transfer-Encoding: chunked\r\n") + chunked(EVENTS),
    "stream that the end of the connection ends": HEAD % (SSE, b"") + b"".join(EVENTS),
    "stream of known length": HEAD % (SSE, b"Content-Length: %d\r\n" % sum(map(len, EVENTS))) + b"".join(EVENTS),
    "stream that never says why it ends": HEAD % (SSE, b"") + b"".join([*EVENTS[:3], REST[1]]),
    "stream with CRLF": HEAD % (SSE, b"") + b"".join(EVENTS).replace(b"\n", b"\r\n"),
    "one response": HEAD % (PLAIN, b"Content-Length: %d\r\n" % len(JSON)) + JSON,
    "one response that the end of the connection ends": HEAD % (PLAIN, b"") + JSON,
    "one response in chunks": HEAD % (PLAIN, b"Transfer-Encoding: chunked\r\n") + chunked([JSON[:70], JSON[70:]]),
}
ENOUGH = {name: answer.find(b'"stop"') for name, answer in ANSWERS.items()}
"""Before this byte nobody can know that the answer is whole."""
ENOUGH["stream that never says why it ends"] = ANSWERS["stream that never says why it ends"].find(b"[DONE]")


def cutting(answer: bytes, *, abort: bool) -> Callable[[Exchange], None]:
    """Answers as many bytes as the question says, and ends the connection."""

    def handler(exchange: Exchange) -> None:
        size = int(exchange.body.split(b'"size ')[1].split(b'"')[0])
        exchange.over = True
        exchange.wire.write(answer[:size])
        if abort:
            exchange.wire.transport.abort()
        else:
            exchange.wire.close()

    return handler


@pytest.mark.parametrize("abort", [False, True], ids=["closed", "aborted"])
@pytest.mark.parametrize("name", ANSWERS)
async def test_an_answer_cut_at_any_byte_never_ends_as_a_whole_one(name: str, abort: bool) -> None:
    answer, room = ANSWERS[name], asyncio.Semaphore(AT_ONCE)

    async def ask(model: Endpoint, size: int) -> tuple[int, str, Usage | None]:
        async with room:
            try:
                text, _, usage = await whole(model, Prompt([{"role": "user", "content": f"size {size}"}]))
            except ModelCut as cut:
                return size, "cut" if cut.text and TEXT.startswith(cut.text) else f"wrong: {cut.text}", None
            except ModelDown:
                return size, "down", None
            return size, text, usage

    async with Connections(AT_ONCE) as connections, serving(cutting(answer, abort=abort)) as peer:
        client = Client(connections)
        model = Endpoint(client, peer.url, name="m", stream="stream" in name, clocks=CLOCKS, patience_seconds=0)
        found = await asyncio.gather(*(ask(model, size) for size in range(len(answer) + 1)))

    early = {result for size, result, _ in found if size <= ENOUGH[name]}
    assert early <= {"cut", "down"}
    assert {result for _, result, _ in found} <= {"cut", "down", TEXT}
    if not abort:
        assert found[-1][1] == TEXT
        if "never" not in name:
            assert found[-1][2] == Usage(3, 2)
        assert "cut" in early or "one response" in name
