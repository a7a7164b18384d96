"""Figures: each verb is seen on the page."""

import re

from app.ops.metrics import Metrics


def _value(metrics: Metrics, name: str) -> float:
    found = re.search(rf"^{re.escape(name)} (\S+)$", metrics.text()[0].decode(), re.MULTILINE)
    assert found, f"{name} is missing"
    return float(found[1])


def test_the_store_s_words_are_counted() -> None:
    metrics = Metrics()
    metrics.stored(["ok", "ok", "dup", "to -100"])
    assert _value(metrics, 'lanekeeper_updates_total{result="ok"}') == 2
    assert _value(metrics, 'lanekeeper_updates_total{result="dup"}') == 1
    assert _value(metrics, 'lanekeeper_updates_total{result="moved"}') == 1


def test_the_age_of_a_poll_grows_until_the_next_one() -> None:
    now = [100.0]
    metrics = Metrics(monotonic=lambda: now[0])
    now[0] = 130
    assert _value(metrics, "lanekeeper_poll_age_seconds") == 30
    metrics.polled()
    assert metrics.poll_age() == 0


def test_gauges_ask_when_they_are_read() -> None:
    metrics, live = Metrics("1.2"), [0]
    metrics.watch(live=lambda: live[0], waiting=lambda: 7)
    live[0] = 3
    assert _value(metrics, "lanekeeper_turns_live") == 3
    assert _value(metrics, "lanekeeper_lanes_waiting") == 7
    assert _value(metrics, 'lanekeeper_info{version="1.2"}') == 1


def test_every_instrument_has_a_help_and_two_bots_do_not_share_figures() -> None:
    metrics = Metrics()
    metrics.turn("answered", 0.2)
    metrics.turn("back", 0.2)
    metrics.sent("sendMessage", "ok", 0.1)
    metrics.asked("ok", 1.0, 10, 5)
    metrics.waited(0.1)
    metrics.refused("down")
    text = metrics.text()[0].decode()
    assert set(re.findall(r"^# TYPE (\S+)", text, re.MULTILINE)) == set(
        re.findall(r"^# HELP (\S+) .+", text, re.MULTILINE)
    )
    assert _value(metrics, 'lanekeeper_model_tokens_total{kind="answer"}') == 5
    assert 'end="answered"' not in Metrics().text()[0].decode()
