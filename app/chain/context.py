"""What a turn knows while it passes through the onion: the claim, the message, and what the layers found out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import structlog

from app.core.claims import Claim
from app.core.errors import CorruptSession, Error
from app.core.schema import Message, Update, media_of
from app.core.tongue import Sentence
from app.core.triage import addressed, command_of, replied_to
from app.core.updates import Me, address_of, author_of
from app.media.found import NOTHING
from app.sessions.session import Session, fresh, load


class Sorry(Error):
    """A turn that cannot be answered for a reason of ours; ``sentence`` is one of words.SORRY_…"""

    def __init__(self, sentence: Sentence, reason: str) -> None:
        super().__init__(reason)
        self.sentence = sentence
        self.reason = reason


class Context:
    """One turn. ``text`` is what the person wrote, as the layers leave it; ``command`` "" for none.

    A turn may have several ``messages``, merged while they waited, or the parts of an album: ``said`` are the words of
    each by its id, ``text`` all together; ``message`` is the last, to which the answer replies, ``ids`` those of all.
    ``edit``: an edit of something answered before; ``given``: what was read of its files; ``question``: what the
    session keeps of what the model was asked ("" before that), ``asked``: all of it, where that is more;
    ``changed``: the session has to be written whatever the end; ``keep_bad``: the stored one could not be read.
    """

    __slots__ = (
        *("_session", "address", "args", "asked", "changed", "claim", "command", "edit", "given", "keep_bad", "me"),
        *("media", "message", "messages", "notes", "private", "question", "said", "text", "update", "user_id"),
    )

    def __init__(self, claim: Claim, update: Update, message: Message, me: Me, earlier: Sequence[Message] = ()) -> None:
        self.claim = claim
        self.me = me
        self.update = update
        self.only((*earlier, message))
        self.private = message.chat.type == "private"
        self.user_id = author_of(message)
        self.media = "" if message.text else media_of(message)
        self.command = self.args = self.question = self.asked = ""
        self.given = NOTHING
        self.edit = update.message is None and not earlier and not _asks_first(claim, message)
        if update.message is not None and not earlier and message.entities and (found := command_of(message)):
            name, target, args = found
            if not target or target == me.username.lower():
                self.command, self.args = name, args
        self.changed = self.keep_bad = False
        self.notes: dict[str, str] = {}
        self._session: Session | None = None

    def only(self, messages: Sequence[Message]) -> None:
        """These alone are meant for us."""
        self.messages, self.message = tuple(messages), messages[-1]
        self.address = address_of(self.message)
        self.says([(one.message_id, one.text or one.caption or "") for one in messages])

    def says(self, said: Sequence[tuple[int, str]]) -> None:
        """The words of each message, by its id."""
        self.said = list(said)
        self.text = "\n".join(filter(None, (words for _, words in said)))

    def reword(self, way: Callable[[str], str]) -> None:
        """Each message's words become what this makes of them."""
        self.says([(mid, way(words)) for mid, words in self.said])

    @property
    def lane(self) -> str:
        """The lane of this turn."""
        return self.claim.lane

    @property
    def control(self) -> bool:
        """Whether this turn runs on a control lane."""
        return self.claim.lane[0] == "!"

    @property
    def asker(self) -> int:
        """Who asks, as the session notes it: in a private chat nobody needs to be told apart."""
        return 0 if self.private else self.user_id

    @property
    def meant(self) -> bool:
        """Whether it was said to us, and not only heard because the chat's mode is *always*."""
        return self.private or bool(self.command) or any(addressed(one, self.me) for one in self.messages)

    @property
    def points(self) -> bool:
        """Whether it points at another message, by a reply or a quote."""
        return replied_to(self.message) is not None or self.message.quote is not None

    @property
    def ids(self) -> str:
        """The update ids that this turn answers, joined by "+"."""
        entries = self.claim.entries
        return entries[0].uids if len(entries) == 1 else "+".join(entry.uids for entry in entries)

    @property
    def session(self) -> Session:
        """The conversation so far; read once. One that cannot be read begins afresh and is kept aside."""
        if self._session is None:
            try:
                self._session = load(self.claim.session)
            except CorruptSession:
                self.log.warning("a session could not be read and begins afresh")
                self._session, self.keep_bad = fresh(), True
            if self.claim.inherit:
                self._inherit(self._session)
        return self._session

    def _inherit(self, session: Session) -> None:
        """What came from the chat that this one was before stands before what was said here."""
        try:
            session.precede(load(self.claim.inherit))
        except CorruptSession:
            self.log.warning("an inherited session could not be read and is left out")

    @property
    def log(self) -> Any:
        """A log that names update and lane; made only where something is said."""
        return structlog.get_logger().bind(update=self.ids, lane=self.claim.lane)


def _asks_first(claim: Claim, message: Message) -> bool:
    """Whether an edited message was never answered: it replaced its original while that still waited.

    Then the entry has several ids and kept the original's time; an edit of an answered one has the edit's.
    """
    entry = claim.entries[0]
    return "+" in entry.uids and entry.at_ms == message.date * 1000
