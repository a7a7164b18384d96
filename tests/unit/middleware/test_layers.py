"""The small layers: observe, access, prefix, sanitise, throttle, deadline."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from app.chain.context import Context, Sorry
from app.core import words
from app.core.outcome import Back, End, Fail, Gone, Outcome
from app.core.schema import parse
from middleware.access import REMEMBERED, Access
from middleware.deadline import Deadline
from middleware.observe import Observe
from middleware.prefix import Prefix
from middleware.sanitise import Sanitise
from middleware.throttle import Throttle
from tests.unit.fakes import ANN, BOB, DATE, FORUM, GROUP, ME, PRIVATE, Inner, Outbox, claim, context, mention, update

DONE = End("answered")


class Meter:
    def waited(self, seconds: float) -> None:
        assert seconds >= 0

    def __init__(self) -> None:
        self.ends: list[str] = []

    def turn(self, end: str, seconds: float) -> None:
        assert seconds >= 0
        self.ends.append(end)


class Log:
    def __init__(self) -> None:
        self.lines: list[dict[str, Any]] = []

    def info(self, event: str, **fields: Any) -> None:
        self.lines.append({"event": event, **fields})


class TestObserve:
    @pytest.mark.parametrize(
        "outcome, end", [(DONE, "answered"), (Back(), "back"), (Fail("x"), "failed"), (Gone(), "gone")]
    )
    async def test_every_turn_is_counted_and_logged_once_without_its_words(self, outcome: Outcome, end: str) -> None:
        meter, log = Meter(), Log()
        assert await Observe(meter, log=log)(context(text="my secret"), Inner(outcome)) is outcome
        assert meter.ends == [end]
        (line,) = log.lines
        assert {"update", "lane", "attempt", "end", "ms"} <= line.keys()
        assert "secret" not in str(line)

    async def test_a_cancelled_turn_is_seen_too(self) -> None:
        async def cancelled(ctx: Context) -> Outcome:
            raise asyncio.CancelledError

        meter = Meter()
        with pytest.raises(asyncio.CancelledError):
            await Observe(meter, log=Log())(context(), cancelled)
        assert meter.ends == ["cancelled"]

    async def test_above_info_no_line_is_made(self) -> None:
        log = Log()
        await Observe(Meter(), level="WARNING", log=log)(context(), Inner(DONE))
        assert log.lines == []


class TestAccess:
    async def end(self, layer: Access, **fields: Any) -> Outcome:
        return await layer(context(**fields), Inner(DONE))

    async def test_without_a_list_everyone_may(self) -> None:
        assert await self.end(Access((), ())) is DONE

    async def test_users_chats_and_operators_may(self) -> None:
        layer = Access({7, -100}, {9})
        assert await self.end(layer) is DONE
        assert await self.end(layer, chat=GROUP, from_=BOB) is DONE
        assert await self.end(layer, from_=BOB | {"id": 9}, chat=GROUP | {"id": -5}) is DONE

    async def test_a_stranger_hears_it_once_an_hour_in_private_and_never_in_groups(self) -> None:
        layer = Access({1}, ())
        told = End("dropped: access", notice=words.ACCESS())
        silent = End("dropped: access")
        assert await self.end(layer) == told
        assert await self.end(layer, date=DATE + 3599) == silent
        assert await self.end(layer, date=DATE + 3600) == told
        assert await self.end(layer, chat=GROUP) == silent

    async def test_what_it_remembers_is_bounded(self) -> None:
        layer = Access({1}, ())
        for person in range(2, REMEMBERED + 5):
            layer._told[person] = 0
        await self.end(layer)
        assert len(layer._told) <= REMEMBERED + 3


class TestPrefix:
    @pytest.mark.parametrize(
        "prefix, text, dropped",
        [
            ("$ignore", "$ignore me", True),
            ("$ignore", "  $ignore", True),
            ("$ignore", "do not $ignore", False),
            ("", "anything", False),
        ],
    )
    async def test_what_begins_with_it_is_never_answered(self, prefix: str, text: str, dropped: bool) -> None:
        outcome = await Prefix(prefix)(context(text=text), Inner(DONE))
        assert outcome == (End("dropped: ignored") if dropped else DONE)

    async def test_of_merged_messages_only_those_that_were_taken_back_are_left_out(self) -> None:
        raws = [update(uid=uid, message_id=uid, text=text) for uid, text in ((1, "one"), (2, "$ignore"), (3, "three"))]
        read = [parse(raw) for raw in raws]
        for count, wanted, reply in ((3, "one\nthree", 3), (2, "one", 1)):
            *earlier, last = [each.message for each in read[:count] if each.message]
            ctx = Context(claim(raws[count - 1]), read[count - 1], last, ME, earlier)
            inner = Inner(DONE)
            assert await Prefix("$ignore")(ctx, inner) is DONE
            assert (inner.texts, ctx.address.reply, ctx.message.message_id) == ([wanted], reply, reply)

    @pytest.mark.parametrize("text", ["/ignore this", "@lane_bot $ignore", "$IGNORE", "/new", "/stop"])
    async def test_so_is_an_edit_that_takes_a_question_back(self, text: str) -> None:
        raw = update("edited_message", text=text, edit_date=DATE + 1)
        assert await Prefix("$ignore", "lane_bot")(context(raw), Inner(DONE)) == End("dropped: ignored")


class TestSanitise:
    async def text(self, text: str, emoji: Any = "keep", **fields: Any) -> str:
        inner = Inner(DONE)
        assert await Sanitise(Outbox(), "lane_bot", emoji=emoji)(context(text=text, **fields), inner) is DONE
        return inner.texts[0]

    @pytest.mark.parametrize(
        "wrote, passes",
        [
            ("plain words, even * and # ones", "plain words, even * and # ones"),
            ("tab\tand\nline", "tab\tand\nline"),
            ("cr\r\nlf\x00\x07\x1b[31m\x7f\x85", "cr\nlf[31m"),
            ("a\u202eb\u2066c\u2069d", "abcd"),
            ("hid\U000e0041\U000e0042den", "hidden"),
            ("e\u0301", "\u00e9"),
            ("👩\u200d👩\u200d👧 ❤\ufe0f نمی\u200cدانم", "👩\u200d👩\u200d👧 ❤\ufe0f نمی\u200cدانم"),
            ("hello @lane_bot", "hello"),
            ("@Lane_BOT, what is this?", "what is this?"),
            ("mail a@lane_bot and @lane_bot2", "mail a@lane_bot and @lane_bot2"),
        ],
    )
    async def test_only_what_hides_or_reorders_is_taken_out(self, wrote: str, passes: str) -> None:
        assert await self.text(wrote) == passes

    @pytest.mark.parametrize(
        "way, passes",
        [
            ("keep", "I ❤️ 🍕 3️⃣ 🇩🇪 👍🏽 ok © #"),
            ("strip", "I 3 ok © #"),
            ("name", "I :red_heart: :slice_of_pizza: 3 :flag_de: :thumbs_up_sign: ok © #"),
        ],
    )
    async def test_emoji_are_kept_stripped_or_named(self, way: str, passes: str) -> None:
        assert await self.text("I ❤️ 🍕 3️⃣ 🇩🇪 👍🏽 ok © #", way) == passes

    async def test_a_family_is_one_emoji(self) -> None:
        assert await self.text("the 👩‍👩‍👧 here", "name") == "the :woman_woman_girl: here"
        assert await self.text("the 👩‍👩‍👧 here", "strip") == "the here"

    @pytest.mark.parametrize(
        "text", ["\u202e\u2066", "@lane_bot", "@lane_bot \U000e0041", "\u200d\ufe0f", "\u200b \u3164", "\U000e0041"]
    )
    async def test_when_nothing_is_left_it_says_so(self, text: str) -> None:
        outbox, inner = Outbox(), Inner(DONE)
        fields: dict[str, Any] = {"chat": GROUP, "entities": mention(text)} if "@" in text else {}
        ctx = context(text=text, **fields)
        assert await Sanitise(outbox, "lane_bot")(ctx, inner) == DONE
        assert (outbox.texts, inner.texts) == ([words.EMPTY()], [])

    async def test_a_picture_among_people_is_no_question_that_needs_words(self) -> None:
        outbox, inner = Outbox(), Inner(DONE)
        ctx = context(text="🎉", chat=GROUP)
        assert await Sanitise(outbox, "lane_bot", emoji="strip")(ctx, inner) == End("dropped: ignored")
        assert (outbox.texts, inner.texts) == ([], [])

    async def test_a_bare_mention_may_point_at_another_message(self) -> None:
        quoted = {"message_id": 3, "chat": GROUP, "text": "what is pi?", "from": BOB}
        assert await self.text("@lane_bot", chat=GROUP, reply_to_message=quoted) == ""

    async def test_in_a_topic_a_bare_mention_points_at_nothing(self) -> None:
        root = {"message_id": 5, "chat": FORUM, "from": BOB, "forum_topic_created": {"name": "Tea"}}
        topic: dict[str, Any] = {"chat": FORUM, "message_thread_id": 5, "is_topic_message": True}
        outbox = Outbox()
        ctx = context(text="@lane_bot", entities=mention("@lane_bot"), reply_to_message=root, **topic)
        assert await Sanitise(outbox, "lane_bot")(ctx, Inner(DONE)) == DONE
        assert outbox.texts == [words.EMPTY()]

    async def test_a_message_without_words_passes(self) -> None:
        inner = Inner(DONE)
        assert await Sanitise(Outbox(), "lane_bot")(context(text=None, photo=[{}]), inner) is DONE

    async def test_arguments_of_commands_are_cleaned_too(self) -> None:
        ctx = context(text="/pause tea\u202e\x00 time")
        await Sanitise(Outbox(), "lane_bot")(ctx, Inner(DONE))
        assert ctx.args == "tea time"


class TestThrottle:
    async def end(self, layer: Throttle, uid: int, date: int = DATE, **fields: Any) -> Outcome:
        return await layer(context(update(uid=uid, date=date, **fields)), Inner(DONE))

    async def test_who_writes_too_fast_is_told_once_a_minute(self) -> None:
        layer = Throttle(2)
        ends = [await self.end(layer, uid, DATE + uid) for uid in range(1, 6)]
        assert ends[:2] == [DONE, DONE]
        assert ends[2] == End("dropped: throttled", notice=words.THROTTLED())
        assert ends[3:] == [End("dropped: throttled")] * 2

    async def test_the_window_slides(self) -> None:
        layer = Throttle(2)
        ends = [await self.end(layer, uid, DATE + at) for uid, at in enumerate((0, 30, 59, 60, 61, 90))]
        assert [end is DONE for end in ends] == [True, True, False, True, False, True]

    async def test_a_backlog_that_was_written_slowly_is_not_haste(self) -> None:
        layer = Throttle(2)
        assert all([await self.end(layer, uid, DATE + 40 * uid) is DONE for uid in range(50)])

    async def test_a_turn_that_comes_again_is_not_counted_twice(self) -> None:
        layer = Throttle(2)
        assert all([await self.end(layer, uid) is DONE for uid in (5, 6, 5, 6, 5)])

    async def test_each_person_has_a_measure_of_their_own(self) -> None:
        layer = Throttle(1)
        assert await self.end(layer, 1, chat=GROUP) is DONE
        assert await self.end(layer, 2, chat=GROUP, from_=BOB) is DONE
        assert await self.end(layer, 3, chat=PRIVATE) != DONE

    async def test_a_channel_and_an_anonymous_admin_are_people_of_their_own(self) -> None:
        layer = Throttle(1)
        channel = {"id": -200, "type": "channel", "title": "News"}
        stand_in = {"id": 136817688, "is_bot": True, "first_name": "Channel"}
        for uid, speaker in enumerate((channel, GROUP)):
            assert await self.end(layer, uid, chat=GROUP, sender_chat=speaker, from_=stand_in) is DONE
        for uid, speaker in enumerate((channel, GROUP), 10):
            assert await self.end(layer, uid, chat=GROUP, sender_chat=speaker, from_=stand_in) != DONE

    async def test_zero_is_no_limit_and_commands_of_operators_have_none(self) -> None:
        assert all([await self.end(Throttle(0), uid) is DONE for uid in range(50)])
        layer = Throttle(1, {7})
        assert all([await self.end(layer, uid, text="/help") is DONE for uid in range(9)])

    async def test_what_it_remembers_is_bounded(self) -> None:
        layer = Throttle(3)
        for person in range(10_050):
            layer._person(person)
        assert len(layer._people) == 10_000
        for uid in range(100):
            await self.end(layer, uid, DATE + 100 * uid, from_=ANN)
        assert len(layer._people[7].accepted) == 3


class TestDeadline:
    async def test_in_time_nothing_happens(self) -> None:
        assert await Deadline(5)(context(), Inner(DONE)) is DONE

    async def test_a_turn_that_takes_too_long_is_apologised_for(self) -> None:
        async def forever(ctx: Context) -> Outcome:
            await asyncio.Event().wait()
            return DONE

        with pytest.raises(Sorry, match="deadline"):
            await Deadline(0.01)(context(), forever)

    async def test_somebody_elses_timeout_is_not_ours(self) -> None:
        with pytest.raises(TimeoutError):
            await Deadline(5)(context(), Inner(TimeoutError()))

    async def test_a_command_has_thirty_seconds(self, monkeypatch: pytest.MonkeyPatch) -> None:
        asked: list[float] = []
        real = asyncio.timeout
        monkeypatch.setattr(asyncio, "timeout", lambda seconds: asked.append(seconds) or real(seconds))  # type: ignore[func-returns-value]
        await Deadline(300)(context(claimed=claim(update(text="/status"))), Inner(DONE))
        await Deadline(300)(context(), Inner(DONE))
        assert asked == [30, 300]
