"""Files, albums, places, stickers, reactions, buttons, quotes; deleting and forwarding; ruling a group."""

import re

import pytest
from playwright.async_api import FilePayload, Locator, Page, expect

from simulator.client import Someone, Upload
from simulator.seed import HIKERS
from simulator.server import Simulator
from tests.browser.conftest import Bot, Open
from tests.browser.test_talk import met, said, say
from tests.unit.simulator.test_media import png

pytestmark = [pytest.mark.browser, pytest.mark.timeout(30)]
ADA, GRACE = 1001, 1002
PASTE = """(bytes) => {
  const file = new File([new Uint8Array(bytes)], "pasted.png", { type: "image/png" });
  const clipboardData = new DataTransfer();
  clipboardData.items.add(file);
  document.querySelector("#field").dispatchEvent(new ClipboardEvent("paste", { clipboardData, bubbles: true }));
}"""


async def tool(row: Locator, name: str) -> None:
    """Presses one of the buttons beside a message."""
    await row.hover()
    await row.get_by_role("button", name=name, exact=True).click()


async def attach(page: Page, what: str, *files: tuple[str, str, bytes]) -> None:
    await page.get_by_role("button", name="Attach").click()
    async with page.expect_file_chooser() as choosing:
        await page.get_by_role("menuitem", name=what).click()
    chooser = await choosing.value
    await chooser.set_files([FilePayload(name=name, mimeType=mime, buffer=body) for name, mime, body in files])


async def heard(bot: Bot, page: Page) -> int:
    """Speaks once so that the bot may write, and stops it from answering; returns the person."""
    person = await met(page)
    await bot.leave()
    return person


async def test_several_photos_are_sent_as_one_album_and_stand_in_a_grid(
    bot: Bot, open_page: Open, simulator: Simulator
) -> None:
    page = await open_page()
    await heard(bot, page)
    await attach(page, "Photo or video", *((f"{n}.png", "image/png", png(60 + n, 40)) for n in range(3)))
    await expect(page.locator(".tray .item")).to_have_count(3)
    await say(page, "From the garden")
    album = said(page, "From the garden")
    await expect(album.locator(".album.of-3 img")).to_have_count(3)
    await expect(album.locator(".mark")).to_have_attribute("aria-label", "Sent")
    await expect(album.locator('img[src^="/chat/file/"]')).to_have_count(3)
    assert await album.locator("img").evaluate_all("(all) => all.every((one) => one.complete && one.naturalWidth > 0)")
    messages = [update["message"] for update in await bot.call("getUpdates", timeout=5) if "photo" in update["message"]]
    assert [one.get("caption") for one in messages] == ["From the garden", None, None]
    assert len({one["media_group_id"] for one in messages}) == 1
    assert [size["width"] for size in messages[0]["photo"]] == [60, 60]
    assert {file.mime for file in simulator.world.files.values()} == {"image/jpeg"}


async def test_an_album_that_comes_in_pieces_grows_together(bot: Bot, open_page: Open, simulator: Simulator) -> None:
    page = await open_page(f"#as={ADA}&chat={HIKERS}")
    async with Someone(simulator.page_url, GRACE) as grace:
        pictures = [Upload(png(), f"{n}.png", "image/png", "photo") for n in range(2)]
        await grace.send(pictures, "Look", str(HIKERS), apart_ms=200)
    await expect(said(page, "Look").locator(".album img")).to_have_count(2)
    await expect(page.locator("article")).to_have_count(1)


async def test_a_picture_may_be_pasted_and_left_out_again(bot: Bot, open_page: Open) -> None:
    page = await open_page()
    await expect(page.get_by_role("heading", name="Lanekeeper")).to_be_visible()
    send = page.get_by_role("button", name="Send", exact=True)
    await page.evaluate(PASTE, list(png()))
    await expect(page.locator(".tray img")).to_be_visible()
    await expect(send).to_be_enabled()
    await page.get_by_role("button", name="Leave out pasted.jpg").click()
    await expect(page.locator(".tray")).to_be_hidden()
    await expect(send).to_be_disabled()
    await page.evaluate(PASTE, list(png()))
    await send.click()
    await expect(page.locator("article .photo img")).to_have_count(1)


