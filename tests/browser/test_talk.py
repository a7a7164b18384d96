"""What people do on the page: write, wait, read the answer; alone, in a group, in a topic, after a restart."""

import re

import pytest
from playwright.async_api import Locator, Page, expect

from simulator.server import Simulator
from tests.browser.conftest import Bot, Open, Watch

pytestmark = [pytest.mark.browser, pytest.mark.timeout(30)]


async def say(page: Page, text: str) -> None:
    await page.get_by_label("Message", exact=True).fill(text)
    await page.keyboard.press("Enter")


def said(page: Page, text: str) -> Locator:
    """The bubble with this text."""
    return page.locator("article").filter(has=page.locator(".text", has_text=text))


async def met(page: Page) -> int:
    """Says the first word, which lets the bot write by itself; returns the person's id."""
    await say(page, "/start")
    await expect(said(page, "You said: /start")).to_be_visible()
    found = re.search(r"as=(\d+)", page.url)
    assert found is not None
    return int(found[1])


async def test_a_stranger_writes_and_sees_the_answer_as_a_reply(bot: Bot, open_page: Open) -> None:
    page = await open_page()
    await expect(page.get_by_role("heading", name="Lanekeeper")).to_be_visible()
    await say(page, "Is anybody there?")
    answer = said(page, "You said: Is anybody there?")
    await expect(answer.locator(".quote")).to_contain_text("Is anybody there?")
    await expect(said(page, "Is anybody there?").first).to_have_class(re.compile("mine"))
    await answer.locator(".quote").click()
    await expect(page.locator("article.flash")).to_have_count(1)


async def test_dots_show_while_the_bot_types_and_go_with_its_answer(bot: Bot, open_page: Open) -> None:
    page = await open_page()
    bot.free.clear()
    await say(page, "Think about it")
    await expect(page.locator(".dots")).to_be_visible()
    await expect(page.locator("#head")).to_contain_text("typing…")
    bot.free.set()
    await expect(said(page, "You said: Think about it")).to_be_visible()
    await expect(page.locator(".dots")).to_have_count(0)


async def test_several_people_speak_in_a_group_and_the_bot_answers_who_asked(bot: Bot, open_page: Open) -> None:
    ada, grace = await open_page(), await open_page()
    await grace.locator("#speaker .speaker").click()
    await grace.get_by_role("button", name="Grace Hopper").click()
    for page in (ada, grace):
        await page.get_by_role("link", name="Weekend hikers").click()
    await say(ada, "Who brings the map?")
    await expect(said(grace, "Who brings the map?").locator(".name")).to_contain_text("Ada Lovelace")
    await say(grace, f"@{bot.name} do you?")
    answer = said(ada, "You said: @lanekeeper_bot do you?")
    await expect(answer.locator(".quote-name")).to_have_text("Grace Hopper")
    await expect(answer.locator(".name")).to_contain_text("Lanekeeper")
    await expect(said(ada, "You said:")).to_have_count(1)


async def test_an_answer_lands_in_the_topic_it_was_asked_in(bot: Bot, open_page: Open) -> None:
    page = await open_page()
    await page.get_by_role("link", name="Questions").click()
    await say(page, f"@{bot.name} why?")
    await expect(said(page, "You said:")).to_be_visible()
    await page.get_by_role("link", name="Ideas").click()
    await expect(page.get_by_role("heading", name="Ideas")).to_be_visible()
    await expect(said(page, "opened the topic")).to_be_visible()
    await expect(said(page, "why?")).to_have_count(0)


async def test_what_is_written_elsewhere_counts_as_unread_until_it_is_opened(bot: Bot, open_page: Open) -> None:
    page = await open_page()
    person = await met(page)
    await page.get_by_role("link", name="Weekend hikers").click()
    await bot.call("sendMessage", chat_id=person, text="Good morning")
    await expect(page).to_have_title(re.compile(r"^\(1\)"))
    await page.locator("a.chat", has_text="Good morning").click()
    await expect(said(page, "Good morning")).to_be_visible()
    await expect(page).to_have_title(re.compile(r"^[^(]"))


async def test_a_change_of_the_bot_shows_in_place_and_a_deleted_message_goes(bot: Bot, open_page: Open) -> None:
    page = await open_page()
    person = await met(page)
    sent = await bot.call("sendMessage", chat_id=person, text="One")
    await expect(said(page, "One")).to_be_visible()
    await bot.call("editMessageText", chat_id=person, message_id=sent["message_id"], text="Two")
    await expect(said(page, "Two").locator(".meta")).to_contain_text("edited")
    await bot.call("deleteMessage", chat_id=person, message_id=sent["message_id"])
    await expect(said(page, "Two")).to_have_count(0)


async def test_what_people_write_is_text_and_what_the_bot_formats_is_formatted(bot: Bot, open_page: Open) -> None:
    page = await open_page()
    evil = "<img src=x onerror=alert(1)><b>no</b>"
    await say(page, evil)
    await expect(said(page, "You said:").locator(".text")).to_contain_text(evil)
    entities = [
        {"type": "bold", "offset": 3, "length": 4},
        {"type": "pre", "offset": 8, "length": 5, "language": "python"},
    ]
    await bot.call("sendMessage", chat_id=await met(page), text="🎉 bold\nx = 1", entities=entities)
    await expect(page.locator("article strong")).to_have_text("bold")
    await expect(page.locator("article pre")).to_have_text("x = 1")
    await expect(page.locator("#log img, #log b")).to_have_count(0)


async def test_a_reload_shows_the_same_person_and_conversation(bot: Bot, open_page: Open) -> None:
    page = await open_page()
    await page.locator("#composer .speaker").click()
    await page.get_by_role("button", name="Linus Torvalds").click()
    await page.get_by_role("link", name="Ideas").click()
    await say(page, "A green theme")
    await expect(said(page, "A green theme").locator(".mark")).to_have_attribute("aria-label", "Sent")
    await page.reload()
    await expect(said(page, "A green theme")).to_have_class(re.compile("mine"))
    await expect(page.get_by_role("heading", name="Ideas")).to_be_visible()


async def test_a_page_survives_a_restart_of_the_simulator(simulator: Simulator, open_page: Open, watch: Watch) -> None:
    page = await open_page()
    await say(page, "Before")
    await expect(said(page, "Before").locator(".mark")).to_have_attribute("aria-label", "Sent")
    await simulator.close()
    await expect(page.locator("#offline")).to_be_visible()
    await say(page, "Meanwhile")
    again = page.get_by_role("button", name="Send again")
    await expect(again).to_be_visible()
    await simulator.start()
    await expect(page.locator("#offline")).to_be_hidden()
    await again.click()
    await expect(said(page, "Meanwhile").locator(".mark")).to_have_attribute("aria-label", "Sent")
    await expect(page.locator("article")).to_have_count(2)
    watch.console.clear()  # the browser itself reports the refused connections
