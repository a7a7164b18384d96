"""Keys change while the bot runs; what cannot be read changes nothing, and is said once."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from app.core.clock import Manual
from app.core.errors import SettingsError
from app.core.settings import Settings, load
from app.ops.reload import Reload, files
from tests.support.wait import turns

ENDPOINT = {"MODEL_BASE_URL": "http://models.example/v1"}


class Watch:
    """A file of keys, and what became of it."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "keys"
        self.path.write_text("sk-a")
        self.clock = Manual()
        self.seen: list[list[str]] = []
        self.said: list[str] = []
        environ = {**ENDPOINT, "MODEL_API_KEYS_FILE": "keys"}
        self.reload = Reload(
            lambda: load(environ, folder), self.apply, self.clock, lambda: files(environ, folder), self.said.append
        )

    async def apply(self, settings: Settings) -> None:
        self.seen.append([key.secret.get_secret_value() for key in settings.model_api_keys])

    async def seconds(self, count: int) -> None:
        for _ in range(count):
            await self.clock.advance(1.0)
            await turns(20)


@pytest.fixture
async def watch(tmp_path: Path) -> AsyncIterator[Watch]:
    watch = Watch(tmp_path)
    task = asyncio.create_task(watch.reload.run())
    await turns(20)
    yield watch
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


async def test_a_changed_file_is_read_within_two_seconds_and_once(watch: Watch) -> None:
    await watch.seconds(3)
    assert not watch.seen
    watch.path.write_text("sk-a,sk-new;300r/hour")
    await watch.seconds(2)
    assert watch.seen == [["sk-a", "sk-new"]]
    await watch.seconds(5)
    assert len(watch.seen) == 1


async def test_a_file_that_is_put_in_anothers_place_is_seen(watch: Watch, tmp_path: Path) -> None:
    (tmp_path / "new").write_text("sk-b")
    (tmp_path / "new").replace(watch.path)
    await watch.seconds(3)
    assert watch.seen == [["sk-b"]]


async def test_a_file_that_is_still_being_written_is_not_read(watch: Watch) -> None:
    for size in range(2, 6):
        watch.path.write_text("sk-growing"[:size] + "x" * size)
        await watch.seconds(1)
    assert not watch.seen
    await watch.seconds(1)
    assert len(watch.seen) == 1


@pytest.mark.parametrize("text", ["sk-a;300x/hour", "", None])
async def test_what_is_bad_keeps_the_old_keys_and_is_said_in_one_line(watch: Watch, text: str | None) -> None:
    if text is None:
        watch.path.unlink()
    else:
        watch.path.write_text(text)
    await watch.seconds(5)
    assert not watch.seen
    [line] = watch.said
    assert "\n" not in line
    assert "300x" not in line
    watch.path.write_text("sk-good")
    await watch.seconds(3)
    assert watch.seen == [["sk-good"]]


async def test_a_hangup_reads_again_at_once_whatever_the_file_says(watch: Watch) -> None:
    watch.reload.ask()
    await turns(20)
    assert watch.seen == [["sk-a"]]
    assert "sk-a" not in "".join(watch.said)


async def test_a_storm_of_hangups_makes_a_reload_a_second_and_the_last_is_always_obeyed(watch: Watch) -> None:
    for _ in range(400):
        watch.reload.ask()
        await turns(3)
    assert (len(watch.seen), len(watch.said)) == (1, 1)
    watch.path.write_text("sk-last")
    watch.reload.ask()
    await watch.seconds(1)
    assert watch.seen == [["sk-a"], ["sk-last"]]
    await watch.seconds(1)
    watch.reload.ask()
    await turns(20)
    assert len(watch.seen) == 3, "after a second's rest one is obeyed at once again"


async def test_keys_that_are_not_taken_over_are_said_to_be_the_old_ones(watch: Watch) -> None:
    async def refuse(settings: Settings) -> None:
        raise SettingsError(["no key is set any more for a.test"])

    watch.reload.apply = refuse
    watch.reload.ask()
    await turns(20)
    assert watch.said == ["the keys were not read again, the old ones stay: no key is set any more for a.test"]


async def test_without_files_only_a_hangup_reads(tmp_path: Path) -> None:
    seen, clock = [], Manual()

    async def apply(settings: Settings) -> None:
        seen.append(settings)

    reload = Reload(lambda: load(ENDPOINT, tmp_path), apply, clock)
    task = asyncio.create_task(reload.run())
    await turns(5)
    assert not clock.sleeping
    reload.ask()
    await turns(20)
    assert len(seen) == 1
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


async def test_a_file_that_may_not_be_read_is_a_bad_one(watch: Watch) -> None:
    def forbidden() -> Settings:
        raise SettingsError(["MODEL_API_KEYS_FILE=keys: cannot be read: Permission denied"])

    watch.reload.read = forbidden
    os.utime(watch.path, (1, 1))
    await watch.seconds(3)
    [line] = watch.said
    assert "Permission denied" in line


async def test_a_changed_file_of_fallbacks_is_read_and_a_bad_one_is_told_without_its_keys(tmp_path: Path) -> None:
    path, clock = tmp_path / "others", Manual()
    seen: list[list[str]] = []
    said: list[str] = []
    path.write_text('[{"name": "m", "keys": "sk-old"}]')
    environ = {**ENDPOINT, "MODEL_FALLBACKS_FILE": "others"}

    async def apply(settings: Settings) -> None:
        seen.append([key.secret.get_secret_value() for key in settings.model_fallbacks[0].keys])

    reload = Reload(lambda: load(environ, tmp_path), apply, clock, lambda: files(environ, tmp_path), said.append)
    task = asyncio.create_task(reload.run())
    await turns(20)
    for text in ('[{"keys": "sk-hunter2"}]', '[{"name": "m", "keys": "sk-new"}]'):
        path.write_text(text)
        for _ in range(3):
            await clock.advance(1.0)
            await turns(20)
    task.cancel()
    assert seen == [["sk-new"]]
    assert [line.partition(";")[0] for line in said] == [
        "the keys were not read again, the old ones stay: MODEL_FALLBACKS: entry 1: needs base_url or name",
        "the keys were read again: 0, and 1 of the fallbacks",
    ]
    assert "hunter2" not in "".join(said)


async def test_a_file_that_the_settings_name_only_now_is_watched_from_now_on(tmp_path: Path) -> None:
    seen, clock = [], Manual()

    async def apply(settings: Settings) -> None:
        seen.append([key.secret.get_secret_value() for key in settings.model_api_keys])

    reload = Reload(lambda: load(ENDPOINT, tmp_path), apply, clock, lambda: files({}, tmp_path))
    task = asyncio.create_task(reload.run())
    await turns(20)
    (tmp_path / "keys").write_text("sk-a")
    (tmp_path / ".env").write_text("MODEL_API_KEYS_FILE=keys")
    reload.ask()
    await turns(20)
    (tmp_path / "keys").write_text("sk-b,sk-c")
    for _ in range(3):
        await clock.advance(1.0)
        await turns(20)
    task.cancel()
    assert (seen[0], seen[-1]) == (["sk-a"], ["sk-b", "sk-c"])


def test_the_files_are_those_of_the_environment_and_of_dotenv(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("MODEL_API_KEY_FILE=secret/key\n")
    assert files({}, tmp_path) == (tmp_path / "secret/key",)
    given = {"MODEL_API_KEYS_FILE": " keys ", "MODEL_FALLBACKS_FILE": "others"}
    assert files(given, Path("run")) == (Path("run/keys"), Path("run/others"))
    assert files({"MODEL_API_KEYS": "sk-a"}, Path("run")) == ()
