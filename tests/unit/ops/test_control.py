"""A pause of the whole bot reaches every shard: also one that missed the command, by whoever sees it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from app.core.errors import StoreBroken
from app.ops.control import EVERYWHERE, NEWEST, Control
from tests.support.wait import turns


@dataclass
class Shards:
    """What each shard knows of the pause of the whole bot, as a claim tells it; those in `away` refuse."""

    shards: int = 4
    paused: dict[int, str] = field(default_factory=dict)
    resumed: dict[int, str] = field(default_factory=dict)
    away: set[int] = field(default_factory=set)
    held: int = 0
    scoped: dict[int, set[str]] = field(default_factory=dict)
    scopes: list[str] = field(default_factory=list)
    """Of the pauses and their ends, as they came."""
    stopped: list[tuple[str, int]] = field(default_factory=list)

    def shard_of(self, lane: str) -> int:
        return 0

    async def hold(self, shard: int, scope: str, *, on: bool, ver: str, record: Sequence[Any]) -> bool:
        await turns(2)
        self.held += 1
        self.scopes.append(scope)
        if shard in self.away:
            raise StoreBroken("NOPERM")
        until, policy, keep, author, reason = record
        if on:
            self.paused[shard], self.resumed[shard] = f"{until}|{ver}|{policy}|1|{keep}|{author}|{reason}", ""
        else:
            self.paused[shard], self.resumed[shard] = "", f"{ver}|"
        return True

    async def pauses(self, shard: int) -> set[str]:
        return self.scoped.get(shard, set())

    async def signal(self, lane: str, uid: str, mid: int, at_ms: int) -> tuple[str, str]:
        self.stopped.append((lane, mid))
        return ("ok" if lane.startswith("-50") else "idle"), ""


class Turns:
    def deliver(self, lane: str, what: str, token: str) -> None:
        """Nothing runs."""


class Looking:
    turns = Turns()

    def look(self) -> None:
        """Nothing is claimed."""


class Silence:
    async def wake(self, shards: Sequence[int]) -> None:
        """Nobody listens."""

    async def signal(self, what: str, lane: str, token: str) -> None:
        """Nobody listens."""


def process(shards: Shards) -> Control:
    """The control of one process."""
    return Control(shards, Looking(), Silence(), 60_000, "hold")


async def rounds(control: Control, shards: Shards, count: int = 6) -> None:
    """The process claims of each shard so many times."""
    for _ in range(count):
        for shard in range(shards.shards):
            control.observe(shard, shards.paused.get(shard, ""), shards.resumed.get(shard, ""))
            await turns(5)


async def test_a_shard_that_missed_a_pause_is_set_by_who_commanded_it() -> None:
    shards = Shards(away={2})
    control = process(shards)
    with pytest.raises(StoreBroken):
        await control.pause(EVERYWHERE, 0, "lunch | later", "ann", "1700000000.7")
    shards.away.clear()
    await rounds(control, shards)
    assert len({shards.paused[shard] for shard in range(4)}) == 1


async def test_a_shard_that_missed_a_pause_is_set_by_another_process_that_sees_it() -> None:
    shards = Shards()
    await shards.hold(1, EVERYWHERE, on=True, ver="1700000000.7", record=(0, "hold", 60_000, "ann", "lunch"))
    other = process(shards)
    await rounds(other, shards)
    assert set(shards.paused) == {0, 1, 2, 3}
    assert len(set(shards.paused.values())) == 1
    assert other.paused()


async def test_a_shard_that_missed_the_end_of_a_pause_is_set_too() -> None:
    shards = Shards()
    first, other = process(shards), process(shards)
    await first.pause(EVERYWHERE, 0, "", "ann", "1700000000.7")
    await shards.hold(3, EVERYWHERE, on=False, ver="1700000005.9", record=(0, "", 0, "", ""))
    await rounds(other, shards)
    assert set(shards.paused.values()) == {""}
    assert not other.paused()


async def test_an_older_pause_does_not_come_back() -> None:
    shards = Shards()
    control = process(shards)
    await control.pause(EVERYWHERE, 0, "", "ann", "1700000000.7")
    await control.resume(EVERYWHERE, "1700000000.10")
    shards.paused[2], shards.resumed[2] = "0|1700000000.7|hold|1|60000|ann|", ""
    await rounds(control, shards)
    assert set(shards.paused.values()) == {""}


async def test_a_shard_that_still_refuses_is_set_when_it_does_no_more() -> None:
    shards = Shards(away={0})
    other = process(shards)
    await shards.hold(1, EVERYWHERE, on=True, ver="1700000000.7", record=(0, "hold", 0, "", ""))
    await rounds(other, shards)
    assert shards.paused.get(0, "") == ""
    shards.away.clear()
    await rounds(other, shards)
    assert set(shards.paused) == {0, 1, 2, 3}


async def test_a_repair_that_fails_is_not_left_to_the_loop_as_a_stray_error() -> None:
    stray: list[Any] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: stray.append(context))
    await test_a_shard_that_still_refuses_is_set_when_it_does_no_more()
    assert stray == []


async def test_nothing_is_repaired_where_all_shards_agree() -> None:
    shards = Shards()
    control = process(shards)
    await control.pause(EVERYWHERE, 0, "", "ann", "1700000000.7")
    before = shards.held
    await rounds(control, shards)
    assert shards.held == before


@pytest.mark.parametrize(
    "scope, still",
    [
        ("-5", {"*", "-5", "-5:t2", "-5:t30"}),
        ("-5:t2", {"*", "-5"}),
        ("-5:t9", {"*", "-5"}),
        ("-55", {"*", "-55:t1"}),
        ("*", {"*", "-5", "-5:t2", "-5:t30", "-55:t1", "8"}),
    ],
)
async def test_what_a_resume_leaves_paused_is_known(scope: str, still: set[str]) -> None:
    shards = Shards(scoped={0: {"*", "-5", "-5:t2", "-5:t30", "-55:t1"}, 3: {"*", "8"}})
    assert await process(shards).remaining(scope) == still


async def test_a_command_in_a_chat_to_which_another_moves_holds_in_both() -> None:
    shards = Shards()
    control = process(shards)

    async def origins(chat: str) -> tuple[str, str]:
        return ("-50", "") if chat == "-100" else ("", "")

    control.origins = origins
    await control.pause("-100:t5", 0, "", "ann", "5.1")
    await control.resume("-100", "5.2")
    await control.pause("-7", 0, "", "ann", "5.3")
    assert shards.scopes == ["-100:t5", "-50:t5", "-100", "-50", "-7"]
    assert await control.stop("-100", "9", 12, 0) == "ok"
    assert shards.stopped == [("-100", 12), ("-50", NEWEST)]
