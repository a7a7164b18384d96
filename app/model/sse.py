"""Server-sent events without a socket: bytes go in as they arrive, the data of whole events comes out.

Packets may end anywhere, also inside a character or between CR and LF. Only ``data`` matters to us; comments and other
fields are passed over.
"""

from __future__ import annotations

MOST_BYTES = 1 << 20  # of one event; a token is some bytes, so more is no event stream
_BOM = b"\xef\xbb\xbf"


class TooLong(ValueError):
    """One event grew beyond the limit."""


class Events:
    """Collects packets into events."""

    def __init__(self, limit: int = MOST_BYTES) -> None:
        self._limit = limit
        self._rest = b""
        self._data: list[bytes] = []
        self._size = 0
        self._after_cr = False
        self._begun = False

    def feed(self, packet: bytes) -> list[bytes]:
        """Take a packet; answer the data of each event that is now whole."""
        if self._after_cr and packet:
            packet = packet.removeprefix(b"\n")
            self._after_cr = False
        if b"\r" in packet:
            self._after_cr = packet.endswith(b"\r")
            packet = packet.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        lines = (self._rest + packet).split(b"\n")
        self._rest = lines.pop()
        if lines and not self._begun:
            self._begun = True
            lines[0] = lines[0].removeprefix(_BOM)
        events = [event for line in lines if (event := self._line(line)) is not None]
        if self._size + len(self._rest) > self._limit:
            raise TooLong(f"an event of more than {self._limit} bytes")
        return events

    def end(self) -> list[bytes]:
        """The stream is over: an event that lacks only its empty line counts."""
        return self.feed(b"\n\n") if self._rest or self._data else []

    def _line(self, line: bytes) -> bytes | None:
        if not line:
            if not self._data:
                return None
            event, self._data, self._size = b"\n".join(self._data), [], 0
            return event
        if line.startswith(b"data:"):
            value = line[6:] if line[5:6] == b" " else line[5:]
            self._data.append(value)
            self._size += len(value) + 1
        elif line == b"data":
            self._data.append(b"")
        return None
