"""What is found in the messages of a turn besides their words, and why something of it cannot be used."""

from __future__ import annotations

from dataclasses import dataclass, replace

from app.core import unread
from app.core.errors import Error
from app.core.tongue import Sentence


class Unusable(Error):
    """Something that cannot be given to the model; ``sentence`` says so to the person."""

    def __init__(self, sentence: Sentence) -> None:
        super().__init__(sentence.text)
        self.sentence = sentence


class Unheard(Error):
    """A recording that could not be written down, for a reason of ours; the text is for the log."""


@dataclass(frozen=True, slots=True)
class Document:
    """The text of a file; ``cut``: there is more than this. ``text`` is "" where only its name is wanted."""

    name: str
    text: str = ""
    cut: bool = False


@dataclass(frozen=True, slots=True)
class Found:
    """What one or more messages carry.

    ``marks``: what stands for it in words, such as "[photo]"; ``spoken``: what a person said in a recording;
    ``images``: data URLs; ``sorry``: sentences about what could not be used; ``unseen``: what the model should know of
    that, such as "[video, not shown to you]"; ``files``: kind, id and name of what may be read again.
    """

    marks: str = ""
    spoken: str = ""
    documents: tuple[Document, ...] = ()
    images: tuple[str, ...] = ()
    sorry: tuple[Sentence, ...] = ()
    unseen: str = ""
    files: tuple[tuple[str, str, str], ...] = ()

    def __bool__(self) -> bool:
        """Whether there is anything that the model can be given."""
        return bool(self.marks or self.spoken or self.documents)


@dataclass(frozen=True, slots=True)
class Given:
    """What came with a question: with the message itself, and with the one that it replies to."""

    own: Found = Found()
    replied: Found = Found()

    @property
    def images(self) -> tuple[str, ...]:
        """All pictures, those of the question first."""
        return self.own.images + self.replied.images

    @property
    def sorry(self) -> tuple[Sentence, ...]:
        """What could not be used, that of the question first."""
        return self.own.sorry + self.replied.sorry

    @property
    def files(self) -> tuple[tuple[str, str, str], ...]:
        """What is read again when the question is asked anew."""
        return self.own.files + self.replied.files

    def blind(self) -> Given:
        """The same for a model that sees no pictures; of those that nobody sent just now the person is not told."""
        sorry = (unread.NO_SIGHT,) if self.own or self.replied else ()
        own = replace(self.own, images=(), sorry=(*self.own.sorry, *sorry))
        return Given(own, replace(self.replied, images=()))


NOTHING = Given()


@dataclass(frozen=True, slots=True)
class Asker:
    """For whom something is read, so that quotas can count it; ``turn`` is the same for a successor after a crash."""

    user: str = ""
    chat: str = ""
    turn: str = ""
