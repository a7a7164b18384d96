"""The format of chat completions: what endpoints really send is understood, errors are never taken for answers."""

import json

import pytest

from app.core.errors import ModelFailed
from app.model import wire
from app.model.base import Chunk, Usage


def reply(**more: object) -> bytes:
    return json.dumps(more).encode()


def test_a_request_holds_what_was_asked_and_nothing_more() -> None:
    ask = wire.Ask("m", 9, stream=False, with_usage=True, limit_field="max_tokens")
    assert json.loads(ask.body([{"role": "user", "content": 'a"b'}])) == {
        "model": "m",
        "messages": [{"role": "user", "content": 'a"b'}],
        "max_tokens": 9,
    }


def test_a_streamed_request_asks_for_usage() -> None:
    ask = wire.Ask("m", 0, stream=True, with_usage=True, limit_field="max_tokens")
    assert json.loads(ask.body([])) == {
        "model": "m",
        "messages": [],
        "stream": True,
        "stream_options": {"include_usage": True},
    }


@pytest.mark.parametrize(
    "content, text",
    [
        ("hi", "hi"),
        (None, ""),
        ([{"type": "text", "text": "a"}, {"type": "image"}, {"type": "text", "text": "b"}], "ab"),
        (["a", "b"], "ab"),
    ],
)
def test_content_of_every_known_shape_is_read(content: object, text: str) -> None:
    found = wire.read(reply(choices=[{"message": {"content": content, "reasoning_content": "hm"}}]))
    assert found == Chunk(text)


def test_a_refusal_is_an_answer() -> None:
    assert wire.read(reply(choices=[{"message": {"content": None, "refusal": "No."}}])).text == "No."


def test_usage_and_finish_are_passed_on() -> None:
    usage = {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7, "details": {"x": 1}}
    found = wire.read(reply(choices=[{"delta": {}, "finish_reason": "length"}], usage=usage))
    assert found == Chunk("", "length", Usage(3, 4))


@pytest.mark.parametrize(
    "usage",
    [
        b"0", b"[]", b"{}", b'"9"', b"true", b"1e400", b"1" + b"0" * 5000, b'{"prompt_tokens": -1}',
        b'{"prompt_tokens": 3, "completion_tokens": -10}', b'{"prompt_tokens": 10000000000000000000}',
        b'{"prompt_tokens": 1e30}', b'{"prompt_tokens": 1e999}', b'{"prompt_tokens": 10000001}',
        b'{"prompt_tokens": "9"}', b'{"prompt_tokens": true}', b'{"prompt_tokens": [3]}', b'{"completion_tokens": 2.5}',
    ],
)  # fmt: skip
def test_usage_that_cannot_be_true_is_none_and_does_not_cost_the_answer(usage: bytes) -> None:
    body = b'{"choices": [{"message": {"content": "Hi"}, "finish_reason": "stop"}], "usage": ' + usage + b"}"
    assert wire.read_whole(body) == Chunk("Hi", "stop")


def test_whole_numbers_are_counted_however_they_are_written() -> None:
    assert wire.read(b'{"usage": {"prompt_tokens": 3.0, "completion_tokens": 1e7}}').usage == Usage(3, 10_000_000)


@pytest.mark.parametrize(
    "reason, finish",
    [(b"1", "stop"), (b'{"a": 1}', "stop"), (b'["length"]', "stop"), (b"0", ""), (b"false", ""), (b'""', "")],
)
def test_an_end_in_other_words_than_text_is_an_end(reason: bytes, finish: str) -> None:
    assert wire.read(b'{"choices": [{"delta": {}, "finish_reason": ' + reason + b"}]}").finish == finish


def test_an_answer_of_endless_depth_is_one_that_cannot_be_read() -> None:
    with pytest.raises(ModelFailed, match="cannot be read"):
        wire.read(b'{"x": ' + b"[" * 100_000 + b"]" * 100_000 + b"}")


@pytest.mark.parametrize("choices", [[], None])
def test_an_event_without_choices_is_no_error(choices: object) -> None:
    assert wire.read(reply(choices=choices, usage={"prompt_tokens": 1, "completion_tokens": None})) == Chunk(
        usage=Usage(1, 0)
    )


@pytest.mark.parametrize(
    "body, words",
    [
        (reply(error={"message": "boom", "code": 500}), "boom"),
        (reply(error="boom"), "boom"),
        (reply(object="error", message="boom"), "boom"),
        (reply(error={"code": 7}), '{"code":7}'),
    ],
)
def test_an_error_inside_a_200_is_an_error(body: bytes, words: str) -> None:
    with pytest.raises(ModelFailed, match="boom" if words == "boom" else "code|without"):
        wire.read(body)


@pytest.mark.parametrize(
    "body", [b"<html>", b"[]", b"1", b'{"choices": [{"message": 5}]}', b"\xff\xfe", b'{"choices": {}}']
)
def test_what_is_no_answer_is_said_to_be_none(body: bytes) -> None:
    with pytest.raises(ModelFailed):
        wire.read(body)


def test_half_an_answer_is_told_from_a_wrong_one() -> None:
    with pytest.raises(wire.Truncated):
        wire.read(b'{"choices": [{"message": {"content": "hal')


def test_a_whole_answer_needs_a_choice() -> None:
    with pytest.raises(ModelFailed):
        wire.read_whole(b"{}")


@pytest.mark.parametrize(
    "body, words",
    [
        (b'{"error": {"message": "bad  thing\\n here"}}', "bad thing here"),
        (b'{"detail": "no"}', "no"),
        (b'{"error": "no"}', "no"),
        (b'{"message": "no"}', "no"),
        (b"plain words", "plain words"),
        (b"<!doctype html><HTML>secret", ""),
        (b"\xff", "\ufffd"),
    ],
)
def test_the_reason_is_one_short_line(body: bytes, words: str) -> None:
    assert wire.reason(body) == words
    assert len(wire.reason(b"x" * 5000)) == 300


def test_models_are_found_in_every_shape() -> None:
    assert wire.models(b'{"data": [{"id": "a"}, {"id": "b"}]}') == ["a", "b"]
    assert wire.models(b'[{"id": "a"}]') == ["a"]
    assert wire.models(b'{"data": []}') == wire.models(b"nonsense") == wire.models(b'{"data": [5]}') == []
