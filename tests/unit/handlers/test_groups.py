"""/mode, the greeting, and what becomes of a chat that we are put out of."""

from __future__ import annotations

from typing import Any

import pytest

from app.chain.over import gone
from app.core import words
from app.core.claims import Claim
from app.core.clock import Manual
from app.core.errors import Dead, Later, TelegramError, Unsent
from app.core.outcome import Back, End, Outcome
from app.core.schema import Me, parse, parse_change
from app.core.updates import Address
from handlers.groups import Groups
from handlers.rights import Rights
from tests.unit.core.test_address import change
from tests.unit.fakes import BOB, DATE, FORUM, GROUP, ME, PRIVATE, Outbox, claim, context, update

ANN_ID, OPERATOR = 7, 9
MUTED = {"status": "restricted", "is_member": True, "can_send_messages": False}
BACK = (("dead", ""), ("refused", ""), ("back", f"{DATE * 1000}.900"))


class Telegram:
    """Ann is an admin; ``ours`` is what we are, ``all`` whether privacy mode is off by now."""

    def __init__(self, ours: str = "member", failure: TelegramError | None = None, *, sees_all: bool = False) -> None:
        self.ours, self.failure, self.sees_all = ours, failure, sees_all
        self.asked: list[tuple[int, int]] = []

    async def me(self) -> Me:
        if self.failure:
            raise self.failure
        return Me(ME.id, ME.username, ME.first_name, self.sees_all)

    async def status_of(self, chat: int, user: int) -> str:
        self.asked.append((chat, user))
        return self.ours if user == ME.id else "administrator" if user == ANN_ID else "member"


def groups(outbox: Outbox, telegram: Telegram | None = None, me: Me = ME, **given: Any) -> Groups:
    telegram = telegram or Telegram()
    rights = Rights(telegram, Manual(), {OPERATOR})
    return Groups(outbox, rights, telegram, me, **{"mode": "mention", **given})


async def mode(outbox: Outbox, text: str, telegram: Telegram | None = None, **fields: Any) -> Outcome:
    stored = fields.pop("stored", {})
    made = claim(update(text=text, **{"chat": GROUP, **fields}), chat_fields=stored)
    return await groups(outbox, telegram).routes()["mode"](context(claimed=made))


async def becomes(outbox: Outbox, was: Any, now: Any, **given: Any) -> Outcome:
    telegram, stored = given.pop("telegram", None), given.pop("stored", {})
    chat = given.pop("chat", GROUP)
    raw = change(was, now, chat)
    made = claim(raw, lane=f"!{chat['id']}", chat_fields=stored)
    seen = parse_change(bytes(parse(raw).my_chat_member))
    return await groups(outbox, telegram, **given).changed(made, seen)