async def test_a_file_a_voice_message_and_a_place_are_shown_as_such(
    bot: Bot, open_page: Open, simulator: Simulator
) -> None:
    page = await open_page()
    await heard(bot, page)
    await attach(page, "File", ("report.pdf", "application/pdf", b"%PDF-1.7" + bytes(2000)))
    await say(page, "Please read")
    await expect(said(page, "Please read").locator(".file")).to_contain_text("2.0 kB")
    await expect(said(page, "Please read").locator(".file")).to_have_attribute("download", "report.pdf")
    await attach(page, "Voice or music", ("hello.ogg", "audio/ogg", b"OggS"))
    await page.get_by_role("button", name="Send", exact=True).click()
    await expect(page.locator("article .player")).to_have_count(1)
    async with Someone(simulator.page_url, ADA) as ada:
        await ada.send([Upload(b"OggS", "v.ogg", "audio/ogg", "voice", 65)])
    await expect(page.get_by_role("button", name=re.compile("^Play"))).to_have_count(2)
    await expect(page.locator(".player .time").last).to_have_text("1:05")
    voices = [one["message"] for one in await bot.call("getUpdates", timeout=5) if "voice" in one["message"]]
    assert [one["voice"]["duration"] for one in voices] == [0, 65]
    await page.get_by_role("button", name="Attach").click()
    await page.get_by_role("menuitem", name="Location").click()
    await page.get_by_role("button", name="Send", exact=True).last.click()
    await expect(page.locator("article .place")).to_contain_text("51.4779° N, 0.0015° W")


async def test_a_sticker_is_sent_with_its_emoji(bot: Bot, open_page: Open) -> None:
    page = await open_page()
    await heard(bot, page)
    await page.get_by_role("button", name="Attach").click()
    await page.get_by_role("button", name="Send the sticker 🎉").click()
    await expect(page.get_by_alt_text("Sticker 🎉")).to_be_visible()
    (sticker,) = [one["message"]["sticker"] for one in await bot.call("getUpdates") if "sticker" in one["message"]]
    assert (sticker["emoji"], sticker["width"], sticker["is_animated"]) == ("🎉", 512, False)


async def test_reactions_stand_under_the_message_and_one_gives_and_takes_them(bot: Bot, open_page: Open) -> None:
    page = await open_page()
    person = await met(page)
    mine = page.locator("article.mine").first
    number = int(await mine.get_attribute("data-id") or 0)
    eyes = [{"type": "emoji", "emoji": "👀"}]
    await bot.call("setMessageReaction", chat_id=person, message_id=number, reaction=eyes)
    await expect(mine.get_by_role("button", name="👀 by Lanekeeper")).to_be_visible()
    await tool(mine, "React")
    await page.get_by_role("button", name="React with 👀").click()
    both = mine.get_by_role("button", name="👀 by Lanekeeper, Ada Lovelace")
    await expect(both).to_have_text("👀2")
    await both.click()
    await expect(mine.get_by_role("button", name="👀 by Lanekeeper", exact=True)).to_be_visible()


async def test_the_board_of_reactions_is_seen_whole(bot: Bot, open_page: Open) -> None:
    page = await open_page(viewport={"width": 1000, "height": 700})
    person = await heard(bot, page)
    for text in ("A long line that fills its bubble. " * 5, "Below\n" * 50):
        await bot.call("sendMessage", chat_id=person, text=text)
    await expect(said(page, "Below")).to_be_visible()
    wide = said(page, "A long line")
    for width, block in ((1000, "start"), (1000, "end"), (390, "end")):
        await page.set_viewport_size({"width": width, "height": 700})
        react = wide.get_by_role("button", name="React", exact=True)
        await react.evaluate(f"(button) => {{ button.scrollIntoView({{ block: '{block}' }}); button.click(); }}")
        await expect(page.locator(".board")).to_be_in_viewport(ratio=1)
        await expect(page.get_by_role("button", name="React with 👀")).to_be_in_viewport(ratio=1)
        await page.keyboard.press("Escape")


async def test_a_pressed_button_waits_for_the_bots_answer_and_shows_it(bot: Bot, open_page: Open) -> None:
    page = await open_page()
    person = await heard(bot, page)
    keys = [[{"text": "Yes", "callback_data": "yes"}, {"text": "Read", "url": "https://example.org"}]]
    await bot.call("sendMessage", chat_id=person, text="Go on?", reply_markup={"inline_keyboard": keys})
    await expect(page.get_by_role("link", name="Read")).to_have_attribute("href", "https://example.org/")
    yes = page.get_by_role("button", name="Yes")
    await yes.click()
    await expect(yes).to_have_class(re.compile("waiting"))
    (query,) = [one["callback_query"] for one in await bot.call("getUpdates", timeout=5) if "callback_query" in one]
    await bot.call("answerCallbackQuery", callback_query_id=query["id"], text="On we go")
    await expect(page.locator("#toast")).to_have_text("On we go")
    await expect(yes).not_to_have_class(re.compile("waiting"))


