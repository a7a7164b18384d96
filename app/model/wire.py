"""The chat completions format without a socket: request bodies out, answers in; only the fields that we use.

Endpoints differ: choices may be empty, content null or a list of parts, an error may hide in a 200. Reasoning is not
part of an answer and is passed over.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from app.core.errors import ModelFailed
from app.model.base import Chunk, Message, Usage

MOST_TOKENS = 10_000_000  # of one call; an endpoint that counts more has miscounted
_REASON_LENGTH = 300  # of an endpoint's error text; some send whole pages
_NULL = msgspec.Raw(b"null")


class _Text(msgspec.Struct):
    content: Any = None
    refusal: Any = None


class _Choice(msgspec.Struct):
    message: _Text | None = None
    delta: _Text | None = None
    finish_reason: msgspec.Raw = _NULL


class _Reply(msgspec.Struct):
    choices: list[_Choice] | None = None
    usage: msgspec.Raw = _NULL
    error: Any = None
    object: Any = None
    message: Any = None


_decode = msgspec.json.Decoder(_Reply).decode
_encode = msgspec.json.Encoder().encode


class Truncated(ModelFailed):
    """JSON that ends too early: a cut answer, not a wrong one."""


class Said(ModelFailed):
    """An error object where an answer was expected; ``body`` is the JSON that it stood in."""

    def __init__(self, reason: str, body: bytes) -> None:
        super().__init__(reason)
        self.body = body


class Ask:
    """Makes request bodies: all but the messages is encoded once, unless a prompt differs."""

    def __init__(self, name: str, max_tokens: int, *, stream: bool, with_usage: bool, limit_field: str) -> None:
        self._limit_field = limit_field
        self._max_tokens = max_tokens
        self._rest: dict[str, Any] = {limit_field: max_tokens} if max_tokens else {}
        if stream:
            self._rest["stream"] = True
        if stream and with_usage:
            self._rest["stream_options"] = {"include_usage": True}
        self._head = b'{"model":' + _encode(name) + b',"messages":'
        self._tail = _tail(self._rest)

    def body(
        self,
        messages: list[Message],
        max_tokens: int = 0,
        params: Iterable[tuple[str, Any]] = (),
        images: Sequence[str] = (),
    ) -> bytes:
        """The request body for these messages; ``max_tokens`` may make the answer shorter, never longer (0: as set).

        ``params`` are further fields; what we set ourselves they do not change, but may ask for a shorter answer.
        ``images`` go with the last message, which then is a list of parts.
        """
        said = _encode(_seen(messages, images) if images else messages)
        if not max_tokens and not params:
            return self._head + said + self._tail
        more = dict(params)
        caps = [cap for cap in (self._max_tokens, max_tokens, more.pop("max_tokens", 0)) if cap]
        rest = {**more, **self._rest, **({self._limit_field: min(caps)} if caps else {})}
        return self._head + said + _tail(rest)


def _seen(messages: list[Message], images: Sequence[str]) -> list[Any]:
    *before, last = messages
    pictures = ({"type": "image_url", "image_url": {"url": url}} for url in images)
    return [*before, {"role": last["role"], "content": [{"type": "text", "text": last["content"]}, *pictures]}]


def _tail(rest: dict[str, Any]) -> bytes:
    return b"," + _encode(rest)[1:] if rest else b"}"


def read(data: bytes) -> Chunk:
    """An answer, or one event of a stream; raises ModelFailed for an error object and for what is no answer."""
    try:
        reply = _decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        kind = Truncated if "truncated" in str(error) else ModelFailed
        raise kind("an answer that cannot be read") from None
    if reply.error or reply.object == "error":
        raise Said(_words(reply.error or reply.message) or "an error without words", data)
    usage = _usage(reply.usage)
    if not reply.choices:
        return Chunk(usage=usage)
    choice = reply.choices[0]
    said = choice.delta or choice.message
    return Chunk(_text(said) if said else "", _finish(choice.finish_reason), usage)


def read_whole(data: bytes) -> Chunk:
    """An answer that did not come as a stream; it must hold a choice."""
    chunk = read(data)
    if not chunk.text and not chunk.finish and not _decode(data).choices:
        raise ModelFailed("an answer without choices")
    return chunk if chunk.finish else Chunk(chunk.text, "stop", chunk.usage)


def reason(body: bytes) -> str:
    """What an endpoint says in the body of an error, in one short line."""
    try:
        found = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        text = body[:2000].decode("utf-8", "replace")
        return "" if "<html" in text.lower() else _short(text)
    return _words(found)


def field(body: bytes, name: str) -> Any:
    """A field of an error body, on top or inside ``error``; None when it is not there."""
    try:
        found = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    inner = found.get("error") if isinstance(found, dict) else None
    for place in (inner, found):
        if isinstance(place, dict) and place.get(name) is not None:
            return place[name]
    return None


def models(body: bytes) -> list[str]:
    """The ids that GET /models answers; empty when it answers something else."""
    try:
        found = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return []
    rows = found.get("data") if isinstance(found, dict) else found
    ids = [row.get("id") for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
    return [name for name in ids if isinstance(name, str) and name]


def _text(said: _Text) -> str:
    content = said.content
    if content is None:
        return said.refusal if isinstance(said.refusal, str) else ""
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else [content]
    found = [part.get("text") if isinstance(part, dict) else part for part in parts]
    return "".join(part for part in found if isinstance(part, str))


def _usage(raw: msgspec.Raw) -> Usage | None:
    """What was counted; None for what cannot be true, since an answer is not given up for its bill."""
    found = _any(raw)
    if not isinstance(found, dict) or not found:
        return None
    prompt, completion = (_count(found.get(f"{name}_tokens")) for name in ("prompt", "completion"))
    return None if prompt is None or completion is None else Usage(prompt, completion)


def _count(found: Any) -> int | None:
    if found is None:
        return 0
    if isinstance(found, bool) or not isinstance(found, int | float) or not 0 <= found <= MOST_TOKENS:
        return None
    return int(found) if found == int(found) else None


def _finish(raw: msgspec.Raw) -> str:
    """Why it ended; an end in other words than text is an end too, unless it is as empty as none."""
    found = _any(raw)
    return found if isinstance(found, str) else "stop" if found else ""


def _any(raw: msgspec.Raw) -> Any:
    """A value that we can do without; None for what cannot be read."""
    if bytes(raw) == b"null":
        return None
    try:
        return msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _words(found: Any) -> str:
    """The sentence inside an error of whatever shape."""
    for _ in range(3):
        if not isinstance(found, dict):
            break
        found = next((found[key] for key in ("error", "message", "detail") if found.get(key)), "")
    return _short(found if isinstance(found, str) else msgspec.json.encode(found).decode())


def _short(text: str) -> str:
    text = re.sub(r"\s+", " ", text).strip()
    return text if len(text) <= _REASON_LENGTH else text[: _REASON_LENGTH - 1] + "…"
