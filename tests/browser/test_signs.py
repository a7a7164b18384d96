"""What the page says without being asked: who commands, what is new, what a quoted message says by now."""

import pytest
from playwright.async_api import Page, expect

from simulator.seed import HIKERS
from simulator.server import Simulator
from tests.browser.conftest import COMMANDS, Bot, Open
from tests.browser.test_talk import met, said, say

pytestmark = [pytest.mark.browser, pytest.mark.timeout(30)]
ADA, LINUS = 1001, 1003
LONG = "\n".join(f"line {number}" for number in range(60))


async def tags(page: Page) -> dict[str, list[str]]:
    """The words beside the names in the picker of who speaks."""
    people = page.locator("#speaker .person")
    shown = [await people.nth(at).locator(".title, .tag").all_inner_texts() for at in range(await people.count())]
    return {name: words for name, *words in shown}


async def test_who_commands_is_marked_in_the_picker_and_in_groups(
    simulator: Simulator, bot: Bot, open_page: Open
) -> None:
    simulator.tags[ADA] = "operator"
    page = await open_page()
    await expect(page.locator("#speaker .speaker .tag")).to_have_text("operator")
    await page.locator("#speaker .speaker").click()
    assert await tags(page) == {
        "Ada Lovelace": ["operator"],
        "Grace Hopper": [],
        "Linus Torvalds": [],
        "Margaret Hamilton": [],
    }
    await page.get_by_role("link", name="Weekend hikers").click()
    await page.locator("#speaker .speaker").click()
    marked = await tags(page)
    assert (marked["Ada Lovelace"], marked["Grace Hopper"]) == (["operator", "admin"], ["owner"])
    name = page.locator("#speaker .speaker .title")
    assert await name.evaluate("(name) => name.scrollWidth <= name.clientWidth"), "beside both there is room for a name"
    grace = await open_page(f"#as=1002&chat={HIKERS}")
    await say(grace, "Good morning")
    await expect(said(page, "Good morning").locator(".name .tag")).to_have_text("owner")


async def test_a_menu_for_one_person_alone_completes_for_that_person_alone(bot: Bot, open_page: Open) -> None:
    menu = [{"command": name, "description": name} for name in (*COMMANDS, "pause", "resume")]
    await bot.call("setMyCommands", commands=menu, scope={"type": "chat", "chat_id": ADA})
    for place, count in ((f"#as={ADA}", 5), (f"#as={ADA}&chat={HIKERS}", 3), (f"#as={LINUS}", 3)):
        page = await open_page(place)
        await page.get_by_label("Message", exact=True).press_sequentially("/")
        await expect(page.get_by_role("option")).to_have_count(count)


async def test_a_quote_follows_the_message_it_quotes(bot: Bot, open_page: Open) -> None:
    page = await open_page()
    await say(page, "First words")
    answer = said(page, "You said: First words")
    await expect(answer.locator(".quote-text")).to_have_text("First words")
    await answer.hover()
    await answer.get_by_role("button", name="Reply", exact=True).click()
    sent = int(await answer.get_attribute("data-id") or 0)
    await bot.call("editMessageText", chat_id=ADA, message_id=sent, text="You said something")
    await expect(page.locator(".strip .quote-text")).to_have_text("You said something")
    await page.keyboard.press("Escape")
    await page.keyboard.press("ArrowUp")
    await page.keyboard.press("Control+a")
    await page.keyboard.type("Other words")
    await page.keyboard.press("Enter")
    await expect(page.locator("article.theirs .quote-text")).to_have_text("Other words")


async def test_what_others_wrote_meanwhile_stands_below_a_line_where_one_goes_on_reading(
    bot: Bot, open_page: Open
) -> None:
    page = await open_page()
    person = await met(page)
    await page.get_by_role("link", name="Weekend hikers").click()
    for text in ("News", LONG):
        await bot.call("sendMessage", chat_id=person, text=text)
    await page.locator("a.chat", has_text="line 0").click()
    line = page.locator(".unread-line")
    await expect(line).to_be_in_viewport()
    await expect(line.locator(".pill")).to_have_text("New messages")
    await expect(said(page, "News")).to_be_in_viewport()
    wide, pill = await line.bounding_box(), await line.locator(".pill").bounding_box()
    assert wide is not None
    assert pill is not None
    assert pill["width"] < wide["width"] / 2


async def test_a_chat_in_which_only_answers_came_opens_at_its_end(bot: Bot, open_page: Open) -> None:
    page = await open_page()
    person = await met(page)
    await page.get_by_role("link", name="Weekend hikers").click()
    for text in ("An answer", LONG):
        await bot.call("sendMessage", chat_id=person, text=text, reply_parameters={"message_id": 1})
    await page.locator("a.chat", has_text="line 0").click()
    await expect(said(page, LONG.splitlines()[-1])).to_be_visible()
    await expect(page.locator(".unread-line")).to_have_count(0)
    await expect(page.locator("#down")).to_be_hidden()
    left = "(box) => box.scrollHeight - box.scrollTop - box.clientHeight"
    assert await page.locator("#scroll").evaluate(left) < 2
