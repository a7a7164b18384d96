"""The real ``lanekeeper run`` beside a plain bot (``bench/peer.py``): one world, one Valkey, everything at once.

``python -m bench.spine [--updates 3000] [--rounds 2]``. The bot has core 0 to itself; the world and Valkey share the
other. CPU is user and system time of the bot's process from the first question to the last answer.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import astuple, dataclass
from pathlib import Path

from redis import Redis

from tests.support.bot import COMMAND, Bot
from tests.support.clean import stains
from tests.support.remote import Remote
from tests.support.valkey import Valkey

CHATS = 500
WARM_UPDATES = 100
CONCURRENCY = 256
MOST_SECONDS = 45.0
TICKS = os.sysconf("SC_CLK_TCK")
COMMANDS = {"lanekeeper": [str(COMMAND), "run"], "peer": [sys.executable, "-m", "bench.peer"]}


@dataclass(frozen=True, slots=True)
class Figures:
    """One run: milliseconds of CPU per update, updates per second, peak of resident memory in MB."""

    cpu_ms: float
    per_second: float
    rss_mb: float


def pin(pid: int, core: int) -> None:
    """Ties a process to a core, where the system can."""
    if hasattr(os, "sched_setaffinity"):
        cores = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(pid, {cores[core % len(cores)]})


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def peak_mb(pid: int) -> float:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) / 1024


def reach(world: Remote, bot: subprocess.Popen[bytes], ended: int, seconds: float) -> int:
    """Waits until so many questions have had their end; how many have."""
    until = time.monotonic() + seconds
    while True:
        have: int = world.do("wait", seconds=0.5, ended=ended)["ended"]
        if have >= ended or time.monotonic() > until:
            return have
        assert bot.poll() is None, f"the bot ended with exit code {bot.returncode}"


@contextlib.contextmanager
def running(name: str, world: Remote, valkey: Valkey, folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    environment = Bot(world, valkey.url, folder, concurrency=CONCURRENCY).environment
    if name == "peer":
        environment["PYTHONPATH"] = str(Path.cwd())
    with (folder / "log").open("ab") as log:
        bot = subprocess.Popen(COMMANDS[name], env=environment, cwd=folder, stdout=log, stderr=log)
    try:
        pin(bot.pid, 0)
        yield bot
    except AssertionError as error:
        raise SystemExit(f"{name}: {error}\n{(folder / 'log').read_text(errors='replace')[-2000:]}") from None
    finally:
        bot.kill()
        bot.wait()


def measure(name: str, valkey: Valkey, updates: int) -> Figures:
    """One run on a new world and an empty Valkey."""
    with Redis(unix_socket_path=valkey.socket) as redis:
        redis.flushall()
    world = Remote()
    try:
        pin(world.process.pid, 1)
        with tempfile.TemporaryDirectory() as folder, running(name, world, valkey, Path(folder)) as bot:
            world.add(WARM_UPDATES, chats=WARM_UPDATES, first=500_000)
            assert reach(world, bot, WARM_UPDATES, 30) == WARM_UPDATES, "it does not answer"
            began, spent = time.monotonic(), cpu_seconds(bot.pid)
            world.add(updates, chats=CHATS)
            done = reach(world, bot, WARM_UPDATES + updates, MOST_SECONDS) - WARM_UPDATES
            seconds, spent = time.monotonic() - began, cpu_seconds(bot.pid) - spent
            wrong = stains(world.verdict, unanswered=updates - done)
            if wrong or done < updates:
                print(f"  {name}: {done} of {updates} in {seconds:.0f} s; faults: {wrong or 'none'}", file=sys.stderr)
            return Figures(spent * 1000 / max(done, 1), done / seconds, peak_mb(bot.pid))
    finally:
        world.close()


def compare(updates: int, rounds: int) -> None:
    valkey = Valkey().start()
    pin(valkey.pid, 1)
    runs: dict[str, list[Figures]] = {name: [] for name in COMMANDS}
    try:
        for _ in range(rounds):
            for name in COMMANDS:
                runs[name].append(measure(name, valkey, updates))
    finally:
        valkey.close()
    report(
        {name: Figures(*map(statistics.median, zip(*map(astuple, all_), strict=True))) for name, all_ in runs.items()}
    )


def report(figures: dict[str, Figures]) -> None:
    print(f"{'':12}{'CPU ms/update':>16}{'updates/s':>14}{'peak RSS MB':>14}")
    for name, one in figures.items():
        print(f"{name:12}{one.cpu_ms:16.3f}{one.per_second:14.0f}{one.rss_mb:14.0f}")
    ours, peer = figures["lanekeeper"], figures["peer"]
    print(
        f"{'':12}{peer.cpu_ms / ours.cpu_ms:9.1f} x less{ours.per_second / peer.per_second:7.1f} x more"
        f"{ours.rss_mb / peer.rss_mb:8.2f} x its"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--updates", type=int, default=3000)
    parser.add_argument("--rounds", type=int, default=2)
    options = parser.parse_args()
    compare(options.updates, options.rounds)


if __name__ == "__main__":
    main()
