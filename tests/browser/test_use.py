"""How the page is used: commands, keys alone, a phone, the dark; nothing asked of anybody else."""

import pytest
from playwright.async_api import expect

from tests.browser.conftest import Bot, Open, Watch
from tests.browser.test_talk import met, said, say

pytestmark = [pytest.mark.browser, pytest.mark.timeout(30)]
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}


async def test_a_slash_offers_the_commands_and_completes_them(bot: Bot, open_page: Open) -> None:
    page = await open_page()
    field = page.get_by_label("Message", exact=True)
    await field.press_sequentially("/")
    await expect(page.get_by_role("option")).to_have_count(3)
    await field.press("ArrowDown")
    await field.press("Tab")
    await expect(field).to_have_value("/help ")
    await field.fill("")
    await field.press_sequentially("/ne")
    await field.press("Enter")
    await expect(field).to_have_value("/new ")
    await field.press("Enter")
    await expect(said(page, "You said: /new")).to_be_visible()
    await page.locator("article.theirs .chip", has_text="/new").click()
    await expect(said(page, "You said: /new")).to_have_count(2)


async def test_everything_can_be_done_with_keys_alone(bot: Bot, open_page: Open) -> None:
    page = await open_page()
    await expect(page.get_by_role("heading", name="Lanekeeper")).to_be_visible()
    await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("Enter")
    await expect(page.locator("#speaker .title").first).to_have_text("Grace Hopper")
    await expect(page.get_by_label("Message", exact=True)).to_be_focused()
    await page.keyboard.type("First\nline")
    await expect(said(page, "First")).to_have_count(2)
    await page.keyboard.press("Control+a")
    await page.keyboard.press("Delete")
    await page.keyboard.press("ArrowUp")
    await expect(page.locator(".strip")).to_contain_text("Edit message")
    await page.keyboard.type(", edited")
    await page.keyboard.press("Enter")
    await expect(said(page, "First, edited").locator(".meta")).to_contain_text("edited")
    await page.keyboard.press("Shift+Tab")
    await page.keyboard.press("Shift+Tab")
    await page.keyboard.press("Shift+Tab")
    await expect(page.locator("#log :focus")).to_have_count(1)


async def test_a_reply_is_chosen_by_mouse_or_key_and_left_with_escape(bot: Bot, open_page: Open) -> None:
    page = await open_page()
    await say(page, "Tell me")
    answer = said(page, "You said: Tell me")
    await answer.hover()
    await answer.get_by_role("button", name="Reply", exact=True).click()
    await expect(page.locator(".strip")).to_contain_text("Reply to Lanekeeper")
    await page.keyboard.press("Escape")
    await expect(page.locator(".strip")).to_be_hidden()
    await answer.focus()
    await page.keyboard.press("Enter")
    await page.keyboard.type("More")
    await page.keyboard.press("Enter")
    mine = page.locator("article.mine").filter(has_text="More")
    await expect(mine.locator(".quote")).to_contain_text("You said: Tell me")


async def test_a_phone_shows_list_and_conversation_one_at_a_time(bot: Bot, open_page: Open) -> None:
    page = await open_page(**PHONE)
    await page.get_by_role("link", name="Lanekeeper").first.tap()
    await expect(page.locator("#chats")).to_be_hidden()
    await page.get_by_role("button", name="Start", exact=True).tap()
    await expect(said(page, "You said: /start")).to_be_visible()
    wide = await page.evaluate("document.documentElement.scrollWidth")
    assert wide <= 390
    await page.get_by_role("button", name="Back to the chats").tap()
    await expect(page.locator("#chats")).to_be_visible()
    await expect(page.locator("#conversation")).to_be_hidden()
    await page.go_back()
    await expect(page.locator("#conversation")).to_be_visible()


async def test_who_reads_above_is_not_torn_down_but_told_how_much_came(bot: Bot, open_page: Open) -> None:
    page = await open_page()
    person = await met(page)
    for number in range(60):
        await bot.call("sendMessage", chat_id=person, text=f"Line {number}")
    await expect(said(page, "Line 59")).to_be_in_viewport()
    await page.reload()
    await expect(page.locator("article")).to_have_count(50)
    await page.locator("#scroll").evaluate("(box) => { box.scrollTop = 0 }")
    await expect(page.locator("article")).to_have_count(62)
    await bot.call("sendMessage", chat_id=person, text="News")
    await expect(page.locator("#down .badge")).to_have_text("1")
    await expect(said(page, "News")).not_to_be_in_viewport()
    await page.locator("#down").click()
    await expect(said(page, "News")).to_be_in_viewport()
    await expect(page.locator("#down")).to_be_hidden()


async def test_a_new_person_can_come_and_talk(bot: Bot, open_page: Open) -> None:
    page = await open_page()
    await page.locator("#speaker .speaker").click()
    await page.locator("#speaker .person-name").fill("Zoë Müller")
    await page.keyboard.press("Enter")
    await expect(page.locator("#speaker .title").first).to_have_text("Zoë Müller")
    await say(page, "Hello, I am new")
    await expect(said(page, "You said: Hello, I am new")).to_be_visible()


async def test_the_page_follows_the_dark_and_asks_nobody_else(bot: Bot, open_page: Open, watch: Watch) -> None:
    light, dark = await open_page(color_scheme="light"), await open_page(color_scheme="dark")
    colours = [await page.evaluate("getComputedStyle(document.body).backgroundColor") for page in (light, dark)]
    assert colours == ["rgb(255, 255, 255)", "rgb(23, 33, 43)"]
    await say(dark, "https://example.org")
    await expect(said(dark, "You said: https://example.org")).to_be_visible()
    assert (watch.foreign, watch.console) == ([], [])
