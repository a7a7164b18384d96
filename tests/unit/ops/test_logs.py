"""Logs: no secret leaves, whatever way it came in."""

import io
import json
import logging
import sys
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
import structlog

from app.ops.logs import Redactor, configure

TOKEN, KEY, PASSWORD = "123456:AbC-dEf_123", "sk-live-0123", 'p"ä ss/word'


@pytest.fixture
def out() -> Iterator[io.StringIO]:
    root, hook = logging.getLogger(), sys.excepthook
    before = (root.handlers[:], root.level)
    stream = io.StringIO()
    configure("json", "info", [TOKEN, KEY, PASSWORD], out=stream, cache=False)
    yield stream
    structlog.reset_defaults()
    logging.captureWarnings(capture=False)
    root.handlers[:], sys.excepthook = before[0], hook
    root.setLevel(before[1])


def _clean(text: str) -> bool:
    return not any(
        secret in text for secret in (TOKEN, TOKEN[7:], KEY, PASSWORD, quote(PASSWORD), json.dumps(PASSWORD)[1:-1])
    )


@pytest.mark.parametrize(
    "value",
    [
        TOKEN,
        f"http://h/bot{TOKEN}/getMe",
        quote(TOKEN),
        KEY,
        PASSWORD,
        quote(PASSWORD, safe=""),
        [KEY],
        {KEY: 1},
        KEY.encode(),
        ValueError(KEY),
    ],
    ids=str,
)
def test_no_value_shows_a_secret(value: Any, out: io.StringIO) -> None:
    structlog.get_logger().info("event", field=value)
    assert "[hidden]" in out.getvalue()
    assert _clean(out.getvalue())


def test_an_exception_and_its_cause_are_covered(out: io.StringIO) -> None:
    try:
        try:
            raise OSError(f"no way to http://h/bot{TOKEN}/x")
        except OSError as error:
            raise RuntimeError(PASSWORD) from error
    except RuntimeError:
        structlog.get_logger().exception("failed")
    assert "no way to" in json.loads(out.getvalue())["exception"]
    assert _clean(out.getvalue())


def test_libraries_are_heard_from_warning_on_and_are_covered_too(out: io.StringIO) -> None:
    logging.getLogger("aiohttp.client").info("GET %s", KEY)
    assert out.getvalue() == ""
    logging.getLogger("aiohttp.client").warning("GET %s", KEY)
    line = json.loads(out.getvalue())
    assert (line["event"], line["level"], line["logger"]) == ("GET [hidden]", "warning", "aiohttp.client")


def test_a_crash_says_its_last_words_without_secrets(out: io.StringIO) -> None:
    sys.excepthook(ValueError, ValueError(TOKEN), None)
    assert "ValueError" in out.getvalue()
    assert _clean(out.getvalue())


def test_the_level_is_kept(out: io.StringIO) -> None:
    structlog.get_logger().debug("no")
    structlog.get_logger().error("yes")
    assert [json.loads(line)["event"] for line in out.getvalue().splitlines()] == ["yes"]


def test_any_bots_token_is_known_by_its_shape() -> None:
    foreign = "987654321:" + "Ab0_-" * 7
    assert Redactor()(f"see {foreign}.") == "see [hidden]."
    assert Redactor()("redis://me:pw@host:1/0") == "redis://[hidden]@host:1/0"


def test_a_short_secret_does_not_eat_other_words() -> None:
    assert Redactor(["k1"])("k1 and k10 and ak1") == "[hidden] and k10 and ak1"


def test_a_reader_that_went_away_costs_only_the_line(out: io.StringIO) -> None:
    out.close()
    structlog.get_logger().info("into the void")
