"""Event streams: wherever the packets end, the same events come out."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.model.sse import Events, TooLong

STREAM = (
    '\ufeff: hello\n\ndata: {"a": "grüße 😀"}\n\nevent: x\nid: 1\ndata:no space\ndata: second line\n\n'
    "data:  two spaces\n\ndata\n\nretry: 5\n\ndata: [DONE]\n\n"
)
EXPECTED = ['{"a": "grüße 😀"}', "no space\nsecond line", " two spaces", "", "[DONE]"]


def events(stream: bytes, cuts: list[int], limit: int = 1000) -> list[str]:
    parser, found, start = Events(limit), [], 0
    for cut in [*sorted(cuts), len(stream)]:
        found += parser.feed(stream[start:cut])
        start = cut
    return [event.decode() for event in found + parser.end()]


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_every_single_cut_gives_the_same_events(newline: str) -> None:
    stream = STREAM.replace("\n", newline).encode()
    for cut in range(len(stream) + 1):
        assert events(stream, [cut]) == EXPECTED


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_byte_by_byte_gives_the_same_events(newline: str) -> None:
    stream = STREAM.replace("\n", newline).encode()
    assert events(stream, list(range(len(stream)))) == EXPECTED


@given(
    st.lists(st.text(alphabet=st.characters(blacklist_characters="\r\n", blacklist_categories=["Cs"]), min_size=1)),
    st.sampled_from(["\n", "\r\n", "\r"]),
    st.data(),
)
def test_any_texts_survive_any_cuts(texts: list[str], newline: str, data: st.DataObject) -> None:
    stream = "".join(f"data: {text}{newline}{newline}" for text in texts).encode()
    cuts = data.draw(st.lists(st.integers(0, len(stream)), max_size=10))
    assert events(stream, cuts) == texts


def test_the_last_event_may_lack_its_empty_line() -> None:
    assert events(b"data: [DONE]", []) == ["[DONE]"]
    assert events(b"data: [DONE]\n", []) == ["[DONE]"]


@pytest.mark.parametrize("packet", [b"data: " + b"x" * 60, b"x" * 60, b"data: " + b"x" * 20 + b"\n"])
def test_an_event_without_end_is_refused(packet: bytes) -> None:
    with pytest.raises(TooLong):
        events(packet * 4, [len(packet), 2 * len(packet)], limit=50)
