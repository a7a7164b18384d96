"""JSON cut by hand: the same parts that a decoder finds, at any depth, and nothing that is not whole."""

from __future__ import annotations

import contextlib
import json

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.core.cut import members, mended, parts
from app.core.errors import Unparsable

_text = st.text(alphabet='ab"\\,:{}[] \n😀é', max_size=8)
_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | _text,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_text, inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=300, deadline=None)
@given(st.lists(_json), st.sampled_from([None, 1]), st.booleans())
def test_an_array_is_cut_where_a_decoder_would_cut_it(
    values: list[object], indent: int | None, ascii_only: bool
) -> None:
    text = json.dumps(values, indent=indent, ensure_ascii=ascii_only).encode()
    assert [json.loads(part) for part in parts(text)] == values


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(st.text("abc_", max_size=4), _json))
def test_an_object_is_cut_where_a_decoder_would_cut_it(values: dict[str, object]) -> None:
    found = members(json.dumps(values).encode())
    assert {name.decode(): json.loads(value) for name, value in found.items()} == values


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"7",
        b'"[]"',
        b"[",
        b"[1",
        b"[1}",
        b"[{]}",
        b"[]]",
        b"[] []",
        b"x[]",
        b"[],",
        b'["a',
        b'["a\\"]',
        b"[[1]",
        b",[]",
    ],
)
def test_what_is_not_whole_is_refused(raw: bytes) -> None:
    with pytest.raises(Unparsable):
        parts(raw)


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=60) | st.text('[]{}",\\: 1a', max_size=20).map(str.encode))
def test_any_bytes_are_cut_or_refused(raw: bytes) -> None:
    for cut in (parts, members):
        with contextlib.suppress(Unparsable):
            cut(raw)


def test_no_depth_is_too_deep() -> None:
    deep = b"[" * 100_000 + b"]" * 100_000
    assert parts(b"[1," + deep + b"]") == [b"1", deep]


@settings(max_examples=300, deadline=None)
@given(_json)
def test_whole_text_is_not_mended(value: object) -> None:
    text = json.dumps(value).encode()
    assert mended(text) == text


@pytest.mark.parametrize(
    "half, whole",
    [
        (r"x \ud83d y", "x \ufffd y"),
        (r"\uDE00", "\ufffd"),
        (r"\ud83d\ud83d\ude00\ude00", "\ufffd😀\ufffd"),
        (r"\\ud83d", r"\ud83d"),
        (r"\\\ud83d", "\\\ufffd"),
        (r"\ud83d\n", "\ufffd\n"),
        (r"\ud83d\u0041", "\ufffdA"),
    ],
)
def test_half_a_surrogate_pair_becomes_one_replacement(half: str, whole: str) -> None:
    assert msgspec.json.decode(mended(f'"{half}"'.encode())) == whole
