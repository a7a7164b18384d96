"""/stop, the Stop button and everything else that ends an answer which people have begun to read."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

import msgspec
import pytest

from app.chain.context import Sorry
from app.chain.dispatch import Dispatch
from app.core import words
from app.core.allowance import Limit
from app.core.claims import Claim
from app.core.clock import Manual
from app.core.errors import ModelCut, ModelDown, ModelError, ModelExhausted, PromptTooLong, QuotaSpent, Stopped
from app.core.outcome import End, Outcome
from app.ingress.polling import ALLOWED
from app.model.base import Chunk, Prompt
from app.sessions.session import load
from handlers.button import Button
from middleware.boundary import Boundary
from tests.unit.fakes import FORUM, ME, PRIVATE, Inner, Outbox, claim, context, incoming, update
from tests.unit.handlers.test_reply import Bot, Model


async def test_a_stopped_answer_is_kept_as_far_as_it_was_seen_and_says_so() -> None:
    bot = Bot(Model("one two three"))
    bot.outbox.stop_after = "one"
    outcome = await bot.turn(text="count")
    assert bot.outbox.texts == [f"one\n\n{words.STOPPED_HERE()}"]
    assert isinstance(outcome, End)
    assert outcome.kind == "answered"
    assert load(bot.session).turns[0].answer == "one"


async def test_a_successor_of_a_stopped_turn_asks_nobody() -> None:
    bot = Bot(Model("one"))
    made = claim(msgspec.json.encode({"update_id": 1, "message": _message()}), journal={"m:1": "5"}, shown=True)
    made.stop = True
    with pytest.raises(Stopped):
        await bot.reply(context(claimed=made))
    assert bot.model.prompts == []


async def test_an_answer_is_markdown_and_an_apology_is_not() -> None:
    bot = Bot(Model("*fine*"))
    await bot.turn(text="how are you?")
    await bot.turn(text="and now?", journal={"answer": words.apology(words.SORRY_SLOW, "a1b2c3")})
    assert bot.outbox.marked == [True, False]


async def test_an_answer_that_was_cut_and_is_repeated_grows_anew() -> None:
    bot = Bot(Model("one two", "one two three", failure=ModelCut("one"), failures=1))
    await bot.turn(text="count")
    (growing,) = bot.outbox.grown
    assert (growing.begun, growing.kept) == (2, "one two three")
    assert bot.outbox.texts == ["one two three"]


class Failing(Model):
    """Is cut, and then has another trouble."""

    def __init__(self, then: Exception) -> None:
        super().__init__("one two", "one two", failure=ModelCut("one"))
        self.then = then

    async def stream(self, prompt: Prompt) -> AsyncGenerator[Chunk, None]:
        if self.prompts:
            raise self.then
        async with aclosing(super().stream(prompt)) as chunks:
            async for chunk in chunks:
                yield chunk


@pytest.mark.parametrize("then", [ModelDown("gone"), QuotaSpent("user", Limit(1, "r", "hour"), 9.0)])
async def test_what_was_cut_is_kept_when_its_repetition_cannot_be_had(then: Exception) -> None:
    bot = Bot(Failing(then))
    await bot.turn(text="count")
    assert bot.outbox.texts == [f"one\n\n{words.CUT()}"]


@pytest.mark.parametrize("then", [ModelExhausted(9e9), PromptTooLong(400)])
@pytest.mark.parametrize("said", ["", "one"])
async def test_what_was_cut_is_kept_where_a_wait_or_a_shorter_question_would_help_only_if_people_read_it(
    said: str, then: ModelError
) -> None:
    bot = Bot(Failing(then))
    made = claim(update(text="count"))
    made.visible, made.shown = said, bool(said)
    if not said:
        with pytest.raises(type(then)):
            await bot.reply(context(claimed=made))
    else:
        await bot.reply(context(claimed=made))
    assert bot.outbox.texts == ([f"one\n\n{words.CUT()}"] if said else [])


@pytest.mark.parametrize("error", [ModelDown("gone"), Sorry(words.SORRY_SLOW, "deadline"), ModelCut("")])
async def test_what_was_seen_of_an_answer_that_fails_is_kept_and_said_to_be_cut(error: ModelError | Sorry) -> None:
    outbox = Outbox()
    ctx = context()
    ctx.question = "what?"
    ctx.claim.visible, ctx.claim.shown = "the beginning", True
    outcome = await Boundary(outbox, Manual(500.0), history_turns=5)(ctx, Inner(error))
    assert outbox.texts == [f"the beginning\n\n{words.CUT()}"]
    assert outbox.marked == [True]
    assert isinstance(outcome, End)
    assert outcome.kind == "answered"
    assert load(outcome.session).turns[0].answer == "the beginning"


# -- the Stop button ---------------------------------------------------------------------------------


class Control:
    """Notes what it was told to stop."""

    def __init__(self) -> None:
        self.stopped: list[tuple[str, str, int, int]] = []

    async def stop(self, lane: str, uid: str, mid: int, at_ms: int) -> str:
        self.stopped.append((lane, uid, mid, at_ms))
        return "ok"


def _message() -> dict[str, Any]:
    return {"message_id": 11, "date": 1_800_000_000, "chat": PRIVATE, "from": PRIVATE, "text": "hello"}


def pressed(**fields: Any) -> bytes:
    event = {"chat": PRIVATE, "draft_id": 11, **fields}
    return msgspec.json.encode({"update_id": 77, "stopped_message_generation": event})


def test_a_press_goes_past_everything_that_waits() -> None:
    assert "stopped_message_generation" in ALLOWED
    found = incoming(pressed())
    assert (found.lane, found.kind, found.at_ms, found.by_ms) == ("!7", "c", 0, 0)


@pytest.mark.parametrize("event", [{"chat": None}, {"chat": "seven"}, {"draft_id": "x"}])
def test_a_press_that_cannot_be_read_is_ignored(event: dict[str, Any]) -> None:
    assert incoming(pressed(**event)).kind == "i"


async def press(**fields: Any) -> tuple[Outcome, list[tuple[str, str, int, int]]]:
    control = Control()

    async def nobody(*_: Any) -> Outcome:
        raise AssertionError

    dispatch = Dispatch(nobody, nobody, ME, pressed=Button(control))
    raw = pressed(**fields)
    made: Claim = claim(raw, lane="!7", at_ms=123)
    return await dispatch(made), control.stopped


async def test_a_press_stops_the_answer_that_its_draft_belonged_to_and_no_later_one() -> None:
    outcome, stopped = await press()
    assert outcome == End("answered")
    assert stopped == [("7", "77", 12, 123)]


async def test_a_press_in_a_topic_is_about_the_topics_conversation() -> None:
    _, stopped = await press(message_thread_id=4)
    assert stopped[0][0] == "7:t4"
    _, stopped = await press(chat=FORUM, message_thread_id=1)
    assert stopped[0][0] == "-100"


async def test_a_press_without_a_draft_stops_nothing() -> None:
    outcome, stopped = await press(draft_id=0)
    assert (outcome, stopped) == (End("dropped: ignored"), [])
