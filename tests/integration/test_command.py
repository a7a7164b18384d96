"""The command `lanekeeper` as a process: what it prints, how it starts and ends, what it leaves, how it refuses."""

from __future__ import annotations

import signal
import socket
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import msgspec
import pytest

from tests.integration.operated import operated, telegram
from tests.support.demo import ADA, ADDRESS, MARGARET, Demo, get, living, run
from tests.support.ports import free_ports
from tests.support.wait import until


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Demo]:
    """A demo in an empty folder, not started."""
    demo = Demo(tmp_path)
    yield demo
    demo.close()


@pytest.fixture
async def taken() -> AsyncIterator[int]:
    """A port on which somebody else listens."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        yield other.getsockname()[1]


def server_folder(data: Path) -> Path:
    """Where the embedded server's socket is, by its own note."""
    return Path((data / "valkey" / "server").read_text().strip())


async def test_it_says_its_version_and_what_it_can_do(tmp_path: Path) -> None:
    said = await run(tmp_path, "--version")
    assert (said.code, said.out.split()[0], said.err) == (0, "lanekeeper", "")
    said = await run(tmp_path, "--help")
    assert said.code == 0
    assert all(verb in said.out for verb in ("run", "status", "check"))
    assert (await run(tmp_path, "dance")).code == 2
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("verb", ["run", "check", "status"])
async def test_bad_settings_are_one_line_each_and_nothing_else(tmp_path: Path, verb: str) -> None:
    bad = {"concurrency": "many", "stream": "sideways", "telegram_bot_token": "no-colon-hunter2", "web_port": "99999"}
    said = await run(tmp_path, verb, **bad)
    assert said.code == 78
    assert sorted(line.split(":")[1].split("=")[0].strip() for line in said.lines) == sorted(map(str.upper, bad))
    assert "hunter2" not in said.err
    assert not list(tmp_path.iterdir())


