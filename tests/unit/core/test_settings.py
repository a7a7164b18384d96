"""Settings: what an operator may write, and what he is told when it cannot be used."""

from pathlib import Path

import pytest

from app.core.errors import SettingsError
from app.core.settings import SECRETS, Settings, describe, load


def _lines(environ: dict[str, str], directory: Path) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        load(environ, directory)
    return caught.value.lines


def test_nothing_set_is_a_whole_configuration(tmp_path: Path) -> None:
    settings = load({}, tmp_path)
    assert settings.telegram_bot_token is None
    assert settings.redis_url is None
    assert (settings.concurrency, settings.lease_seconds, settings.shards) == (500, 15, 16)
    assert settings.data_dir == tmp_path / "data"
    assert settings.warnings == ()


def test_every_bad_value_gets_one_clear_line_and_all_come_at_once(tmp_path: Path) -> None:
    bad = {
        "CONCURRENCY": "abc",
        "SHARDS": "0",
        "STREAM": "maybe",
        "OPERATOR_IDS": "1, bob",
        "MODEL_BASE_URL": "example",
    }
    assert sorted(_lines(bad, tmp_path)) == [
        "CONCURRENCY=abc: a whole number of 1 or more is needed",
        "MODEL_BASE_URL=example: an address such as https://host/path is needed",
        "OPERATOR_IDS=1, bob: a list of numeric ids with commas between them is needed",
        "SHARDS=0: a whole number from 1 to 1024 is needed",
        "STREAM=maybe: edit, draft or off is needed",
    ]


@pytest.mark.parametrize("name", SECRETS)
def test_a_bad_secret_is_named_but_not_shown(name: str, tmp_path: Path) -> None:
    (line,) = _lines({name: "not ;right"}, tmp_path)
    assert line.startswith(f"{name}: ")
    assert "right" not in line


def test_a_password_in_an_address_is_not_shown(tmp_path: Path) -> None:
    assert "pw" not in _lines({"MODEL_BASE_URL": "ftp://me:pw@host"}, tmp_path)[0]


@pytest.mark.parametrize("name", ["MODEL_BASE_URL", "TELEGRAM_API_BASE_URL"])
@pytest.mark.parametrize("address", ["127.0.0.1:notaport/v1", "127.0.0.1:99999", "127.0.0.1:0", "[::1", "a b/v1"])
def test_an_address_that_nobody_can_reach_is_refused(name: str, address: str, tmp_path: Path) -> None:
    (line,) = _lines({name: f"http://{address}"}, tmp_path)
    assert line == f"{name}=http://{address}: an address such as https://host/path is needed"


def test_an_address_may_be_of_ipv6(tmp_path: Path) -> None:
    assert load({"MODEL_BASE_URL": "http://[::1]:8000/v1"}, tmp_path).model_base_url == "http://[::1]:8000/v1"


@pytest.mark.parametrize(
    "url",
    [
        *("unix://", "unix:///", "unix://?db=1", "redis://127.0.0.1/abc", "redis://h/1/2", "redis://h:port"),
        *("redis://h:99999", "redis://h:0", "rediss://h/one", "redis+sentinel://"),
    ],
)
def test_a_store_that_could_not_be_the_one_meant_is_refused(url: str, tmp_path: Path) -> None:
    (line,) = _lines({"REDIS_URL": url}, tmp_path)
    assert line.startswith("REDIS_URL: redis://host:port/number, ")


@pytest.mark.parametrize(
    "url",
    [
        *("redis://", "redis://h", "redis://h/", "redis://h:1/15", "rediss://u:p@h/3", "unix:///run/r.sock?db=2"),
        *("redis://[::1]:6379/0", "redis+sentinel://a:1,b:2/name/3?sentinel_password=x"),
    ],
)
def test_a_store_that_redis_py_understands_is_accepted(url: str, tmp_path: Path) -> None:
    assert load({"REDIS_URL": url}, tmp_path).redis_url is not None


def test_no_secret_is_in_the_repr(tmp_path: Path) -> None:
    given = {"TELEGRAM_BOT_TOKEN": "1:abcdef", "MODEL_API_KEYS": "sk-1,sk-2", "REDIS_URL": "redis://u:hush@h"}
    settings = load(given, tmp_path)
    assert not any(secret in repr(settings) + str(settings) for secret in ("abcdef", "sk-1", "sk-2", "hush"))
    assert settings.secrets() == ("1:abcdef", "hush", "sk-1", "sk-2")


@pytest.mark.parametrize("token", ["1:a", "123456:AA-bb_cc", "7:ü"])
def test_a_token_is_checked_only_for_its_shape(token: str, tmp_path: Path) -> None:
    found = load({"TELEGRAM_BOT_TOKEN": token}, tmp_path).telegram_bot_token
    assert found is not None
    assert found.get_secret_value() == token


@pytest.mark.parametrize("token", ["abc", "1:", ":a", "1:a b"])
def test_a_token_of_another_shape_is_refused(token: str, tmp_path: Path) -> None:
    assert _lines({"TELEGRAM_BOT_TOKEN": token}, tmp_path)


