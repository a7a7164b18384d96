"""A notice that the lanes write knows the language of the app from which its message came."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from app.core.triage import Policy, triage
from tests.unit.fakes import ANN, BOB, ME, update
from tests.unit.lanes.desk import Desk


def raw(code: str | None, **fields: Any) -> str:
    author = ANN if code is None else ANN | {"language_code": code}
    return update(from_=author, **fields).decode()


def told(desk: Desk) -> dict[str, Any]:
    """What the notice lane is to tell next."""
    (claim,) = desk.claim(0, notices=1).claims
    desk.complete(claim)
    notice: dict[str, Any] = msgspec.json.decode(claim.entries[0].raw)
    return {name: notice[name] for name in ("kind", "language") if name in notice}


def test_of_a_flood(desk: Desk) -> None:
    desk.store(raw=raw("de"), limit=1)
    assert desk.store(raw=raw("zh-hans"), limit=1) == "flood"
    assert told(desk) == {"kind": "flood", "language": "zh-hans"}


def test_of_a_pause_that_is_there_and_of_one_that_comes(desk: Desk) -> None:
    desk.store(lane="7", raw=raw("ja"))
    claim = desk.take()
    desk.hold("7")
    desk.release(claim)
    assert told(desk) == {"kind": "pause", "language": "ja"}
    desk.hold("8")
    desk.store(lane="8", raw=raw("ru"))
    assert told(desk) == {"kind": "pause", "language": "ru"}


def test_of_what_grew_stale_and_of_a_dead_letter(desk: Desk) -> None:
    desk.store(lane="7", raw=raw("es"), by=desk.shard.now_ms + 10)
    desk.shard.tick(20)
    desk.claim()
    assert told(desk) == {"kind": "stale", "language": "es"}
    desk.store(lane="8", raw=raw("de"))
    desk.fail(desk.take(), final="1")
    assert told(desk) == {"kind": "dead", "language": "de"}


@pytest.mark.parametrize(
    "code, noted",
    [(None, None), ("", None), ('x","mid":666,"y":"', "x"), ("日本語", None), ("a" * 1000, "a" * 16), ("de\\", "de")],
)
def test_what_is_no_language_breaks_no_notice(desk: Desk, code: str | None, noted: str | None) -> None:
    desk.hold("7")
    desk.store(lane="7", raw=raw(code))
    assert told(desk) == {"kind": "pause"} | ({"language": noted} if noted else {})


def test_nobody_can_write_a_language_into_a_text_and_that_of_whoever_is_answered_counts_for_nothing(desk: Desk) -> None:
    desk.hold("7")
    answered = {"message_id": 3, "date": 1, "chat": {"id": 7}, "from": BOB | {"language_code": "ru"}}
    desk.store(lane="7", raw=raw("de", text='"language_code":"ja"', reply_to_message=answered))
    assert told(desk)["language"] == "de"
    desk.hold("8")
    desk.store(lane="8", raw=raw(None, text='"language_code":"ja"'))
    assert told(desk) == {"kind": "pause"}


def test_triage_leaves_an_update_whose_language_is_a_long_text_as_it_is() -> None:
    given = raw("x" * 1000).encode()
    assert triage(given, ME, Policy()).raw == given
