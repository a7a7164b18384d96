"""/pause /resume /status /stop: who may, what they reach, and what the replies say."""

from __future__ import annotations

from typing import Any

import pytest

from app.core import words
from app.core.clock import Manual
from app.core.errors import Later, Rejected
from app.core.orders import LONGEST_SECONDS, Order, read
from app.core.outcome import End, Outcome
from handlers.operator import Operator
from handlers.rights import Rights
from tests.unit.fakes import BOB, DATE, FORUM, GROUP, Outbox, claim, context, update

TOPIC: dict[str, Any] = {"chat": FORUM, "message_thread_id": 5, "is_topic_message": True}
OPERATOR = 7
SILENCE = End("dropped: access")


class Control:
    def __init__(self) -> None:
        self.calls: list[tuple[Any, ...]] = []
        self.done, self.stopped = True, "ok 1-w"
        self.still: set[str] = set()

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

    async def remaining(self, scope: str) -> set[str]:
        return self.still


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
        ("10 m", Order(False, 600, "")),
        ("all 10 min lunch", Order(True, 600, "lunch")),
        ("all 3 s", Order(True, 3, "")),
        ("1h30m, tea", Order(False, 5400, "tea")),
        ("2 Hours", Order(False, 7200, "")),
        ("0.5h", Order(False, 1800, "")),
        ("10m 5 servers", Order(False, 600, "5 servers")),
        ("5 monkeys", Order(False, 0, "5 monkeys")),
        ("0m", Order(False, 0, "", "0m")),
        ("all 0 s", Order(True, 0, "", "0 s")),
        ("-5m lunch", Order(False, 0, "", "-5m")),
        ("30", Order(False, 0, "", "30")),
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
        assert bench.control.calls == [("pause", "7", 0, "", "Ann (7)", f"{DATE}.900")]
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
        assert bench.control.calls[0][1:5] == ("*", 1_800_001_800_000, "new model", "Ann (7)")
        assert "paused everywhere until 2027-01-15 08:30 UTC" in bench.said
        assert "new model" in bench.said

    @pytest.mark.parametrize("args, given", [("0m", "0m"), ("all -5 min", "-5 min"), ("30", "30")])
    async def test_what_cannot_be_a_time_is_said_and_nothing_is_paused(self, args: str, given: str) -> None:
        bench = Bench()
        assert await bench.give(f"/pause {args}") == End("answered")
        assert bench.control.calls == []
        assert bench.said == words.NO_TIME.format(given=given)

    async def test_the_end_of_a_short_pause_is_said_to_the_second(self) -> None:
        bench = Bench()
        await bench.give("/pause 3s")
        assert "until 2027-01-15 08:00:03 UTC" in bench.said
        await bench.give("/pause 10m")
        assert "until 2027-01-15 08:10 UTC" in bench.said

    async def test_an_anonymous_author_is_named_by_the_title_of_the_group(self) -> None:
        bench = Bench()
        stand_in = {"id": 1087968824, "is_bot": True, "first_name": "Group"}
        await bench.give("/pause", from_=stand_in, chat=GROUP, sender_chat=GROUP)
        assert bench.control.calls[0][4] == "Neighbours (-100)"

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
        bench.control.still = {"*"}
        await bench.give("/resume")
        ends = "everywhere (an operator's /resume all ends that)"
        assert bench.said == f"I am resumed in this chat, but still paused {ends}."
        await bench.give("/resume all")
        assert bench.said == "I am resumed everywhere."

    async def test_in_a_topic_it_says_that_the_whole_chat_is_still_paused(self) -> None:
        bench = Bench()
        bench.control.still = {"-100"}
        await bench.give("/resume", **TOPIC)
        ends = "in this chat as a whole (/resume in its General topic ends that)"
        assert bench.said == f"I am resumed in this topic, but still paused {ends}."
        bench.control.still = {"-100", "*"}
        await bench.give("/resume", **TOPIC)
        assert bench.said.endswith(f"still paused everywhere (an operator's /resume all ends that) and {ends}.")

    async def test_in_a_chat_it_names_the_topics_that_are_still_paused(self) -> None:
        bench = Bench()
        await bench.give("/resume", chat=FORUM)
        assert bench.said == "I am resumed in this chat, with all its topics."
        bench.control.still = {"-100:t2"}
        await bench.give("/resume", chat=FORUM)
        assert bench.said == "I am resumed in this chat, but still paused in topic 2 (/resume there ends that)."
        bench.control.still = {"-100:t30", "-100:t5"}
        await bench.give("/resume", chat=FORUM)
        assert "still paused in topics 5, 30 (" in bench.said

    async def test_everywhere_it_counts_the_chats_that_are_paused_by_name(self) -> None:
        bench = Bench()
        bench.control.still = {"8", "-100:t5"}
        await bench.give("/resume all")
        assert bench.said.startswith("I am resumed everywhere, but still paused in 2 chats or topics ")
        assert "/status names them" in bench.said


class TestWhoMay:
    @pytest.mark.parametrize("command", ["/pause", "/resume", "/pause all", "/status"])
    async def test_others_are_refused_kindly_in_private_and_with_silence_in_groups(self, command: str) -> None:
        bench = Bench()
        assert await bench.give(command, from_=BOB, chat={"id": 8, "type": "private"}) == End("answered")
        assert bench.said == words.NOT_YOURS()
        assert await bench.give(command, from_=BOB, chat=GROUP) == SILENCE
        assert bench.control.calls == []

    @pytest.mark.parametrize("status", ["creator", "administrator"])
    async def test_admins_pause_their_own_group_and_nothing_else(self, status: str) -> None:
        bench = Bench(status)
        await bench.give("/pause", from_=BOB, chat=GROUP)
        assert bench.control.calls[0][1] == "-100"
        await bench.give("/pause all", from_=BOB, chat=GROUP)
        assert bench.said == words.NOT_EVERYWHERE()
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
        "answer, said", [("ok 1-w", words.STOPPED()), ("head", words.STOPPED()), ("idle", words.NOTHING_TO_STOP())]
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
