"""Whose fault an answer is: the question's, the key's, the account's, the endpoint's, or nobody's for long."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from app.core.errors import KeyRefused, KeyUnpaid, ModelBusy, ModelDown, ModelFailed, ModelRefused, PromptTooLong
from app.model.retries import Fate, Passing
from app.model.verdict import inside, verdict


def said(message: str, **more: Any) -> dict[str, Any]:
    return {"error": {"message": message, **more}}


TOO_LONG: list[tuple[int, Any]] = [
    (400, said("…", type="invalid_request_error", code="context_length_exceeded")),
    (400, {"object": "error", "message": "This model's maximum context length is 6048 tokens. However,", "code": 400}),
    (400, said("'max_tokens' is too large: 1024. This model's maximum context length is 2048 tokens and")),
    (400, said("request (4390 tokens) exceeds the available context size (4096 tokens)", n_ctx=4096)),
    (400, said("try increasing it", type="exceed_context_size_error")),
    (500, said("Context size has been exceeded.", type="server_error")),
    (400, said("the input length exceeds the context length")),
    (400, said("Requested tokens (2285) exceed context window of 2048")),
    (400, said("This endpoint's maximum context length is 131072 tokens.", code=400)),
    (400, {"type": "error", "error": {"message": "prompt is too long: 210000 tokens > 200000 maximum"}}),
    (413, {"type": "error", "error": {"type": "request_too_large", "message": "Request exceeds the maximum size"}}),
    (422, said("Input validation error: `inputs` tokens + `max_new_tokens` must be <= 4096. Given: 8740 `inputs`")),
    (400, [said("The input token count (461428) exceeds the maximum number of tokens allowed (131072).")]),
    (400, said("Please reduce the length of the messages or completion.")),
    (429, said("Request too large for gpt-4o on tokens per min (TPM): Limit 30000, Requested 49427.")),
    (413, b"<html>413 Payload Too Large</html>"),
]

UNPAID: list[tuple[int, Any]] = [
    (402, {"error": {"message": "Insufficient credits. Add more", "code": 402}}),
    (402, b""),
    (429, {"error": {"message": "You exceeded your current quota", "code": "insufficient_quota"}}),
    (429, {"error": {"message": "pay", "type": "insufficient_quota", "code": None}}),
    (400, {"error": {"message": "Your credit balance is too low to access the Anthropic API."}}),
    (403, {"error": {"message": "no", "code": "billing_not_active"}}),
]


def judged(status: int, body: Any = b"", **headers: str) -> Any:
    raw = body if isinstance(body, bytes) else msgspec.json.encode(body)
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    return verdict(status, given, raw, "because", 1_700_000_000.0)


INSIDE: list[tuple[Any, type[Exception]]] = [
    (said("slow down", code=429), ModelBusy),
    (said("slow down", code="429"), ModelBusy),
    (said("slow down", type="rate_limit_error"), ModelBusy),
    (said("slow down", code="rate_limit_exceeded"), ModelBusy),
    (said("slow down", status="RESOURCE_EXHAUSTED"), ModelBusy),
    (said("who are you", code=401), KeyRefused),
    (said("who are you", type="authentication_error"), KeyRefused),
    (said("no", code=403), KeyRefused),
    (said("no", code=403, metadata={"reasons": ["flagged"]}), ModelRefused),
    (said("pay", code=402), KeyUnpaid),
    (said("pay", code="insufficient_quota"), KeyUnpaid),
    (said("Context size has been exceeded.", type="server_error"), PromptTooLong),
    (said("…", code="context_length_exceeded"), PromptTooLong),
    (said("what", code=400), ModelRefused),
    (said("what", type="invalid_request_error"), ModelRefused),
    ({"object": "error", "message": "what", "type": "BadRequestError", "code": 400}, ModelRefused),
    (said("boom", code=502), Passing),
    (said("boom", type="overloaded_error"), Passing),
    (said("boom", type="server_error", code=None), Passing),
    (said("boom"), ModelFailed),
    (said("boom", code=1302), ModelFailed),
    (said("boom", code=[429]), ModelFailed),
    ({"error": "boom"}, ModelFailed),
    ({"error": True, "code": 429.0}, ModelFailed),
]


@pytest.mark.parametrize("body, kind", INSIDE)
def test_an_error_inside_a_200_is_judged_by_the_status_that_it_names(body: Any, kind: type[Exception]) -> None:
    assert type(inside(msgspec.json.encode(body), "because", 0.0)) is kind


@pytest.mark.parametrize("status, body", TOO_LONG)
def test_a_conversation_that_does_not_fit_is_known_whoever_says_so(status: int, body: Any) -> None:
    assert type(judged(status, body)) is PromptTooLong


@pytest.mark.parametrize("status, body", UNPAID)
def test_an_empty_purse_is_told_from_a_limit(status: int, body: Any) -> None:
    assert type(judged(status, body)) is KeyUnpaid


def test_geminis_minute_is_no_empty_purse() -> None:
    words = "You exceeded your current quota, please check your plan and billing details."
    found = judged(429, {"error": {"code": 429, "message": words, "status": "RESOURCE_EXHAUSTED"}}, retry_after="7")
    assert type(found) is ModelBusy
    assert found.retry_after == 7


def test_a_limit_says_when_it_ends_or_nothing() -> None:
    assert judged(429, retry_after_ms="1500").retry_after == 1.5
    assert judged(429, x_ratelimit_reset_requests="1m30s").retry_after == 90
    assert judged(429, retry_after="0").retry_after == 0
    assert judged(429).retry_after == 0


@pytest.mark.parametrize("status", [401, 403])
def test_a_key_that_is_not_known_is_refused(status: int) -> None:
    assert type(judged(status, {"error": "no"})) is KeyRefused


def test_a_question_that_a_filter_refuses_is_not_the_keys_fault() -> None:
    body = {"error": {"code": 403, "message": "Your input was flagged", "metadata": {"reasons": ["violence"]}}}
    assert type(judged(403, body)) is ModelRefused


@pytest.mark.parametrize("status", [400, 404, 422, 451])
def test_other_refusals_are_final(status: int) -> None:
    assert type(judged(status, {"error": "no"})) is ModelRefused


@pytest.mark.parametrize("status", [408, 409, 425, 500, 502, 503, 529])
def test_what_is_the_endpoints_own_trouble_passes(status: int) -> None:
    found = judged(status, b"<html>")
    assert isinstance(found, Passing)
    assert found.fate is Fate.REFUSED
    assert type(found.verdict) is ModelDown


@pytest.mark.parametrize(
    "estimate, wait", [(20, 20), (176.7, 176.7), (300, 300), (-1, None), (True, None), ("soon", None), (1e30, 1e30)]
)
def test_a_model_that_loads_says_for_how_long(estimate: Any, wait: float | None) -> None:
    found = judged(503, {"error": "Model is loading", "estimated_time": estimate})
    assert (found.wait, found.loading) == (wait, wait is not None)
