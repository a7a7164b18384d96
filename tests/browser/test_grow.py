"""Answers that grow: edits in place without flicker, the end that stays in sight, drafts and their Stop button."""

import asyncio
import re
from typing import Any

import pytest
from playwright.async_api import Page, expect

from simulator.seed import FORUM, HIKERS
from tests.browser.conftest import Bot, Open
from tests.browser.test_talk import met, said, say

pytestmark = [pytest.mark.browser, pytest.mark.timeout(30)]
ADA = 1001
LINES = "\n".join(f"line {number}" for number in range(40))
FROM_END = "(box) => box.scrollHeight - box.scrollTop - box.clientHeight"


async def from_end(page: Page) -> float:
    return float(await page.locator("#scroll").evaluate(FROM_END))


async def stopped(bot: Bot) -> dict[str, Any]:
    """The next press of Stop that the bot hears of."""
    offset = 0
    while True:
        for update in await bot.call(
            "getUpdates", offset=offset, timeout=5, allowed_updates=["message", "stopped_message_generation"]
        ):
            offset = update["update_id"] + 1
            if "stopped_message_generation" in update:
                return dict(update["stopped_message_generation"])


async def test_a_text_that_grows_keeps_its_elements_and_the_end_in_sight(bot: Bot, open_page: Open) -> None:
    page = await open_page()
    person = await met(page)
    bold = [{"type": "bold", "offset": 0, "length": 5}]
    number = (await bot.call("sendMessage", chat_id=person, text="Bold at first", entities=bold))["message_id"]
    row = page.locator(f'article[data-id="{number}"]')
    await row.evaluate("(row) => { row.marked = row.querySelector('strong').marked = true; }")
    for end in range(10, 41, 10):
        text = "Bold at first\n" + "\n".join(LINES.splitlines()[:end])
        await bot.call("editMessageText", chat_id=person, message_id=number, text=text, entities=bold)
        await expect(row).to_contain_text(f"line {end - 1}")
        assert await from_end(page) < 3
    assert await row.evaluate("(row) => row.marked && row.querySelector('strong').marked")


async def test_who_reads_above_is_left_there_while_an_answer_grows_below(bot: Bot, open_page: Open) -> None:
    page = await open_page()
    person = await met(page)
    number = (await bot.call("sendMessage", chat_id=person, text=LINES))["message_id"]
    await expect(said(page, "line 39")).to_be_visible()
    await page.locator("#scroll").evaluate("(box) => { box.scrollTop = 40 }")
    await expect(page.locator("#down")).to_be_visible()
    await bot.call("editMessageText", chat_id=person, message_id=number, text=f"{LINES}\nline 40\nline 41")
    await expect(said(page, "line 41")).to_have_count(1)
    assert await page.locator("#scroll").evaluate("(box) => box.scrollTop") == 40


async def test_a_selection_and_an_open_spoiler_survive_an_edit(bot: Bot, open_page: Open) -> None:
    page = await open_page()
    person = await met(page)
    entities = [
        {"type": "spoiler", "offset": 4, "length": 6},
        {"type": "expandable_blockquote", "offset": 11, "length": 5},
    ]
    number = (await bot.call("sendMessage", chat_id=person, text="The secret is so", entities=entities))["message_id"]
    await page.locator(".spoiler").click()
    await page.evaluate("() => getSelection().selectAllChildren(document.querySelector('.spoiler'))")
    await bot.call(
        "editMessageText", chat_id=person, message_id=number, text="The secret is so, and more", entities=entities
    )
    await expect(said(page, "and more")).to_have_count(1)
    await expect(page.locator(".spoiler")).to_have_class(re.compile("shown"))
    assert await page.evaluate("() => getSelection().toString()") == "secret"


async def test_a_draft_grows_where_the_answer_will_stand_and_goes_with_it(bot: Bot, open_page: Open) -> None:
    page = await open_page()
    person = await met(page)
    await bot.call("sendMessageDraft", chat_id=person, draft_id=1)
    await expect(page.locator(".draft")).to_contain_text("Thinking…")
    code = [{"type": "pre", "offset": 6, "length": 5, "language": "python"}]
    await bot.call("sendMessageDraft", chat_id=person, draft_id=1, text="Like: x = 1", entities=code)
    await expect(page.locator(".draft pre")).to_have_text("x = 1")
    await expect(page.locator(".draft .stop")).to_be_hidden()
    await bot.call("sendMessage", chat_id=person, text="Like: x = 1")
    await expect(page.locator(".draft")).to_have_count(0)
    await expect(said(page, "Like: x = 1")).to_have_count(1)


async def test_a_draft_is_there_again_after_a_reload(bot: Bot, open_page: Open) -> None:
    page = await open_page()
    person = await met(page)
    await bot.call("sendMessageDraft", chat_id=person, draft_id=1, text="Half of it")
    await expect(page.locator(".draft")).to_contain_text("Half of it")
    await page.reload()
    await expect(page.locator(".draft")).to_contain_text("Half of it")


async def test_stop_takes_the_draft_away_and_the_bot_hears_of_it(bot: Bot, open_page: Open) -> None:
    page = await open_page()
    person = await met(page)
    await bot.leave()
    hearing = asyncio.create_task(stopped(bot))
    await bot.call("sendMessageDraft", chat_id=person, draft_id=9, text="It is said that", can_stop=True)
    await page.get_by_role("button", name="Stop the answer").click()
    await expect(page.locator(".draft")).to_have_count(0)
    assert (await hearing)["draft_id"] == 9


async def test_an_answer_that_grows_in_a_topic_is_a_reply_in_that_topic(bot: Bot, open_page: Open) -> None:
    page = await open_page(f"#as={ADA}&chat={FORUM}:3")
    await say(page, f"@{bot.name} what?")
    answer = said(page, "You said:")
    await expect(answer.locator(".quote")).to_contain_text("what?")
    number = int(await answer.get_attribute("data-id") or 0)
    await bot.call("editMessageText", chat_id=FORUM, message_id=number, text="You said: what? That is all")
    await expect(said(page, "That is all").locator(".quote")).to_contain_text("what?")
    await page.get_by_role("link", name="Ideas").click()
    await expect(said(page, "That is all")).to_have_count(0)
    assert HIKERS != FORUM
