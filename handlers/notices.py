"""Notice lanes: what the lanes have to tell a chat, as one kind sentence in reply to the message it is about."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import msgspec

from app.chain.over import gone, over
from app.core import words
from app.core.claims import Claim
from app.core.errors import Unparsable
from app.core.outcome import End, Outcome
from app.core.tongue import ENGLISH, speaking, spoken_in
from app.core.updates import Address, chat_of

DEAD = "dead"  # the kind of notice, and what the mark of such a notice begins with


class Outbox(Protocol):
    """What a notice needs."""

    async def answer(self, claim: Claim, address: Address, text: str) -> None: ...


class Notice(msgspec.Struct):
    """An entry of a notice lane; ``lane`` is the one it is about, ``text`` is given for kind "text" only.

    ``language``: that of the app from which the message came,  if it is not known.
    """

    kind: str
    lane: str
    mid: int = 0
    text: str = ""
    language: str = ""


_notice = msgspec.json.Decoder(Notice)


class Lanes(Protocol):
    """Knows whether a pause covers a lane now."""

    async def paused(self, lane: str) -> bool: ...


class Notices:
    """Sends notices. A chat that has gone, or never was one, ends in silence, and so does a pause that is over.

    ``note`` takes the id and the kind of an error that somebody is told of; ``language`` is that of groups.
    """

    def __init__(
        self,
        outbox: Outbox,
        lanes: Lanes,
        note: Callable[[str, str], None] = lambda error_id, kind: None,
        language: str = ENGLISH,
    ) -> None:
        self._outbox = outbox
        self._lanes = lanes
        self._note = note
        self._language = language

    async def __call__(self, claim: Claim) -> Outcome:
        notice = read(claim.entries[0].raw)
        address = address_of(notice)
        if address is None or gone(claim):
            return End("undeliverable")
        try:
            if notice.kind == "pause" and not await self._lanes.paused(notice.lane):
                return End("answered")
            with speaking(spoken_in(claim.chat, notice.language, self._language, private=address.chat > 0)):
                text = self._traced(claim, notice)
            await self._outbox.answer(claim, address, text)
        except Exception as error:  # noqa: BLE001  every error has its outcome
            outcome = over(claim, error)
            # A notice about a notice would never end.
            return End(outcome.kind, fields=outcome.fields) if isinstance(outcome, End) else outcome
        return End("answered")

    def _traced(self, claim: Claim, notice: Notice) -> str:
        """What is said; that a message became a dead letter, with its update id: it finds log and letter."""
        if notice.kind != DEAD:
            return sentence(notice)
        uid = claim.entries[0].uids.removeprefix(f"n{DEAD}").replace(".", "+")
        if claim.attempt == 1:
            self._note(uid, "dead letter")
        return words.traceable(sentence(notice), uid)


class Telling(Protocol):
    """Writes a notice in the middle of a turn, once for its mark."""

    async def tell(self, claim: Claim, mark: str, seconds: int, raw_notice: str) -> str: ...


class Teller:
    """Tells a chat something once, by its notice lane: durable, within the chat's pace, in reply to the message."""

    def __init__(self, lanes: Telling, kick: Callable[[int, int], None]) -> None:
        self._lanes = lanes
        self._kick = kick

    async def __call__(self, claim: Claim, text: str, mark: str, seconds: int) -> bool:
        """Whether it is told now; not if it was told under this mark in the last ``seconds``."""
        told = await self._lanes.tell(claim, mark, seconds, entry(claim, text)) == "told"
        if told:
            self._kick(claim.shard, 0)
        return told


def entry(claim: Claim, text: str) -> str:
    """A text as the raw part of a notice entry, in reply to the claim's last message."""
    notice = Notice("text", claim.lane.lstrip("!?"), claim.entries[-1].mid, text)
    return msgspec.json.encode(notice).decode()


def read(raw: bytes) -> Notice:
    """One entry; raises Unparsable."""
    try:
        return _notice.decode(raw)
    except msgspec.MsgspecError:
        raise Unparsable("a notice") from None


def sentence(notice: Notice) -> str:
    """What is said."""
    return notice.text if notice.kind == "text" and notice.text else words.NOTICES.get(notice.kind, words.NOTICE)()


def address_of(notice: Notice) -> Address | None:
    """Chat, topic and message that the notice is about; None if its lane is no chat's."""
    try:
        chat = int(chat_of(notice.lane))
    except ValueError:
        return None
    suffixes = notice.lane.partition(":")[2].split(",")
    topic = next((part[1:] for part in suffixes if part[:1] == "t"), "")
    return Address(chat, int(topic) if topic.isdecimal() else None, notice.mid or None)
