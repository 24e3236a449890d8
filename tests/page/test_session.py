"""Signing in: a key is asked for once, opens a session, and is kept nowhere; and what is left of one's limits."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, expect

from tests.harness.api import Api
from tests.harness.cluster import Cluster
from tests.page.visiting import NOW, Site, answered, button, conversation_of, say, status

pytestmark = pytest.mark.asyncio(loop_scope="session")

KEY = "a-key-of-hers"
LIMITS = "[default]\nrequests_per_minute = 1\nburst = 2\nmax_tokens = 4000\n"


@pytest.fixture
def files(tmp_path: Path) -> dict[str, str]:
    keys, limits = tmp_path / "keys", tmp_path / "limits"
    keys.write_text(f"ada {hashlib.sha256(KEY.encode()).hexdigest()}\n")
    limits.write_text(LIMITS)
    return {"api_keys_file": str(keys), "limits_file": str(limits)}


async def test_a_server_that_wants_a_key_asks_for_it(browser: Browser, files: dict[str, str]) -> None:
    async with Cluster(**files) as cluster:
        api = Api(cluster, key=KEY)
        site = Site(cluster, browser, api)
        # What was refused had begun in the conversation, and never was.
        site.allow(status(401), status(403), status(404), status(429))
        page = await site.visit()
        dialog = page.get_by_role("dialog", name="Sign in")
        await button(dialog, "Not now").click()
        await expect(page.get_by_role("navigation", name="Chats").get_by_text("Sign in to continue.")).to_be_visible()
        await say(page, "Let me in", NOW)
        await dialog.get_by_label("Key or token").fill("no key")
        await button(dialog, "Sign in").click()
        await expect(dialog.get_by_role("alert")).to_contain_text("A key has only")
        await dialog.get_by_label("Key or token").fill("another-key")
        await button(dialog, "Sign in").click()
        await expect(dialog.get_by_role("alert")).to_have_text("This server does not know that key.")
        await dialog.get_by_label("Key or token").fill(KEY)
        await button(dialog, "Sign in").click()
        await expect(dialog).to_be_hidden()
        await answered(page)  # what was asked for goes on by itself
        kept = await page.evaluate("JSON.stringify([document.cookie, {...localStorage}, {...sessionStorage}])")
        assert KEY not in kept
        await page.reload()
        await answered(page)
        await api.submit(f"The second one in this minute [[sim: {NOW}]]")
        await button(page, "Regenerate").click()
        await expect(page.locator("#notice")).to_contain_text("reached your limit of 1 requests a minute.")
        await signs_out(page)

        other = await site.visit(conversation_of(page))
        await other.get_by_label("Key or token").press("Escape")
        await expect(other.locator("#gone").get_by_text("Sign in to continue.")).to_be_visible()
        await button(other.locator("#gone"), "Sign in").click()
        await other.get_by_label("Key or token").fill(KEY)
        await other.get_by_label("Key or token").press("Enter")
        await answered(other)

        before = await site.context()  # a page of before has kept the key
        kept = json.dumps({"key": KEY, "theme": "dark"})
        await before.add_init_script(f"localStorage.length || localStorage.setItem('keepstream.settings', {kept!r})")
        old = await site.visit(conversation_of(page), context=before)
        await answered(old)
        assert KEY not in await old.evaluate("JSON.stringify({...localStorage})")
        await expect(old.locator("html")).to_have_attribute("data-theme", "dark")
        await site.leave()
        await api.close()


async def signs_out(page: Page) -> None:
    """And is a stranger again."""
    await button(page, "Settings").click()
    await expect(page.locator("#remaining")).to_contain_text("0 of 1 requests a minute are left, all of them at ")
    await button(page.get_by_role("dialog", name="Settings"), "Sign out").click()
    await expect(page.get_by_role("dialog", name="Sign in")).to_be_visible()
    assert (await page.context.cookies(), await page.evaluate("localStorage.length")) == ([], 0)
