"""A strict OpenAI-compatible model: /chat/completions, whole or as a stream, and /models.

Its answers say which question, and which call of all, they belong to.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

import msgspec

from tests.support.faults import Fault, Faults, fail
from tests.support.ledger import Ledger, now
from tests.support.people import Input
from tests.support.wire import Exchange

ENCODE = msgspec.json.Encoder().encode
MODEL = "strict-1"


class StreamOptions(msgspec.Struct, forbid_unknown_fields=True):
    include_usage: bool = False


class Completion(msgspec.Struct, forbid_unknown_fields=True):
    """The body of a request for an answer; what it does not name, no bot of ours needs."""

    model: str
    messages: list[dict[str, str]]
    stream: bool = False
    stream_options: StreamOptions | None = None
    max_tokens: int | None = None
    max_completion_tokens: int | None = None
    temperature: float | None = None
    user: str | None = None


@dataclass(slots=True, eq=False)
class Call:
    """One request that is being answered."""

    exchange: Exchange
    body: Completion
    item: Input
    number: int
    text: str
    fault: Fault | None
    timer: asyncio.TimerHandle | None = None


class Oracle:
    """The model's side. `slow` holds (part of a question's text, ms): the first that fits decides the delay."""

    def __init__(self, ledger: Ledger, broken: Faults, keys: list[str]) -> None:
        self.ledger, self.faults, self.keys = ledger, broken, keys
        self.delay_ms = 0.0
        self.chunks = 12
        self.chunk_ms = 0.0
        self.slow: list[tuple[str, float]] = []
        self.running: set[Call] = set()
        self.peak = 0
        self.starts: list[tuple[float, int]] = []
        """When, and for which question, a call began."""

    def serve(self, exchange: Exchange) -> None:
        """One request below `/v1/`."""
        key = exchange.headers.get(b"authorization", b"").decode()
        if key.removeprefix("Bearer ") not in self.keys:
            exchange.reply(error("Incorrect API key provided", "invalid_api_key"), 401)
        elif exchange.method == "GET" and exchange.path == "/v1/models":
            exchange.reply(ENCODE({"object": "list", "data": [{"id": MODEL, "object": "model", "owned_by": "world"}]}))
        elif exchange.method != "POST" or exchange.path != "/v1/chat/completions":
            exchange.reply(error(f"no such route: {exchange.method} {exchange.path}", "not_found"), 404)
        else:
            self._complete(exchange)

    def _complete(self, exchange: Exchange) -> None:
        try:
            body = msgspec.json.decode(exchange.body, type=Completion)
        except msgspec.DecodeError as problem:
            self.ledger.blame("shape", f"model request: {problem}")
            exchange.reply(error(str(problem), "invalid_request_error"), 400)
        else:
            self._answer(exchange, body)

    def _answer(self, exchange: Exchange, body: Completion) -> None:
        self._decent(body)
        last = body.messages[-1]["content"] if body.messages else ""
        fault = self.faults.take("model", text=last)
        item = self.ledger.asked(body.messages)
        if item is None:
            exchange.reply(error("no question of this world", "invalid_request_error"), 400)
            return
        self.starts.append((now(), item.index))
        number = item.calls[-1]
        call = Call(exchange, body, item, number, self.ledger.answer(item.index, number), fault)
        self.running.add(call)
        self.peak = max(self.peak, len(self.running))
        exchange.lost = lambda: self._over(call)
        delay = next((ms for words, ms in self.slow if words in item.text), self.delay_ms)
        if delay:
            call.timer = asyncio.get_running_loop().call_later(delay / 1000, self._speak, call)
        else:
            self._speak(call)

    def _decent(self, body: Completion) -> None:
        blame = self.ledger.blame
        if body.max_tokens is None and body.max_completion_tokens is None:
            blame("shape", "a model request without a limit of tokens")
        roles = [message.get("role") for message in body.messages]
        front = 0
        while front < len(roles) and roles[front] == "system":
            front += 1
        rest = roles[front:]
        if rest != ["user", "assistant"] * (len(rest) // 2) + ["user"]:
            blame("shape", f"roles of a prompt: {roles}")

    def _over(self, call: Call) -> None:
        if call.timer is not None:
            call.timer.cancel()
        if call in self.running:
            self.running.discard(call)
            self.ledger.fell_silent(call.item)

    def _speak(self, call: Call) -> None:
        fault = call.fault
        if fault is not None and fault.kind == "hang":
            return
        if fault is not None and fault.kind not in ("stop", "error", "cut"):
            self._over(call)
            self._fail(call.exchange, fault, call)
        elif call.body.stream:
            self._stream(call)
        else:
            self._over(call)
            if fault is None:
                call.exchange.reply(whole(call))
            elif fault.kind == "error":
                call.exchange.reply(error("the server had an error", "server_error"))
            else:
                call.exchange.cut()

    def _fail(self, exchange: Exchange, fault: Fault, call: Call) -> None:
        if fault.kind == "flood":
            extra = b"Retry-After: %d\r\n" % fault.retry_after
            exchange.reply(error("Rate limit reached", "rate_limit_exceeded"), 429, extra=extra)
        elif fault.kind == "status":
            exchange.reply(error(fault.description or "The server is overloaded", "server_error"), fault.status)
        else:
            fail(exchange, fault, whole(call))

    def _stream(self, call: Call) -> None:
        events = stream(call, self.chunks)
        if call.fault is not None:
            events = events[: len(events) // 2]
            self.ledger.cut.add(call.number)
            if call.fault.kind == "error":
                events.append(b"data: " + error("the server had an error", "server_error") + b"\n\n")
        call.exchange.begin()
        if self.chunk_ms and call.fault is None:
            self._drip(call, events, 0)
            return
        call.exchange.feed(b"".join(events))
        self._over(call)
        if call.fault is not None and call.fault.kind == "cut":
            call.exchange.cut()
        else:
            call.exchange.end()

    def _drip(self, call: Call, events: list[bytes], at: int) -> None:
        if at == len(events):
            self._over(call)
            call.exchange.end()
            return
        call.exchange.feed(events[at])
        call.timer = asyncio.get_running_loop().call_later(self.chunk_ms / 1000, self._drip, call, events, at + 1)


def error(words: str, code: str) -> bytes:
    return ENCODE({"error": {"message": words, "type": code, "param": None, "code": code}})


def usage(call: Call) -> dict[str, int]:
    prompt = sum(len(message["content"]) for message in call.body.messages) // 4
    answer = len(call.text) // 4
    return {"prompt_tokens": prompt, "completion_tokens": answer, "total_tokens": prompt + answer}


def frame(call: Call, kind: str, **rest: Any) -> dict[str, Any]:
    return {"id": f"chatcmpl-{call.number}", "object": kind, "created": 1_780_000_000, "model": call.body.model, **rest}


def whole(call: Call) -> bytes:
    """The answer as one object."""
    message = {"role": "assistant", "content": call.text, "refusal": None}
    choice = {"index": 0, "finish_reason": "stop", "logprobs": None, "message": message}
    return ENCODE(frame(call, "chat.completion", choices=[choice], usage=usage(call)))


def stream(call: Call, chunks: int) -> list[bytes]:
    """The answer as events: role, pieces, finish, usage if asked for, [DONE]."""
    size = max(1, -(-len(call.text) // max(1, chunks)))
    deltas: list[tuple[dict[str, str], str | None]] = [({"role": "assistant", "content": ""}, None)]
    deltas += [({"content": call.text[at : at + size]}, None) for at in range(0, len(call.text), size)]
    deltas.append(({}, "stop"))
    kind = "chat.completion.chunk"
    frames = [frame(call, kind, choices=[{"index": 0, "delta": delta, "finish_reason": end}]) for delta, end in deltas]
    if call.body.stream_options is not None and call.body.stream_options.include_usage:
        frames.append(frame(call, kind, choices=[], usage=usage(call)))
    return [b"data: " + ENCODE(entry) + b"\n\n" for entry in frames] + [b"data: [DONE]\n\n"]
