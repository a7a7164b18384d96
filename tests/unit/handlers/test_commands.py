"""Commands of everybody, what has no words, and notices."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from app.core import unread, words
from app.core.claims import Claim
from app.core.clock import Manual
from app.core.errors import Dead, Later, Lost, Rejected, StoreDown, Unparsable, Unsure
from app.core.outcome import Back, End, Gone, Outcome
from app.core.updates import Address
from app.model.persona import load as load_cast
from app.sessions.session import fresh, load
from handlers.commands import Commands
from handlers.fallback import ALBUMS, Fallback
from handlers.notices import Notices, Teller, read
from handlers.rights import Rights
from tests.unit.fakes import FORUM, GROUP, Outbox, claim, context, update


class Admins:
    async def status_of(self, chat: int, user: int) -> str:
        return "member"


class TestCommands:
    def make(self, outbox: Outbox) -> Commands:
        rights = Rights(Admins(), Manual(), {9})
        return Commands(outbox, rights, cast=load_cast("assistant"), name="Lane")

    async def test_start_says_the_greeting_as_a_reply_in_the_topic(self) -> None:
        outbox = Outbox()
        ctx = context(text="/start", chat=FORUM, message_thread_id=5, is_topic_message=True)
        assert await self.make(outbox).routes()["start"](ctx) == End("answered")
        ((address, text),) = outbox.sent
        assert address == Address(-100, 5, 11)
        assert text.startswith("Hello! I am Lane.")

    async def test_start_says_the_greeting_of_the_chats_persona(self) -> None:
        outbox = Outbox()
        made = claim(update(text="/start"), chat_fields={"persona": "keeper"})
        await self.make(outbox).start(context(claimed=made))
        assert outbox.texts[0].startswith("Mind the third step")

    async def test_help_shows_operators_their_commands_in_private_only(self) -> None:
        outbox = Outbox()
        operator = {"id": 9, "is_bot": False, "first_name": "Op"}
        for fields in ({}, {"from_": operator}, {"from_": operator, "chat": GROUP}):
            await self.make(outbox).help(context(text="/help", **fields))
        assert ["/pause" in text for text in outbox.texts] == [False, True, False]

    async def test_new_forgets_the_conversation_and_says_so(self) -> None:
        outbox = Outbox()
        session = fresh()
        session.add("1", 1, "q", "a", keep_turns=5)
        outcome = await self.make(outbox).new(context(claimed=claim(update(text="/new"), session=session.dump())))
        assert isinstance(outcome, End)
        assert load(outcome.session).turns == []
        assert load(outcome.session).count == 1
        assert outbox.texts == [words.NEW()]

    async def test_an_unknown_command_gets_a_hint_in_private_and_silence_in_groups(self) -> None:
        outbox = Outbox()
        assert await self.make(outbox).hint(context(text="/foo")) == End("answered")
        assert await self.make(outbox).hint(context(text="/foo", chat=GROUP)) == End("dropped: ignored")
        assert outbox.texts == [words.HINT()]


class TestFallback:
    async def test_what_has_no_words_gets_one_sentence(self) -> None:
        outbox = Outbox()
        assert await Fallback(outbox)(context(text=None, voice={"file_id": "x"})) == End("answered")
        assert outbox.texts == [unread.KIND()]

    async def test_an_album_gets_one_sentence_also_when_its_turn_comes_twice(self) -> None:
        outbox = Outbox()
        fallback = Fallback(outbox)
        ends = [
            await fallback(context(update(uid=uid, text=None, photo=[{}], media_group_id="g"))) for uid in (1, 1, 2, 3)
        ]
        assert ends == [End("answered")] * 2 + [End("dropped: ignored")] * 2

    async def test_edits_pass_in_silence(self) -> None:
        ctx = context(update("edited_message", text=None, photo=[{}]))
        assert await Fallback(Outbox())(ctx) == End("dropped: ignored")

    async def test_what_it_remembers_is_bounded(self) -> None:
        fallback = Fallback(Outbox())
        for album in range(ALBUMS + 50):
            fallback._told(str(album), "1")
        assert len(fallback._albums) == ALBUMS


class Paused:
    """Knows whether a pause covers a lane."""

    def __init__(self, *, on: bool = True) -> None:
        self.on = on

    async def paused(self, lane: str) -> bool:
        return self.on


class TestNotices:
    async def run(self, outbox: Outbox, *, paused: bool = True, **notice: Any) -> Outcome:
        raw = msgspec.json.encode({"kind": "dead", "lane": "7", "mid": 3} | notice)
        return await Notices(outbox, Paused(on=paused))(claim(raw, lane="?7"))

    async def test_nobody_is_told_of_a_pause_that_is_over(self) -> None:
        outbox = Outbox()
        assert await self.run(outbox, kind="pause", paused=False) == End("answered")
        assert outbox.sent == []

    @pytest.mark.parametrize("kind", ["flood", "stale", "pause", "unsure", "throttled", "of a later release"])
    async def test_each_kind_is_one_sentence_in_reply_to_the_message(self, kind: str) -> None:
        outbox = Outbox()
        assert await self.run(outbox, kind=kind, lane="-100:t5,u7") == End("answered")
        ((address, text),) = outbox.sent
        assert address == Address(-100, 5, 3)
        assert text == words.NOTICES.get(kind, words.NOTICE)()

    async def test_who_is_told_of_a_dead_letter_gets_the_id_that_finds_it(self) -> None:
        outbox, noted = Outbox(), list[tuple[str, str]]()
        raw = msgspec.json.encode({"kind": "dead", "lane": "7", "mid": 3})
        notices = Notices(outbox, Paused(), lambda error_id, kind: noted.append((error_id, kind)))
        assert await notices(claim(raw, lane="?7", uids="ndead900")) == End("answered")
        assert outbox.sent == [
            (Address(7, None, 3), "Sorry, I could not answer this message; please ask again (error 900).")
        ]
        assert noted == [("900", "dead letter")]

    async def test_a_chat_that_was_gone_already_is_told_nothing(self) -> None:
        outbox = Outbox()
        raw = msgspec.json.encode({"kind": "flood", "lane": "7", "mid": 3})
        made = claim(raw, lane="?7", at_ms=5_000, chat_fields={"dead": "6000.12"})
        assert await Notices(outbox, Paused())(made) == End("undeliverable")
        assert outbox.sent == []

    async def test_a_text_is_said_as_it_is(self) -> None:
        outbox = Outbox()
        await self.run(outbox, kind="text", text="I am paused here.", lane="-100", mid=0)
        assert outbox.sent == [(Address(-100), "I am paused here.")]

    @pytest.mark.parametrize(
        "failure, outcome",
        [
            (Rejected("x"), End("apologised")),
            (Unsure(), End("apologised")),
            (Later(900, "op"), Back(900, "op")),
            (Lost(), Gone()),
            (StoreDown(), Back(1000)),
        ],
    )
    async def test_a_notice_that_fails_makes_no_further_notice(self, failure: Exception, outcome: Outcome) -> None:
        assert await self.run(Outbox(failure)) == outcome

    async def test_a_chat_that_is_gone_is_marked(self) -> None:
        outcome = await self.run(Outbox(Dead()))
        assert isinstance(outcome, End)
        assert outcome.kind == "undeliverable"
        assert outcome.fields[0][0] == "refused"

    async def test_a_lane_without_chat_ends_in_silence(self) -> None:
        outbox = Outbox()
        assert await self.run(outbox, lane="x55") == End("undeliverable")
        assert outbox.sent == []

    async def test_a_notice_that_cannot_be_read_is_unparsable(self) -> None:
        with pytest.raises(Unparsable):
            await Notices(Outbox(), Paused())(claim(b"[]", lane="?7"))


class Telling:
    """Lanes that answer as they were told to."""

    def __init__(self, answer: str) -> None:
        self.answer = answer
        self.calls: list[tuple[str, int, str]] = []

    async def tell(self, claim: Claim, mark: str, seconds: int, raw_notice: str) -> str:
        self.calls.append((mark, seconds, raw_notice))
        return self.answer


@pytest.mark.parametrize("answer, told", [("told", True), ("known", False), ("refused", False)])
async def test_what_is_told_in_the_middle_of_a_turn_replies_to_its_message(answer: str, told: bool) -> None:
    lanes, kicked = Telling(answer), list[int]()
    teller = Teller(lanes, lambda shard, lanes: kicked.append(shard))
    assert await teller(claim(update(text="hi", message_id=44)), "Wait.", "mark", 60) is told
    ((mark, seconds, raw),) = lanes.calls
    notice = read(raw.encode())
    assert (mark, seconds, notice.text, notice.mid, notice.lane) == ("mark", 60, "Wait.", 44, "7")
    assert kicked == ([0] if told else [])
