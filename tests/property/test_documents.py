"""Whatever bytes a document has: nothing raises, and what comes of it fits its budget."""

from __future__ import annotations

import contextlib
from time import perf_counter

from hypothesis import given, settings
from hypothesis import strategies as st

from app.core.text import clean
from app.core.tokens import tokens
from app.media.documents import decode, name_of, trim
from app.media.found import Unusable
from app.media.images import data_url

BODIES = st.one_of(
    st.binary(max_size=3000),
    st.text(max_size=2000).map(lambda text: text.encode("utf-8", "surrogatepass")),
    st.tuples(
        st.sampled_from([b"\xff\xfe", b"\xfe\xff", b"\xef\xbb\xbf", b"\xff\xfe\0\0"]), st.binary(max_size=999)
    ).map(b"".join),
)


@given(BODIES, st.integers(1, 500))
def test_bytes_become_a_bounded_text_or_none(body: bytes, most: int) -> None:
    text = decode(body)
    if text is None:
        return
    head, cut = trim(text, most)
    assert tokens(head) <= most
    head.encode("utf-8")  # as a request body needs it
    assert not any(sign in head for sign in "\0\x1b\u202e\u2066\U000e0041")
    assert cut or head == clean(text, nfc=False)


@given(BODIES, st.integers(0, 3000))
def test_so_does_any_beginning(body: bytes, length: int) -> None:
    decode(body[:length], whole=False)


@given(st.text(max_size=3000))
def test_a_text_that_is_encoded_is_decoded(text: str) -> None:
    assert decode(b"\xef\xbb\xbf" + text.encode("utf-8", "replace")) == text.encode("utf-8", "replace").decode()


@given(st.text(max_size=500))
def test_a_name_is_one_line(told: str) -> None:
    name = name_of(told)
    assert 1 <= len(name) <= 80
    assert len(name.splitlines()) == 1
    assert not set(name) & set("[]<>\n")


@given(st.binary(max_size=100))
def test_a_picture_is_one_or_is_refused(body: bytes) -> None:
    with contextlib.suppress(Unusable):
        assert data_url(body).startswith("data:image/")


@settings(max_examples=5)
@given(st.sampled_from(["\u0301\u0327", "\u0f71\u0f72\u0f80", "a\u0316\u0300", "😀", "\ufdfa", "\n"]))
def test_no_run_of_signs_takes_long(signs: str) -> None:
    text = signs * (1_000_000 // len(signs))
    began = perf_counter()
    trim(text, 4000)
    assert perf_counter() - began < 2  # milliseconds on an idle machine
