"""SIGHUP means: read the keys again. It never ends a bot, whatever the bot is doing.

main.py imports this before all else, since the rest takes a while: `lanekeeper run` remembers a hangup from here on
and obeys it as soon as it can. asyncio would do only in its loop, and would take its handlers away with it.
"""

from __future__ import annotations

import atexit
import signal
import sys
from collections.abc import Callable

TYPE_CHECKING = False  # importing typing takes a while too
if TYPE_CHECKING:
    from asyncio import AbstractEventLoop


class Hangup:
    """Takes the signal; one for the process."""

    def __init__(self) -> None:
        self._asked = False
        self._loop: AbstractEventLoop | None = None
        self._reload: Callable[[], object] | None = None

    def __call__(self, *_: object) -> None:
        """A hangup came, perhaps in the middle of anything."""
        if self._loop is None or self._reload is None:
            self._asked = True
        elif not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._reload)

    def listen(self) -> None:
        """From now on it kills nobody, also not while Python takes itself apart, and its handlers first."""
        signal.signal(signal.SIGHUP, self)
        atexit.register(signal.signal, signal.SIGHUP, signal.SIG_IGN)

    def obey(self, loop: AbstractEventLoop, reload: Callable[[], object]) -> None:
        """Call ``reload`` in this loop at each hangup, and now if one came already."""
        self._reload, self._loop = reload, loop
        self.listen()
        if self._asked:
            self._asked = False
            reload()


hangup = Hangup()
if sys.argv[1:2] == ["run"]:  # elsewhere whoever hangs up wants an end
    hangup.listen()
