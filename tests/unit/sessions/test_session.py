"""A session says exactly what was said, forgets in whole turns, and keeps what a newer release wrote."""

from __future__ import annotations

import contextlib

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.errors import CorruptSession
from app.sessions.session import Session, fresh, load


def talk(turns: int, keep_turns: int = 100, keep_tokens: int = 0) -> Session:
    session = fresh()
    for i in range(turns):
        session.add(str(i), i, f"q{i}", f"a{i}", keep_turns=keep_turns, keep_tokens=keep_tokens)
    return session


def contents(session: Session, turns: int = 100, tokens: int = 10_000) -> list[str]:
    return [said["content"] for said in session.history(turns, tokens)[0]]


def test_a_conversation_begins_empty() -> None:
    session = load(b"")
    assert session.history(5, 100) == ([], False)
    assert session.dump().startswith(b"2.1\n{")


def test_history_is_the_earlier_turns_oldest_first() -> None:
    messages, trimmed = talk(2).history(5, 1000)
    assert messages == [
        {"role": "user", "content": "q0"},
        {"role": "assistant", "content": "a0"},
        {"role": "user", "content": "q1"},
        {"role": "assistant", "content": "a1"},
    ]
    assert not trimmed


def test_five_turns_are_the_last_ten_messages() -> None:
    messages, trimmed = talk(7).history(5, 1000)
    assert [said["content"] for said in messages] == ["q2", "a2", "q3", "a3", "q4", "a4", "q5", "a5", "q6", "a6"]
    assert trimmed


def test_exactly_as_many_turns_as_allowed_are_not_called_trimmed() -> None:
    session = talk(5, keep_turns=5)
    assert not session.history(5, 1000)[1]
    session.add("5", 5, "q5", "a5", keep_turns=5)
    assert len(session.turns) == 5
    assert load(session.dump()).history(5, 1000)[1], "what was forgotten for good still counts as missing"


def test_history_keeps_to_its_tokens_in_whole_turns() -> None:
    session = fresh()
    for i in range(3):
        session.add(str(i), i, "x" * 28, "y" * 28, keep_turns=9)
    assert len(session.history(9, 40)[0]) == 4
    assert session.history(9, 39) == (session.history(1, 999)[0], True)
    assert session.history(9, 19) == ([], True)


def test_no_history_can_be_asked_for() -> None:
    session = talk(3, keep_turns=0)
    assert session.history(0, 1000) == ([], True)
    assert len(session.turns) == 1, "an edit of the last question still finds it"


def test_what_was_apologised_for_is_not_shown_to_the_model_and_pushes_nothing_out() -> None:
    session = talk(2, keep_turns=2)
    for i in range(9):
        session.add(f"f{i}", 50 + i, "lost", None, keep_turns=2)
    assert contents(session) == ["q0", "a0", "q1", "a1"]
    assert len(session.turns) == 4
    assert session.count == 2


def test_the_stored_value_stays_small() -> None:
    session = fresh()
    for i in range(200):
        session.add(str(i), i, "x" * 1000, "y" * 1000, keep_turns=20, keep_tokens=8000)
    assert len(session.dump()) < 8000 * 2.8 + 2000


@given(st.lists(st.tuples(st.text(max_size=30), st.none() | st.text(max_size=30)), max_size=12), st.integers(0, 4))
def test_what_is_forgotten_could_not_have_been_in_a_later_prompt(
    said: list[tuple[str, str | None]], turns: int
) -> None:
    small, large = fresh(), fresh()
    for i, (question, answer) in enumerate(said):
        small.add(str(i), i, question, answer, keep_turns=turns, keep_tokens=20)
        large.add(str(i), i, question, answer, keep_turns=1000)
        small = load(small.dump())
        assert small.history(turns, 20) == large.history(turns, 20)


def test_a_new_conversation_keeps_its_counters() -> None:
    session = talk(3, keep_turns=1)
    session.tokens, session.told_trim = 55, True
    session.clear()
    again = load(session.dump())
    assert (again.turns, again.count, again.tokens, again.told_trim, again.dropped) == ([], 3, 55, False, False)


def test_everything_survives_being_stored() -> None:
    session = talk(3)
    session.add("9+10", 9, "q\n|\u2028🎈", None, keep_turns=100)
    session.tokens, session.told_trim = 7, True
    again = load(session.dump())
    assert (again.turns, again.count, again.tokens, again.told_trim) == (session.turns, 3, 7, True)


def test_fields_of_a_newer_release_survive_this_one() -> None:
    turn = {"ids": "1", "mid": 1, "question": "q", "answer": "a", "mood": [1]}
    raw = b"3.1\n" + msgspec.json.encode({"turns": [turn], "count": 1, "persona": {"name": "x"}, "tokens": 0})
    session = load(raw)
    session.add("2", 2, "q2", "a2", keep_turns=9)
    header, body = session.dump().split(b"\n", 1)
    stored = msgspec.json.decode(body)
    assert header == b"3.1"
    assert stored["persona"] == {"name": "x"}
    assert stored["turns"][0] == turn
    assert stored["turns"][1]["question"] == "q2"
    assert load(session.dump()).dump() == session.dump()


def test_an_unknown_field_survives_under_our_own_version_too() -> None:
    assert b'"later":[1, 2]' in load(b'1.1\n{"later":[1, 2],"count":4}').dump()


@pytest.mark.parametrize(
    "raw",
    [
        *(b"x", b"1.1", b"\n{}", b"1\n{}", b"1.x\n{}", b"1.1\n", b"1.1\n[]", b"1.1\n{", b'1.1\n{"turns":7}'),
        *(b'1.1\n{"turns":[{"ids":1}]}', b"\xff.1\n{}", b'1.1\n{"turns":[{"ids":"\xff"}]}', b"1.1\n" + b"[" * 99_999),
    ],
)
def test_a_value_that_cannot_be_read_is_said_to_be_corrupt(raw: bytes) -> None:
    with pytest.raises(CorruptSession):
        load(raw)


@given(st.binary(max_size=80))
def test_no_bytes_break_it_otherwise(tail: bytes) -> None:
    with contextlib.suppress(CorruptSession):
        load(b'1.1\n{"turns":[' + tail).dump()


def test_what_the_model_cannot_read_is_forgotten_from_its_beginning() -> None:
    session = fresh()
    for n in range(4):
        session.add(str(n), n, f"q{n}", None if n == 2 else f"a{n}", keep_turns=9)
    session.speaker = "keeper"
    session.shorten(3)
    assert (len(session.turns), session.dropped) == (4, False)
    session.shorten(1)
    kept = load(session.dump())
    assert ([turn.question for turn in kept.turns], kept.dropped, kept.speaker) == (["q2", "q3"], True, "keeper")
    session.shorten(0)
    assert session.turns == []
