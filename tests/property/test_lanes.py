"""The scripts keep the invariants of docs/lanes.md under any interleaving that faults can bring about."""

import random
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

from tests.property.machine import Machine, interleave
from tests.support.shard import Shard, client

dice = st.randoms(use_true_random=False)


@pytest.mark.parametrize("seed", range(24))
def test_any_interleaving_keeps_the_invariants_and_comes_to_rest(seed: int, valkey: str) -> None:
    interleave(Shard(client(valkey)), seed, steps=250)


@pytest.mark.parametrize("seed", range(4))
def test_under_many_faults_too(seed: int, valkey: str) -> None:
    interleave(Shard(client(valkey)), seed, steps=250, faults=0.5)


def test_without_a_fault_no_part_is_sent_twice(valkey: str) -> None:
    for seed in range(5):
        r = random.Random(seed)
        machine = Machine(Shard(client(valkey)), faults=0)
        for _ in range(40):
            machine.intake(r)
            machine.workers[0].claim(r, 8, 8, 8)
            for turn in machine.workers[0].turns:
                while not turn.over:
                    turn.act(r)
        doubtful = {key for key, count in machine.sends.items() if count > 1}
        assert not doubtful - machine.doubts, f"sent twice without a doubt: {doubtful - machine.doubts}"
        machine.rest()


@pytest.mark.soak
def test_thousands_of_interleavings(valkey: str) -> None:
    for seed in range(1000, 3000):
        interleave(Shard(client(valkey)), seed, steps=300, faults=0.15 if seed % 2 else 0.4)


def test_hypothesis_finds_no_way_round(valkey: str) -> None:
    class Interleaving(RuleBasedStateMachine):
        """Each rule is one thing that may happen; Hypothesis shrinks what goes wrong."""

        def __init__(self) -> None:
            super().__init__()
            self.machine = Machine(Shard(client(valkey)))

        @rule(r=dice)
        def passes(self, r: random.Random) -> None:
            self.machine.pass_time(r)

        @rule(r=dice)
        def store(self, r: random.Random) -> None:
            self.machine.intake(r)

        @rule(r=dice, times=st.integers(1, 6))
        def work(self, r: random.Random, times: int) -> None:
            for _ in range(times):
                self.machine.work(r)

        @rule(r=dice)
        def deliver_late(self, r: random.Random) -> None:
            self.machine.late(r)

        @rule(r=dice)
        def operate(self, r: random.Random) -> None:
            self.machine.operate(r)

        @rule(r=dice)
        def stop(self, r: random.Random) -> None:
            self.machine.stop(r)

        @rule(r=dice)
        def cool(self, r: random.Random) -> None:
            self.machine.cool(r)

        def teardown(self) -> None:
            self.machine.rest()

    run: Callable[..., Any] = run_state_machine_as_test
    checks = [HealthCheck.too_slow, HealthCheck.data_too_large]
    run(
        Interleaving,
        settings=settings(
            max_examples=40, stateful_step_count=40, deadline=None, suppress_health_check=checks, database=None
        ),
    )