class TestMode:
    @pytest.mark.parametrize("asked", ["mention", "always", "ALWAYS"])
    async def test_an_admin_sets_it_for_the_group_and_is_answered_in_words(self, asked: str) -> None:
        outbox = Outbox()
        outcome = await mode(outbox, f"/mode {asked}", Telegram(sees_all=True))
        assert outcome == End("answered", fields=(("mode", asked.lower()),))
        ((address, text),) = outbox.sent
        assert address == Address(-100, None, 11)
        assert text == words.MODE_SET[asked.lower()](mention="@lane_bot")

    async def test_an_operator_may_too_and_so_may_an_anonymous_admin(self) -> None:
        who: tuple[dict[str, Any], ...] = ({"from_": BOB | {"id": OPERATOR}}, {"from_": BOB, "sender_chat": GROUP})
        for fields in who:
            assert await mode(Outbox(), "/mode mention", **fields) == End("answered", fields=(("mode", "mention"),))

    async def test_others_are_met_with_silence_also_a_channel(self) -> None:
        outbox = Outbox()
        channel = {"id": -200, "type": "channel", "title": "News"}
        who: tuple[dict[str, Any], ...] = ({"from_": BOB}, {"from_": BOB, "sender_chat": channel})
        for fields in who:
            assert await mode(outbox, "/mode always", **fields) == End("dropped: access")
        assert outbox.sent == []

    async def test_without_a_word_it_says_how_it_is(self) -> None:
        outbox = Outbox()
        assert await mode(outbox, "/mode", stored={"mode": "always"}, telegram=Telegram(sees_all=True)) == End(
            "answered"
        )
        assert "I answer every message" in outbox.texts[0]

    async def test_a_word_it_does_not_know_changes_nothing(self) -> None:
        outbox = Outbox()
        assert await mode(outbox, "/mode sometimes") == End("answered")
        assert outbox.texts == [words.MODE_UNKNOWN(now=words.MODES["mention"]())]

    async def test_in_private_there_is_nothing_to_set(self) -> None:
        outbox = Outbox()
        assert await mode(outbox, "/mode always", chat=PRIVATE) == End("answered")
        assert outbox.texts == [words.MODE_PRIVATE()]

    @pytest.mark.parametrize(
        "telegram, warned",
        [
            (Telegram(), True),
            (Telegram(ours="administrator"), False),
            (Telegram(sees_all=True), False),
            (Telegram(failure=Unsent("no connection")), False),
        ],
        ids=["privacy on", "admin", "switched off since", "not known"],
    )
    async def test_always_says_when_privacy_mode_would_make_it_a_lie(self, telegram: Telegram, warned: bool) -> None:
        outbox = Outbox()
        await mode(outbox, "/mode always", telegram)
        assert (words.PRIVACY_ALWAYS() in outbox.texts[0]) is warned

    async def test_a_chat_without_room_for_the_reply_gets_it_as_a_notice_and_the_mode_holds(self) -> None:
        outcome = await mode(Outbox(Later(900, "op")), "/mode mention")
        assert isinstance(outcome, End)
        assert outcome.fields == (("mode", "mention"),)
        assert outcome.notice.startswith("From now on")


class TestAdded:
    async def test_it_greets_once_and_says_how_to_speak_to_it(self) -> None:
        outbox = Outbox()
        assert await becomes(outbox, "left", "member") == End("answered", fields=BACK)
        ((address, text),) = outbox.sent
        assert address == Address(-100)
        assert "@lane_bot" in text
        assert "reply to one of my messages" in text
        assert words.PRIVACY_MENTION() in text

    async def test_in_a_forum_it_greets_in_the_general_topic(self) -> None:
        outbox = Outbox()
        await becomes(outbox, "kicked", "member", chat=FORUM)
        assert outbox.sent[0][0] == Address(-100, forum=True)

    @pytest.mark.parametrize("now, sees_all", [("administrator", False), ("member", True)])
    async def test_where_it_sees_everything_privacy_mode_is_not_mentioned(self, now: str, sees_all: bool) -> None:
        outbox = Outbox()
        await becomes(outbox, "left", now, telegram=Telegram(sees_all=sees_all))
        assert "rivacy" not in outbox.texts[0]

    async def test_where_every_message_is_answered_it_says_so_and_why_it_may_not(self) -> None:
        outbox = Outbox()
        await becomes(outbox, "left", "member", mode="always")
        assert "I answer every message here" in outbox.texts[0]
        assert words.PRIVACY_ALWAYS() in outbox.texts[0]

    @pytest.mark.parametrize("was, now", [("member", "administrator"), ("administrator", "member")])
    async def test_a_new_right_is_no_news_to_people_but_admins_are_asked_for_anew(self, was: str, now: str) -> None:
        outbox, telegram = Outbox(), Telegram()
        made = groups(outbox, telegram)
        for _ in range(2):
            await made.mode(context(text="/mode", chat=GROUP))
            raw = change(was, now)
            seen = parse_change(bytes(parse(raw).my_chat_member))
            assert await made.changed(claim(raw, lane="!-100"), seen) == End("dropped: noted")
        assert telegram.asked.count((-100, ANN_ID)) == 2
        assert len(outbox.sent) == 2

    @pytest.mark.parametrize(
        "was, now, mute",
        [("member", MUTED, "0"), ("member", MUTED | {"until_date": DATE + 9}, str(DATE + 9)), (MUTED, "member", "")],
        ids=["for ever", "for a while", "no longer"],
    )
    async def test_that_it_may_only_listen_is_noted(self, was: Any, now: Any, mute: str) -> None:
        outcome = await becomes(Outbox(), was, now, stored={} if mute else {"mute": "0"})
        assert outcome == End("dropped: noted", fields=(("mute", mute),))

    async def test_who_unblocks_it_is_not_greeted_for_they_will_write(self) -> None:
        outbox = Outbox()
        outcome = await becomes(outbox, "kicked", "member", chat=PRIVATE, stored={"dead": "5.6"})
        assert (outcome, outbox.sent) == (End("dropped: noted", fields=BACK), [])

    @pytest.mark.parametrize("allowed, greeted", [((), True), ((7,), True), ((-100,), True), ((8,), False)])
    async def test_strangers_who_add_it_to_their_group_are_promised_nothing(
        self, allowed: tuple[int, ...], greeted: bool
    ) -> None:
        outbox = Outbox()
        await becomes(outbox, "left", "member", allowed=allowed)
        assert bool(outbox.sent) is greeted

    async def test_a_greeting_that_cannot_be_sent_is_an_end_like_any_other(self) -> None:
        assert await becomes(Outbox(Unsent("502")), "left", "member") == Back(5000)
        outcome = await becomes(Outbox(Dead()), "left", MUTED)
        assert isinstance(outcome, End)
        assert outcome.fields[:4] == (*BACK, ("mute", "0")), "what is known now is not lost"
        assert outcome.fields[4][0] == "refused"


