"""Quotas under any interleaving of reservations, crashes, repetitions and steps of the clock; and seeded mistakes."""

import random
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

from tests.property.account import BACK, STEPS, WHO, Machine, wander
from tests.support.books import Books
from tests.support.shard import Change, client

which = st.integers(0, 20)


@pytest.mark.parametrize("seed", range(12))
def test_the_books_agree_with_the_arithmetic(seed: int, valkey: str) -> None:
    wander(Books(client(valkey)), seed, steps=300)


@pytest.mark.soak
@pytest.mark.timeout(600)
def test_a_thousand_runs_agree(valkey: str) -> None:
    connection = client(valkey)
    for seed in range(1000, 2000):
        wander(Books(connection), seed, steps=300)


def test_the_runs_see_every_answer(valkey: str) -> None:
    machine, seen, r = Machine(Books(client(valkey))), Counter[str](), random.Random(0)
    for n in range(200):
        seen[machine.reserve(f"r{n}", r.choice(WHO), 5, 40, 5)] += 1
        if n % 3 == 0:
            machine.settle(n, -5)
        machine.tick(7000)
    assert set(seen) == {"granted", "busy", "spent"}


class Bookkeeping(RuleBasedStateMachine):
    """Each rule is one thing that may happen; Hypothesis shrinks what goes wrong."""

    connection: Any = None

    def __init__(self) -> None:
        super().__init__()
        self.machine = Machine(Books(self.connection))

    @rule(
        rid=st.sampled_from("abcd"), who=st.sampled_from(WHO),
        prompt=st.integers(0, 60), output=st.integers(1, 120), least=st.integers(0, 20),
    )  # fmt: skip
    def reserve(self, rid: str, who: tuple[str, ...], prompt: int, output: int, least: int) -> None:
        self.machine.reserve(rid, who, prompt, output, least)

    @rule(which=which, less=st.integers(0, 150))
    def settle(self, which: int, less: int) -> None:
        self.machine.settle(which, -less)

    @rule(which=which, more=st.integers(1, 150))
    def settle_more(self, which: int, more: int) -> None:
        self.machine.settle(which, more)

    @rule(which=which, tokens=st.integers(0, 60))
    def stop(self, which: int, tokens: int) -> None:
        self.machine.stop(which, tokens)

    @rule(which=which)
    def release(self, which: int) -> None:
        self.machine.settle(which, None)

    @rule(rid=st.sampled_from("abcd"), who=st.sampled_from(WHO))
    def overtaken(self, rid: str, who: tuple[str, ...]) -> None:
        self.machine.overtaken(rid, who)

    @rule(which=which)
    def crash(self, which: int) -> None:
        self.machine.crash(which)

    @rule(which=which)
    def repeat(self, which: int) -> None:
        self.machine.repeat(which)

    @rule(ms=st.one_of(st.sampled_from(STEPS), st.integers(1, 100_000)))
    def passes(self, ms: int) -> None:
        self.machine.tick(ms)

    @rule(ms=st.one_of(st.sampled_from(BACK), st.integers(1, 100_000)))
    def steps_back(self, ms: int) -> None:
        self.machine.tick(-ms)

    @rule(ms=st.sampled_from(BACK), who=st.sampled_from(WHO))
    def wavers(self, ms: int, who: tuple[str, ...]) -> None:
        self.machine.waver(ms, who)

    def teardown(self) -> None:
        self.machine.rest()


def test_hypothesis_finds_no_way_round(valkey: str) -> None:
    Bookkeeping.connection = client(valkey)
    run: Callable[..., Any] = run_state_machine_as_test
    checks = [HealthCheck.too_slow, HealthCheck.data_too_large]
    run(
        Bookkeeping,
        settings=settings(
            max_examples=60, stateful_step_count=40, deadline=None, suppress_health_check=checks, database=None
        ),
    )