def test_an_empty_value_is_unset(tmp_path: Path) -> None:
    settings = load({"TELEGRAM_BOT_TOKEN": "", "CONCURRENCY": " ", "MODEL_NAME": ""}, tmp_path)
    assert settings.telegram_bot_token is None
    assert settings.concurrency == 500
    assert not settings.chosen("CONCURRENCY")


def test_the_environment_hides_dotenv(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("# ours\nCONCURRENCY=7\nexport MODEL_NAME='a b'\nSOMEBODY_ELSES=1\n")
    settings = load({"CONCURRENCY": "9"}, tmp_path)
    assert (settings.concurrency, settings.model_name) == (9, "a b")
    assert settings.warnings == ()


def test_a_line_of_dotenv_that_is_none_is_named(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("CONCURRENCY=7\nTELEGRAM_BOT_TOKEN 1:abc\n")
    assert _lines({}, tmp_path) == [".env, line 2: NAME=value is needed"]


def test_a_dollar_in_dotenv_stays_a_dollar(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("IGNORE_PREFIX=$skip\nREDIS_URL=redis://:a${b}c@h\n")
    settings = load({}, tmp_path)
    assert settings.ignore_prefix == "$skip"
    assert "a${b}c" in settings.secrets()


def test_a_secret_may_stand_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("12:abc\n")
    found = load({"TELEGRAM_BOT_TOKEN_FILE": "token"}, tmp_path).telegram_bot_token
    assert found is not None
    assert found.get_secret_value() == "12:abc"


def test_a_missing_or_empty_file_of_a_secret_is_named(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    assert "cannot be read" in _lines({"REDIS_URL_FILE": "nowhere"}, tmp_path)[0]
    assert _lines({"REDIS_URL_FILE": "empty"}, tmp_path) == ["REDIS_URL_FILE=empty: the file is empty"]


def test_a_secret_given_twice_is_refused(tmp_path: Path) -> None:
    lines = _lines({"MODEL_API_KEY": "a", "MODEL_API_KEYS_FILE": "b"}, tmp_path)
    assert lines == ["MODEL_API_KEYS_FILE and MODEL_API_KEY are set: leave one of them"]


def test_a_secret_of_the_environment_hides_each_way_of_giving_it_in_dotenv(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("MODEL_API_KEYS_FILE=nowhere\n")
    keys = load({"MODEL_API_KEY": "k", "MODEL_BASE_URL": "http://m/v1"}, tmp_path).model_api_keys
    assert [key.secret.get_secret_value() for key in keys] == ["k"]


def test_ids_may_be_negative_and_stand_apart(tmp_path: Path) -> None:
    assert load({"ALLOW_IDS": "1, -100200 ,3,"}, tmp_path).allow_ids == {1, -100200, 3}


def test_words_count_in_any_case(tmp_path: Path) -> None:
    settings = load({"LOG_LEVEL": "WARNING", "GROUP_MODE": "Always"}, tmp_path)
    assert (settings.log_level, settings.group_mode) == ("warning", "always")


def test_addresses_lose_what_would_be_said_twice(tmp_path: Path) -> None:
    given = {"MODEL_BASE_URL": "http://h/v1/chat/completions", "TELEGRAM_API_BASE_URL": "http://t:81/"}
    settings = load(given, tmp_path)
    assert (settings.model_base_url, settings.telegram_api_base_url) == ("http://h/v1", "http://t:81")


def test_cluster_is_said_to_be_unsupported(tmp_path: Path) -> None:
    assert "redis+cluster:// is not supported yet" in _lines({"REDIS_URL": "redis+cluster://h"}, tmp_path)[0]


@pytest.mark.parametrize("value", ["nan", "inf", "-1", "1e99"])
def test_a_number_is_finite_and_not_negative(value: str, tmp_path: Path) -> None:
    assert _lines({"DRAIN_SECONDS": value}, tmp_path) == [f"DRAIN_SECONDS={value}: a number of 0 or more is needed"]


def test_what_is_accepted_but_hardly_meant_is_said(tmp_path: Path) -> None:
    settings = load({"REDIS_URI": "x", "WEBHOOK_URL": "https://h", "MODEL_API_KEY": "k", "PATH": "/bin"}, tmp_path)
    assert settings.warnings == (
        "REDIS_URI is not a setting: is REDIS_URL meant?",
        "WEBHOOK_URL is set, but has no effect in this version",
        "MODEL_API_KEYS is set but MODEL_BASE_URL is not: the offline model answers",
    )


def test_settings_cannot_be_changed(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="frozen"):
        load({}, tmp_path).concurrency = 1


def test_every_setting_says_what_it_means() -> None:
    rows = describe()
    assert [row.name for row in rows] == [name.upper() for name in Settings.model_fields]
    assert all(row.meaning.endswith(".") for row in rows)
    assert {row.name for row in rows if row.secret} == set(SECRETS)
