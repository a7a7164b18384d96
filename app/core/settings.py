"""All settings: the public contract. Read once, by main.py; everybody else is handed plain values.

A setting's name is its field's in capitals, its meaning the text below it; docs/settings.md is made of these.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from pydantic import PrivateAttr, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from app.core import kinds
from app.core.environ import collect, misspelt, read_dotenv
from app.core.errors import SettingsError

EXIT_CODE = 78
"""EX_CONFIG of sysexits.h: a supervisor should not start the process again before a person acted."""

SECRETS = {
    "TELEGRAM_BOT_TOKEN": ("TELEGRAM_BOT_TOKEN",),
    "REDIS_URL": ("REDIS_URL",),
    "MODEL_API_KEYS": ("MODEL_API_KEYS", "MODEL_API_KEY"),
    "MODEL_FALLBACKS": ("MODEL_FALLBACKS",),
    "TRANSCRIBE_API_KEY": ("TRANSCRIBE_API_KEY",),
}
"""Each secret and the names it goes by; each of these also as NAME_FILE, the path of a file that holds it."""

PLANNED = ("WEBHOOK_URL", "WEBHOOK_SECRET", "DASHBOARD_TOKEN")
"""Names that this release does not read; who sets one is told so."""


class Settings(BaseSettings):
    """One frozen value per name of the contract; made by ``load``."""

    model_config = SettingsConfigDict(
        frozen=True, extra="forbid", hide_input_in_errors=True, use_attribute_docstrings=True
    )
    _warnings: tuple[str, ...] = PrivateAttr(default=())
    _proxies: tuple[str, ...] = PrivateAttr(default=())

    telegram_bot_token: kinds.Token | None = None
    """The bot's token from @BotFather. Unset: the simulator with its chat page is started in Telegram's place."""
    telegram_api_base_url: kinds.Url = "https://api.telegram.org"
    """The Bot API server, for example a local one; methods are called at `<base>/bot<token>/<method>`."""
    redis_url: kinds.Store | None = None
    """Redis 6.2 or Valkey 7.2, or newer: `redis://`, `rediss://`, `unix://` or
    `redis+sentinel://host:port,host:port/name/db`. Unset: an embedded Valkey under `DATA_DIR`."""
    redis_durability: kinds.Durability = "warn"
    """`require` refuses to start on a Redis that may forget what it has confirmed; `warn` says so and goes on."""

    model_base_url: kinds.Url | None = None
    """An OpenAI-compatible endpoint, such as `https://api.openai.com/v1`. Unset: the built-in offline model."""
    model_api_keys: kinds.Keys = ()
    """The endpoint's keys, with commas between them; unset, none is sent. The first is used while it has allowance,
    then the next, and the first again when its window resets. A key may carry limits of its own after semicolons:
    `sk-a;300r/hour;900r/month;30000t/month`. In a file each may have a line; what follows a `#` there is a comment.
    `MODEL_API_KEY` is accepted too."""
    model_name: kinds.Text | None = None
    """The model to ask for. Unset: the first that the endpoint lists."""
    model_max_tokens: kinds.Whole = 1024
    """The longest answer, in tokens."""
    model_fallbacks: kinds.Fallbacks = ()
    """Where to ask when this endpoint is ill or at its limit, in this order: a JSON list such as
    `[{"base_url": "https://host/v1", "name": "model", "keys": "sk-b;300r/hour"}]`. What an entry leaves out is as
    above, keys only at the same `base_url`."""
    model_exhausted: kinds.Exhausted = "hold"
    """When every key is at its limit: `hold` questions until one returns, for at most `HOLD_MINUTES`, or
    `apologise` at once. Either way the person is told when."""
    model_warm_up: kinds.YesNo = False
    """Ask for one word at start, so that the model is loaded before the first person writes."""
    model_first_seconds: kinds.Seconds = 25
    """How long an answer may take to begin, before the person is told that the model is down. With `STREAM=off` an
    answer begins with its end: raise this for a slow model, or stream."""
    model_gap_seconds: kinds.Seconds = 30
    """How long a streamed answer may stand still."""
    model_total_seconds: kinds.Seconds = 240
    """How long an answer of the model may take in all."""
    system_prompt: kinds.Text = ""
    """What the model is told about its task before the conversation. Unset: a short text of our own."""

    operator_ids: kinds.Ids = frozenset()
    """Telegram user ids, with commas between them, of those who may pause the bot and see its state."""
    allow_ids: kinds.Ids = frozenset()
    """Ids of the users and chats that may use the bot. Empty: everyone, and strangers spend the owner's money."""
    group_mode: kinds.Mode = "mention"
    """In groups, answer when mentioned, replied to or commanded (`mention`), or to every message (`always`). A group's
    admins change it there with /mode."""
    group_language: kinds.Language = "en"
    """What the bot speaks of its own accord in groups: `en`, `de`, `es`, `ja`, `ru` or `zh`. A group's admins change it
    there with /language. In private chats it speaks the language of the person's app, or English."""
    ignore_prefix: kinds.Text = "$ignore"
    """A message that begins with this, or with /ignore, is never answered. Empty: only /ignore."""
    user_messages_per_minute: kinds.Count = 20
    """What one person may write in a minute; more is dropped, with one notice a minute. 0: no limit."""

    concurrency: kinds.Whole = 500
    """Turns (answers in the making) at once, per process."""
    attempts: kinds.Whole = 3
    """How often a message is tried, crashes included, before it is set aside as a dead letter with an apology."""
    turn_seconds: kinds.Seconds = 300
    """How long one turn may take in all."""
    lease_seconds: kinds.Seconds = 15
    """A process that gave no sign of life for this long loses its conversations to the others."""
    drain_seconds: kinds.Number = 25
    """How long a stopping process lets its turns finish before it gives them back."""
    lane_scope: kinds.Scope = "topic"
    """What is one conversation: each `topic` of a chat, the whole `chat`, or each `member` of a group."""
    lane_limit: kinds.Whole = 1000
    """Messages that may wait in one conversation; beyond it new ones are dropped, with one notice an hour."""
    shards: kinds.Shards = 16
    """Parts into which chats are divided. Fixed at the first start on a Redis and checked at each later one."""
    stale_minutes: kinds.Number = 360
    """Messages older than this are dropped, with a notice. 0: never."""
    hold_minutes: kinds.Number = 15
    """After a pause that was longer than this, only messages younger than this are answered. 0: all are."""
    pause_policy: kinds.Pause = "hold"
    """What becomes of messages during a pause: kept for later (`hold`) or dropped (`drop`)."""
    merge_waiting: kinds.Merge = "private"
    """In private chats, plain texts that wait together are answered at once (`private`), or each alone (`off`)."""

    quota_user: kinds.Quota = ()
    """What one person may use of the model: `100000t/day,300r/hour` (`r` requests, `t` tokens; `min`, `hour`, `day`,
    `month`), several with commas between them. Unset: no limit. Days and months begin at midnight UTC."""
    quota_chat: kinds.Quota = ()
    """What one chat may use, likewise. Operators lift or set it for a chat with /quota."""
    quota_bot: kinds.Quota = ()
    """What everybody together may use, likewise."""
    persona: kinds.Text = "assistant"
    """Who the bot is: the name of a persona that is shipped (docs/personas.md), or of one in `PERSONAS_DIR`."""
    personas: kinds.Names = ()
    """Those that /persona offers to a chat, with commas between them. Unset: all there are."""
    personas_dir: kinds.Folder | None = None
    """A folder of personas of your own, one TOML file each."""

    history_turns: kinds.Count = 20
    """Earlier questions with their answers that the model is shown; 5 sends the ten messages before the new one."""
    history_tokens: kinds.Count = 8000
    """An upper bound of that history, in estimated tokens."""
    session_days: kinds.Days = 30
    """A conversation without a message for this long is forgotten."""
    stream: kinds.Stream = "edit"
    """How an answer appears. `edit`: its first words after a second, then it grows by edits; `draft`: in private chats
    as Telegram's own draft with a Stop button, else as `edit`; `off`: when it is finished, asked for in one piece."""
    emoji: kinds.Emoji = "keep"
    """Emoji in a question, as the model gets them: kept, left out (`strip`) or named (`name`)."""

    model_images: kinds.Count = 10
    """Pictures shown with one question, at most; a model that cannot see is asked without. 0: none is ever fetched."""
    media_max_bytes: kinds.Whole = 10_000_000
    """The largest file that is read. Telegram gives bots none above 20 MB."""
    media_tokens: kinds.Whole = 4000
    """How much the model is given of the documents of one question, in estimated tokens."""
    transcribe_model: kinds.Text | None = None
    """The model that writes voice messages, audio and video notes down (`whisper-1`). Unset: they are not listened to.
    Each counts in quotas as a request, with the tokens of its words."""
    transcribe_base_url: kinds.Url | None = None
    """Where it is asked, at `<base>/audio/transcriptions`. Unset: `MODEL_BASE_URL`."""
    transcribe_api_key: kinds.Secret | None = None
    """Its key. Unset: the keys of `MODEL_API_KEYS`, but only at `MODEL_BASE_URL`."""
    transcribe_seconds: kinds.Seconds = 600
    """The longest recording that is listened to."""

    pace_global_per_second: kinds.Number = 30
    """Messages to Telegram per second, of all processes together. 0: no limit."""
    pace_chat_per_second: kinds.Number = 1
    """Messages per second to one chat. 0: no limit."""
    pace_group_per_minute: kinds.Number = 20
    """Messages to one group in any 60 seconds. 0: no limit."""

    web_host: kinds.Text = "127.0.0.1"
    """The address on which the pages (health, readiness, metrics) and the simulator listen."""
    web_port: kinds.Port = 8080
    """The port of the pages. 0: none. Unset and taken: the next free one."""
    simulator_port: kinds.Port = 8081
    """The port of the simulator's chat page. Taken: the next free one."""
    data_dir: kinds.Folder = Path("data")
    """Where the embedded Valkey and the simulator keep their data; relative to the directory the bot runs in."""
    log_format: kinds.Format = "auto"
    """`json` for machines, `console` for people; `auto` is console on a terminal and else json."""
    log_level: kinds.Level = "info"
    """`debug`, `info`, `warning` or `error`."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003  the signature is pydantic's
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Nothing but what ``load`` collected: a test's environment is then the whole environment."""
        return (init_settings,)

    @property
    def warnings(self) -> tuple[str, ...]:
        """Sentences about settings that are accepted but hardly meant."""
        return self._warnings

    def chosen(self, name: str) -> bool:
        """Whether the operator set ``name`` himself; a default may be moved, a choice may not."""
        return name.lower() in self.model_fields_set

    def secrets(self) -> tuple[str, ...]:
        """Every text that must never be seen in a log, as it was given and percent-decoded."""
        token = self.telegram_bot_token.get_secret_value() if self.telegram_bot_token else ""
        redis = urlsplit(self.redis_url.get_secret_value() if self.redis_url else "")
        query = parse_qs(redis.query)
        passwords = [redis.password, *query.get("password", []), *query.get("sentinel_password", [])]
        own = (self.telegram_api_base_url, self.model_base_url, self.transcribe_base_url)
        bases = [*own, *(one.base_url for one in self.model_fallbacks)]
        hosts = [*(urlsplit(base or "").netloc for base in bases), *self._proxies]
        pools = (self.model_api_keys, *(one.keys for one in self.model_fallbacks))
        more = [self.transcribe_api_key] if self.transcribe_api_key else []
        keys = [key.get_secret_value() for key in (*(key.secret for pool in pools for key in pool), *more)]
        found = [text for text in (token, *passwords, *map(_login, hosts), *keys) if text]
        return tuple(dict.fromkeys([*found, *map(unquote, found)]))


