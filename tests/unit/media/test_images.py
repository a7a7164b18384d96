"""Pictures: the size that is taken, and what passes for one."""

from __future__ import annotations

from base64 import b64decode

import pytest

from app.core import unread
from app.media.found import Unusable
from app.media.images import MOST_BYTES, Size, best, data_url

SIZES = [
    Size("s", 90, 60, 1000),
    Size("m", 320, 213, 9000),
    Size("x", 1280, 853, 200_000),
    Size("w", 2560, 1706, 900_000),
]


def test_the_largest_that_a_model_does_not_scale_down_is_taken() -> None:
    assert best(SIZES).file_id == "x"
    assert best(SIZES[:2]).file_id == "m"


def test_a_size_with_too_many_bytes_is_passed_over() -> None:
    assert best([*SIZES[:2], Size("x", 1280, 853, MOST_BYTES + 1)]).file_id == "m"


def test_where_none_fits_the_smallest_is_asked_for() -> None:
    assert best([Size("b", 9000, 9000, 1), Size("a", 5000, 5000, 1)]).file_id == "a"


@pytest.mark.parametrize(
    "body, kind",
    [
        (b"\xff\xd8\xff\xe0...", "image/jpeg"),
        (b"\x89PNG\r\n\x1a\n...", "image/png"),
        (b"GIF89a...", "image/gif"),
        (b"RIFF\x00\x00\x00\x00WEBPVP8 ", "image/webp"),
    ],
)
def test_the_kind_is_read_from_the_bytes(body: bytes, kind: str) -> None:
    head, _, rest = data_url(body).partition(";base64,")
    assert head == f"data:{kind}"
    assert b64decode(rest) == body


@pytest.mark.parametrize("body", [b"", b"<html>Bad Gateway</html>", b"%PDF-1.4", b"RIFF....WAVE"])
def test_what_is_no_picture_is_not_shown_as_one(body: bytes) -> None:
    with pytest.raises(Unusable) as raised:
        data_url(body)
    assert raised.value.sentence is unread.NO_PICTURE
