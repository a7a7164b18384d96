"""A strict OpenAI-compatible model: /chat/completions, whole or as a stream, and /models.

Its answers say which question, and which call of all, they belong to.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

import msgspec

from tests.support.faults import Fault, Faults, fail
from tests.support.keyed import REFUSALS, Key, Request, Ring
from tests.support.ledger import Ledger, now
from tests.support.people import Input
from tests.support.wire import Exchange

ENCODE = msgspec.json.Encoder().encode
MODEL = "strict-1"
TOKEN_CHARS = 4
FINISHED = b'"finish_reason":"'


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
    finish: str
    fault: Fault | None
    request: Request
    timer: asyncio.TimerHandle | None = None


class Oracle:
    """The model's side. `slow` holds (part of a question's text, ms): the first that fits decides the delay."""

    def __init__(self, ledger: Ledger, broken: Faults, keys: list[str]) -> None:
        self.ledger, self.faults = ledger, broken
        self.ring = Ring([Key(secret) for secret in keys], now())
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
        secret = exchange.headers.get(b"authorization", b"").decode().removeprefix("Bearer ")
        if exchange.method == "POST" and exchange.path == "/v1/chat/completions":
            request = self.ring.enter(secret, now())
            if request.status == 200:
                self._complete(exchange, request)
            else:
                self._refuse(exchange, request)
        elif not self.ring.knows(secret):
            exchange.reply(error(*REFUSALS[401]), 401)
        elif exchange.method == "GET" and exchange.path == "/v1/models":
            exchange.reply(ENCODE({"object": "list", "data": [{"id": MODEL, "object": "model", "owned_by": "world"}]}))
        else:
            exchange.reply(error(f"no such route: {exchange.method} {exchange.path}", "not_found"), 404)

    def _refuse(self, exchange: Exchange, request: Request) -> None:
        exchange.reply(error(*REFUSALS[request.status]), request.status, extra=self.ring.headers(request))

    def _complete(self, exchange: Exchange, request: Request) -> None:
        try:
            body = msgspec.json.decode(exchange.body, type=Completion)
        except msgspec.DecodeError as problem:
            self.ledger.blame("shape", f"model request: {problem}")
            exchange.reply(error(str(problem), "invalid_request_error"), 400)
        else:
            self._answer(exchange, body, request)

    def _answer(self, exchange: Exchange, body: Completion, request: Request) -> None:
        self._decent(body)
        last = body.messages[-1]["content"] if body.messages else ""
        fault = self.faults.take("model", text=last)
        item = self.ledger.asked(body.messages)
        if item is None:
            exchange.reply(error("no question of this world", "invalid_request_error"), 400)
            return
        self.starts.append((now(), item.index))
        number = item.calls[-1]
        text, finish = self._spoken(item, number, body)
        request.index, request.chat, request.call = item.index, item.chat, number
        call = Call(exchange, body, item, number, text, finish, fault, request)
        self.running.add(call)
        self.peak = max(self.peak, len(self.running))
        exchange.lost = lambda: self._left(call)
        delay = next((ms for words, ms in self.slow if words in item.text), self.delay_ms)
        if delay:
            call.timer = asyncio.get_running_loop().call_later(delay / 1000, self._speak, call)
        else:
            self._speak(call)

    def _spoken(self, item: Input, number: int, body: Completion) -> tuple[str, str]:
        """The answer and how it ends: a limit of tokens is kept, as a good model does."""
        text = self.ledger.answer(item.index, number)
        most = body.max_tokens or body.max_completion_tokens or 0
        if not most or tokens(text) <= most:
            return text, "stop"
        self.ledger.short[number] = most * TOKEN_CHARS
        return self.ledger.answer(item.index, number), "length"

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

    def _left(self, call: Call) -> None:
        """The bot hung up: all that it has of this answer is a part."""
        if call in self.running:
            self.ledger.cut.add(call.number)
        self._over(call)

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
                self._done(call)
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
        if call.fault is not None and call.fault.at is not None:
            self._break(call, events, call.fault)
            return
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
            if call.fault is None:
                self._done(call)

    def _break(self, call: Call, events: list[bytes], fault: Fault) -> None:
        """The stream's first `at` bytes (or all but its last), and then the end. Whole is what has a finish_reason."""
        whole_at = next(sum(map(len, events[: i + 1])) for i, e in enumerate(events) if FINISHED in e) - len(b"\n\n")
        sent = b"".join(events)[: fault.at]
        if len(sent) < whole_at:
            self.ledger.cut.add(call.number)
        call.exchange.begin()
        if sent:
            call.exchange.feed(sent)
        self._over(call)
        if fault.kind == "cut":
            call.exchange.cut()
        else:
            call.exchange.end()

    def _done(self, call: Call) -> None:
        """All of the answer was written: this is what a provider bills."""
        spent = usage(call)
        request = call.request
        request.prompt, request.answer, request.done = spent["prompt_tokens"], spent["completion_tokens"], now()

    def _drip(self, call: Call, events: list[bytes], at: int) -> None:
        if at == len(events):
            self._over(call)
            call.exchange.end()
            if call.fault is None:
                self._done(call)
            return
        call.exchange.feed(events[at])
        call.timer = asyncio.get_running_loop().call_later(self.chunk_ms / 1000, self._drip, call, events, at + 1)


def error(words: str, code: str) -> bytes:
    return ENCODE({"error": {"message": words, "type": code, "param": None, "code": code}})


def tokens(text: str) -> int:
    """As many as this model counts in a text."""
    return len(text) // TOKEN_CHARS


def usage(call: Call) -> dict[str, int]:
    prompt = sum(len(message["content"]) for message in call.body.messages) // TOKEN_CHARS
    answer = tokens(call.text)
    return {"prompt_tokens": prompt, "completion_tokens": answer, "total_tokens": prompt + answer}


def frame(call: Call, kind: str, **rest: Any) -> dict[str, Any]:
    return {"id": f"chatcmpl-{call.number}", "object": kind, "created": 1_780_000_000, "model": call.body.model, **rest}


def whole(call: Call) -> bytes:
    """The answer as one object."""
    message = {"role": "assistant", "content": call.text, "refusal": None}
    choice = {"index": 0, "finish_reason": call.finish, "logprobs": None, "message": message}
    return ENCODE(frame(call, "chat.completion", choices=[choice], usage=usage(call)))


def stream(call: Call, chunks: int) -> list[bytes]:
    """The answer as events: role, pieces, finish, usage if asked for, [DONE]."""
    size = max(1, -(-len(call.text) // max(1, chunks)))
    deltas: list[tuple[dict[str, str], str | None]] = [({"role": "assistant", "content": ""}, None)]
    deltas += [({"content": call.text[at : at + size]}, None) for at in range(0, len(call.text), size)]
    deltas.append(({}, call.finish))
    kind = "chat.completion.chunk"
    frames = [frame(call, kind, choices=[{"index": 0, "delta": delta, "finish_reason": end}]) for delta, end in deltas]
    if call.body.stream_options is not None and call.body.stream_options.include_usage:
        frames.append(frame(call, kind, choices=[], usage=usage(call)))
    return [b"data: " + ENCODE(entry) + b"\n\n" for entry in frames] + [b"data: [DONE]\n\n"]
