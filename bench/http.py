"""What the HTTP of one update costs: a model request and a sendMessage, CPU per update, ways side by side in one run.

``python -m bench.http [--updates 6000] [--rounds 3] [way ...]``; the fake server has the second core for itself.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable

import aiohttp
import httpx
import msgspec
import uvloop

from app.core.botapi import Telegram
from app.core.connections import Connections
from app.core.http import Client
from app.core.updates import Address
from app.model.base import Prompt, whole
from app.model.openai import Endpoint
from app.outbox.sender import Sender

IN_FLIGHT = 256
LIMITS = httpx.Limits(max_connections=IN_FLIGHT, max_keepalive_connections=IN_FLIGHT)
PROMISED_MS = 0.5  # of CPU for one request to a model that is not streamed
TOKEN = "1:bench"
HISTORY = [{"role": "user" if i % 2 == 0 else "assistant", "content": f"message {i} " + "x" * 110} for i in range(11)]
ANSWER = json.dumps(
    {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "model": "fake",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "y" * 200}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 300, "completion_tokens": 50, "total_tokens": 350},
    }
).encode()
SENT = json.dumps(
    {
        "ok": True,
        "result": {
            "message_id": 5,
            "date": 1_700_000_000,
            "chat": {"id": 7, "type": "private", "first_name": "A"},
            "from": {"id": 1, "is_bot": True, "first_name": "B", "username": "b"},
            "reply_to_message": {"message_id": 4, "date": 1, "chat": {"id": 7, "type": "private"}, "text": "z" * 100},
            "text": "y" * 200,
        },
    }
).encode()
EVENTS = [
    b'data: {"id":"c","object":"chat.completion.chunk","choices":[{"index":0,"delta":{"content":"%s "},'
    b'"finish_reason":null}]}\n\n' % (b"w" * 16)
    for _ in range(12)
] + [
    b'data: {"id":"c","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n',
    b'data: {"id":"c","choices":[],"usage":{"prompt_tokens":300,"completion_tokens":50}}\n\n',
    b"data: [DONE]\n\n",
]

Way = Callable[[], Awaitable[None]]


class Server(asyncio.Protocol):
    """HTTP/1.1 in the fewest instructions: fixed answers by path."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        self.buffer = b""

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        while (end := self.buffer.find(b"\r\n\r\n")) >= 0:
            head = self.buffer[:end].lower()
            at = head.find(b"content-length:")
            length = int(head[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
            if len(self.buffer) < end + 4 + length:
                return
            body, self.buffer = self.buffer[end + 4 : end + 4 + length], self.buffer[end + 4 + length :]
            self.answer(head, body)

    def answer(self, head: bytes, body: bytes) -> None:
        if b"/chat/completions" not in head:
            self.whole(SENT)
        elif b'"stream":true' not in body.replace(b" ", b""):
            self.whole(ANSWER)
        else:
            self.head(b"Content-Type: text/event-stream\r\nTransfer-Encoding: chunked")
            if b"/slow/" in head:
                self.task = asyncio.get_running_loop().create_task(self.trickle())
            else:
                self.transport.write(b"".join(map(chunk, EVENTS)) + b"0\r\n\r\n")  # type: ignore[attr-defined]

    async def trickle(self) -> None:
        for event in EVENTS:
            await asyncio.sleep(0.01)
            self.transport.write(chunk(event))  # type: ignore[attr-defined]
        self.transport.write(b"0\r\n\r\n")  # type: ignore[attr-defined]

    def head(self, more: bytes) -> None:
        self.transport.write(b"HTTP/1.1 200 OK\r\nServer: nginx\r\nConnection: keep-alive\r\n%s\r\n\r\n" % more)  # type: ignore[attr-defined]

    def whole(self, body: bytes) -> None:
        self.transport.write(  # type: ignore[attr-defined]
            b"HTTP/1.1 200 OK\r\nServer: nginx\r\nContent-Type: application/json\r\nContent-Length: %d\r\n"
            b"Connection: keep-alive\r\n\r\n%s" % (len(body), body)
        )


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


def question(stream: bool = False) -> bytes:
    body = {"model": "fake", "messages": HISTORY, "max_tokens": 1024}
    return msgspec.json.encode(body | {"stream": True} if stream else body)


def message() -> bytes:
    reply = {"message_id": 4, "allow_sending_without_reply": True}
    return msgspec.json.encode({"chat_id": 7, "text": "y" * 200, "reply_parameters": reply})


@contextlib.asynccontextmanager
async def stock(base: str) -> AsyncIterator[Way]:
    """httpx as it comes: its pool, ``post``."""
    async with httpx.AsyncClient(limits=LIMITS, timeout=60) as client:

        async def one() -> None:
            (await client.post(f"{base}/v1/chat/completions", content=question())).json()
            (await client.post(f"{base}/bot{TOKEN}/sendMessage", content=message())).json()

        yield one


@contextlib.asynccontextmanager
async def bare(base: str, trust_env: bool = False) -> AsyncIterator[Way]:
    """aiohttp directly, both calls."""
    connector = aiohttp.TCPConnector(limit=2 * IN_FLIGHT)
    async with aiohttp.ClientSession(connector=connector, trust_env=trust_env) as session:

        async def one() -> None:
            for url, body in (
                (f"{base}/v1/chat/completions", question()),
                (f"{base}/bot{TOKEN}/sendMessage", message()),
            ):
                async with session.post(url, data=body, headers={"Content-Type": "application/json"}) as response:
                    msgspec.json.decode(await response.read())

        yield one


@contextlib.asynccontextmanager
async def bare_env(base: str) -> AsyncIterator[Way]:
    """The same with aiohttp's own trust_env."""
    async with bare(base, True) as one:
        yield one


@contextlib.asynccontextmanager
async def ours(base: str, stream: bool = False) -> AsyncIterator[Way]:
    """Lanekeeper's Endpoint and Sender, as turns call them."""
    async with Connections(IN_FLIGHT) as connections:
        model = Endpoint(Client(connections), f"{base}/v1", key="k", name="fake", stream=stream)
        sender = Sender(connections, Telegram(connections, TOKEN, base))
        prompt, address = Prompt(HISTORY), Address(7, None, 4, False)  # type: ignore[arg-type]

        async def one() -> None:
            text, _, _ = await whole(model, prompt)
            await sender.send(address, text)

        yield one


@contextlib.asynccontextmanager
async def ours_stream(base: str) -> AsyncIterator[Way]:
    """The same with the model streamed, 12 words in one packet."""
    async with ours(base, True) as one:
        yield one


@contextlib.asynccontextmanager
async def send_only(base: str) -> AsyncIterator[Way]:
    """Only Sender.send."""
    async with Connections(IN_FLIGHT) as connections:
        sender = Sender(connections, Telegram(connections, TOKEN, base))
        address = Address(7, None, 4, False)

        async def one() -> None:
            await sender.send(address, "y" * 200)

        yield one


@contextlib.asynccontextmanager
async def ask_only(base: str, stream: bool = False) -> AsyncIterator[Way]:
    """Only Endpoint.stream, one response."""
    async with Connections(IN_FLIGHT) as connections:
        model = Endpoint(Client(connections), f"{base}/v1", key="k", name="fake", stream=stream)
        prompt = Prompt(HISTORY)  # type: ignore[arg-type]

        async def one() -> None:
            await whole(model, prompt)

        yield one


@contextlib.asynccontextmanager
async def stock_ask(base: str, stream: bool = False) -> AsyncIterator[Way]:
    """Only the model, by httpx's default client as one writes it first, one response."""
    async with httpx.AsyncClient(limits=LIMITS, timeout=60) as client:
        url, body = f"{base}/v1/chat/completions", question(stream)

        async def one() -> None:
            if not stream:
                (await client.post(url, content=body)).json()
                return
            async with client.stream("POST", url, content=body) as response:
                async for line in response.aiter_lines():
                    if line.startswith("data: {"):
                        json.loads(line[6:])

        yield one


@contextlib.asynccontextmanager
async def stock_stream(base: str) -> AsyncIterator[Way]:
    """The same, streamed: 12 words in one packet, ``aiter_lines``."""
    async with stock_ask(base, True) as one:
        yield one


@contextlib.asynccontextmanager
async def ask_stream(base: str) -> AsyncIterator[Way]:
    """Only Endpoint.stream, streamed: 12 words in one packet."""
    async with ask_only(base, True) as one:
        yield one


@contextlib.asynccontextmanager
async def slow_stream(base: str) -> AsyncIterator[Way]:
    """Only Endpoint.stream, a packet per word, 10 ms apart."""
    async with Connections(IN_FLIGHT) as connections:
        model = Endpoint(Client(connections), f"{base}/slow", key="k", name="fake")
        prompt = Prompt(HISTORY)  # type: ignore[arg-type]

        async def one() -> None:
            await whole(model, prompt)

        yield one


WAYS = {way.__name__: way for way in (stock, bare_env, bare, ours, ours_stream, send_only, slow_stream)}
MODEL_ALONE = {"ask_only": "stock_ask", "ask_stream": "stock_stream"}
"""What issue 4 asks for: our client's request to a model, and the same by httpx's default client."""
EVERY = WAYS | {way.__name__: way for way in (stock_ask, ask_only, stock_stream, ask_stream)}
PARTS = {way.__name__ for way in (send_only, slow_stream)}


async def serve(port_file: int) -> None:
    server = await asyncio.get_running_loop().create_server(Server, "127.0.0.1", 0)
    os.write(port_file, b"%d\n" % server.sockets[0].getsockname()[1])
    await server.serve_forever()


async def measure(name: str, base: str, updates: int) -> float:
    """CPU milliseconds of this process per update, 256 in flight."""
    async with EVERY[name](base) as one:
        left = iter(range(IN_FLIGHT * 2))

        async def work() -> None:
            for _ in left:
                await one()

        await asyncio.gather(*(work() for _ in range(IN_FLIGHT)))
        left = iter(range(updates))
        before = time.process_time()
        await asyncio.gather(*(work() for _ in range(IN_FLIGHT)))
        return (time.process_time() - before) * 1000 / updates


def pinned(core_number: int, *arguments: str) -> list[str]:
    return ["taskset", "-c", str(core_number % (os.cpu_count() or 1)), sys.executable, "-m", "bench.http", *arguments]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("ways", nargs="*", default=list(EVERY))
    parser.add_argument("--updates", type=int, default=6000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--role", default="", help=argparse.SUPPRESS)
    parser.add_argument("--base", default="", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.role == "server":
        uvloop.run(serve(1))
    elif options.role == "client":
        print(uvloop.run(measure(options.ways[0], options.base, options.updates)))
    else:
        compare(options.ways, options.updates, options.rounds)


def compare(ways: list[str], updates: int, rounds: int) -> None:
    server = subprocess.Popen(pinned(1, "--role", "server"), stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout
        base = f"http://127.0.0.1:{int(server.stdout.readline())}"
        costs: dict[str, list[float]] = {way: [] for way in ways}
        for _ in range(rounds):
            for way in ways:
                amount = updates // 15 if way.startswith("stock") else updates
                command = pinned(0, way, "--role", "client", "--base", base, "--updates", str(amount))
                costs[way].append(float(subprocess.run(command, check=True, capture_output=True, text=True).stdout))
    finally:
        server.terminate()
        server.wait()
    report({way: statistics.median(values) for way, values in costs.items()})


def report(costs: dict[str, float]) -> None:
    if updates := {way: cost for way, cost in costs.items() if way in WAYS}:
        print(f"{'':12}{'CPU ms/update':>14}{'stock is':>12}{'bare aiohttp is':>18}")
        for way, cost in updates.items():
            others = () if way in PARTS else ("stock", "bare")  # half the work is no ratio
            ratios = [f"{costs[other] / cost:.1f} x" if other in costs else "" for other in others] or ["", ""]
            print(f"{way:12}{cost:14.3f}{ratios[0]:>12}{ratios[1]:>18}   {words(way)}")
    if requests := {way: cost for way, cost in costs.items() if way not in WAYS}:
        print(f"{'':12}{'ms/request':>14}{'httpx is':>12}{'under 0.5 ms':>18}")
        for way, cost in requests.items():
            other = costs.get(MODEL_ALONE.get(way, ""))
            kept = {True: "yes", False: "NO"}[cost < PROMISED_MS] if way in MODEL_ALONE else ""
            print(f"{way:12}{cost:14.3f}{f'{other / cost:.1f} x' if other else '':>12}{kept:>18}   {words(way)}")


def words(way: str) -> str:
    return (EVERY[way].__doc__ or "").strip()


if __name__ == "__main__":
    main()
