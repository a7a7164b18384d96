"""A conversation's history, as it stands in Redis: `<version>.<reader>`, a newline, JSON.

Read once at the start of a turn, written once at its end. Fields of a newer release survive being read and written by
this one: `extra` holds them. `reader` is the oldest release that can read the value.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Sequence
from typing import Any, TypedDict

import msgspec

from app.core.errors import CorruptSession
from app.core.tokens import MOST_PER_CHARACTER
from app.core.tokens import tokens as estimate

VERSION = 2
READER = 1


class Message(TypedDict):
    """One message as the model is shown it."""

    role: str
    content: str


class Turn(msgspec.Struct, omit_defaults=True):
    """One question and its answer; ``ids``: its update ids joined by "+"; ``answer`` None: apologised instead.

    ``by``: who asked, in a group (0: not known); ``shown``: the message ids of the answer's parts; ``files``: what can
    be fetched again when it is asked anew, each with its kind, Telegram's id and its name; ``said``: where several
    messages asked it together, the words of each by its id.
    """

    ids: str
    mid: int
    question: str
    answer: str | None = None
    by: int = 0
    shown: list[int] = []
    files: list[tuple[str, str, str]] = []
    said: list[tuple[int, str]] = []

    @property
    def mids(self) -> tuple[int, ...]:
        """The messages that asked it."""
        return (self.mid, *(one for one, _ in self.said))


class _Stored(msgspec.Struct, omit_defaults=True):
    turns: list[Turn] = []
    count: int = 0
    tokens: int = 0
    told_trim: bool = False
    dropped: bool = False
    speaker: str = ""


class _Exact(_Stored, forbid_unknown_fields=True):
    """What we wrote ourselves: read in one pass."""


_exact = msgspec.json.Decoder(_Exact)
_fields = msgspec.json.Decoder(_Stored)
_raws = msgspec.json.Decoder(dict[str, msgspec.Raw])
_anything = msgspec.json.Decoder(dict[str, Any])
_encode = msgspec.json.Encoder().encode
_KNOWN = frozenset(_Stored.__struct_fields__)
_KNOWN_TURN = frozenset(Turn.__struct_fields__)


class Session:
    """The earlier turns of a conversation, oldest first, and its counters.

    ``count``: questions answered; ``tokens``: spent; ``told_trim``: the person knows that old turns are left out;
    ``dropped``: turns were left behind for good; ``speaker``: the persona that answered, as the chat had chosen it.
    """

    __slots__ = ("_extra", "_header", "_turn_extra", "count", "dropped", "speaker", "tokens", "told_trim", "turns")

    def __init__(self, stored: _Stored, header: tuple[int, int] = (VERSION, READER)) -> None:
        self.turns = stored.turns
        self.count = stored.count
        self.tokens = stored.tokens
        self.told_trim = stored.told_trim
        self.dropped = stored.dropped
        self.speaker = stored.speaker
        self._header = header
        self._extra: dict[str, msgspec.Raw] = {}
        self._turn_extra: dict[str, dict[str, Any]] = {}

    def history(self, turns: int, tokens: int) -> tuple[list[Message], bool]:
        """The last answered turns that fit both bounds, as user and assistant in turn; and whether any is missing."""
        chosen: list[Turn] = []
        room: float = math.inf if self._slight(tokens) else tokens
        trimmed = self.dropped
        for turn in reversed(self.turns):
            if turn.answer is None:
                continue
            if room < math.inf:
                room -= estimate(turn.question) + estimate(turn.answer)
            if len(chosen) >= turns or room < 0:
                trimmed = True
                break
            chosen.append(turn)
        messages: list[Message] = []
        for turn in reversed(chosen):
            messages.append({"role": "user", "content": turn.question})
            messages.append({"role": "assistant", "content": turn.answer or ""})
        return messages, trimmed

    def add(
        self,
        ids: str,
        mid: int,
        question: str,
        answer: str | None,
        *,
        keep_turns: int,
        keep_tokens: int = 0,
        by: int = 0,
        shown: Sequence[int] = (),
        files: Sequence[tuple[str, str, str]] = (),
        said: Sequence[tuple[int, str]] = (),
    ) -> None:
        """Note a turn, and forget those that no later prompt can hold (``keep_tokens`` 0: only their number counts)."""
        parts = list(said) if len(said) > 1 else []
        self.turns.append(Turn(ids, mid, question, answer, by, list(shown), list(files), parts))
        if answer is not None:
            self.count += 1
        self._forget(max(1, keep_turns), keep_tokens)

    def precede(self, older: Session) -> None:
        """Put what was said in the chat that this one was before in front. Its message ids mean nothing here."""
        for turn in older.turns:
            turn.mid, turn.shown, turn.said = 0, [], []
        if not self.turns:
            self.speaker = older.speaker
        self.turns = [*older.turns, *self.turns]
        self.count += older.count
        self.tokens += older.tokens
        self.told_trim |= older.told_trim
        self.dropped |= older.dropped
        self._extra = {**older._extra, **self._extra}
        self._turn_extra = {**older._turn_extra, **self._turn_extra}
        self._header = max(self._header, older._header)

    def without(self, author: int, mid: int) -> bool:
        """Forget what this member asked before message ``mid``, and what nobody knows the author of; if there was any.

        An answer goes with its question.
        """
        stay = [turn for turn in self.turns if turn.mid >= mid or turn.by not in (author, 0)]
        gone = len(self.turns) - len(stay)
        self.turns = stay
        return gone > 0

    def last(self) -> Turn | None:
        """The latest turn."""
        return self.turns[-1] if self.turns else None

    def clear(self) -> None:
        """Forget what was said; the counters stay."""
        self.turns = []
        self.told_trim = self.dropped = False

    def shorten(self, turns: int) -> None:
        """Forget the oldest answered turns but so many: the model cannot read more."""
        answered = 0
        for index in range(len(self.turns) - 1, -1, -1):
            answered += self.turns[index].answer is not None
            if answered > turns:
                del self.turns[: index + 1]
                self.dropped = True
                return

    def dump(self) -> bytes:
        """The value to be stored."""
        stored = _Stored(self.turns, self.count, self.tokens, self.told_trim, self.dropped, self.speaker)
        version, reader = self._header
        if not self._extra and not self._turn_extra:
            return b"%d.%d\n%b" % (version, reader, _encode(stored))
        whole: dict[str, Any] = {**msgspec.to_builtins(stored), **self._extra}
        if self._turn_extra and "turns" in whole:
            whole["turns"] = [{**turn, **self._turn_extra.get(turn["ids"], {})} for turn in whole["turns"]]
        return b"%d.%d\n%b" % (version, reader, _encode(whole))

    def _slight(self, tokens: int) -> bool:
        """Whether all turns together fit for certain, whatever their characters: then none needs an estimate."""
        characters = sum(len(turn.question) + len(turn.answer or "") for turn in self.turns)
        return MOST_PER_CHARACTER * characters + 2 * len(self.turns) <= tokens

    def _forget(self, keep_turns: int, keep_tokens: int) -> None:
        """Apologies are kept to the same number, but never push an answer out."""
        answered = failed = 0
        room = math.inf if self._slight(keep_tokens) else keep_tokens or math.inf
        for index in range(len(self.turns) - 1, -1, -1):
            turn = self.turns[index]
            if turn.answer is None:
                failed += 1
                if failed > keep_turns:
                    del self.turns[index]
                continue
            answered += 1
            if room < math.inf:
                room -= estimate(turn.question) + estimate(turn.answer)
            # The newest turn always stays: an edit of its question asks it again.
            if answered > keep_turns or (room < 0 and index < len(self.turns) - 1):
                del self.turns[: index + 1]
                self.dropped = True
                return


def fresh() -> Session:
    """A conversation that begins."""
    return Session(_Stored(turns=[]))


def load(raw: bytes) -> Session:
    """Read a stored value; b"" is a conversation that begins. Raises CorruptSession."""
    if not raw:
        return fresh()
    try:
        header, body = raw.split(b"\n", 1)
        version, reader = map(int, header.split(b"."))
        known = max(version, VERSION), max(reader, READER)
        if version <= VERSION:
            with contextlib.suppress(msgspec.ValidationError):
                return Session(_exact.decode(body), known)
        session = Session(_fields.decode(body), known)
        raws = _raws.decode(body)
        # Raw points into the whole value; a copy lets go of it.
        session._extra = {name: value.copy() for name, value in raws.items() if name not in _KNOWN}  # noqa: SLF001
        if version > VERSION:
            session._turn_extra = _turn_extras(body)  # noqa: SLF001
    except (ValueError, RecursionError, msgspec.MsgspecError) as error:
        raise CorruptSession(type(error).__name__) from None
    return session


def _turn_extras(body: bytes) -> dict[str, dict[str, Any]]:
    turns = _anything.decode(body).get("turns", [])
    found = {turn["ids"]: {name: turn[name] for name in turn.keys() - _KNOWN_TURN} for turn in turns}
    return {ids: extra for ids, extra in found.items() if extra}
