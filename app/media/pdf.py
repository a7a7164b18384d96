"""The text of a PDF, read by a process of its own (worker.py) that is ended when it takes too long or says too much.

What it had read by then is used. At most ``at_once`` such processes run; who comes then waits.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from pathlib import Path

from app.core import unread
from app.media.found import Unusable
from app.media.worker import LOCKED, WHOLE

WORKER = Path(__file__).with_name("worker.py")
MEMORY_BYTES = 512 << 20
SECONDS = 10.0
PAGES = 200
AT_ONCE = 2
_PIECE_BYTES = 64 << 10
_MOST_BYTES_PER_CHARACTER = 4


class Pdfs:
    """Reads PDFs."""

    def __init__(
        self, *, seconds: float = SECONDS, pages: int = PAGES, memory: int = MEMORY_BYTES, at_once: int = AT_ONCE
    ) -> None:
        self._seconds = seconds
        self._pages = pages
        self._memory = memory
        self._places = asyncio.Semaphore(at_once)

    async def text(self, body: bytes, most_characters: int) -> tuple[str, bool]:
        """The text of its first pages, and whether there is more; Unusable when there is none to be had."""
        async with self._places:
            said, code = await self._run(body, most_characters)
        text = said.decode("utf-8", "ignore")
        if text.strip():
            return text, code != WHOLE
        raise Unusable({WHOLE: unread.PDF_BLANK, LOCKED: unread.PDF_LOCKED}.get(code, unread.PDF_BROKEN))

    async def _run(self, body: bytes, most_characters: int) -> tuple[bytes, int]:
        """What the process said in its time, and its exit code (negative: it was ended)."""
        arguments = (self._pages, most_characters, self._memory, round(self._seconds) + 1)
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-I", "-B", str(WORKER), *map(str, arguments)),
            stdin=PIPE,
            stdout=PIPE,
            stderr=DEVNULL,
            env={},  # a hostile file finds no secret there
            cwd="/",
        )
        said = bytearray()
        try:
            async with asyncio.timeout(self._seconds):
                await asyncio.gather(_feed(process, body), _hear(process, said, most_characters))
                return bytes(said), await process.wait()
        except TimeoutError:
            return bytes(said), -1
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await asyncio.shield(_reaped(process))


async def _feed(process: Process, body: bytes) -> None:
    assert process.stdin is not None
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # it has seen enough
        process.stdin.write(body)
        await process.stdin.drain()
        process.stdin.close()


async def _hear(process: Process, said: bytearray, most_characters: int) -> None:
    assert process.stdout is not None
    most = most_characters * _MOST_BYTES_PER_CHARACTER + _PIECE_BYTES
    while len(said) < most and (piece := await process.stdout.read(_PIECE_BYTES)):
        said += piece


async def _reaped(process: Process) -> None:
    """It is gone, and its pipes with it."""
    assert process.stdout is not None
    while await process.stdout.read(_PIECE_BYTES):
        pass
    await process.wait()
