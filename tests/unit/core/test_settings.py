"""Settings: what an operator may write, and what he is told when it cannot be used."""

import json
from pathlib import Path

import pytest

from app.core.errors import SettingsError
from app.core.settings import SECRETS, Settings, load, need


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
        "MODEL_BASE_URL: it does not begin with http:// or https://; an address such as https://host/path is needed",
        "OPERATOR_IDS=1, bob: a list of numeric ids with commas between them is needed",
        "SHARDS=0: a whole number from 1 to 1024 is needed",
        "STREAM=maybe: edit, draft or off is needed",
    ]


LEAK = "hunter2"
BAD = {
    "TELEGRAM_BOT_TOKEN": [f"no-colon-{LEAK}", f"1:{LEAK} x"],
    "TELEGRAM_API_BASE_URL": [f"api.telegram.org/bot1:{LEAK}", f"https://me:{LEAK}@:81"],
    "REDIS_URL": [f"http://:{LEAK}@h", f"redis://:{LEAK}@h:port", f"redis://:{LEAK}/x@h", f"redis+cluster://:{LEAK}@h"],
    "MODEL_BASE_URL": [LEAK, f"https://me:{LEAK}@h:0", f"https://h/v1?key={LEAK}", f"https://me:{LEAK}/x@h/v1"],
    "MODEL_API_KEYS": [f"{LEAK};300x/h", f"a;{LEAK}", f"ü{LEAK}", f"a,5r/h{LEAK}"],
    "MODEL_FALLBACKS": [
        f'[{{"name": "m", "keys": "{LEAK}"}}',
        f'[{{"name": "m", "keys": "{LEAK};300x/h"}}]',
        f'[{{"keys": "{LEAK}"}}]',
        f'[{{"name": "m", "key": "{LEAK}"}}]',
        f'[{{"name": "m", "{LEAK}": ""}}]',
        f'[{{"name": "m", "keys": ["{LEAK}"]}}]',
        f'[{{"base_url": "https://me:{LEAK}@h:0"}}]',
        f'["{LEAK}"]',
        f'{{"name": "m", "keys": "{LEAK}"}}',
        f'"{LEAK}"',
        LEAK,
    ],
    "TRANSCRIBE_BASE_URL": [LEAK, f"https://me:{LEAK}@h:0"],
    "TRANSCRIBE_API_KEY": [f"{LEAK} x", f"ü{LEAK}"],
}


@pytest.mark.parametrize("name, value", [(name, value) for name, values in BAD.items() for value in values])
def test_of_a_setting_that_may_hold_a_secret_a_bad_value_is_named_but_not_shown(
    name: str, value: str, tmp_path: Path
) -> None:
    (line,) = _lines({name: value}, tmp_path)
    assert line.startswith(f"{name}: ")
    assert "\n" not in line
    assert LEAK not in line


def test_every_setting_that_may_hold_a_secret_has_its_bad_values_above() -> None:
    assert {name.upper() for name in Settings.model_fields if need(name).secret} == set(BAD)
    assert set(SECRETS) <= set(BAD)


@pytest.mark.parametrize("name", [f"{way}_FILE" for ways in SECRETS.values() for way in ways])
def test_a_secret_that_stands_where_its_file_belongs_is_not_shown(name: str, tmp_path: Path) -> None:
    for value in (LEAK, f"~{LEAK}/x", f"redis://:{LEAK}@h", LEAK * 100):
        (line,) = _lines({name: value}, tmp_path)
        assert line.startswith(f"{name}: the file cannot be read: ")
        assert LEAK not in line


@pytest.mark.parametrize(
    "value, why",
    [
        ('[{"name": "m"}, {"keys": "k"}]', "entry 2: needs base_url or name"),
        ("[{}]", "entry 1: needs base_url or name"),
        ('[,"name"]', "not JSON: line 1 column 2"),
        ("[\n {]", "not JSON: line 2 column 3"),
        ("9" * 5000, "not JSON"),
        ("[" * 100_000, "not JSON"),
        ('{"name": "m"}', "not a list"),
        ('["m"]', "entry 1: not an object in braces"),
        ('[{"nam": "m"}]', "entry 1: has a field other than base_url, name and keys"),
        ('[{"name": 7}]', "entry 1: name is not a text in quotes"),
        ('[{"base_url": "h/v1"}]', "entry 1: base_url: it does not begin with http:// or https://"),
        ('[{"name": "m"}, {"name": "n", "keys": "a, 5r/h"}]', "entry 2: key 2 looks like a limit, and a limit follows"),
    ],
)
def test_of_bad_fallbacks_the_entry_and_the_reason_are_told(value: str, why: str, tmp_path: Path) -> None:
    (line,) = _lines({"MODEL_FALLBACKS": value}, tmp_path)
    assert line.startswith(f"MODEL_FALLBACKS: {why}")
    assert line.endswith("is needed")


