"""`lanekeeper capacity`: will these keys do for these people? Told before launch; needs no settings and no network.

What was written for --keys is never shown: it may hold secrets.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any

from app.core import kinds
from app.core.allowance import UNITS, Unit, Window
from app.core.settings import Settings
from app.ops.plan import MONTH_DAYS, SECONDS, Limits, Load, Outlook, outlook

QUESTION_TOKENS = 300  # a question of some sentences with its answer
TIGHT = Fraction(4, 5)  # people come in bursts: above this share one lively quarter of an hour is too much
MOST = 10**6
MOST_KEYS = 50
EXAMPLE = "lanekeeper capacity --users 20 --messages 25 --hours 2 --keys '300r/h;900r/mo'"
KEYS = "keys with commas between them, limits behind semicolons: '300r/h;900r/mo' or 'sk-a;300r/h,sk-b;900r/mo'"

Verbs = Any  # argparse's class of what add_subparsers gives is private


def add(verbs: Verbs) -> None:
    """Teach the command line the verb."""
    turns, tokens = (Settings.model_fields[name].default for name in ("history_turns", "history_tokens"))
    verb = verbs.add_parser(
        "capacity",
        help="say before launch whether the keys' limits will do, and what breaks first",
        description=f"Requests and tokens that people will ask for, against the limits of keys. Example: {EXAMPLE}",
        usage=argparse.SUPPRESS,  # so that bad input is answered in one line
    )
    verb.add_argument("--users", type=_whole, required=True, help="people who write in a session")
    verb.add_argument("--messages", type=_whole, required=True, help="questions that each of them writes in it")
    verb.add_argument("--hours", type=_hours, required=True, help="how long a session lasts")
    verb.add_argument("--keys", type=_keys, default=(), metavar="KEYS", help=KEYS)
    verb.add_argument(
        "--sessions-per-month", dest="sessions", type=_whole, default=30, metavar="N", help="default: %(default)s"
    )
    verb.add_argument(
        "--tokens", type=_whole, metavar="N", help=f"of a question with its answer (default: {QUESTION_TOKENS})"
    )
    verb.add_argument(
        "--history", type=_count, default=turns, metavar="N",
        help=f"earlier questions sent along, at most {tokens:,} tokens of them (default: %(default)s)",
    )  # fmt: skip
    verb.set_defaults(history_tokens=tokens, refuse=verb.error)


def run(args: argparse.Namespace, say: Callable[[str], object]) -> int:
    """Say what will be; sessions that do not fit into a month are bad input like any other."""
    pair = args.tokens or QUESTION_TOKENS
    said_before = min(args.history, args.messages * args.sessions - 1)
    carried = min(said_before * pair, args.history_tokens)
    load = Load(args.users, args.messages, args.hours, args.sessions, pair + carried)
    if load.hours * load.sessions > 24 * MONTH_DAYS:
        args.refuse(f"{load.sessions:,} sessions of {_number(load.hours)} hours do not fit into a month")
    for line in [*asked(load, pair, carried), *told(load, args.keys, tokens=args.tokens is not None)]:
        say(line)
    return 0


def asked(load: Load, pair: int, carried: int) -> Iterator[str]:
    """What the people will ask for."""
    sessions = load.sessions
    yield (
        f"{_many(load.users, 'person', 'people')} x {_many(load.messages, 'message')} = "
        f"{_many(load.requests, 'request')} in {_many(load.hours, 'hour') if load.hours >= 1 else _time(load.seconds)}"
        + (f", {_number(Fraction(load.requests) / load.hours)} an hour" if load.hours > 1 else "")
    )
    yield f"{_many(sessions, 'such session')} a month = {_many(load.requests * sessions, 'request')} a month"
    yield (
        f"about {load.tokens:,} tokens a request: {pair:,} for a question with its answer, "
        f"{carried:,} for what was said before"
    )
    yield ""


def told(load: Load, keys: tuple[Limits, ...], *, tokens: bool) -> Iterator[str]:
    """What the keys make of it."""
    yield from _table(load, keys, tokens=tokens)
    yield ""
    if not any(keys):
        yield "No limits were given, so this is what the keys must allow. Try --keys '300r/h;900r/mo'."
        return
    found = outlook(load, keys)
    if unlimited := [number for number, limits in enumerate(keys, 1) if not limits]:
        asked = _many(found.asked, "request")
        yield f"{_which(unlimited)} no limit here, so nothing breaks on keys: all {asked} of a month are answered,"
        yield "unless the endpoint has a limit of its own."
        return
    yield from _verdict(load, keys, found)
    if len(keys) > 1 and all(len(limits) == 1 for limits in keys) and len({(k[0].unit, k[0].window) for k in keys}) > 1:
        yield f"These are {len(keys)} keys; the limits of one key have semicolons between them."


def _table(load: Load, keys: tuple[Limits, ...], *, tokens: bool) -> Iterator[str]:
    yield f"{'':20}{'asked':>15}{'allowed':>15}"
    limited = {(one.unit, one.window) for limits in keys for one in limits}
    shown = limited | {("r", "hour"), ("r", "month")} | ({("t", "hour"), ("t", "month")} if tokens else set())
    for unit in UNITS:
        for window in SECONDS:
            if (unit, window) in shown:
                need, may = load.asked(unit, window), allowed(keys, unit, window)
                name = f"{UNITS[unit]} {'an' if window == 'hour' else 'a'} {window}"
                given = "no limit" if may is None else f"{may:,}"
                yield f"{name:20} {_ceil(need):>14,} {given:>14}{_judged(need, may)}"


def allowed(keys: tuple[Limits, ...], unit: Unit, window: Window) -> int | None:
    """What all keys allow together; None as soon as one of them has no such limit."""
    each = [next((one.amount for one in limits if (one.unit, one.window) == (unit, window)), None) for limits in keys]
    known = [amount for amount in each if amount is not None]
    return sum(known) if keys and len(known) == len(each) else None


def _which(numbers: list[int]) -> str:
    """`Key 2 has` or `Keys 1 and 3 have`."""
    *rest, last = map(str, numbers)
    return f"Keys {', '.join(rest)} and {last} have" if rest else f"Key {last} has"


def _judged(need: Fraction, may: int | None) -> str:
    if may is None:
        return ""
    share = need / may
    if share > 1:
        return f"   {_number(share, 1)} times what is allowed" if share >= 2 else f"   {_percent(share - 1)} too much"
    return f"   {_percent(share)} of it" + (": tight, people come in bursts" if share >= TIGHT else "")


def _verdict(load: Load, keys: tuple[Limits, ...], found: Outlook) -> Iterator[str]:
    first = found.first
    if first is None:
        yield f"Nothing breaks: all {found.asked:,} requests of a month are answered."
        return
    which = first.limits[0].words if len(keys) == 1 else "every key is at its limit"
    yield (
        f"Breaks first: {which}, {_time(first.after)} into session {first.session}, "
        f"after {_many(first.answered, 'request')} of the month."
    )
    if len(keys) > 1:
        yield "  " + "; ".join(f"key {number}: {one.words}" for number, one in enumerate(first.limits, 1))
    for one in sorted({one for one in first.limits if one.amount < load.cost(one.unit)}, key=str):
        yield f"  A single request takes about {load.tokens:,} tokens, more than {one.words}."
    yield (
        "From then on nobody is answered until the month is over."
        if first.back is None
        else f"Then nobody is answered for {_time(first.back)}."
    )
    share = _percent(Fraction(found.answered, found.asked))
    cut = f"{found.cut} of {_many(load.sessions, 'session')} {'is' if found.cut == 1 else 'are'} cut short"
    yield f"In a month {found.answered:,} of {found.asked:,} requests are answered ({share}); {cut}."
    if advice := _advice(load, keys):
        yield advice


def _advice(load: Load, keys: tuple[Limits, ...]) -> str:
    """How many such keys would do; nothing when keys differ, or when no number of them would."""
    if len(set(keys)) > 1 or any(one.amount < load.cost(one.unit) for one in keys[0]):
        return ""
    least = max(_ceil(load.asked(one.unit, one.window) / one.amount) for one in keys[0])
    return f'It would take {least:,} such keys, or one that allows what stands under "asked".'


def _number(value: Fraction, places: int = 2) -> str:
    """As short as it can be said."""
    text = f"{float(value):,.{places}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _many(count: int | Fraction, one: str, more: str = "") -> str:
    return f"{_number(Fraction(count))} {one if count == 1 else more or one + 's'}"


def _ceil(value: Fraction) -> int:
    return -(-value.numerator // value.denominator)


def _percent(share: Fraction) -> str:
    return f"{int(share * 100)} %" if share >= Fraction(1, 100) or not share else "less than 1 %"


def _time(seconds: Fraction) -> str:
    """`1 h 36 min`; seconds only below a minute."""
    if seconds < 60:
        return f"{int(seconds)} s"
    minutes = int(seconds // 60)
    days, hours, minutes = minutes // 1440, minutes // 60 % 24, minutes % 60
    parts = ((days, "d"), (hours, "h"), (minutes, "min"))
    return " ".join(f"{amount} {unit}" for amount, unit in parts if amount)


def _whole(text: str) -> int:
    """A value from 1 on."""
    if not re.fullmatch(r"0*[1-9][0-9]{0,6}", text, re.ASCII) or int(text) > MOST:
        raise argparse.ArgumentTypeError(f"a whole number from 1 to {MOST:,} is needed")
    return int(text)


def _count(text: str) -> int:
    """A value from 0 on."""
    return 0 if text == "0" else _whole(text)


def _hours(text: str) -> Fraction:
    """A value of --hours."""
    if not re.fullmatch(r"[0-9]{1,3}(\.[0-9]{1,3})?", text, re.ASCII) or not 0 < Fraction(text) <= 24 * MONTH_DAYS:
        raise argparse.ArgumentTypeError(f"a number of hours such as 2 or 1.5 is needed, at most {24 * MONTH_DAYS}")
    return Fraction(text)


def _keys(text: str) -> tuple[Limits, ...]:
    """The value of --keys; secrets are dropped, and never repeated in an error."""
    try:
        found = kinds.keys(text, bare=True)
    except kinds.Unfit as error:
        raise argparse.ArgumentTypeError(f"{error}; needed are {KEYS}") from None
    named: dict[str, Limits] = {}
    for number, key in enumerate(found):
        named.setdefault(key.secret.get_secret_value() or str(number), key.limits)  # given twice: as the bot, the first
    if not 1 <= len(named) <= MOST_KEYS:
        raise argparse.ArgumentTypeError(f"from 1 to {MOST_KEYS} keys are needed")
    return tuple(named.values())
