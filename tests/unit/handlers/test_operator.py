"""/pause /resume /status /stop: who may, what they reach, and what the replies say."""

from __future__ import annotations

from typing import Any

import pytest

from app.core import words
from app.core.clock import Manual
from app.core.errors import Later, Rejected
from app.core.outcome import End, Outcome
from handlers.operator import LONGEST_SECONDS, Operator, Order, read
from handlers.rights import Rights
from tests.unit.fakes import BOB, DATE, FORUM, GROUP, Outbox, claim, context, update

TOPIC: dict[str, Any] = {"chat": FORUM, "message_thread_id": 5, "is_topic_message": True}
OPERATOR = 7
SILENCE = End("dropped: access")


class Control:
    def __init__(self) -> None:
        self.calls: list[tuple[Any, ...]] = []
        self.done, self.star, self.stopped = True, False, "ok 1-w"

    async def pause(self, scope: str, until_ms: int, reason: str, author: str, ver: str) -> bool:
        self.calls.append(("pause", scope, until_ms, reason, author, ver))
        return self.done

    async def resume(self, scope: str, ver: str) -> bool:
        self.calls.append(("resume", scope, ver))
        return self.done

    async def stop(self, lane: str, uid: str, mid: int, at_ms: int) -> str:
        self.calls.append(("stop", lane, uid, mid, at_ms))
        return self.stopped

    async def status(self) -> str:
        return "all is well"

    def paused(self) -> bool:
        return self.star


class Admins:
    def __init__(self, status: str = "member") -> None:
        self.status, self.asked = status, 0

    async def status_of(self, chat: int, user: int) -> str:
        self.asked += 1
        if not self.status:
            raise Rejected("user not found")
        return self.status


class Bench:
    """An operator handler with all it talks to."""

    def __init__(self, status: str = "member", scope: Any = "topic") -> None:
        self.control, self.outbox, self.admins, self.clock = (
            Control(),
            Outbox(),
            Admins(status),
            Manual(1_800_000_000.0),
        )
        rights = Rights(self.admins, self.clock, {OPERATOR})
        self.operator = Operator(self.control, self.outbox, rights, self.clock, scope=scope)

    async def give(self, text: str, attempt: int = 1, **fields: Any) -> Outcome:
        made = claim(update(text=text, **fields), attempt=attempt)
        ctx = context(claimed=made)
        return await self.operator.routes()[ctx.command](ctx)

    @property
    def said(self) -> str:
        return self.outbox.texts[-1]


@pytest.mark.parametrize(
    "args, order",
    [
        ("", Order(False, 0, "")),
        ("all", Order(True, 0, "")),
        ("ALL 30m tea time", Order(True, 1800, "tea time")),
        ("2h", Order(False, 7200, "")),
        ("1d", Order(False, 86_400, "")),
        ("45min all of us", Order(False, 2700, "all of us")),
        ("because 30m", Order(False, 0, "because 30m")),
        ("0m", Order(False, 0, "")),
        ("999999d", Order(False, LONGEST_SECONDS, "")),
        ("30x", Order(False, 0, "30x")),
    ],
)
def test_arguments_are_read_as_a_person_means_them(args: str, order: Order) -> None:
    assert read(args) == order


class TestPause:
    async def test_here_means_the_chat(self) -> None:
        bench = Bench()
        assert await bench.give("/pause") == End("answered")
        assert bench.control.calls == [("pause", "7", 0, "", "7", f"{DATE}.900")]
        assert "paused in this chat" in bench.said
        assert "/resume" in bench.said

    async def test_in_a_topic_it_means_the_topic_unless_topics_share_a_lane(self) -> None:
        bench = Bench()
        await bench.give("/pause", **TOPIC)
        assert bench.control.calls[0][1] == "-100:t5"
        assert "paused in this topic" in bench.said
        shared = Bench(scope="chat")
        await shared.give("/pause", **TOPIC)
        assert shared.control.calls[0][1] == "-100"
        assert "all its topics" in shared.said

    async def test_all_with_a_time_and_a_reason_says_until_when_and_why(self) -> None:
        bench = Bench()
        await bench.give("/pause all 30m new model")
        assert bench.control.calls[0][1:5] == ("*", 1_800_001_800_000, "new model", "7")
        assert "paused everywhere until 2027-01-15 08:30 UTC" in bench.said
        assert "new model" in bench.said

    async def test_a_later_command_already_in_force_is_said(self) -> None:
        bench = Bench()
        bench.control.done = False
        await bench.give("/pause")
        assert bench.said == words.OUTDATED

    async def test_a_second_try_of_the_same_command_is_not_outdated(self) -> None:
        bench = Bench()
        bench.control.done = False
        await bench.give("/pause", attempt=2)
        assert "paused" in bench.said

    async def test_a_reply_that_has_to_wait_becomes_a_notice_and_the_command_is_done(self) -> None:
        bench = Bench()
        bench.outbox.failure = Later(1500)
        outcome = await bench.give("/pause")
        assert isinstance(outcome, End)
        assert outcome.kind == "answered"
        assert "paused" in outcome.notice
        assert len(bench.control.calls) == 1