def load(environ: Mapping[str, str] | None = None, directory: Path | None = None) -> Settings:
    """Read the environment and the `.env` of ``directory`` (both default to the process's own).

    Raises SettingsError with one line for each bad value.
    """
    environ = os.environ if environ is None else environ
    directory = Path.cwd() if directory is None else directory
    dotenv, lines = read_dotenv(directory / ".env")
    names = [name.upper() for name in Settings.model_fields]
    values, bad = collect((environ, dotenv), names, SECRETS, directory)
    lines += bad
    try:
        settings = Settings(**{name.lower(): text for name, text in values.items()})  # type: ignore[arg-type]
    except ValidationError as error:
        raise SettingsError(lines + _lines(error, values)) from None
    if settings.model_fallbacks and not settings.model_base_url:
        lines.append("MODEL_FALLBACKS is set but MODEL_BASE_URL is not: set the endpoint that is to be asked first")
    if lines:
        raise SettingsError(lines)
    placed = settings.model_copy(update={"data_dir": directory / settings.data_dir.expanduser()})
    placed._warnings = _doubts(settings, [*dotenv, *environ])  # noqa: SLF001  its own module
    placed._proxies = tuple(text for name, text in environ.items() if name.lower().endswith("_proxy"))  # noqa: SLF001
    return placed


