"""Event streams against a reader that has all bytes at once and follows the standard's words, line by line."""

import re
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.model.sse import Events, TooLong

CHARACTERS = st.characters(exclude_characters="\r\n", exclude_categories=["Cs"])
TEXTS = st.text(CHARACTERS, max_size=12)
LINES = st.one_of(
    st.just(""),
    st.builds("data:{}{}".format, st.sampled_from(["", " ", "  ", "\t"]), TEXTS),
    st.builds(":{}".format, TEXTS),
    st.builds("{}:{}".format, st.sampled_from(["event", "id", "retry", "Data", "data ", "datum", ""]), TEXTS),
    st.sampled_from(["data", "event", "data:", ": data: no", "data: [DONE]"]),
    TEXTS,
)
NEWLINES = st.sampled_from(["\n", "\r\n", "\r"])
STREAMS = st.builds(
    lambda bom, lines: (bom + "".join(line + newline for line, newline in lines)).encode(),
    st.sampled_from(["", "", "\ufeff"]),
    st.lists(st.tuples(LINES, NEWLINES), max_size=25),
)
SMALL = 'data: ü\r\n: x\r\ndata: 😀\r\n\r\nevent: y\rdata:{"a":\rdata: 1}\r\rdata: [DONE]\n\n'.encode()


def told(stream: bytes) -> list[str]:
    """The data of the events of a whole stream, as the standard says; its last event may lack what ends it."""
    text = stream.decode().removeprefix("\ufeff")
    found: list[str] = []
    data: list[str] = []
    for line in [*re.split("\r\n|\r|\n", text), ""]:
        name, colon, value = line.partition(":")
        if not line:
            found += ["\n".join(data)] if data else []
            data = []
        elif name == "data":
            data.append(value.removeprefix(" ") if colon else "")
    return found


def heard(stream: bytes, cuts: list[int]) -> list[str]:
    """What ours makes of the stream when packets end at these places."""
    parser, found = Events(), list[bytes]()
    places = [0, *sorted(cuts), len(stream)]
    for start, stop in pairwise(places):
        found += parser.feed(stream[start:stop])
    return [event.decode() for event in found + parser.end()]


@given(STREAMS, st.data())
def test_any_stream_cut_anywhere_is_read_as_the_standard_reads_it(stream: bytes, data: st.DataObject) -> None:
    cuts = data.draw(st.lists(st.integers(0, len(stream)), max_size=12))
    assert heard(stream, cuts) == told(stream)


@given(STREAMS)
def test_any_stream_byte_by_byte_is_the_same_stream(stream: bytes) -> None:
    assert heard(stream, list(range(len(stream)))) == told(stream)


def test_every_two_cuts_give_the_same_events() -> None:
    whole = told(SMALL)
    assert whole == ["ü\n😀", '{"a":\n1}', "[DONE]"]
    for first in range(len(SMALL) + 1):
        for second in range(first, len(SMALL) + 1):
            assert heard(SMALL, [first, second]) == whole


@given(STREAMS, st.data())
def test_an_event_is_told_as_soon_as_it_is_whole(stream: bytes, data: st.DataObject) -> None:
    cut = data.draw(st.integers(0, len(stream)))
    found = [event.decode(errors="replace") for event in Events().feed(stream[:cut])]
    assert found == told(stream)[: len(found)]
    ended = re.split(b"\r\n\r\n|\n\n|\r\r", stream[:cut])[:-1]
    assert len(found) >= sum(part.startswith(b"data:") for part in ended)


@given(st.binary(max_size=200), st.lists(st.integers(0, 200), max_size=8))
def test_no_bytes_whatever_break_the_reader(stream: bytes, cuts: list[int]) -> None:
    parser, found, start = Events(), list[bytes](), 0
    for cut in sorted(cuts):
        found += parser.feed(stream[start:cut])
        start = max(start, cut)
    whole = Events()
    assert found + parser.feed(stream[start:]) + parser.end() == whole.feed(stream) + whole.end()


@given(st.integers(1, 200), st.lists(st.integers(1, 30), min_size=1, max_size=30))
def test_what_is_kept_of_an_unfinished_event_is_bounded(limit: int, sizes: list[int]) -> None:
    parser = Events(limit)
    try:
        for size in sizes:
            parser.feed(b"data: " + b"x" * size + b"\n")
    except TooLong:
        assert sum(size + 1 for size in sizes) > limit
    else:
        assert sum(size + 1 for size in sizes) <= limit


@pytest.mark.parametrize("cut", range(1, 4))
def test_a_character_cut_between_packets_is_whole_again(cut: int) -> None:
    parser, stream = Events(), "data: 😀\n\n".encode()
    assert parser.feed(stream[: 6 + cut]) == []
    assert parser.feed(stream[6 + cut :]) == ["😀".encode()]
