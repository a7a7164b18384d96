"""Width and height of a picture, read from its first bytes: PNG, GIF, JPEG and WebP. Pure."""

import struct


def size(body: bytes) -> tuple[int, int]:
    """Pixels across and down; (0, 0) for what is no picture we know."""
    try:
        if body.startswith(b"\x89PNG\r\n\x1a\n"):
            return struct.unpack(">II", body[16:24])
        if body[:6] in {b"GIF87a", b"GIF89a"}:
            return struct.unpack("<HH", body[6:10])
        if body.startswith(b"\xff\xd8"):
            return _jpeg(body)
        if body[:4] == b"RIFF" and body[8:12] == b"WEBP":
            return _webp(body)
    except (struct.error, IndexError):
        pass
    return 0, 0


def _jpeg(body: bytes) -> tuple[int, int]:
    """Walks the segments up to the frame header, which has height before width."""
    at = 2
    while body[at] == 0xFF:
        kind, length = body[at + 1], struct.unpack(">H", body[at + 2 : at + 4])[0]
        if 0xC0 <= kind <= 0xCF and kind not in {0xC4, 0xC8, 0xCC}:
            height, width = struct.unpack(">HH", body[at + 5 : at + 9])
            return width, height
        at += 2 + length
    return 0, 0


def _webp(body: bytes) -> tuple[int, int]:
    kind = body[12:16]
    if kind == b"VP8X":
        wide, high = body[24:27], body[27:30]
        return 1 + int.from_bytes(wide, "little"), 1 + int.from_bytes(high, "little")
    if kind == b"VP8L":
        bits = int.from_bytes(body[21:25], "little")
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    width, height = struct.unpack("<HH", body[26:30])
    return width & 0x3FFF, height & 0x3FFF
