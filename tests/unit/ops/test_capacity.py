"""`lanekeeper capacity`: what an owner reads before launch, and what bad input is told."""

import argparse
import time
from pathlib import Path

import pytest

from app.ops import capacity

ROOT = Path(__file__).parents[3]
EVENING = ("--users", "20", "--messages", "25", "--hours", "2")


def said(*arguments: str) -> str:
    """What the command says."""
    parser = argparse.ArgumentParser("lanekeeper")
    capacity.add(parser.add_subparsers(dest="verb", required=True))
    lines: list[str] = []
    assert capacity.run(parser.parse_args(["capacity", *arguments]), lines.append) == 0
    return "\n".join(lines)


def test_the_bot_we_learn_from_would_have_been_warned() -> None:
    text = said(*EVENING, "--keys", "300r/h;900r/mo")
    assert "500 requests in 2 hours, 250 an hour" in text
    assert "15,000 requests a month" in text
    assert "requests an hour                250            300" in text
    assert "requests a month             15,000            900   16.7 times what is allowed" in text
    assert "Breaks first: 900 requests a month, 1 h 36 min into session 2, after 900 requests of the month." in text
    assert "nobody is answered until the month is over" in text
    assert "900 of 15,000 requests are answered (6 %)" in text
    assert "17 such keys" in text


def test_an_hour_that_is_full_is_told_with_its_pause() -> None:
    text = said(*EVENING, "--keys", "200r/h")
    assert "Breaks first: 200 requests an hour, 48 min into session 1" in text
    assert "Then nobody is answered for 12 min." in text


def test_several_keys_add_up() -> None:
    text = said(*EVENING, "--keys", "sk-a;300r/h;900r/mo,sk-b;300r/h;900r/mo")
    assert "requests an hour                250            600" in text
    assert "requests a month             15,000          1,800" in text
    assert "1 h 12 min into session 4, after 1,800 requests" in text


def test_seventeen_such_keys_do() -> None:
    assert "Nothing breaks" in said(*EVENING, "--keys", ",".join(["300r/h;900r/mo"] * 17))
    assert "Breaks first" in said(*EVENING, "--keys", ",".join(["300r/h;900r/mo"] * 16))


def test_tokens_count_too_with_what_was_said_before() -> None:
    text = said(*EVENING, "--tokens", "100", "--history", "9", "--keys", "30000t/mo")
    assert "about 1,000 tokens a request: 100 for a question with its answer, 900 for what was said before" in text
    assert "tokens a month           15,000,000         30,000   500 times what is allowed" in text
    assert "Breaks first: 30,000 tokens a month, 7 min into session 1, after 30 requests" in text


def test_history_is_bounded_as_the_bot_bounds_it() -> None:
    assert "8,000 for what was said before" in said(*EVENING, "--tokens", "1000")
    assert " 0 for what was said before" in said("--users", "1", "--messages", "1", "--hours", "1", "--sessions", "1")


def test_a_request_that_never_fits_is_named() -> None:
    assert "A single request takes about 6,300 tokens, more than 1,000 tokens a minute" in said(
        *EVENING, "--keys", "1000t/min"
    )


def test_enough_is_said_to_be_enough_and_tight_to_be_tight() -> None:
    text = said(*EVENING, "--keys", "300r/h;15000r/mo")
    assert "Nothing breaks" in text
    assert "83 % of it: tight" in text


def test_without_limits_the_command_says_what_the_keys_must_allow() -> None:
    for more in ((), ("--keys", "sk-a,sk-b")):
        assert "what the keys must allow" in said(*EVENING, *more)


def test_commas_where_semicolons_were_meant_are_noticed() -> None:
    assert "have semicolons between them" in said(*EVENING, "--keys", "300r/h,900r/mo")
    assert "have semicolons between them" not in said(*EVENING, "--keys", "300r/h,200r/h")


@pytest.mark.parametrize(
    "keys, who",
    [
        ("sk-a;300r/h,sk-b", "Key 2 has"),
        ("sk-a,sk-b;1r/mo", "Key 1 has"),
        ("sk-a,sk-b;1r/mo,sk-c", "Keys 1 and 3 have"),
        ("sk-a;1t/min,sk-b;,sk-c;,sk-d", "Keys 2, 3 and 4 have"),
    ],
)
def test_a_key_without_limits_carries_what_the_others_cannot(keys: str, who: str) -> None:
    text = said(*EVENING, "--keys", keys)
    assert f"{who} no limit here, so nothing breaks on keys: all 15,000 requests of a month are answered" in text
    for other in ("Breaks first", "Nothing breaks", "such keys", "times what", "too much", "semicolons", "No limits"):
        assert other not in text