def _login(host: str) -> str:
    """The password before a host; a name that stands there alone is one too."""
    userinfo = host.rpartition("://")[2].rpartition("@")[0]
    return userinfo.partition(":")[2] or userinfo


def _lines(error: ValidationError, values: Mapping[str, str]) -> list[str]:
    lines: dict[str, str] = {}
    for part in error.errors(include_input=False, include_url=False):
        name = str(part["loc"][0]).upper()
        lines.setdefault(name, _line(need(name), name, values[name], part.get("ctx", {}).get("error")))
    return list(lines.values())


def _line(what: kinds.Need, name: str, value: str, why: object) -> str:
    reason = f"{why}; " if isinstance(why, kinds.Unfit) else ""
    return f"{name}{'' if what.secret else f'={value}'}: {reason}{what.words} is needed"


def need(name: str) -> kinds.Need:
    """What a setting's value must be; each has one."""
    field = Settings.model_fields[name.lower()]
    return next(part for part in _metadata(field.annotation, field.metadata) if isinstance(part, kinds.Need))


def _metadata(annotation: Any, own: list[Any]) -> list[Any]:
    """Of a plain kind pydantic lifts the metadata to the field; of `Kind | None` it stays inside the union."""
    inner = getattr(annotation, "__args__", ())
    return [*own, *(part for one in inner for part in getattr(one, "__metadata__", ()))]


def _doubts(settings: Settings, given: list[str]) -> tuple[str, ...]:
    known = {way for names in SECRETS.values() for name in names for way in (name, f"{name}_FILE")}
    known |= {name.upper() for name in Settings.model_fields} | set(PLANNED)
    lines = misspelt(dict.fromkeys(given), known)
    lines += [f"{name} is set, but has no effect in this version" for name in PLANNED if name in given]
    if settings.model_api_keys and not settings.model_base_url:
        lines.append("MODEL_API_KEYS is set but MODEL_BASE_URL is not: no key is used, the offline model answers")
    if settings.transcribe_model and not (settings.transcribe_base_url or settings.model_base_url):
        lines.append("TRANSCRIBE_MODEL is set but neither TRANSCRIBE_BASE_URL nor MODEL_BASE_URL is: nobody listens")
    if settings.operator_ids and min(settings.operator_ids) <= 0:
        lines.append("OPERATOR_IDS holds a negative number: operators are people, whose ids are positive")
    return tuple(lines)
