"""Reads a PDF from standard input and writes its text to standard output: the one thing that a process of its own does.

A PDF may be a bomb, and a thread that reads one cannot be ended; a process can, and the system bounds its memory. It
is started isolated, with nothing of our environment, and imports nothing of ours. Arguments: most pages, most
characters, most bytes of memory, most seconds of CPU. The exit codes are those below.
"""

from __future__ import annotations

import contextlib
import io
import logging
import sys

WHOLE, BROKEN, LOCKED, CUT = 0, 1, 3, 4


def bound(memory: int, seconds: int) -> None:
    """Ask the system to hold us to this; where it cannot, whoever started us still ends us in time."""
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource  # not on every system  # noqa: PLC0415

        for what, most in (
            (resource.RLIMIT_AS, memory),
            (resource.RLIMIT_CPU, seconds),
            (resource.RLIMIT_FSIZE, 0),
            (resource.RLIMIT_CORE, 0),
        ):
            with contextlib.suppress(ValueError, OSError):
                resource.setrlimit(what, (most, most))


def read(most_pages: int, most_characters: int) -> int:
    """Write the text of each page as it is read; answers the exit code."""
    from pypdf import PdfReader  # after the bounds  # noqa: PLC0415

    reader = PdfReader(io.BytesIO(sys.stdin.buffer.read()))
    if reader.is_encrypted and not reader.decrypt(""):
        return LOCKED
    for number, page in enumerate(reader.pages):
        if number >= most_pages or most_characters <= 0:
            return CUT
        text = page.extract_text()[: most_characters + 1]
        most_characters -= len(text)
        sys.stdout.buffer.write(text.encode("utf-8", "replace") + b"\n")
        sys.stdout.buffer.flush()
    return WHOLE


def main() -> int:
    """The process."""
    pages, characters, memory, seconds = map(int, sys.argv[1:])
    bound(memory, seconds)
    logging.disable()
    try:
        return read(pages, characters)
    except ImportError as error:  # what encrypts it needs a library that is not there
        return LOCKED if "crypt" in str(error).lower() else BROKEN
    except Exception as error:  # noqa: BLE001  a malformed file may raise anything
        return LOCKED if "crypt" in f"{type(error).__name__} {error}".lower() else BROKEN


if __name__ == "__main__":
    sys.exit(main())
