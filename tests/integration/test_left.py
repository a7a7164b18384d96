"""A question that is too long for what a quota has left: answered with a shorter history, or told truthfully.

The reply handler, the layer that tells, and real quotas on a real Redis, around a model that counts as we do.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator

import pytest
from redis.asyncio import Redis

from app.core import words
from app.core.allowance import limits
from app.core.claims import Claim
from app.core.clock import Manual
from app.core.outcome import End, Outcome
from app.core.tokens import LEAST_ANSWER
from app.model.base import Chunk, Prompt
from app.model.persona import Cast, Persona
from app.model.quota import Quota
from app.ops.metrics import Metrics
from handlers.reply import Reply
from middleware.spent import Spent
from tests.support.books import Books
from tests.support.shard import client
from tests.unit.fakes import Outbox, claim, context, update
from tests.unit.model.books import Desk, charge

QUESTION = "y" * 28
FRAME, TURN = 24, 28
"""Tokens of the system prompt with a question, and of each turn before it."""
PIRATE = Persona("pirate", "Pirate", "Yarr", "Yarr", "x" * 16)


class Mirror:
    """A model; it answers with as many tokens as the question has."""

    def __init__(self) -> None:
        self.prompts: list[Prompt] = []

    async def stream(self, prompt: Prompt) -> AsyncGenerator[Chunk, None]:
        self.prompts.append(prompt)
        yield Chunk("z" * 28, "stop")


class Bot:
    """A conversation with somebody whose quota is 1,000 tokens a day, or as said."""

    def __init__(self, desk: Desk, quota: str = "1000t/day") -> None:
        self.desk, self.model, self.outbox, self.quota = desk, Mirror(), Outbox(), quota
        self.desk.clock = Manual(desk.books.now_ms / 1000)
        self.said: dict[str, str] = {}
        around = Quota(
            self.model, desk.ledger, user=limits(quota), chat=(), bot=(),
            operators=frozenset(), max_tokens=100, clock=desk.clock,
        )  # fmt: skip
        cast, meter = Cast({"pirate": PIRATE}, PIRATE), Metrics()
        self.reply = Reply(
            around, self.outbox, meter, self.tell, desk.clock, cast=cast, history_turns=20, history_tokens=9000
        )  # fmt: skip
        self.layer = Spent(self.tell, desk.clock, hold=True, hold_seconds=900)
        self.session, self.uid = b"", 0

    async def tell(self, claim: Claim, text: str, mark: str, seconds: int) -> bool:
        return self.said.setdefault(mark, text) is text

    async def ask(self, text: str = QUESTION) -> Outcome:
        self.uid += 1
        raw = update(uid=self.uid, message_id=self.uid, text=text)
        outcome = await self.layer(context(claimed=claim(raw, session=self.session)), self.reply)
        if isinstance(outcome, End) and outcome.session:
            self.session = outcome.session
        return outcome

    async def talk(self, turns: int, left: int) -> None:
        """Talk, and use what goes beyond ``left``."""
        for _ in range(turns):
            await self.ask()
        one = charge("u7", self.quota)
        (line,) = await self.desk.ledger.usage([one])
        await self.desk.use("elsewhere", one, tokens=line.limit.amount - line.used - left)
        self.model.prompts.clear()

    @property
    def kept(self) -> int:
        """How many turns the model saw before the question."""
        (prompt,) = self.model.prompts
        return len(prompt.messages) // 2 - 1


@pytest.fixture
def desk(valkey: str, redis: Redis) -> Iterator[Desk]:
    connection = client(valkey)
    yield Desk(Books(connection), redis)
    connection.close()


@pytest.mark.parametrize("room, kept", [(4 * TURN, 4), (4 * TURN - 1, 2), (2 * TURN - 1, 1), (TURN - 1, 0), (0, 0)])
async def test_what_is_left_is_used_with_a_shorter_history_and_that_is_said(desk: Desk, room: int, kept: int) -> None:
    bot = Bot(desk)
    await bot.talk(4, FRAME + LEAST_ANSWER + room)
    await bot.ask()
    assert bot.kept == kept
    assert bot.model.prompts[0].max_tokens == min(100, LEAST_ANSWER + room - kept * TURN)
    assert (words.TRIMMED_LIMIT() in bot.outbox.texts[-1]) == (kept < 4)
    assert not bot.said


async def test_a_question_that_is_too_long_by_itself_is_told_so_and_a_shorter_one_is_answered(desk: Desk) -> None:
    bot = Bot(desk)
    await bot.talk(2, FRAME + LEAST_ANSWER)
    for _ in range(2):
        assert await bot.ask("y" * 56) == End("dropped: quota")
    texts = list(bot.said.values())
    assert texts[0].startswith(f"Of your 1,000 tokens a day {FRAME + LEAST_ANSWER} are left, too few for this question")
    assert len(texts) == 1, "once"
    outcome = await bot.ask()
    assert isinstance(outcome, End)
    assert outcome.kind == "answered"
    assert await bot.ask("hm") == End("dropped: quota")
    assert await bot.ask("hm?") == End("dropped: quota")
    assert list(bot.said.values()) == texts, "the limit and its time were told"


async def test_a_question_that_no_day_has_room_for_is_not_put_off_to_the_next(desk: Desk) -> None:
    bot = Bot(desk, "200t/day")
    assert await bot.ask("y" * 2800) == End("dropped: quota")
    assert list(bot.said.values()) == [
        "This question needs more than your 200 tokens a day; please send me less of it."
    ]
    await bot.ask()
    assert bot.outbox.texts == ["z" * 28]


async def test_a_quota_that_fits_no_question_is_told_as_the_quotas_limit_and_not_as_the_models(desk: Desk) -> None:
    bot = Bot(desk, "50t/day")
    for _ in range(2):
        assert await bot.ask("?") == End("dropped: quota")
    assert list(bot.said.values()) == ["No question fits into your 50 tokens a day; only my operators can allow more."]
    assert not bot.model.prompts
