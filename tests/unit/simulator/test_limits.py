"""The flood limits: bursts, minutes, the whole bot, and penalties that grow for who does not wait."""

from simulator.limits import Limits

ADA, GROUP = 1001, -1001


def test_a_short_burst_passes_and_then_one_a_second() -> None:
    limits = Limits()
    assert [limits.refuse_for(ADA, 100.0) for _ in range(13)] == [0] * 12 + [6]
    assert [limits.refuse_for(ADA, 106.0 + second) for second in range(20)] == [0] * 20


def test_who_calls_during_a_penalty_waits_longer_each_time() -> None:
    limits = Limits()
    told = [limits.refuse_for(ADA, 100.0) for _ in range(16)][12:]
    assert told == [6, 8, 12, 20]
    assert limits.refuse_for(ADA, 120.0) == 0


def test_who_waits_as_told_is_let_through_and_forgiven_after_a_minute() -> None:
    limits = Limits()
    first = [limits.refuse_for(ADA, 100.0) for _ in range(14)][-1]
    now = 100.0 + first
    soon = [limits.refuse_for(ADA, now) for _ in range(13)][-1]
    late = [limits.refuse_for(ADA, now + 100) for _ in range(13)][-1]
    assert (soon, late) == (8, 6), "the second within a minute is longer"


def test_a_group_takes_twenty_in_any_minute() -> None:
    limits = Limits()
    assert [limits.refuse_for(GROUP, 100.0 + number) for number in range(20)] == [0] * 20
    assert limits.refuse_for(GROUP, 120.0) == 40


def test_a_bot_takes_thirty_a_second_over_all_chats() -> None:
    limits = Limits()
    told = [limits.refuse_for(chat, 100.0) for chat in range(1, 32)]
    assert told == [0] * 30 + [1]
    assert limits.refuse_for(77, 101.0) == 0


def test_chats_do_not_pay_for_each_other() -> None:
    limits = Limits()
    for _ in range(16):
        limits.refuse_for(ADA, 100.0)
    assert limits.refuse_for(1002, 100.0) == 0
