"""`lanekeeper check`: each reason to be silent has its sentence."""

from dataclasses import replace
from typing import Any

import msgspec
import pytest

from app.core.errors import (
    Conflict,
    KeyRefused,
    KeyUnpaid,
    ModelBusy,
    ModelDown,
    ModelRefused,
    SettingsError,
    TelegramError,
    Unauthorised,
    Unsent,
)
from app.ops.check import Checkup

ME = {"id": 7, "username": "lane_bot", "can_join_groups": True, "can_read_all_group_messages": False}
NOTHING = Checkup(bot=None, redis=None, probes=(), bot_id=7, shards=16)


class Bot:
    """Answers each method with a value or an error, and notes what was asked."""

    def __init__(self, **answers: Any) -> None:
        self.answers = {"getMe": ME, "getWebhookInfo": {"url": ""}, "getUpdates": [], **answers}
        self.asked: dict[str, dict[str, Any]] = {}

    async def fetch(self, method: str, params: dict[str, Any], timeout_seconds: float = 20.0) -> bytes:
        self.asked[method] = params
        answer = self.answers[method]
        if isinstance(answer, TelegramError):
            raise answer
        return msgspec.json.encode({"ok": True, "result": answer})


class Probe:
    model = "small"
    host = "models.example"

    def __init__(self, answer: str | Exception, key: str = "…abcd (12ab34)") -> None:
        self.answer = answer
        self.key = key
        self.keyless = key == "no key"

    async def start(self) -> str:
        return self.model

    async def ask(self) -> str:
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


class Unnamed(Probe):
    """An endpoint that refuses before it has said what its model is called."""

    model = ""

    async def start(self) -> str:
        return await self.ask()


async def _said(checkup: Checkup) -> list[str]:
    return [str(finding) async for finding in checkup.run()]


async def _of(bot: Bot, **fields: Any) -> str:
    return "\n".join(await _said(replace(NOTHING, bot=bot, operators=1, **fields)))


async def test_what_is_embedded_is_named_and_fine() -> None:
    assert await _said(NOTHING) == [
        "ok    settings",
        "ok    Redis: none is set, the embedded Valkey is used",
        "ok    Telegram: no token is set, the simulator is used",
        "ok    model: none is set, the offline model is used",
    ]


async def test_a_good_token_is_answered_with_its_name() -> None:
    said = await _of(Bot())
    assert "ok    Telegram: this is @lane_bot" in said
    assert "ok    nobody else polls with this token" in said
    assert "fail" not in said


async def test_a_token_that_telegram_does_not_know_fails() -> None:
    assert "fail  Telegram does not know TELEGRAM_BOT_TOKEN" in await _of(Bot(getMe=Unauthorised("Unauthorized")))


async def test_a_telegram_that_cannot_be_reached_fails_with_its_words() -> None:
    assert "fail  Telegram: cannot connect" in await _of(Bot(getMe=Unsent("cannot connect")))


async def test_a_server_that_is_no_bot_api_is_named() -> None:
    assert "is TELEGRAM_API_BASE_URL right?" in await _of(Bot(getMe="hello"))


async def test_a_webhook_is_named_by_its_host_only_and_nobody_polls() -> None:
    bot = Bot(getWebhookInfo={"url": "https://hooks.example/secret-path"})
    said = await _of(bot)
    assert "fail  a webhook is set (at hooks.example)" in said
    assert "secret-path" not in said
    assert "getUpdates" not in bot.asked


async def test_a_second_poller_fails_and_no_update_is_confirmed() -> None:
    bot = Bot(getUpdates=Conflict("terminated by other getUpdates request"))
    assert "fail  another program polls with this token" in await _of(bot)
    assert "offset" not in bot.asked["getUpdates"]
    assert "allowed_updates" not in bot.asked["getUpdates"]


async def test_privacy_mode_fails_only_where_every_message_is_wanted() -> None:
    assert "ok    privacy mode is on" in await _of(Bot())
    assert "fail  GROUP_MODE=always, but privacy mode is on" in await _of(Bot(), group_mode="always")


async def test_an_open_bot_without_operators_is_warned_about() -> None:
    said = "\n".join(await _said(replace(NOTHING, bot=Bot(), everyone=True, doubts=["odd"])))
    assert "warn  ALLOW_IDS is empty" in said
    assert "warn  OPERATOR_IDS is empty" in said
    assert "warn  odd" in said


async def _model(*answers: str | Exception) -> list[str]:
    probes = [Probe(answer, f"…{number} (12ab34)") for number, answer in enumerate(answers)]
    return (await _said(replace(NOTHING, probes=probes)))[-len(answers) :]


AT = "model small at models.example, key …0 (12ab34):"


@pytest.mark.parametrize(
    "answer, mark, words",
    [
        ("ready", "ok  ", "answers in 0.0 s"),
        (" ", "warn", "answers nothing in 0.0 s"),
        (KeyRefused(401, "bad"), "fail", "the endpoint refuses this key (401 bad)"),
        (ModelRefused(404, "none"), "fail", "the endpoint refuses (404 none)"),
        (KeyUnpaid(402, "pay"), "fail", "there is no money left (402 pay)"),
        (ModelBusy(30, "429 slow"), "warn", "at its limit now (429 slow), back in 30 s"),
        (SettingsError(["set MODEL_NAME"]), "fail", "set MODEL_NAME"),
        (ModelDown("nobody"), "fail", "nobody"),
    ],
)
async def test_a_model_says_whether_it_answers(answer: str | Exception, mark: str, words: str) -> None:
    assert await _model(answer) == [f"{mark}  {AT} {words}"]


async def test_every_key_is_asked_and_one_that_works_is_enough() -> None:
    at = "model small at models.example, key"
    assert await _model(KeyRefused(401), "ready", KeyUnpaid(402)) == [
        f"warn  {at} …0 (12ab34): the endpoint refuses this key (401)",
        f"ok    {at} …1 (12ab34): answers in 0.0 s",
        f"warn  {at} …2 (12ab34): there is no money left (402)",
    ]
    assert {line[:4] for line in await _model(KeyRefused(401), ModelDown("x"))} == {"fail"}


async def test_a_refused_key_is_named_also_when_the_model_is_not() -> None:
    probes = [Unnamed(KeyRefused(401, "bad"))]
    assert (await _said(replace(NOTHING, probes=probes)))[-1] == (
        "fail  model at models.example, key …abcd (12ab34): the endpoint refuses this key (401 bad)"
    )


async def test_an_endpoint_that_is_asked_without_a_key_is_told_so() -> None:
    probes = [Probe("ready", "no key")]
    assert (await _said(replace(NOTHING, probes=probes)))[-1] == (
        "ok    model small at models.example, without a key: answers in 0.0 s"
    )
    probes = [Probe(KeyRefused(401, "who?"), "no key")]
    assert "without a key: the endpoint wants a key (401 who?)" in (await _said(replace(NOTHING, probes=probes)))[-1]