def test_fallbacks_may_stand_in_a_file_and_their_keys_are_secrets(tmp_path: Path) -> None:
    (tmp_path / "others").write_text('[{"base_url": "https://:pw1@h/v1", "keys": "sk-one;5r/h,\n sk-two"}]\n')
    settings = load({"MODEL_FALLBACKS_FILE": "others", "MODEL_BASE_URL": "https://h/v1"}, tmp_path)
    assert [key.secret.get_secret_value() for key in settings.model_fallbacks[0].keys] == ["sk-one", "sk-two"]
    assert settings.secrets() == ("pw1", "sk-one", "sk-two")
    assert "sk-" not in repr(settings)


def test_fallbacks_without_a_first_endpoint_are_refused(tmp_path: Path) -> None:
    assert _lines({"MODEL_FALLBACKS": '[{"base_url": "https://h/v1"}]'}, tmp_path) == [
        "MODEL_FALLBACKS is set but MODEL_BASE_URL is not: set the endpoint that is to be asked first"
    ]


@pytest.mark.parametrize(
    "text",
    [
        *("sk-a;5r/h,sk-b", "sk-a; 5r/h, sk-b", "sk-a ;5r/h sk-b", " sk-a\t;\t5r/h ,\n,sk-b;", "sk-a ; 5r/h\nsk-b\n"),
        *("sk-a;5r/h;\nsk-b", "sk-a;5r/h\r\nsk-b"),
    ],
)
def test_blanks_around_a_semicolon_are_nothing_and_new_lines_part_keys(text: str, tmp_path: Path) -> None:
    (tmp_path / "keys").write_text(text)
    found = load({"MODEL_API_KEYS_FILE": "keys", "MODEL_BASE_URL": "https://h/v1"}, tmp_path).model_api_keys
    assert [(key.secret.get_secret_value(), [*map(str, key.limits)]) for key in found] == [
        ("sk-a", ["5r/hour"]),
        ("sk-b", []),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "# mine\nsk-a;5r/h\n#sk-old\n  # another\nsk-b\n#",
        "#sk-old, sk-older\r\nsk-a;5r/h # the first\r\nsk-b\t#, sk-c",
        "sk-a;\t5r/h # 900r/mo\nsk-b # Bearer",
        "\"sk-a;5r/h\", 'sk-b'",
        "'sk-a';5r/h\n\"sk-b\"",
        '"sk-a;5r/h, sk-b"',
        '"sk-a ; 5r/h\n#sk-old\nsk-b" # all of them',
    ],
)
def test_comments_and_quotation_marks_are_no_part_of_a_key(text: str, tmp_path: Path) -> None:
    wanted = [("sk-a", ["5r/hour"]), ("sk-b", [])]
    (tmp_path / "keys").write_bytes(text.encode())
    for given in (
        {"MODEL_API_KEYS_FILE": "keys"},
        {"MODEL_API_KEYS": text},
        {"MODEL_FALLBACKS": json.dumps([{"base_url": "https://h/v1", "keys": text}])},
    ):
        settings = load({**given, "MODEL_BASE_URL": "https://h/v1"}, tmp_path)
        found = settings.model_api_keys or settings.model_fallbacks[0].keys
        assert [(key.secret.get_secret_value(), [*map(str, key.limits)]) for key in found] == wanted