class TestResume:
    async def test_it_says_what_is_resumed(self) -> None:
        bench = Bench()
        await bench.give("/resume")
        assert bench.control.calls == [("resume", "7", f"{DATE}.900")]
        assert "resumed in this chat" in bench.said

    async def test_it_says_that_the_whole_bot_is_still_paused(self) -> None:
        bench = Bench()
        bench.control.star = True
        await bench.give("/resume")
        assert "still paused everywhere" in bench.said
        await bench.give("/resume all")
        assert "still" not in bench.said


class TestWhoMay:
    @pytest.mark.parametrize("command", ["/pause", "/resume", "/pause all", "/status"])
    async def test_others_are_refused_kindly_in_private_and_with_silence_in_groups(self, command: str) -> None:
        bench = Bench()
        assert await bench.give(command, from_=BOB, chat={"id": 8, "type": "private"}) == End("answered")
        assert bench.said == words.NOT_YOURS
        assert await bench.give(command, from_=BOB, chat=GROUP) == SILENCE
        assert bench.control.calls == []

    @pytest.mark.parametrize("status", ["creator", "administrator"])
    async def test_admins_pause_their_own_group_and_nothing_else(self, status: str) -> None:
        bench = Bench(status)
        await bench.give("/pause", from_=BOB, chat=GROUP)
        assert bench.control.calls[0][1] == "-100"
        await bench.give("/pause all", from_=BOB, chat=GROUP)
        assert bench.said == words.NOT_EVERYWHERE
        assert await bench.give("/status", from_=BOB, chat=GROUP) == SILENCE
        assert len(bench.control.calls) == 1

    @pytest.mark.parametrize("status", ["member", "restricted", "left", ""])
    async def test_members_do_not(self, status: str) -> None:
        bench = Bench(status)
        assert await bench.give("/pause", from_=BOB, chat=GROUP) == SILENCE

    async def test_an_anonymous_admin_is_one(self) -> None:
        bench = Bench()
        stand_in = {"id": 1087968824, "is_bot": True, "first_name": "Group"}
        await bench.give("/pause", from_=stand_in, chat=GROUP, sender_chat=GROUP)
        assert len(bench.control.calls) == 1
        assert bench.admins.asked == 0
        other = {"id": -5, "type": "channel", "title": "x"}
        assert await bench.give("/pause", from_=stand_in, chat=GROUP, sender_chat=other) == SILENCE

    async def test_telegram_is_asked_once_a_minute(self) -> None:
        bench = Bench("administrator")
        for _ in range(3):
            await bench.give("/pause", from_=BOB, chat=GROUP)
        assert bench.admins.asked == 1
        await bench.clock.advance(60)
        await bench.give("/pause", from_=BOB, chat=GROUP)
        assert bench.admins.asked == 2


async def test_status_is_told_to_operators() -> None:
    bench = Bench()
    await bench.give("/status", chat=GROUP)
    assert bench.said == "all is well"


class TestStop:
    @pytest.mark.parametrize(
        "answer, said", [("ok 1-w", words.STOPPED), ("head", words.STOPPED), ("idle", words.NOTHING_TO_STOP)]
    )
    async def test_anybody_may_stop_and_hears_what_came_of_it(self, answer: str, said: str) -> None:
        bench = Bench()
        bench.control.stopped = answer
        await bench.give("/stop", from_=BOB, chat=GROUP)
        assert bench.said == said

    async def test_it_means_the_lane_of_its_own_conversation(self) -> None:
        bench = Bench(scope="member")
        await bench.give("/stop", from_=BOB, **TOPIC)
        assert bench.control.calls[0][:4] == ("stop", "-100:t5,u8", "900", 11)
