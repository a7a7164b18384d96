"""Files: which may be sent as what, albums, sizes of pictures, the shelf that drops the oldest, getFile."""

import struct
import zlib
from pathlib import Path
from typing import Any

import pytest
from aiogram.types import File as BotFile
from aiogram.types import Update

from simulator import images, media, people, shelf, uploads
from simulator.media import Part
from simulator.methods import Args, call
from simulator.people import Extra
from simulator.records import Denied, File, Media, Refusal
from simulator.shelf import Shelf
from simulator.world import World

ADA, KEY = 1001, "1001"
MIMES = {"photo": "image/png", "voice": "audio/ogg", "audio": "audio/mpeg", "sticker": "image/webp"}


def png(width: int = 30, height: int = 20) -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    rows = b"".join(b"\0" + b"\x40\x80\xc0" * width for _ in range(height))
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


@pytest.fixture
def kept(world: World, tmp_path: Path) -> Shelf:
    kept = Shelf(tmp_path / "files", world)
    kept.open()
    return kept


def part(kept: Shelf, kind: str, body: bytes = b"") -> Part:
    mime = MIMES.get(kind, "application/pdf")
    return Part(kind, kept.add(f"a.{kind}", mime, body or png()), duration=3, emoji="😀")


def sent(world: World, *parts: Part, text: str = "") -> list[dict[str, Any]]:
    for number, extra in enumerate(media.extras(list(parts))):
        people.say(world, ADA, KEY, text if number == 0 else "", extra=extra)
    read = [Update.model_validate_json(bytes(queued.raw)) for queued in world.queue(42).waiting]
    return [update.message.model_dump(exclude_none=True) for update in read if update.message]


@pytest.mark.parametrize("kind", ["photo", "document", "voice", "audio", "sticker"])
def test_every_kind_of_file_is_a_message_that_aiogram_reads(world: World, kept: Shelf, kind: str) -> None:
    (message,) = sent(world, part(kept, kind), text="Look")
    it = message[kind][-1] if kind == "photo" else message[kind]
    assert message["caption"] == "Look"
    assert "text" not in message
    assert it["file_size"] == len(png())
    assert it.get("width", 30) == 30
    told = BotFile.model_validate(call(world, world.bots[42], "getFile", Args({"file_id": it["file_id"]}))[0])
    assert told.file_unique_id == it["file_unique_id"]
    assert told.file_path == uploads.path_of(next(iter(world.files.values())), kind)


def test_a_photo_has_a_small_copy_before_the_large_one(world: World, kept: Shelf) -> None:
    small = kept.add("small.png", "image/png", png(3, 2))
    large = kept.add("large.png", "image/png", png())
    (message,) = sent(world, Part("photo", large, small))
    assert [(one["width"], one["height"]) for one in message["photo"]] == [(3, 2), (30, 20)]


def test_a_place_is_a_location_without_any_text(world: World) -> None:
    media.place(world, ADA, KEY, 51.4779, -0.0015)
    (message,) = sent(world)
    assert (message["location"]["latitude"], message["location"]["longitude"]) == (51.4779, -0.0015)
    with pytest.raises(Denied, match="no such place"):
        media.place(world, ADA, KEY, 91, 0)


def test_neighbours_of_a_kind_make_an_album_of_at_most_ten(world: World, kept: Shelf) -> None:
    kinds = [*["photo"] * 11, "document", "document", "voice", "voice", "photo"]
    messages = sent(world, *(part(kept, kind) for kind in kinds), text="All of it")
    albums = [one.get("media_group_id") for one in messages]
    assert [albums.count(one) for one in dict.fromkeys(albums) if one] == [10, 2]
    assert [bool(one) for one in albums] == [True] * 10 + [False] + [True] * 2 + [False] * 3
    assert [one.get("caption") for one in messages[:2]] == ["All of it", None]


@pytest.mark.parametrize(
    "kind,mime,body,words",
    [
        ("photo", "image/png", b"not a picture", "is no picture"),
        ("voice", "text/plain", b"hello", "cannot be sent as voice"),
        ("hologram", "text/plain", b"hello", "A file is sent as one of document"),
    ],
)
def test_a_file_that_does_not_fit_its_kind_is_denied(
    kept: Shelf, kind: str, mime: str, body: bytes, words: str
) -> None:
    with pytest.raises(Denied, match=words):
        media.extras([Part(kind, kept.add("a", mime, body))])


def test_a_caption_has_its_own_limit(world: World, kept: Shelf) -> None:
    with pytest.raises(Denied, match="A caption has at most 1024 characters"):
        sent(world, part(kept, "photo"), text="x" * 1025)


def test_the_oldest_files_make_room(world: World, kept: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shelf, "MOST_BYTES", 100)
    first, second, third = (kept.add("a", "text/plain", b"x" * 40) for _ in range(3))
    assert [world.files[one.id].gone for one in (first, second, third)] == [True, False, False]
    assert sorted(path.name for path in kept.folder.iterdir()) == sorted([second.id, third.id])
    with pytest.raises(Refusal, match="wrong file_id or the file is temporarily unavailable"):
        call(world, world.bots[42], "getFile", Args({"file_id": f"BQACAgIA{first.id}"}))
    with pytest.raises(Denied, match="larger than"):
        kept.add("a", "text/plain", b"x" * 101)


def test_a_shelf_takes_stock_when_it_opens(world: World, kept: Shelf) -> None:
    lost, safe = (kept.add("a", "text/plain", b"x") for _ in range(2))
    kept.path(lost).unlink()
    (kept.folder / "stranger").write_bytes(b"?")
    Shelf(kept.folder, world).open()
    assert [world.files[one.id].gone for one in (lost, safe)] == [True, False]
    assert [path.name for path in kept.folder.iterdir()] == [safe.id]


@pytest.mark.parametrize("file_id,words", [("", "file_id not specified"), ("nonsense", "invalid file_id")])
def test_a_file_that_never_was_is_refused(world: World, file_id: str, words: str) -> None:
    with pytest.raises(Refusal, match=words):
        call(world, world.bots[42], "getFile", Args({"file_id": file_id}))


def test_a_bot_cannot_fetch_more_than_twenty_megabytes(world: World) -> None:
    world.put(File("big", 1, "film.mp4", "video/mp4", (20 << 20) + 1))
    people.say(world, ADA, KEY, "", extra=Extra(Media("document", "big")))
    with pytest.raises(Refusal, match="file is too big"):
        call(world, world.bots[42], "getFile", Args({"file_id": "BQACAgIAbig"}))


@pytest.mark.parametrize(
    "body,size",
    [
        (png(7, 5), (7, 5)),
        (b"GIF89a" + struct.pack("<HH", 9, 4), (9, 4)),
        (b"\xff\xd8\xff\xe0\x00\x04ab\xff\xc2\x00\x0b\x08" + struct.pack(">HH", 11, 22), (22, 11)),
        (b"RIFF....WEBPVP8X" + bytes(8) + b"\x09\0\0\x04\0\0", (10, 5)),
        (b"RIFF....WEBPVP8 " + bytes(10) + struct.pack("<HH", 12, 6), (12, 6)),
        (b"\xff\xd8\xff", (0, 0)),
        (b"", (0, 0)),
    ],
)
def test_the_size_of_a_picture_is_read_from_its_head(body: bytes, size: tuple[int, int]) -> None:
    assert images.size(body) == size