async def test_settings_are_read_from_the_env_file_of_the_folder_it_runs_in(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("CONCURRENCY=many\nTELEGRAM_BOT_TOKEN_FILE=token\n")
    (tmp_path / "token").write_text("no-colon-hunter2")
    said = await run(tmp_path, "run")
    assert (said.code, len(said.lines), len(said.refusals)) == (78, 2, 2)
    assert "hunter2" not in said.err


async def test_data_that_cannot_be_kept_are_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    said = await run(tmp_path, "run", data_dir=tmp_path / "file" / "data")
    assert (said.code, len(said.lines)) == (78, 1)
    assert "cannot be used" in said.refusals[0]


async def test_a_token_that_telegram_does_not_know_is_refused_in_one_line(tmp_path: Path) -> None:
    async with telegram(tmp_path) as simulator:
        said = await run(tmp_path, "run", telegram_bot_token="424242:hunter2", telegram_api_base_url=simulator.api_url)
    assert said.code == 78
    [line] = said.refusals
    assert "TELEGRAM_BOT_TOKEN: Telegram does not know it" in line
    assert "hunter2" not in said.out + said.err
    assert not living(tmp_path)


async def test_run_prints_one_address_which_answers_at_once(demo: Demo) -> None:
    await demo.start()
    status, body = get(demo.page)
    assert (status, "<html" in body) == (200, True)
    async with demo.someone(ADA) as ada:
        await ada.answer(await ada.say("Hello"))
    await demo.stop()
    assert ADDRESS.findall(demo.log) == [demo.page]
    for embedded in ("REDIS_URL is not set", "TELEGRAM_BOT_TOKEN is not set", "MODEL_BASE_URL is not set"):
        assert demo.log.count(embedded) == 1


@pytest.mark.alone
async def test_a_second_start_is_ready_within_three_seconds(demo: Demo) -> None:
    await demo.start()
    async with demo.someone(ADA) as ada:
        await ada.answer(await ada.say("My name is Ada."))
    await demo.stop()
    began = time.monotonic()
    await demo.start()
    assert get(demo.page)[0] == 200
    assert time.monotonic() - began < 3
    async with demo.someone(ADA) as ada:
        assert "My name is Ada." in [message["text"] for message in await ada.read()]
        answer = await ada.answer(await ada.say("What do you remember?"))
        assert answer["text"] == "I remember 1 earlier message of this conversation."


async def test_ctrl_c_ends_all_of_it_within_five_seconds(demo: Demo) -> None:
    await demo.start()
    sockets = server_folder(demo.folder / "data")
    assert sockets.is_dir()
    assert len(living(demo.folder)) == 2, "the bot and its server"
    began = time.monotonic()
    demo.signal(signal.SIGINT)
    assert await demo.ended(10) == 0
    assert time.monotonic() - began < 5
    assert not living(demo.folder)
    assert not sockets.exists()
    assert "Traceback" not in demo.log


async def test_ctrl_c_while_it_starts_ends_it_too(demo: Demo) -> None:
    demo.launch()
    await until(lambda: "embedded Valkey" in demo.output, seconds=30, what="the start to begin")
    demo.signal(signal.SIGINT)
    assert await demo.ended(5) == 0
    assert not living(demo.folder)
    assert "Traceback" not in demo.log


async def test_a_killed_bot_takes_its_server_with_it(demo: Demo) -> None:
    await demo.start()
    sockets = server_folder(demo.folder / "data")
    demo.kill()
    await until(lambda: not living(demo.folder), what="the end of the embedded server")
    await demo.start()
    assert not sockets.exists(), "the next start clears away what the killed one left"


async def test_a_second_bot_on_the_same_data_is_refused_in_one_line(demo: Demo, tmp_path: Path) -> None:
    await demo.start()
    said = await run(tmp_path / "other", "run", data_dir=tmp_path / "data")
    assert said.code == 78
    [line] = said.refusals
    assert "DATA_DIR" in line
    assert "in use" in line
    assert not ADDRESS.findall(said.out + said.err)
    async with demo.someone(ADA) as ada:
        await ada.answer(await ada.say("still there?"))


async def test_a_simulator_whose_port_is_taken_takes_the_next(tmp_path: Path, taken: int) -> None:
    demo = Demo(tmp_path, simulator_port=taken)
    try:
        await demo.start()
        assert taken < int(demo.page.rpartition(":")[2]) <= taken + 50
        assert get(demo.page)[0] == 200
    finally:
        demo.close()


async def test_pages_whose_chosen_port_is_taken_refuse_to_start(tmp_path: Path, taken: int) -> None:
    said = await run(tmp_path, "run", web_port=taken)
    assert said.code == 78
    [line] = said.refusals
    assert f"WEB_PORT={taken}" in line
    assert "Traceback" not in said.err
    assert not living(tmp_path)


async def test_the_pages_say_that_it_lives_is_ready_and_what_it_did(tmp_path: Path) -> None:
    (port,) = free_ports(1)
    demo = Demo(tmp_path, web_port=port)
    try:
        await demo.start()
        async with demo.someone(ADA) as ada:
            await ada.answer(await ada.say("Hello"))
        status, body = get(f"http://127.0.0.1:{port}/healthz")
        health = msgspec.json.decode(body)
        assert (status, health["ok"], health["polling"]) == (200, True, True)
        assert 0 <= health["poll_age_seconds"] < 30
        status, body = get(f"http://127.0.0.1:{port}/readyz")
        assert (status, msgspec.json.decode(body)) == (200, {"ready": True, "missing": {}})

        def figures() -> str:
            text = get(f"http://127.0.0.1:{port}/metrics")[1]
            return text if 'lanekeeper_ends_total{end="answered"} 1.0' in text else ""

        shown = await until(figures, what="the answered message in /metrics")
        for wanted in (
            *("lanekeeper_info{", 'lanekeeper_updates_total{result="ok"} 1.0', 'lanekeeper_polls_total{result="ok"}'),
            *("lanekeeper_turns_live 0.0", "process_resident_memory_bytes", "lanekeeper_turn_seconds_count 1.0"),
        ):
            assert wanted in shown
        assert "Hello" not in shown
        assert get(f"http://127.0.0.1:{port}/")[0] == 200
        assert ADDRESS.findall(demo.log) == [demo.page], "the pages' address would be a second one"
    finally:
        demo.close()


async def test_another_number_of_shards_on_the_same_data_is_refused(demo: Demo, tmp_path: Path) -> None:
    await demo.start()
    await demo.stop()
    said = await run(tmp_path, "run", shards=8)
    assert said.code == 78
    [line] = said.refusals
    assert line == "lanekeeper: SHARDS=8: this Redis was set up with 16; set SHARDS=16"
    assert not ADDRESS.findall(said.out + said.err)


async def test_a_redis_that_may_forget_is_refused_where_that_is_required(
    tmp_path: Path, redis: object, valkey: str
) -> None:
    said = await run(tmp_path, "run", redis_url=f"unix://{valkey}", redis_durability="require")
    assert said.code == 78
    assert said.refusals[0].startswith("lanekeeper: REDIS_DURABILITY=require: ")
    assert "nothing is kept on disk" in said.refusals[0]
    assert not ADDRESS.findall(said.out + said.err)


async def test_with_a_redis_and_a_token_it_keeps_nothing_of_its_own(tmp_path: Path, redis: object, valkey: str) -> None:
    async with operated(tmp_path, redis_url=f"unix://{valkey}") as bot, bot.someone(MARGARET) as margaret:
        assert (await margaret.answer(await margaret.say("Hello")))["text"] == "Echo: Hello"
        assert not (bot.bot.folder / "data").exists()
        assert not ADDRESS.findall(bot.bot.log)


async def test_status_beside_a_running_demo_and_with_nothing_running(demo: Demo, tmp_path: Path) -> None:
    said = await run(tmp_path, "status")
    assert (said.code, len(said.lines)) == (1, 1)
    assert "nothing runs" in said.out
    assert not (tmp_path / "data").exists()
    await demo.start()
    async with demo.someone(ADA) as ada:
        await ada.answer(await ada.say("/pause all maintenance"))
    said = await run(tmp_path, "status")
    assert (said.code, said.err) == (0, "")
    for words in ("Lanekeeper 0.", "1 process", "Everything is paused", "maintenance", "Telegram: polled", "Redis: "):
        assert words in said.out
    await demo.stop()
    assert "nothing runs" in (await run(tmp_path, "status")).out