@pytest.mark.parametrize(
    "text, why",
    [
        ("Bearer sk-hunter2", "key 1 is the word Bearer: write the key without it"),
        ("sk-hunter2, bearer sk-b", "key 2 is the word Bearer: write the key without it"),
        ('"Bearer sk-hunter2"', "key 1 is the word Bearer: write the key without it"),
        ("Authorization: Bearer sk-hunter2", "key 1 is the word Authorization: write the key without it"),
        ('"sk-hunter2', "key 1 has a quotation mark"),
        ('["sk-hunter2", "sk-b"]', "key 1 has a quotation mark"),
        ("sk-a,#sk-hunter2", "key 2 begins with #"),
        ("# sk-hunter2", "there is no key in it"),
        ("# sk-hunter2\n#sk-b", "there is no key in it"),
        (",", "there is no key in it"),
    ],
)
def test_what_nobody_means_as_a_key_is_refused_in_one_line(text: str, why: str, tmp_path: Path) -> None:
    (tmp_path / "keys").write_text(text)
    endpoint = {"MODEL_BASE_URL": "https://h/v1"}
    fallbacks = json.dumps([{"name": "m", "keys": text}])
    for given, said in (
        ({"MODEL_API_KEYS_FILE": "keys"}, f"MODEL_API_KEYS: {why}"),
        ({"MODEL_API_KEYS": text}, f"MODEL_API_KEYS: {why}"),
        ({"MODEL_FALLBACKS": fallbacks}, f"MODEL_FALLBACKS: entry 1: {why}"),
    ):
        (line,) = _lines({**given, **endpoint}, tmp_path)
        assert line.startswith(said)
        assert "hunter2" not in line


def test_an_emptied_list_of_keys_means_none_at_a_start(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("MODEL_API_KEYS=\nMODEL_BASE_URL=https://h/v1\n")
    assert load({}, tmp_path).model_api_keys == ()


@pytest.mark.parametrize("text", ["sk-a 5r/h", "sk-a, 5R/h", "sk-a;300r/h 900t/mo", "sk-a;\n5r/h", "sk-a,5r/x"])
def test_a_key_that_looks_like_a_limit_is_refused(text: str, tmp_path: Path) -> None:
    (line,) = _lines({"MODEL_API_KEYS": text, "MODEL_BASE_URL": "https://h/v1"}, tmp_path)
    assert line.startswith("MODEL_API_KEYS: key 2 looks like a limit, and a limit follows its key with a semicolon")


@pytest.mark.parametrize("value", ["http://me:p%40ss@h/v1", "http://p%40ss@h/v1"])
@pytest.mark.parametrize("name", ["MODEL_BASE_URL", "TELEGRAM_API_BASE_URL", "HTTPS_PROXY", "all_proxy"])
def test_a_login_in_an_address_is_a_secret(name: str, value: str, tmp_path: Path) -> None:
    assert load({name: value}, tmp_path).secrets() == ("p%40ss", "p@ss")


def test_a_password_of_a_proxy_is_a_secret_however_it_is_written(tmp_path: Path) -> None:
    assert load({"HTTPS_PROXY": "me:p@s/s@h:8080"}, tmp_path).secrets() == ("p@s/s",)


@pytest.mark.parametrize("name", Settings.model_fields)
def test_every_setting_says_what_it_needs(name: str) -> None:
    assert need(name).words


@pytest.mark.parametrize("text, meant", [("yes", True), ("True", True), ("1", True), ("no", False), ("off", False)])
def test_yes_and_no_are_understood(text: str, meant: bool, tmp_path: Path) -> None:
    assert load({"MODEL_WARM_UP": text}, tmp_path).model_warm_up is meant


def test_what_is_neither_yes_nor_no_is_told_so(tmp_path: Path) -> None:
    assert _lines({"MODEL_WARM_UP": "maybe"}, tmp_path) == ["MODEL_WARM_UP=maybe: yes or no is needed"]


@pytest.mark.parametrize("name", ["MODEL_BASE_URL", "TELEGRAM_API_BASE_URL"])
@pytest.mark.parametrize(
    "address, why",
    [
        ("127.0.0.1:notaport/v1", "its port or its brackets are wrong"),
        ("127.0.0.1:99999", "its port or its brackets are wrong"),
        ("[::1", "its port or its brackets are wrong"),
        ("127.0.0.1:0", "it names no host that can be reached"),
        ("a b/v1", "it names no host that can be reached"),
        ("h/v1?key=x", "it has a ? or a #"),
    ],
)
def test_an_address_that_nobody_can_reach_is_refused(name: str, address: str, why: str, tmp_path: Path) -> None:
    (line,) = _lines({name: f"http://{address}"}, tmp_path)
    assert line == f"{name}: {why}; an address such as https://host/path is needed"


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
        "MODEL_API_KEYS is set but MODEL_BASE_URL is not: no key is used, the offline model answers",
    )


def test_settings_cannot_be_changed(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="frozen"):
        load({}, tmp_path).concurrency = 1


def test_every_setting_says_what_it_means() -> None:
    assert all((field.description or "").endswith(".") for field in Settings.model_fields.values())
