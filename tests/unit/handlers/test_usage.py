"""/usage, /keys and /quota: who may, what is understood, what is said."""

from __future__ import annotations

from typing import Any

import pytest

from app.core import words
from app.core.allowance import Limit, limits
from app.core.clock import Manual
from app.core.errors import Later
from app.core.outcome import End, Outcome
from handlers.rights import Rights
from handlers.usage import Usage, read
from tests.unit.fakes import BOB, GROUP, Outbox, claim, context, update

OPERATOR = 7
SILENCE = End("dropped: access")


class Figures:
    async def usage(self, user: int, chat: int) -> str:
        return f"figures of {user} in {chat}"

    async def keys(self) -> str:
        return "…ab12"


class Quotas(dict[int, Any]):
    async def override(self, chat: int, limits: tuple[Limit, ...] | None) -> None:
        self[chat] = limits


class Admins:
    async def status_of(self, chat: int, user: int) -> str:
        return "creator"


class Bench:
    def __init__(self) -> None:
        self.outbox, self.quotas = Outbox(), Quotas()
        self.usage = Usage(self.outbox, Rights(Admins(), Manual(), {OPERATOR}), Figures(), self.quotas)

    async def give(self, text: str, lane: str = "", **fields: Any) -> Outcome:
        made = claim(update(text=text, **fields))
        made.lane = lane or made.lane
        ctx = context(claimed=made)
        return await self.usage.routes()[ctx.command](ctx)

    @property
    def said(self) -> str:
        return self.outbox.texts[-1]


async def test_anybody_hears_what_he_has_used_here() -> None:
    bench = Bench()
    assert await bench.give("/usage", from_=BOB, chat=GROUP) == End("answered")
    assert bench.said == "figures of 8 in -100"


async def test_who_speaks_as_a_channel_is_counted_as_that_channel() -> None:
    bench = Bench()
    await bench.give("/usage", from_=BOB, chat=GROUP, sender_chat={"id": -5, "type": "channel", "title": "x"})
    assert bench.said == "figures of -5 in -100"


@pytest.mark.parametrize("command", ["/keys", "/quota off"])
async def test_others_are_refused_kindly_in_private_and_with_silence_in_groups_admins_too(command: str) -> None:
    bench = Bench()
    assert await bench.give(command, from_=BOB, chat={"id": 8, "type": "private"}) == End("answered")
    assert bench.said == words.NOT_YOURS()
    assert await bench.give(command, from_=BOB, chat=GROUP) == SILENCE
    assert bench.quotas == {}


async def test_an_operator_sees_the_keys() -> None:
    bench = Bench()
    await bench.give("/keys")
    assert bench.said == "…ab12"


class TestQuota:
    @pytest.mark.parametrize(
        "args, chat, wanted, said",
        [
            ("300r/hour", -100, limits("300r/h"), "This chat may use 300 requests an hour now."),
            (
                "-555 100000t/day, 300r/h",
                -555,
                limits("100000t/day,300r/h"),
                "Chat -555 may use 100,000 tokens a day and 300 requests an hour now.",
            ),
            ("5 r/h", -100, limits("5r/h"), "This chat may use 5 requests an hour now."),
            (
                "5  R / hour, 9 t/d",
                -100,
                limits("5r/h,9t/d"),
                "This chat may use 5 requests an hour and 9 tokens a day now.",
            ),
            ("5 7 r/h", 5, limits("7r/h"), "Chat 5 may use 7 requests an hour now."),
            ("off", -100, (), "This chat has no quota of its own now."),
            ("here OFF", -100, (), "This chat has no quota of its own now."),
            ("-100 default", -100, None, "This chat has the quota of the setting again."),
        ],
    )
    async def test_it_is_set_lifted_and_given_back(self, args: str, chat: int, wanted: Any, said: str) -> None:
        bench = Bench()
        assert await bench.give(f"/quota {args}", chat=GROUP) == End("answered")
        assert bench.quotas == {chat: wanted}
        assert bench.said == said

    @pytest.mark.parametrize("args", ["", "-5", "lots", "300/hour", "300r/fortnight", "0r/day", "off now"])
    async def test_what_is_not_understood_changes_nothing_and_is_explained(self, args: str) -> None:
        bench = Bench()
        await bench.give(f"/quota {args}")
        assert words.QUOTA_HELP in bench.said
        assert bench.quotas == {}

    def test_of_two_for_one_window_the_smaller_holds(self) -> None:
        assert read("5r/h,3r/h", 1) == (1, limits("3r/h"))


async def test_a_reply_that_has_to_wait_becomes_a_notice() -> None:
    bench = Bench()
    bench.outbox.failure = Later(1500)
    assert await bench.give("/usage", lane="!7") == End("answered", notice="figures of 7 in 7")
