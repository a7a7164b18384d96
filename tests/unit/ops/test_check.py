"""`lanekeeper check`: each reason to be silent has its sentence."""

from dataclasses import replace
from typing import Any

import msgspec

from app.core.errors import Conflict, ModelRefused, SettingsError, TelegramError, Unauthorised, Unsent
from app.ops.check import Checkup

ME = {"id": 7, "username": "lane_bot", "can_join_groups": True, "can_read_all_group_messages": False}
NOTHING = Checkup(bot=None, redis=None, model=None, bot_id=7, shards=16)


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


class Model:
    def __init__(self, answer: str | Exception) -> None:
        self.answer = answer

    async def start(self) -> str:
        return "small"

    async def probe(self) -> str:
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


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


async def test_a_model_says_whether_it_answers() -> None:
    assert "ok    model small answers in" in (await _said(replace(NOTHING, model=Model("ready"))))[-1]
    assert (await _said(replace(NOTHING, model=Model(ModelRefused(401, "bad key")))))[-1] == (
        "fail  model: the endpoint refuses (401 bad key): is MODEL_API_KEYS right?"
    )
    assert (await _said(replace(NOTHING, model=Model(SettingsError(["set MODEL_NAME"])))))[-1] == "fail  set MODEL_NAME"
