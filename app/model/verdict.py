"""What an answer other than 200 means, or an error object inside a 200: whose fault it is, and whether it passes.

Pure: status, headers and body in.

Endpoints agree on little but the status, so codes and words are looked at too; where a phrase comes from stands beside
it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from app.core.errors import (
    KeyRefused,
    KeyUnpaid,
    ModelBusy,
    ModelDown,
    ModelError,
    ModelFailed,
    ModelRefused,
    PromptTooLong,
)
from app.model import wire
from app.model.asked import asked_wait
from app.model.retries import Fate, Passing

PASSING = (408, 409, 425)  # besides 5xx
UNPAID = {
    "insufficient_quota",  # OpenAI, as a 429
    "billing_not_active",
    "billing_hard_limit_reached",
    "insufficient_balance",
}
# No "exceeded your current quota": Gemini says so, word for word, when a minute's requests are used up.
NO_MONEY = re.compile(rb"credit balance is too low|insufficient (?:credits|balance|funds)", re.IGNORECASE)
TOO_LONG_CODES = {
    "context_length_exceeded",  # OpenAI, OpenRouter, Groq
    "exceed_context_size_error",  # llama.cpp
    "string_above_max_length",
    "request_too_large",  # Anthropic
}
TOO_LONG = re.compile(
    rb"maximum context length"  # OpenAI, vLLM, OpenRouter
    rb"|available context size|context size has been exceeded"  # llama.cpp; the second as a 500
    rb"|exceeds? (?:the |model's )?(?:maximum )?context (?:length|window|size)"  # Ollama, LM Studio, llama-cpp-python
    rb"|prompt is too long|input is too long|input length and .?max_tokens.? exceed context"  # Anthropic, Bedrock
    rb"|inputs.? tokens \+ .?max_new_tokens.? must be <="  # Hugging Face's TGI
    rb"|inputs.? must have less than \d+ tokens"
    rb"|input token count .{0,40}exceeds the maximum"  # Gemini
    rb"|reduce the length of the (?:messages|prompt|input)"  # OpenAI, Groq, Fireworks
    rb"|request too large for",  # OpenAI and Groq: more tokens at once than a minute allows
    re.IGNORECASE,
)

INSIDE = (
    (429, ("ratelimit", "toomanyrequests", "resourceexhausted")),
    (401, ("authentication", "invalidapikey", "unauthorized", "unauthenticated")),
    (403, ("permission", "forbidden")),
    (404, ("notfound",)),
    (400, ("invalidrequest", "badrequest", "invalidargument")),
    (503, ("overloaded", "unavailable", "servererror", "internal", "apierror", "timeout")),
)
"""The status that an error without one would have had, by the letters of its code, type or status."""


BLIND = re.compile(
    rb"image_url.{0,60}only supported by"  # OpenAI
    rb"|image input is not supported|mmproj|unsupported content part type"  # llama.cpp, some as a 500
    rb"|endpoints found that support image"  # OpenRouter, as a 404
    rb"|do(?:es)?(?:n't| not) support (?:image|vision|multi-?modal)(?! *(?:format|type|url|size|media|detail))"
    rb"|missing data required for image"  # Ollama; the line above too
    rb"|not a multi-?modal|at most 0 image"  # vLLM
    rb"|unknown variant .{1,3}image_url"  # DeepSeek and others written in Rust
    rb"|content.{0,20} must be a string|expected a string",  # Groq, TGI
    re.IGNORECASE,
)
_FILTERED = re.compile(rb"content.?filter|content management|content policy|flagged|moderation|safety", re.IGNORECASE)


def blind(status: int, body: bytes) -> bool | None:
    """What a refusal of a prompt with pictures says of the model: that it cannot see (True), or only not these (False).

    None when it is about something else.
    """
    if status in (401, 402, 403, 429) or _FILTERED.search(body):
        return None
    if BLIND.search(body):
        return True
    return False if status in (400, 413, 415, 422) and not TOO_LONG.search(body) else None


def verdict(status: int, headers: Mapping[str, str], body: bytes, reason: str, now: float) -> Passing | ModelError:
    """The failure that this answer is; ``reason`` is its sentence without any key, ``now`` Unix time."""
    codes = {str(wire.field(body, name)) for name in ("code", "type")}
    if status not in (401, 402, 403) and _too_long(status, codes, body):
        return PromptTooLong(status, reason)
    if status == 402 or (status < 500 and (codes & UNPAID or NO_MONEY.search(body))):
        return KeyUnpaid(status, reason)
    if status == 429:
        return ModelBusy(asked_wait(headers, now) or 0.0, f"429 {reason}".strip())
    if status == 401 or (status == 403 and not _moderated(body)):
        return KeyRefused(status, reason)
    if status < 500 and status not in PASSING:
        return ModelRefused(status, reason)
    return _passing(status, headers, body, reason, now)


def inside(body: bytes, reason: str, now: float) -> Passing | ModelError:
    """The failure that an error object inside a 200 is; its headers were those of an answer and say nothing."""
    status = _status(body)
    found = verdict(status or 400, {}, body, reason, now)
    return ModelFailed(reason) if not status and type(found) is ModelRefused else found


def _status(body: bytes) -> int:
    """The status that an error names, in a number or in words; 0 when it names none."""
    named = [wire.field(body, name) for name in ("code", "status", "status_code", "type")]
    for value in named:
        if re.fullmatch(r"[45]\d\d", str(value), re.ASCII):
            return int(value)
    words = [re.sub("[^a-z]", "", value.lower()) for value in named if isinstance(value, str)]
    return next((status for status, parts in INSIDE if any(part in word for word in words for part in parts)), 0)


def _passing(status: int, headers: Mapping[str, str], body: bytes, reason: str, now: float) -> Passing:
    down = ModelDown(f"{status} {reason}".strip())
    loading = wire.field(body, "estimated_time") if status == 503 else None
    if isinstance(loading, int | float) and not isinstance(loading, bool) and loading > 0:
        return Passing(down, float(loading), loading=True, fate=Fate.REFUSED)
    return Passing(down, asked_wait(headers, now) if status == 503 else None, fate=Fate.REFUSED)


def _too_long(status: int, codes: set[str], body: bytes) -> bool:
    return status == 413 or bool(codes & TOO_LONG_CODES or TOO_LONG.search(body))


def _moderated(body: bytes) -> bool:
    """OpenRouter's 403 for a question that its filter does not like: the key is as good as before."""
    return b"flagged" in body or b"moderation" in body
