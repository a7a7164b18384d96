"""What of a message could not be read, seen or heard: each a sentence of its own, or a last line below an answer."""

from __future__ import annotations

from app.core.tongue import Sentence

_ = Sentence

KIND = _("I cannot read messages of this kind yet; please write to me in words.")
NO_SIGHT = _("I cannot see pictures here; please tell me about them in words.")
NO_HEARING = _("I cannot listen to recordings here; please write to me in words.")
NO_PICTURE = _("I could not open that picture; please send it as a photo.")
NO_TEXT = _("I can read text and PDF files, but no files of that kind.")
MANY_PICTURES = _("Those are many pictures; I looked only at the first of them.")
BIG = _("That file is too large for me; please send a smaller one.")
LONG = _("That is a long text; I read only its beginning.")
BLANK = _("I found no words in that file.")
GONE = _("I could not get that file from Telegram; please send it again.")
ELSEWHERE = _("I cannot get files here; please write to me in words.")
PDF_BLANK = _("I found no words in that PDF; it may be made of pictures.")
PDF_LOCKED = _("That PDF is locked with a password; please send it without one.")
PDF_BROKEN = _("I could not read that PDF.")
VOICE_LONG = _("That recording is too long for me; please send a shorter one.")
VOICE_UNCLEAR = _("I could not make out that recording; please send it again, or write to me.")
VOICE_BLANK = _("I heard no words in that recording.")
SENTENCES = (
    *(KIND, NO_SIGHT, NO_HEARING, NO_PICTURE, NO_TEXT, MANY_PICTURES, BIG, LONG, BLANK, GONE, ELSEWHERE),
    *(PDF_BLANK, PDF_LOCKED, PDF_BROKEN, VOICE_LONG, VOICE_UNCLEAR, VOICE_BLANK),
)

SORRY = _("Sorry, I could not listen to that just now; please try again in a little while")
"""When it is our fault; with an id, as all apologies."""


def aside(sentence: Sentence) -> str:
    """The last line below an answer that was given all the same."""
    return f"({sentence()})"
