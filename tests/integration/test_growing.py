"""Answers that grow, on the whole way from the model to people's phones, with a Telegram that keeps its limits."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from app.core import words
from app.outbox.display import GOES_ON
from tests.support.demo import HIKERS, Demo
from tests.support.wait import until

COUNT = "count to 300"  # the offline model takes six seconds for that
ENDLESS = {"pace_global_per_second": 30, "user_messages_per_minute": 0}


def whole(text: str) -> bool:
    return "299 300" in text


async def test_an_answer_grows_in_one_message_that_replies_to_its_question(tmp_path: Path) -> None:
    demo = await Demo(tmp_path, stream="edit").start()
    async with demo.someone() as ada:
        asked = await ada.say(COUNT)
        first = await ada.answer(asked)
        assert re.fullmatch(r"(\d+ )+…", first["text"])
        seen = [first["text"]]

        def grown() -> bool:
            (now,) = ada.answers(asked)
            if now["text"] != seen[-1]:
                seen.append(now["text"])
            return whole(now["text"])

        await ada.until(grown, 15, "the end")
    assert len(seen) > 3
    assert all(seen[-1].startswith(text.removesuffix(GOES_ON)) for text in seen)
    demo.close()


async def test_a_draft_is_stopped_by_its_button_and_kept(tmp_path: Path) -> None:
    demo = await Demo(tmp_path, stream="draft").start()
    async with demo.someone() as ada:
        asked = await ada.say(COUNT)
        await ada.until(lambda: bool(ada.drafts.get("1001")), 10, "a draft")
        draft: Any = ada.drafts["1001"]
        assert draft["can_stop"]
        await ada.stop()
        answer = await ada.answer(asked)
    kept = answer["text"].removesuffix(words.STOPPED_HERE()).rstrip()
    assert answer["text"].endswith(words.STOPPED_HERE())
    assert kept.startswith(draft["text"][:20])
    assert not whole(kept)
    demo.close()


async def test_people_of_a_busy_group_all_get_their_answer_whole_and_as_a_reply(tmp_path: Path) -> None:
    demo = await Demo(tmp_path, stream="edit", group_mode="always", lane_scope="member", **ENDLESS).start()
    async with demo.someone(1001) as ada, demo.someone(1002) as grace, demo.someone(1003) as linus:
        asked = [await who.say(COUNT, HIKERS) for who in (ada, grace, linus) for _ in range(2)]

        def done() -> bool:
            return all(any(whole(one["text"]) for one in ada.answers(each)) for each in asked)

        await until(done, seconds=58, what="six answers")
        assert [len(ada.answers(each)) for each in asked] == [1] * 6
    demo.close()
