"""What belongs to the whole bot: the send budget, the poller's lease, who lives, what was fixed at the first start."""

import random

import pytest

from app.core import keys
from tests.support.shard import Shard
from tests.support.wait import until


@pytest.mark.parametrize("seed", range(4))
def test_the_budget_never_exceeds_its_rate(seed: int, shard: Shard) -> None:
    r = random.Random(seed)
    gap, burst, granted = 40.0, 8, []
    for _ in range(500):
        shard.tick(r.choice([0, 1, 7, 40, 300]))
        given, wait = shard.ask("permit", r.randint(1, 8), f"{gap:.3f}", burst, 0, key=keys.budget(1))
        assert (given > 0) != (wait > 0)
        granted += [shard.now_ms] * given
    for i, start in enumerate(granted):
        for j in (i + 20, i + 100):
            if j < len(granted):
                assert j - i + 1 <= burst + (granted[j] - start) / gap + 1e-6


def test_after_the_named_wait_there_is_one(shard: Shard) -> None:
    while (answer := shard.ask("permit", 8, "40.000", 8, 0, key=keys.budget(1)))[0]:
        pass
    shard.tick(answer[1] - 1)
    assert shard.ask("permit", 1, "40.000", 8, 0, key=keys.budget(1))[0] == 0
    shard.tick(1)
    assert shard.ask("permit", 1, "40.000", 8, 0, key=keys.budget(1)) == [1, 0]


def test_a_penalty_of_the_bot_lasts(shard: Shard) -> None:
    granted, wait = shard.ask("permit", 1, "40.000", 8, 3000, key=keys.budget(1))
    assert (granted, wait) == (0, 3040)
    shard.tick(2999)
    assert shard.ask("permit", 1, "40.000", 8, 0, key=keys.budget(1))[0] == 0
    shard.tick(41)
    assert shard.ask("permit", 8, "40.000", 8, 0, key=keys.budget(1))[0] == 1


def test_the_budget_leaves_no_key_for_ever(shard: Shard) -> None:
    shard.ask("permit", 8, "40.000", 8, 0, key=keys.budget(1))
    assert shard.client.pttl(keys.budget(1)) > 0


def test_one_process_polls_until_it_gives_up(shard: Shard) -> None:
    def lease(owner: str, ms: int) -> int:
        return int(shard.ask("lease", owner, ms, key=keys.poller(1)))

    assert (lease("a", 60_000), lease("b", 60_000), lease("a", 60_000)) == (1, 0, 1)
    assert lease("b", 0) == 0
    assert shard.client.get(keys.poller(1)) == b"a"
    assert (lease("a", 0), lease("b", 60_000)) == (0, 1)


async def test_a_poller_that_died_is_succeeded(shard: Shard) -> None:
    shard.ask("lease", "a", 30, key=keys.poller(1))
    await until(lambda: shard.ask("lease", "b", 60_000, key=keys.poller(1)), what="the lease to run out")


def test_processes_are_counted_until_they_are_silent_or_say_farewell(shard: Shard) -> None:
    def beat(name: str, seconds: int = 30) -> int:
        return int(shard.ask("presence", name, seconds, key=keys.processes(1)))

    assert [beat("a"), beat("b"), beat("c"), beat("c", 0)] == [1, 2, 3, 2]
    shard.tick(29_000)
    assert beat("a") == 2
    shard.tick(2000)
    assert beat("a") == 1
    assert 0 < shard.client.ttl(keys.processes(1)) <= 30


def test_what_was_fixed_at_the_first_start_stays(shard: Shard) -> None:
    assert shard.ask("setup", 16, 1, "born", key=keys.setup(1)) == [b"16", b"1", b"born"]
    assert shard.ask("setup", 8, 2, "again", key=keys.setup(1)) == [b"16", b"1", b"born"]
