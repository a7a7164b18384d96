"""What a start, a look from outside and the figures say: in plain words, and only what was checked."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.integration.operated import operated, telegram
from tests.support.demo import ADA, Demo, get, run
from tests.support.ports import free_ports
from tests.support.wait import until


async def test_a_refusal_is_followed_by_no_warning_of_ours(tmp_path: Path) -> None:
    async with telegram(tmp_path) as simulator:
        said = await run(tmp_path, "run", telegram_bot_token="424242:x", telegram_api_base_url=simulator.api_url)
    assert "never awaited" not in said.err


async def test_a_simulator_without_a_place_for_its_data_is_refused_in_one_line(
    tmp_path: Path, redis: object, valkey: str
) -> None:
    (tmp_path / "file").touch()
    said = await run(tmp_path, "run", data_dir=tmp_path / "file" / "data", redis_url=f"unix://{valkey}")
    assert (said.code, len(said.refusals)) == (78, 1)
    assert "Traceback" not in said.err


async def test_an_embedded_valkey_that_does_not_start_says_so_in_one_line(tmp_path: Path) -> None:
    folder = tmp_path / "data" / "valkey" / "appendonlydir"
    folder.mkdir(parents=True)
    (folder / "appendonly.aof.manifest").write_text("garbage")
    said = await run(tmp_path, "run")
    assert said.code
    assert len(said.refusals) == 1
    assert "Traceback" not in said.err


async def test_what_is_sent_and_asked_is_counted(tmp_path: Path) -> None:
    port = free_ports(1)[0]
    demo = Demo(tmp_path, web_port=port)
    try:
        await demo.start()
        async with demo.someone(ADA) as ada:
            await ada.answer(await ada.say("Hello"))

        def figures() -> str:
            text = get(f"http://127.0.0.1:{port}/metrics")[1]
            return text if 'lanekeeper_ends_total{end="answered"} 1.0' in text else ""

        shown = await until(figures, what="the answered message in /metrics")
        assert 'lanekeeper_sends_total{method="sendMessage",result="ok"} 1.0' in shown
        assert 'lanekeeper_model_calls_total{result="ok"} 1.0' in shown
        assert "lanekeeper_wait_seconds_count 1.0" in shown
    finally:
        demo.close()


async def test_status_from_outside_knows_what_redis_may_forget_and_the_model(
    tmp_path: Path, redis: object, valkey: str
) -> None:
    said = await run(tmp_path, "status", redis_url=f"unix://{valkey}")
    assert "keeps what it confirmed" not in said.out
    assert "Model: \n" not in said.out


async def test_that_everybody_may_use_the_bot_is_said_at_start(tmp_path: Path) -> None:
    async with operated(tmp_path) as bot:
        assert "ALLOW_IDS" in bot.bot.log


async def test_the_simulator_listens_where_web_host_says(tmp_path: Path) -> None:
    demo = Demo(tmp_path, web_host="127.0.0.2")
    try:
        await demo.start()
        assert demo.page.startswith("http://127.0.0.2:")
    finally:
        demo.close()


async def test_the_demo_works_on_an_address_of_ipv6(tmp_path: Path) -> None:
    demo = Demo(tmp_path, web_host="::1")
    try:
        await demo.start()
        assert demo.page.startswith("http://[::1]:")
        async with demo.someone(ADA) as ada:
            assert "You said: Hello" in (await ada.answer(await ada.say("Hello")))["text"]
    finally:
        demo.close()


@pytest.mark.parametrize("host", ["no.such.host.invalid", "192.0.2.1"])
async def test_an_address_that_is_not_this_machines_is_refused_by_the_name_of_its_setting(
    tmp_path: Path, host: str
) -> None:
    said = await run(tmp_path, "run", web_host=host)
    assert said.code == 78
    [line] = said.refusals
    assert line.startswith(f"lanekeeper: WEB_HOST={host}: ")
    assert "Traceback" not in said.err


async def test_shards_that_do_not_exist_are_refused(tmp_path: Path) -> None:
    demo = Demo(tmp_path)
    try:
        demo.launch("run", "--shard-ids", "99")
        assert await demo.ended(5) in {2, 78}
    finally:
        demo.close()
