"""Signing in: a key is asked for once, opens a session, and is kept nowhere; and what is left of one's limits."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
from playwright.async_api import Browser, FilePayload, Page, expect

from tests.harness.api import Api
from tests.harness.cluster import Cluster
from tests.page.visiting import (
    CUT,
    NOW,
    Site,
    answered,
    body,
    box,
    button,
    conversation_of,
    numbered,
    say,
    status,
)

pytestmark = pytest.mark.asyncio(loop_scope="session")

KEY, HIS = "a-key-of-hers", "a-key-of-his"
LIMITS = "[default]\nrequests_per_minute = 1\nburst = 2\nmax_tokens = 4000\n"


@pytest.fixture
def files(tmp_path: Path) -> dict[str, str]:
    keys, limits = tmp_path / "keys", tmp_path / "limits"
    keys.write_text(
        "".join(f"{name} {hashlib.sha256(key.encode()).hexdigest()}\n" for name, key in (("ada", KEY), ("bob", HIS)))
    )
    limits.write_text(LIMITS)
    return {"api_keys_file": str(keys), "limits_file": str(limits)}


async def test_a_server_that_wants_a_key_asks_for_it(browser: Browser, files: dict[str, str]) -> None:
    async with Cluster(**files, titles=0) as cluster:
        api = Api(cluster, key=KEY)
        site = Site(cluster, browser, api)
        # What was refused had begun in the conversation, and never was.
        site.allow(status(401), status(403), status(404), status(429), CUT)
        page = await site.visit()
        door = page.get_by_role("form", name="Sign in")
        key = door.get_by_label("Key or token")
        await expect(key).to_be_focused()
        await expect(page.locator("#ideas")).to_be_hidden()
        words, slowly = numbered(80, rate=40)
        await say(page, "Let me in", slowly)
        await expect(key).to_be_focused()
        await key.fill("no key")
        await button(door, "Sign in").click()
        await expect(door.get_by_role("alert")).to_contain_text("look like a key")
        await key.fill("another-key")
        await button(door, "Sign in").click()
        await expect(door.get_by_role("alert")).to_contain_text("valid here.")
        await key.fill(KEY)
        await button(door, "Sign in").click()
        await expect(door).to_be_hidden()
        await runs_out(page, site)  # what was asked for goes on by itself
        assert (await body(page).inner_text()).split() == words
        kept = await page.evaluate("JSON.stringify([document.cookie, {...localStorage}, {...sessionStorage}])")
        assert KEY not in kept
        await page.reload()
        await answered(page)
        await api.submit(f"The second one in this minute [[sim: {NOW}]]")
        await button(page, "Regenerate").click()
        await expect(page.locator("#notice")).to_contain_text("reached your limit of 1 requests a minute.")
        await signs_out(page)

        other = await site.visit(conversation_of(page))
        await other.get_by_label("Key or token").fill(KEY)
        await other.get_by_label("Key or token").press("Enter")
        await answered(other)
        await is_another_s(other)

        before = await site.context()  # a page of before has kept the key
        kept = json.dumps({"key": KEY, "theme": "dark"})
        await before.add_init_script(f"localStorage.length || localStorage.setItem('keepstream.settings', {kept!r})")
        old = await site.visit(conversation_of(page), context=before)
        await answered(old)
        assert KEY not in await old.evaluate("JSON.stringify({...localStorage})")
        await expect(old.locator("html")).to_have_attribute("data-theme", "dark")
        await another_signs_in(site, conversation_of(page))
        await site.leave()
        await api.close()


async def another_signs_in(site: Site, chat: str) -> None:
    """After her session ran out, at her browser: he finds nothing of hers, and nothing of hers is done in his name."""
    context = await site.context()
    page = await site.visit(chat, context=context)
    await page.get_by_label("Key or token").fill(KEY)
    await page.get_by_label("Key or token").press("Enter")
    await answered(page)
    await button(page, "Settings").click()
    await page.get_by_label("System prompt for new chats").fill("Hers")
    await button(page, "Save").click()
    second = await site.visit(context=context)
    await box(second).fill("Not for him")
    await context.clear_cookies()
    before = await site.messages(page)
    await say(page, "In her name alone")
    await page.get_by_label("Key or token").fill(HIS)
    async with second.expect_navigation():
        await page.get_by_label("Key or token").press("Enter")
    await expect(page.locator("#gone")).to_contain_text("available to you")
    await expect(page.get_by_role("article")).to_have_count(0)
    for tab in (page, second):
        await expect(box(tab)).to_have_value("")
    await expect(page.locator("#conversations a")).to_have_count(0)
    assert await site.messages(page) == before
    assert "Hers" not in await page.evaluate("JSON.stringify({...localStorage})")
    await button(page, "Settings").click()
    await button(page.get_by_role("dialog", name="Settings"), "Sign out").click()
    await expect(second.get_by_role("form", name="Sign in")).to_be_visible()


async def signs_out(page: Page) -> None:
    """And is a stranger again."""
    await page.locator("input[type=file]").set_input_files(FilePayload(name="a.md", mimeType="", buffer=b"# Mine"))
    await box(page).fill("Not for whoever comes next")
    await page.wait_for_function("() => 'keepstream.draft-files' in localStorage")
    await button(page, "Settings").click()
    await expect(page.locator("#remaining")).to_contain_text("0 of 1 requests a minute are left, all of them at ")
    await button(page.get_by_role("dialog", name="Settings"), "Sign out").click()
    await expect(page.get_by_role("form", name="Sign in")).to_be_visible()
    assert (await page.context.cookies(), await page.evaluate("localStorage.length")) == ([], 0)
    assert await page.evaluate("indexedDB.databases()") == []
    await expect(box(page)).to_have_value("")


async def runs_out(page: Page, site: Site) -> None:
    """In the middle of an answer, while something is being typed: it goes on at the byte, and nothing is lost."""
    await expect(body(page)).to_contain_text("w5 ")
    await box(page).fill("typed meanwhile")
    await page.context.clear_cookies()
    site.cluster.front_proxies[0].reset()
    key = page.get_by_label("Key or token")
    await expect(key).to_be_visible()
    await expect(box(page)).to_be_focused()
    await key.fill(KEY)
    await key.press("Enter")
    await answered(page)
    await expect(box(page)).to_have_value("typed meanwhile")
    await box(page).fill("")


async def is_another_s(page: Page) -> None:
    """Whose link it is not is not told that it was deleted."""
    mine = conversation_of(page)
    await page.evaluate("location.hash = 'cv_' + '0'.repeat(32)")
    gone = page.locator("#gone")
    await expect(gone).to_contain_text("available to you. It may belong to another account")
    await expect(gone.get_by_role("link", name="New chat")).to_be_visible()
    await page.evaluate("(mine) => (location.hash = mine)", mine)
    await answered(page)
    await page.evaluate("location.hash = 'cv_' + '0'.repeat(32)")
    await button(gone, "Use another account").click()
    await expect(page.get_by_role("form", name="Sign in")).to_be_visible()
