"""Whatever stands beside an answer, where its use is counted and its end is named, the answer is not lost for it."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import msgspec
from hypothesis import example, given
from hypothesis import strategies as st

from app.core.errors import ModelError, ModelFailed
from app.core.http import Response
from app.model import wire
from app.model.answer import Answer
from app.model.openai import chunks_of

NUMBERS = st.one_of(st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.integers(2**62, 2**66))
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=9)
SCALARS = st.one_of(st.none(), st.booleans(), NUMBERS, TEXTS)
ANY = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(TEXTS, inner, max_size=3)),
    max_leaves=6,
)
USAGES = st.one_of(ANY, st.fixed_dictionaries({}, optional={"prompt_tokens": ANY, "completion_tokens": ANY}))
DONE = b"data: [DONE]\n\n"


class Packets(httpx.AsyncByteStream):
    """A body that comes in these pieces."""

    def __init__(self, packets: list[bytes]) -> None:
        self._packets = packets

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for packet in self._packets:
            yield packet


def never(error: ModelFailed) -> ModelError:
    raise AssertionError(error)


async def heard(packets: list[bytes]) -> str:
    response: Response = httpx.Response(200, stream=Packets(packets))
    answer = Answer(response, never)
    await answer.open()
    return "".join([chunk.text async for chunk in chunks_of(answer)])


def event(**fields: Any) -> bytes:
    return b"data: " + dumped(fields) + b"\n\n"


def dumped(value: Any) -> bytes:
    """As some endpoint would write it; msgspec has no words for integers beyond 64 bits."""
    if isinstance(value, dict):
        return (
            b"{" + b",".join(msgspec.json.encode(str(key)) + b":" + dumped(each) for key, each in value.items()) + b"}"
        )
    if isinstance(value, list):
        return b"[" + b",".join(map(dumped, value)) + b"]"
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value).encode()
    return msgspec.json.encode(value)


@given(USAGES, ANY, st.booleans())
@example({"prompt_tokens": 10**19, "completion_tokens": -10}, 7, True)
def test_no_usage_and_no_reason_costs_a_streamed_answer(usage: Any, reason: Any, together: bool) -> None:
    packets = [
        event(choices=[{"delta": {"content": "Hello"}, "finish_reason": None}], usage=None),
        event(choices=[{"delta": {}, "finish_reason": reason}], usage=usage),
        event(choices=[], usage=usage),
        DONE,
    ]
    assert asyncio.run(heard([b"".join(packets)] if together else packets)) == "Hello"


@given(USAGES, ANY)
def test_no_usage_and_no_reason_costs_an_answer_that_came_at_once(usage: Any, reason: Any) -> None:
    body = dumped({"choices": [{"message": {"content": "Hello"}, "finish_reason": reason}], "usage": usage})
    chunk = wire.read_whole(body)
    assert chunk.text == "Hello"
    assert chunk.finish


@given(USAGES)
def test_what_is_counted_is_a_number_of_tokens_that_can_be(usage: Any) -> None:
    found = wire.read(dumped({"usage": usage})).usage
    assert found is None or all(type(each) is int and 0 <= each <= 10**7 for each in (found.prompt, found.completion))