WINDOWS, HOLDS, RESERVE, SETTLE = "parts/windows.lua", "parts/holds.lua", "reserve.lua", "settle.lua"
MISTAKES = {
    "windows: every month has 31 days": Change(WINDOWS, "to = first(from + 31)", "to = from + 31"),
    "windows: a month that begins with the day": Change(WINDOWS, "    from = first(from)\n", ""),
    "windows: one key for all days": Change(WINDOWS, "    w.key = w.key .. ':' .. num(from / 1000)\n", ""),
    "windows: over a moment too late": Change(WINDOWS, "now >= w.resets then", "now > w.resets then"),
    "windows: never over": Change(WINDOWS, "or length and now >= w.resets then", "then"),
    "windows: rolled by a clock that went back": Change(
        WINDOWS, "now >= w.resets then", "(now >= w.resets or now < w.opened) then"
    ),
    "windows: frozen by a clock that went back": Change(WINDOWS, "elseif length and now < w.opened", "elseif false"),
    "windows: a step back that is not kept": Change(WINDOWS, "    keep(w)\n", ""),
    "windows: a calendar's opened by its begin": Change(
        WINDOWS, "w.opened, w.resets = now, to or now", "w.opened, w.resets = from or now, to or now"
    ),
    "windows: a calendar's that a clock going back moves": Change(
        WINDOWS, "elseif length and now < w.opened then", "elseif now < w.opened then length = length or 0"
    ),
    "windows: an id that is given again": Change(WINDOWS, "num(math.max(micros, (tonumber(w.id) or 0) + 1))", "'1'"),
    "windows: an id by the clock alone": Change(
        WINDOWS, "num(math.max(micros, (tonumber(w.id) or 0) + 1))", "num(micros)"
    ),
    "windows: a roll that forgets who still holds": Change(WINDOWS, "w.used, w.held = true,", "w.used = true,"),
    "holds: charged to a later window": Change(HOLDS, "if call('HGET', P .. key, 'id') == id then", "if true then"),
    "holds: taken back twice": Change(HOLDS, "if holds then call(", "if true then call("),
    "holds: not taken back": Change(HOLDS, "if holds then call(", "if false then call("),
    "holds: a request that costs its tokens": Change(
        HOLDS, "string.find(key, ':r/', 1, true) and requests or tokens", "tokens"
    ),
    "holds: an expired one that still holds": Change(HOLDS, "'-' .. string.sub(record, 2)", "record"),
    "holds: an expired one that cannot be settled": Change(HOLDS, "'-' .. string.sub(record, 2)", "''"),
    "holds: a settled one that expires": Change(HOLDS, "  call('ZREM', KEYS[1], ticket .. ' ' .. rid)\n", ""),
    "holds: nobody sweeps": Change(HOLDS, "num(now), 'LIMIT', 0, SWEPT", "num(now), 'LIMIT', 0, 0"),
    "holds: swept too early": Change(HOLDS, "'-inf', num(now),", "'-inf', num(now + 1),"),
    "holds: frozen by a clock that went back": Change(HOLDS, "'+inf', 'LIMIT', 0, SWEPT", "'+inf', 'LIMIT', 0, 0"),
    "reserve: a repetition holds twice": Change(RESERVE, "if before then return", "if false then return"),
    "reserve: a successor holds beside its predecessor": Change(
        HOLDS, "string.sub(record, 1, 1) == 'h' then\n    drop", "false then\n    drop"
    ),
    "reserve: a settled call that holds again": Change(RESERVE, "if before then return", "if given then return"),
    "reserve: a late copy of one that was replaced": Change(
        RESERVE,
        "if before then return given and { 'granted', tonumber(given) } or { 'busy', 1 } end\n",
        "if given then return { 'granted', tonumber(given) } end\n",
    ),
    "reserve: what is held is not looked at": Change(RESERVE, "if w.held + w.cost > w.free", "if w.cost > w.free"),
    "reserve: one too few": Change(RESERVE, "w.held + w.cost > w.free", "w.held + w.cost >= w.free"),
    "reserve: one too many": Change(RESERVE, "w.held + w.cost > w.free", "w.held + w.cost > w.free + 1"),
    "reserve: spent by what is only held": Change(
        RESERVE, "tonumber(ARGV[i + 3]) - w.used, w", "tonumber(ARGV[i + 3]) - w.used - w.held, w"
    ),
    "reserve: stuck below the limit": Change(
        RESERVE, "  if w.unit == 't' then output = math.min(output, w.free - prompt) end\n", ""
    ),
    "reserve: shorter than the least": Change(RESERVE, "and 1 or prompt + least", "and 1 or prompt"),
    "reserve: the reset that comes first": Change(RESERVE, "w.resets > windows[spent]", "w.resets < windows[spent]"),
    "reserve: charges one by one": Change(
        RESERVE, "  w.cost = w.unit", "  if n > 1 then keep(windows[1]) end\n  w.cost = w.unit"
    ),
    "reserve: holds less than it gives back": Change(
        RESERVE, "w.id .. ' ' .. num(w.cost)", "w.id .. ' ' .. num(w.cost + 1)"
    ),
    "reserve: requests by tokens": Change(
        RESERVE, "w.cost = w.unit == 'r' and 1 or prompt + output", "w.cost = prompt + output"
    ),
    "reserve: never expires": Change(RESERVE, "call('ZADD', KEYS[1], num(now + life), ticket .. ' ' .. rid)\n", ""),
    "holds: what was in vain is not given back": Change(HOLDS, "    close(record, num(0 - tokens), -1)\n", ""),
    "holds: what was in vain is given back again and again": Change(HOLDS, "-1)\n    note(rid, ticket, '')", "-1)"),
    "holds: a request in vain is charged again": Change(HOLDS, "num(0 - tokens), -1)", "num(0 - tokens), 1)"),
    "reserve: a spent one that has something left": Change(RESERVE, "windows[spent].free)) }", "output)) }"),
    "settle: a repetition is charged again": Change(SETTLE, "windows or '')", "windows or record or '')"),
    "settle: nothing is remembered of a release that came first": Change(
        SETTLE, "if state or not record then", "if state then"
    ),
    "settle: a release costs a request": Change(SETTLE, "tokens or nil, 1) end", "tokens or 0, 1) end"),
    "settle: what is in vain is charged beside its successor": Change(
        SETTLE, "if vain and state == '-' then tokens, vain = '', false end\n", ""
    ),
    "settle: what is in vain is charged for good": Change(SETTLE, "state and vain and", "state and false and"),
    "settle: all may be given back": Change(SETTLE, "state and vain and", "state and tokens ~= '' and"),
    "settle: a repetition forgets that it was in vain": Change(SETTLE, "if state or not record then", "if true then"),
    "settle: no more than was held": Change(
        SETTLE, "tokens ~= '' and tokens or nil", "tokens ~= '' and math.min(tokens, 50) or nil"
    ),
}
RUNS, STEPS_A_RUN = 60, 200


@pytest.mark.parametrize("name", MISTAKES)
def test_the_arithmetic_finds(name: str, valkey: str) -> None:
    connection = client(valkey)
    for seed in range(RUNS):
        try:
            wander(Books(connection, MISTAKES[name]), seed, STEPS_A_RUN)
        except AssertionError:
            return
    pytest.fail(f"{RUNS} runs of {STEPS_A_RUN} steps found nothing wrong")