class TestPutOut:
    @pytest.mark.parametrize("chat", [GROUP, PRIVATE])
    @pytest.mark.parametrize("now", ["left", "kicked"])
    async def test_the_chat_is_noted_as_gone_without_a_word(self, chat: dict[str, Any], now: str) -> None:
        outbox = Outbox()
        outcome = await becomes(outbox, "member", now, chat=chat)
        assert (outcome, outbox.sent) == (End("dropped: noted", fields=(("dead", f"{DATE * 1000}.900"),)), [])

    async def test_that_it_is_out_of_a_chat_that_moved_is_not_taken_for_the_new_one(self) -> None:
        raw = change("member", "left", GROUP | {"id": -50})
        made = claim(raw, lane="!-100")
        outcome = await groups(Outbox()).changed(made, parse_change(bytes(parse(raw).my_chat_member)))
        assert outcome == End("dropped: ignored")

    @pytest.mark.parametrize(
        "uid, at, late",
        [(899, DATE, True), (901, DATE, False), (901, DATE - 1, True), (899, DATE + 1, False)],
        ids=["same second, before", "same second, after", "an id that began anew", "written later"],
    )
    def test_what_was_written_before_is_not_answered_and_what_was_written_after_is(
        self, uid: int, at: int, late: bool
    ) -> None:
        made: Claim = claim(update(uid=uid, date=at), chat_fields={"dead": f"{DATE * 1000}.900"})
        assert gone(made) is late

    @pytest.mark.parametrize(
        "dead_s, uid, late",
        [(DATE, 901, False), (DATE, 899, True), (DATE + 1, 901, True), (DATE - 9, 901, False)],
        ids=["a send that ended after it", "written before it", "gone again", "long ago"],
    )
    def test_who_comes_back_is_heard_whatever_ends_late(self, dead_s: int, uid: int, late: bool) -> None:
        fields = {"refused": str(dead_s * 1000 + 700), "back": f"{DATE * 1000}.900"}
        assert gone(claim(update(uid=uid), chat_fields=fields)) is late

    @pytest.mark.parametrize("dead", ["", "nonsense", "x.y"])
    def test_a_flag_that_nobody_can_read_kills_no_chat(self, dead: str) -> None:
        assert not gone(claim(update(), chat_fields={"dead": dead}))