LIMITS = ("", "300r/h", "200r/h", "900r/mo", "300r/h;900r/mo", "1000t/min", "100r/d;5r/min")


@pytest.mark.parametrize("first", LIMITS)
@pytest.mark.parametrize("second", LIMITS)
def test_what_is_said_of_two_keys_does_not_contradict_itself(first: str, second: str) -> None:
    text = said(*EVENING, "--keys", f"sk-a;{first},sk-b;{second}")
    breaks, holds = "Breaks first" in text, "are answered," in text or "Nothing breaks" in text
    assert breaks + holds + ("No limits were given" in text) == 1
    assert holds or bool(first and second) or not (first or second)
    if "times what is allowed" in text or "too much" in text:
        assert breaks, "a limit that is asked for more than it allows breaks"


def test_blanks_around_a_semicolon_are_nothing() -> None:
    tight = said(*EVENING, "--keys", "sk-a;300r/h;900r/mo,sk-b;5r/h")
    assert said(*EVENING, "--keys", " sk-a ; 300r/h ;900r/mo , sk-b; 5r/h ") == tight
    assert said(*EVENING, "--keys", "300r/h ; 900r/mo") == said(*EVENING, "--keys", "300r/h;900r/mo")


def test_a_key_that_is_given_twice_counts_once() -> None:
    assert said(*EVENING, "--keys", "sk-a;300r/h,sk-a") == said(*EVENING, "--keys", "300r/h")


def test_a_huge_limit_keeps_its_column() -> None:
    assert "requests an hour                250 999,999,999,999,999   less than 1 % of it" in said(
        *EVENING, "--keys", "999999999999999r/h"
    )


def test_one_of_a_kind_is_one() -> None:
    assert "key 1: 1 request an hour; key 2: 2 requests an hour" in said(*EVENING, "--keys", "1r/h,2r/h")


def test_a_session_of_seconds_is_told_in_seconds_and_not_by_the_hour() -> None:
    first, second, *_ = said("--users", "1", "--messages", "1", "--hours", "0.01").splitlines()
    assert first == "1 person x 1 message = 1 request in 36 s"
    assert second == "30 such sessions a month = 30 requests a month"
    assert said("--users", "2", "--messages", "3", "--hours", "0.5").startswith(
        "2 people x 3 messages = 6 requests in 30 min\n"
    )


def test_no_secret_is_ever_said() -> None:
    assert "sk-" not in said(*EVENING, "--keys", "sk-a;200r/h,sk-b;100r/h;900r/mo")


@pytest.mark.parametrize(
    "arguments",
    [
        (*EVENING, "--keys", "sk-secret;300x/h"),
        (*EVENING, "--keys", "sk-secret;0r/h"),
        (*EVENING, "--keys", "300r/hr;900r/mo"),
        (*EVENING, "--keys", "300/h"),
        (*EVENING, "--keys", " , "),
        (*EVENING, "--keys", ""),
        (*EVENING, "--keys", ";"),
        (*EVENING, "--keys", "sk-secret, 300r/h"),
        (*EVENING, "--keys", "300r/h,sk-secret;5r/h"),
        (*EVENING, "--keys", "9999999999999999r/h"),
        (*EVENING, "--keys", "sk-secretü"),
        (*EVENING, "--keys", ",".join(["1r/h"] * 51)),
        (*EVENING, "--users", "0"),
        (*EVENING, "--messages", "-3"),
        (*EVENING, "--messages", "9999999"),
        (*EVENING, "--hours", "0"),
        (*EVENING, "--hours", "1e9"),
        (*EVENING, "--hours", "nan"),
        (*EVENING, "--tokens", "many"),
        (*EVENING, "--sessions-per-month", "361"),
        EVENING[:4],
    ],
)
def test_bad_input_is_answered_in_one_line(arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        said(*arguments)
    assert caught.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("lanekeeper capacity: error: ")
    assert "secret" not in line


def test_the_worked_example_of_the_page_is_what_the_command_says() -> None:
    page = (ROOT / "docs/capacity.md").read_text()
    assert said(*EVENING, "--keys", "300r/h;900r/mo") in page


def test_a_month_of_many_short_windows_is_played_within_seconds() -> None:
    began = time.process_time()
    said("--users", "99", "--messages", "999", "--hours", "720", "--sessions", "1", "--keys", ",".join(["1r/min"] * 10))
    assert time.process_time() - began < 10
