"""PDFs are read in a process of their own: bounded in time, memory and words, and told apart when they cannot be."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path

import pytest

from app.core import unread
from app.core.tongue import Sentence
from app.media import pdf as module
from app.media.found import Unusable
from app.media.pdf import Pdfs
from tests.support.wait import until
from tests.unit.media.pdfs import locked, pdf

BOMB = b"BT /F1 12 Tf " + b"(aaaa) Tj " * (3 << 20) + b"ET"
"""Thirty megabytes of drawing, in sixty kilobytes of PDF."""


async def refused(pdfs: Pdfs, body: bytes) -> Sentence:
    with pytest.raises(Unusable) as raised:
        await pdfs.text(body, 10_000)
    return raised.value.sentence


async def test_every_page_is_read_in_order() -> None:
    text, more = await Pdfs().text(pdf("first page\nits second line", "another"), 10_000)
    assert text.split("\n") == ["first page", "its second line", "", "another", "", ""]
    assert not more


async def test_what_lies_beyond_the_page_cap_is_left_out() -> None:
    text, more = await Pdfs(pages=3).text(pdf("page", most=1000), 10_000)
    assert text.split() == ["page"] * 3
    assert more


async def test_what_lies_beyond_the_characters_is_left_out() -> None:
    text, more = await Pdfs().text(pdf("0123456789", most=100), 35)
    assert len(text.replace("\n", "")) <= 40
    assert more


@pytest.mark.parametrize(
    "body, sentence",
    [
        (locked("secret", "password"), unread.PDF_LOCKED),
        (pdf(""), unread.PDF_BLANK),
        (b"%PDF-1.7 " + b"no pdf at all " * 100, unread.PDF_BROKEN),
        (pdf("cut short")[:200], unread.PDF_BROKEN),
        (pdf("a loop").replace(b"/Kids[5 0 R]", b"/Kids[2 0 R]"), unread.PDF_BROKEN),
        (pdf("x", stream=b" " * (300 << 20)), unread.PDF_BROKEN),
    ],
    ids=["locked", "blank", "garbage", "short", "loop", "bomb"],
)
async def test_each_reason_has_its_sentence(body: bytes, sentence: Sentence) -> None:
    assert await refused(Pdfs(), body) is sentence


async def test_one_that_only_its_owner_may_change_is_read() -> None:
    assert (await Pdfs().text(locked("open to read", ""), 10_000))[0].strip() == "open to read"


async def test_one_that_takes_for_ever_is_ended_and_gone() -> None:
    before = asyncio.get_running_loop().time()
    assert await refused(Pdfs(seconds=1), pdf("x", stream=BOMB)) is unread.PDF_BROKEN
    assert asyncio.get_running_loop().time() - before < 5
    assert not children()


async def test_the_memory_of_one_is_bounded() -> None:
    assert await refused(Pdfs(memory=64 << 20), pdf("x", stream=b" " * (60 << 20))) is unread.PDF_BROKEN


async def test_a_turn_that_is_cancelled_leaves_no_process() -> None:
    task = asyncio.create_task(Pdfs(seconds=30).text(pdf("x", stream=BOMB), 10_000))
    await until(lambda: bool(children()), what="the process")
    began = asyncio.get_running_loop().time()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert not children()
    assert asyncio.get_running_loop().time() - began < 3, "it would have gone on for longer"


async def test_no_more_than_two_are_read_at_once() -> None:
    pdfs = Pdfs()
    tasks = [asyncio.create_task(pdfs.text(pdf(f"number {n}"), 1000)) for n in range(6)]
    most = 0
    while not all(task.done() for task in tasks):
        most = max(most, len(children()))
        await asyncio.wait(tasks, timeout=0.01, return_when=asyncio.FIRST_COMPLETED)
    assert [task.result()[0].strip() for task in tasks] == [f"number {n}" for n in range(6)]
    assert most <= 2


async def test_the_process_sees_nothing_of_our_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    worker = tmp_path / "worker.py"
    worker.write_text("import os, sys; sys.stdin.read(); print(sorted(os.environ), os.getcwd())")
    monkeypatch.setattr(module, "WORKER", worker)
    monkeypatch.setenv("TELEGRAM_BOT_TOKEN", "42:secret")
    text, _ = await Pdfs().text(b"%PDF-", 1000)
    assert "TELEGRAM" not in text
    assert text.endswith("] /\n")


def children() -> list[str]:
    """Processes of ours that read a PDF now."""
    found = []
    for entry in Path("/proc/self/task").iterdir():
        with contextlib.suppress(OSError):  # threads and processes come and go
            pids = (entry / "children").read_text().split()
            found += [pid for pid in pids if b"worker.py" in Path(f"/proc/{pid}/cmdline").read_bytes()]
    return found