async def test_selected_words_are_quoted(bot: Bot, open_page: Open) -> None:
    page = await open_page()
    await say(page, "one two three")
    answer = said(page, "You said: one two three")
    await answer.locator(".text").evaluate("""(text) => {
      const [words] = text.childNodes;
      getSelection().setBaseAndExtent(words, 14, words, 17);
    }""")
    await tool(answer, "Reply")
    await expect(page.locator(".strip")).to_contain_text("Quote Lanekeeper")
    await bot.leave()
    await say(page, "Why this one?")
    await expect(said(page, "Why this one?").locator(".quote-text")).to_have_text("two")
    (message,) = [one["message"] for one in await bot.call("getUpdates", timeout=5) if "quote" in one["message"]]
    assert message["quote"]["text"] == "two"


async def test_an_own_message_can_be_deleted_and_any_forwarded(bot: Bot, open_page: Open) -> None:
    page = await open_page()
    await say(page, "Only between us")
    await expect(said(page, "You said: Only between us")).to_be_visible()
    await tool(page.locator("article.mine").first, "Forward")
    await page.get_by_role("dialog").get_by_role("button", name="Weekend hikers").click()
    await expect(page.get_by_role("heading", name="Weekend hikers")).to_be_visible()
    await expect(page.locator("article.mine .forwarded")).to_have_text("Forwarded from Ada Lovelace")
    await tool(page.locator("article.mine").first, "Delete")
    await expect(page.locator("article")).to_have_count(0)


async def test_a_group_is_made_ruled_and_moved(bot: Bot, open_page: Open, simulator: Simulator) -> None:
    page = await open_page()
    await page.get_by_role("button", name="New group").click()
    await page.get_by_label("Name of the group").fill("Book club")
    await page.get_by_role("button", name="Make the group").click()
    await expect(page.get_by_role("heading", name="Book club")).to_be_visible()
    await expect(page.locator("article.note")).to_have_text(["Ada Lovelace created the group"])
    for entry, told in (
        ("Remove Lanekeeper", "Ada Lovelace removed Lanekeeper"),
        ("Add Lanekeeper", "Ada Lovelace added Lanekeeper"),
    ):
        await page.get_by_role("button", name="Group menu").click()
        await page.get_by_role("menuitem", name=entry).click()
        await expect(page.locator("article.note").last).to_have_text(told)
    await page.get_by_role("button", name="Group menu").click()
    await page.get_by_role("menuitem", name="Turn into a supergroup").click()
    await expect(page.locator("article.note")).to_have_text(["This group became a supergroup"])
    await expect(page.locator("a.chat", has_text="Book club")).to_have_count(1)
    assert any(chat.moved for chat in simulator.world.chats.values())


async def test_an_administrator_speaks_as_the_group_and_others_have_no_menu(bot: Bot, open_page: Open) -> None:
    page = await open_page(f"#as={ADA}&chat={HIKERS}")
    await page.get_by_role("button", name="Group menu").click()
    await page.get_by_role("menuitem", name="Speak as the group").click()
    await expect(page.get_by_placeholder("Write as Weekend hikers")).to_be_focused()
    await say(page, "Please be on time")
    await expect(said(page, "Please be on time").locator(".name")).to_contain_text("Weekend hikers")
    linus = await open_page(f"#as=1003&chat={HIKERS}")
    await expect(said(linus, "Please be on time").locator(".tag")).to_have_text("anonymous")
    await expect(linus.get_by_role("button", name="Group menu")).to_be_hidden()


async def test_the_language_of_a_person_chooses_the_menu(bot: Bot, open_page: Open) -> None:
    await bot.call("setMyCommands", commands=[{"command": "hilfe", "description": "Was ich kann"}], language_code="de")
    page = await open_page()
    await page.locator("#speaker .speaker").click()
    await page.locator("#speaker .tongue").select_option("de")
    await page.keyboard.press("Escape")
    field = page.get_by_label("Message", exact=True)
    await field.press_sequentially("/")
    await expect(page.get_by_role("option")).to_have_count(1)
    await expect(page.get_by_role("option")).to_contain_text("Was ich kann")
