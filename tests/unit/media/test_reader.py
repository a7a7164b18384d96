"""What messages carry, read: who fetches what, what becomes of it, and what is said of that which cannot be used."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import msgspec
import pytest

from app.core import unread
from app.core.allowance import Limit
from app.core.errors import Flooded, QuotaSpent
from app.core.schema import Message
from app.media.found import Asker, Document, Found, Given, Unheard, Unusable
from app.media.images import MOST_BYTES
from app.media.means import Limits, Means
from app.media.pdf import Pdfs
from app.media.reader import Reader
from tests.unit.fakes import message
from tests.unit.media.pdfs import pdf

JPEG = b"\xff\xd8\xff\xe0 a picture"
URL = "data:image/jpeg;base64,/9j/4CBhIHBpY3R1cmU="
SIZES = [{"file_id": "small", "width": 90, "height": 60}, {"file_id": "jpeg", "width": 1280, "height": 853}]
ASKER = Asker("7", "-100", "900")


class Files:
    """Files by their id."""

    def __init__(self, **bodies: bytes | Exception) -> None:
        self.bodies: dict[str, bytes | Exception] = {"jpeg": JPEG, **bodies}
        self.fetched: list[tuple[str, int]] = []

    async def fetch(self, file_id: str, most_bytes: int) -> bytes:
        self.fetched.append((file_id, most_bytes))
        body = self.bodies[file_id]
        if isinstance(body, Exception):
            raise body
        return body


class Hear:
    """Hears what it is told to."""

    def __init__(self, said: str | Exception = "hello there") -> None:
        self.said = said
        self.heard: list[tuple[Asker, bytes, str]] = []

    async def __call__(self, asker: Asker, recording: bytes, mime: str) -> str:
        self.heard.append((asker, recording, mime))
        if isinstance(self.said, Exception):
            raise self.said
        return self.said


def made(**fields: Any) -> Message:
    return msgspec.json.decode(msgspec.json.encode(message(None, **fields)), type=Message)


def document(file_id: str, name: str = "notes.txt", mime: str = "text/plain", **more: Any) -> Message:
    return made(document={"file_id": file_id, "file_name": name, "mime_type": mime, **more})


def reader(files: Files, hear: Hear | None = None, **limits: Any) -> Reader:
    return Reader(Means(files, Pdfs(), hear, replace(Limits(), **limits)))


async def read(made: Reader, *own: Message, replied: Sequence[Message] = (), known: bool = False) -> Given:
    async with made.reading(own, replied, ASKER, known=known) as given:
        return given


class TestPictures:
    async def test_a_photo_is_shown_in_the_size_that_suits(self) -> None:
        files = Files()
        assert await read(reader(files), made(photo=SIZES)) == Given(
            Found("[photo]", images=(URL,), files=(("photo", "jpeg", ""),))
        )
        assert files.fetched == [("jpeg", MOST_BYTES)]

    async def test_an_album_is_one_set_of_pictures_in_order(self) -> None:
        bodies = {f"p{n}": JPEG + b"%d" % n for n in range(4)}
        given = await read(reader(Files(**bodies)), *(made(photo=[{"file_id": name}]) for name in bodies))
        assert given.own.marks == "[4 photos]"
        assert len(set(given.images)) == 4

    async def test_a_picture_sent_as_a_file_is_shown_too(self) -> None:
        given = await read(reader(Files()), document("jpeg", "a.jpg", "image/jpeg"))
        assert given == Given(Found("[photo]", images=(URL,), files=(("photo", "jpeg", "a.jpg"),)))

    async def test_a_picture_in_a_format_that_models_do_not_know_is_wanted_as_a_photo(self) -> None:
        given = await read(reader(Files(a=b"\0\0\0\x18ftypheic\0\0")), document("a", "IMG_1.HEIC", "image/heic"))
        assert given.sorry == (unread.NO_PICTURE,)

    async def test_no_more_than_so_many_are_fetched_those_of_the_question_first(self) -> None:
        files = Files(mine=JPEG, theirs=JPEG)
        own = [made(photo=[{"file_id": "mine"}]) for _ in range(3)]
        given = await read(reader(files, images=2), *own, replied=[made(photo=[{"file_id": "theirs"}])])
        assert [name for name, _ in files.fetched] == ["mine", "mine"]
        assert given.sorry == (unread.MANY_PICTURES, unread.MANY_PICTURES)
        assert given.own.unseen == given.replied.unseen == "[photo, not shown to you]"

    async def test_where_pictures_are_off_none_is_fetched(self) -> None:
        files = Files()
        assert (await read(reader(files, images=0), made(photo=SIZES))).sorry == (unread.NO_SIGHT,)
        assert files.fetched == []

    @pytest.mark.parametrize("photo", [[{}], [], 1, "x", [{"file_id": 5}]])
    async def test_a_photo_of_a_shape_that_nobody_knows_is_no_error(self, photo: object) -> None:
        given = await read(reader(Files()), made(photo=photo))
        assert given.sorry in ((unread.GONE,), ())

    async def test_a_page_in_a_pictures_place_is_not_shown(self) -> None:
        given = await read(reader(Files(jpeg=b"<html>")), made(photo=SIZES))
        assert (given.images, given.own.marks, given.sorry) == ((), "", (unread.NO_PICTURE,))


class TestDocuments:
    async def test_a_text_is_given_with_its_name(self) -> None:
        given = await read(reader(Files(a=b"print('hi')\n")), document("a", "hello.py", "text/x-python"))
        (only,) = given.own.documents
        assert only == Document("hello.py", "print('hi')")
        async with reader(Files(a=b"print('hi')\n")).again(given.files, ASKER) as found:
            assert found == given

    async def test_a_pdf_is_known_by_its_content_not_its_name(self) -> None:
        given = await read(reader(Files(a=pdf("of the paper"))), document("a", "x.bin", "application/octet-stream"))
        assert given.own.documents == (Document("x.bin", "of the paper"),)

    async def test_the_budget_holds_for_all_of_an_album_and_the_person_is_told(self) -> None:
        files = Files(a=b"word " * 5000, b=b"more " * 5000)
        given = await read(reader(files, tokens=300), document("a"), document("b"))
        (only,) = given.own.documents
        assert only.cut
        assert len(only.text) < 300 * 3
        assert given.sorry == (unread.LONG,)
        assert given.own.unseen == "[document, not shown to you]"

    @pytest.mark.parametrize(
        "body, sentence", [(b"PK\x03\x04\0\0\0", unread.NO_TEXT), (b" \n\t ", unread.BLANK), (b"", unread.BLANK)]
    )
    async def test_what_holds_no_words_is_said(self, body: bytes, sentence: object) -> None:
        given = await read(reader(Files(a=body)), document("a"))
        assert given.sorry == (sentence,)
        assert not given.own

    async def test_a_file_that_says_it_is_too_large_is_not_fetched(self) -> None:
        files = Files()
        given = await read(reader(files, bytes=1000), document("a", file_size=1001))
        assert (given.sorry, files.fetched) == ((unread.BIG,), [])

    async def test_one_that_cannot_be_had_does_not_cost_the_others(self) -> None:
        files = Files(a=b"good", b=Unusable(unread.GONE))
        given = await read(reader(files), document("a"), document("b"))
        assert given.own.documents == (Document("notes.txt", "good"),)
        assert given.sorry == (unread.GONE,)


class TestRecordings:
    @pytest.mark.parametrize(
        "fields, mime",
        [
            ({"voice": {"file_id": "a"}}, "audio/ogg"),
            ({"audio": {"file_id": "a", "mime_type": "audio/mpeg"}}, "audio/mpeg"),
            ({"video_note": {"file_id": "a"}}, "video/mp4"),
            ({"document": {"file_id": "a", "mime_type": "audio/flac"}}, "audio/flac"),
        ],
    )
    async def test_what_was_said_is_the_persons_own_words(self, fields: dict[str, Any], mime: str) -> None:
        hear = Hear()
        given = await read(reader(Files(a=b"OggS"), hear), made(**fields))
        assert given.own == Found(spoken="hello there")
        assert hear.heard == [(Asker("7", "-100", "900v0"), b"OggS", mime)]

    async def test_where_nobody_listens_nothing_is_fetched(self) -> None:
        files = Files()
        assert (await read(reader(files), made(voice={"file_id": "a"}))).sorry == (unread.NO_HEARING,)
        assert files.fetched == []

    async def test_one_that_is_too_long_is_not_fetched(self) -> None:
        files = Files()
        given = await read(reader(files, Hear(), seconds=60), made(voice={"file_id": "a", "duration": 61}))
        assert (given.sorry, files.fetched) == ((unread.VOICE_LONG,), [])

    async def test_each_of_a_turn_counts_by_itself(self) -> None:
        hear, voice = Hear(), made(voice={"file_id": "a"})
        await read(reader(Files(a=b"OggS"), hear), voice, voice, replied=[voice])
        assert [asker.turn for asker, _, _ in hear.heard] == ["900v0", "900v1", "900w0"]

    @pytest.mark.parametrize("failure", [Unheard("no"), QuotaSpent("user", Limit(1, "r", "hour"), 1.0), Flooded(3)])
    async def test_what_concerns_more_than_this_file_ends_the_turn(self, failure: Exception) -> None:
        room = reader(Files(a=b"OggS"), Hear(failure))
        with pytest.raises(type(failure)):
            await read(room, made(voice={"file_id": "a"}))
        assert room._room._free == room._room._most


async def test_things_and_what_nobody_knows() -> None:
    given = await read(reader(Files()), made(dice={"emoji": "🎲", "value": 2}), made(video={"file_id": "v"}))
    assert given.own == Found("[dice 🎲 2]", sorry=(unread.KIND,), unseen="[video, not shown to you]")


async def test_after_a_crash_nothing_is_fetched_for_an_answer_that_is_there() -> None:
    files = Files()
    own = [made(photo=SIZES), made(photo=SIZES), made(voice={"file_id": "a"}), document("b", "c.txt"), made(dice={})]
    given = await read(reader(files, Hear()), *own, known=True)
    assert files.fetched == []
    assert given.own == Found("[2 photos]\n[voice message]\n[dice]", documents=(Document("c.txt"),))


async def test_files_have_their_room_for_the_whole_turn() -> None:
    made_ = reader(Files(a=b"x" * 1000))
    async with made_.reading([document("a", file_size=1000)], (), ASKER):
        assert made_._room._free == made_._room._most - 3000
    assert made_._room._free == made_._room._most
