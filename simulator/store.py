"""The world on disk: a journal with one JSON record a line, read at start and then written anew without what is old.

A line is handed to the kernel by one write before the call that caused it is answered, so SIGKILL loses nothing; there
is no fsync after the start, a power cut may cost the last seconds. A last line that is not whole is cut off.
"""

import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

import msgspec

from simulator.records import Record
from simulator.world import World

KEEP = 5_000  # messages of each conversation that survive a restart
ENCODER = msgspec.json.Encoder()
DECODER: msgspec.json.Decoder[Record] = msgspec.json.Decoder(Record)


class Unusable(Exception):
    """What the simulator was given cannot be used; `about` names the argument: data_dir, host or port."""

    about = "data_dir"


class InUse(Unusable):
    """Another simulator has this directory."""


class Unreadable(Unusable):
    """The journal is not one this simulator wrote."""


class Store:
    """The journal of one world in `<data_dir>/simulator`; only one process may have it open."""

    def __init__(self, data_dir: Path) -> None:
        self.folder = data_dir / "simulator"
        self.path = self.folder / "journal.jsonl"
        self._lock = self._file = -1

    def open(self, world: World) -> None:
        """Fills the world and records it from now on; Unusable when that cannot be."""
        try:
            self._open(world)
        except OSError as problem:
            raise Unusable(str(problem)) from None

    def _open(self, world: World) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self._lock = os.open(self.folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InUse(f"another simulator uses {self.folder}") from None
        for record in self._records():
            world.restore(record)
        self._rewrite(world)
        self._file = os.open(self.path, os.O_WRONLY | os.O_APPEND, 0o600)
        world.journal = self._write

    def close(self) -> None:
        """Ends recording and lets others in."""
        for file in (self._file, self._lock):
            if file >= 0:
                os.close(file)
        self._file = self._lock = -1

    def _write(self, record: Record) -> None:
        os.write(self._file, ENCODER.encode(record) + b"\n")

    def _records(self) -> Iterator[Record]:
        if not self.path.exists():
            return
        with self.path.open("rb") as lines:
            for number, line in enumerate(lines, 1):
                if not line.endswith(b"\n"):
                    return
                try:
                    yield DECODER.decode(line)
                except msgspec.MsgspecError as problem:
                    raise Unreadable(f"{self.path} line {number}: {problem}") from None

    def _rewrite(self, world: World) -> None:
        fresh = self.path.with_suffix(".new")
        with fresh.open("wb") as lines:
            lines.writelines(ENCODER.encode(record) + b"\n" for record in world.snapshot(KEEP))
            lines.flush()
            os.fsync(lines.fileno())
        fresh.replace(self.path)
