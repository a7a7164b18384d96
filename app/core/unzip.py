"""Bodies that come packed although nobody asked; unpacked by bounded pieces, whatever they grow to."""

from __future__ import annotations

import zlib
from typing import Any

from app.core.exchange import Lost

PIECE_BYTES = 256 << 10
_RAW_DEFLATE = -15  # zlib's words for the format of what it reads
_GZIP_OR_ZLIB = 47


class Unzip:
    """gzip and both things that are called deflate, a bounded piece at a time, whatever it grows to."""

    __slots__ = ("_left", "_zip")

    def __init__(self) -> None:
        self._zip: Any = None
        self._left = b""

    def give(self, packet: bytes) -> None:
        self._left += packet

    def take(self) -> bytes:
        """The next plain bytes; b"" when more is needed. Raises Lost."""
        try:
            while self._left:
                if self._zip is None or self._zip.eof:  # gzip may be several, one behind the other
                    first = self._left[0]
                    self._zip = zlib.decompressobj(
                        _GZIP_OR_ZLIB if first == 0x1F or first & 15 == zlib.DEFLATED else _RAW_DEFLATE
                    )
                plain: bytes = self._zip.decompress(self._left, PIECE_BYTES)
                self._left = self._zip.unused_data if self._zip.eof else self._zip.unconsumed_tail
                if plain:
                    return plain
        except zlib.error:
            raise Lost("the answer cannot be unpacked") from None
        return b""

    def check(self) -> None:
        """The body has ended: so must have what was packed. Raises Lost."""
        if self._zip is not None and not self._zip.eof:
            raise Lost("the answer was packed and is not whole")
