"""The hooks of the installed package in a real browser: an app that Vite built, and one under React's strict mode."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import httpx
import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, Page, Request, Route, async_playwright, expect

from tests.app.docs.shelf import SHELF
from tests.harness.network.sse_cutter import CuttingProxy
from tests.page.visiting import CHROMIUM, launch
from tests.patience import PATIENCE
from tests.stories.clients.conftest import Up
from tests.stories.clients.javascript.conftest import Project

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(not CHROMIUM, reason="hooks are tested in a real browser: install the package chromium"),
]
PAGE = '<!doctype html><html lang="en"><title>Theirs</title><div id="root"></div>'
(THEIRS,) = (block.code for block in SHELF["clients"].blocks if block.language == "jsx")
SLOW = "Wörter 東京 👋 [[sim: tokens=90 rate=60 first=0.05]]"
BEGUN = re.compile(r".{30}", re.DOTALL)  # and no status, which is shorter
ENDLESS = "Long [[sim: tokens=6000 rate=50 first=0.05]]"


@dataclass
class Visitor:
    """A browser in which our apps stand at the address of a front; `posted` and `read` are the paths it asked for."""

    context: BrowserContext
    at: Path
    posted: list[str] = field(default_factory=list)
    read: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    async def open(self, url: str, app: str, **asked: str) -> Page:
        page = await self.context.new_page()
        page.on("request", self._asked)
        page.on("pageerror", lambda error: self.faults.append(str(error)))
        page.on("console", lambda said: self.faults.append(said.text) if said.type == "error" else None)
        await page.route("**/app/**", self._serve)
        await page.goto(f"{url}/app/{app}.html?{urlencode(asked)}")
        return page

    def _asked(self, request: Request) -> None:
        path = urlsplit(request.url).path
        if request.method == "POST":
            self.posted.append(path)
        elif path.endswith("/events"):
            self.read.append(path)

    async def _serve(self, route: Route) -> None:
        await route.fulfill(path=self.at / urlsplit(route.request.url).path.removeprefix("/app/"))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as driver:
        browser = await launch(driver)
        yield browser
        await browser.close()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def apps(project: Project) -> Path:
    """A folder with `index.html`, the app in our pages as Vite builds it, and `lab.html`, a React of development."""
    html = PAGE + '<script type="module" src="{}"></script></html>'
    (project.at / "theirs.jsx").write_text(THEIRS)
    (project.at / "index.html").write_text(html.format("/theirs.jsx"))
    await project.run("vite", "build", "--base", "/app/", "--logLevel", "warn")
    await project.run(
        *("esbuild", "lab.jsx", "--bundle", "--format=esm", "--jsx=automatic", "--outfile=dist/lab.js"),
        *('--define:process.env.NODE_ENV="development"', "--log-level=warning"),
    )
    (project.at / "dist" / "lab.html").write_text(html.format("/app/lab.js"))
    return project.at / "dist"


@pytest_asyncio.fixture(loop_scope="module")
async def visitor(browser: Browser, apps: Path) -> AsyncIterator[Visitor]:
    made = Visitor(await browser.new_context(), apps)
    yield made
    await made.context.close()
    assert made.faults == []


async def text_of(up: Up, stream: str) -> str:
    async with httpx.AsyncClient(base_url=up.url) as http:
        message = (await http.get(f"/v1/streams/{stream}/message")).json()
    return "".join(block["text"] for block in message["content"] if block["type"] == "text")


async def shown(page: Page, what: str) -> str:
    return await page.locator(what).inner_text()


async def test_an_app_of_less_than_fifteen_lines_goes_on_after_a_reload(visitor: Visitor, up: Up) -> None:
    assert len([line for line in THEIRS.splitlines() if line]) < 15
    page = await visitor.open(up.url, "index")
    await page.locator("input").fill(SLOW)
    await page.locator("input").press("Enter")
    answer = page.locator("pre")
    await expect(answer).to_have_text(BEGUN)
    stream = page.url.partition("#")[2]
    before = await answer.inner_text()
    await page.reload()
    await expect(answer).to_have_text(BEGUN)
    whole = await whole_of(up, stream)
    await expect(answer).to_have_text(whole)
    assert whole.startswith(before)
    assert visitor.posted == ["/v1/streams"]
    other = await visitor.open(up.url, "index")
    await other.evaluate("hash => { location.hash = hash; location.reload(); }", stream)
    await expect(other.locator("pre")).to_have_text(whole)


async def whole_of(up: Up, stream: str) -> str:
    """The text of a stream, once it has ended."""
    async with httpx.AsyncClient(base_url=up.url, timeout=PATIENCE) as http:
        await http.get(f"/v1/streams/{stream}/events")
    return await text_of(up, stream)


async def test_under_strict_mode_a_prompt_is_submitted_once_and_renders_are_few(visitor: Visitor, up: Up) -> None:
    page = await visitor.open(up.url, "lab", prompt="Fast [[sim: tokens=1500 rate=1000 first=0.05]]")
    await expect(page.locator("#status")).to_have_text("completed")
    lab = await page.evaluate("lab")
    assert (visitor.posted, len(visitor.read)) == (["/v1/streams"], 1)
    assert set(lab["ids"]) == {visitor.read[0].split("/")[3]}
    assert await page.locator("#text").evaluate("one => one.textContent") == await text_of(up, lab["ids"][0])
    assert (lab["statuses"][0], "writing" in lab["statuses"], lab["statuses"][-1]) == ("submitting", True, "ended")
    assert lab["renders"] < 500  # of 1,500 events
    again = await visitor.open(up.url, "lab", id=lab["ids"][0])
    await expect(again.locator("#status")).to_have_text("completed")
    assert (len(visitor.posted), len(visitor.read)) == (1, 2)


async def test_a_connection_that_is_cut_goes_on_at_the_very_byte_and_says_so(visitor: Visitor, up: Up) -> None:
    async with CuttingProxy(up.url, (3000, 4000, 3500)) as proxy:
        page = await visitor.open(proxy.url, "lab", prompt=SLOW)
        await expect(page.locator("#status")).to_have_text("completed")
        lab = await page.evaluate("lab")
    text = await page.locator("#text").evaluate("one => one.textContent")
    assert text == await text_of(up, lab["ids"][0])
    assert "reconnecting" in lab["statuses"]
    first, *others = proxy.last_event_ids()
    assert (first, len(others)) == (None, 3)
    assert any(others)  # a reset may take all that came with it, but not every cut is one
    # What the browser itself says of a connection that was reset.
    visitor.faults = [fault for fault in visitor.faults if "net::ERR_" not in fault]


async def test_what_is_hidden_lets_go_and_what_is_shown_again_or_stopped_is_told(visitor: Visitor, up: Up) -> None:
    page = await visitor.open(up.url, "lab", prompt=ENDLESS, next="Other [[sim: tokens=5 rate=0]]")
    await expect(page.locator("#text")).to_have_text(BEGUN)
    async with page.expect_event("requestfailed") as left:
        await page.get_by_role("button", name="Show or hide").click()
    assert "/events" in (await left.value).url
    await page.get_by_role("button", name="Show or hide").click()
    await expect(page.locator("#text")).to_have_text(BEGUN)
    assert visitor.posted == ["/v1/streams"]
    await page.get_by_role("button", name="Stop").click()
    await expect(page.locator("#status")).to_have_text("cancelled")
    await page.get_by_role("button", name="Next").click()
    await expect(page.locator("#status")).to_have_text("completed")
    lab = await page.evaluate("lab")
    assert len(set(lab["ids"])) == 2
    assert await page.locator("#text").evaluate("one => one.textContent") == await text_of(up, lab["ids"][-1])


async def test_what_keeps_one_waiting_is_told_with_its_seconds_and_what_failed_by_its_error(
    visitor: Visitor, up: Up
) -> None:
    page = await visitor.open(up.url, "lab", prompt="Later [[sim: status=529 retry-after=2 times=1]]")
    await page.wait_for_function("lab.statuses[lab.statuses.length - 1] === 'retrying' && lab.seconds > 0")
    await expect(page.locator("#status")).to_have_text("completed")
    page = await visitor.open(up.url, "lab", id="st_00000000000000000000000000000000")
    await expect(page.locator("#status")).to_have_text("error")
    assert await page.evaluate("lab.error") == "there is no such stream"
    visitor.faults = [fault for fault in visitor.faults if "404" not in fault]


async def test_two_tabs_of_a_conversation_show_the_same_while_it_is_said(visitor: Visitor, up: Up) -> None:
    one = await visitor.open(up.url, "lab", what="chat")
    await one.get_by_label("Message").fill("First [[sim: tokens=40 rate=0]]")
    await one.get_by_role("button", name="Send").click()
    await expect(one.locator("#status")).to_have_text("completed")
    two = await visitor.open(up.url, "lab", what="chat", id=await one.evaluate("lab.id"))
    await expect(two.locator("#status")).to_have_text("completed")
    assert await said(one) == await said(two)
    await two.get_by_label("Message").fill(ENDLESS)
    await two.get_by_role("button", name="Send").click()
    for tab in (one, two):
        await expect(tab.locator("li")).to_have_count(4)
        await expect(tab.locator("li").last).to_have_text(BEGUN)
    await one.get_by_label("Message").fill("Another")
    await one.get_by_role("button", name="Send").click()
    await expect(one.locator("#refused")).to_have_text("409")
    await expect(one.locator("li")).to_have_count(4)
    await one.get_by_role("button", name="Stop").click()
    for tab in (one, two):
        await expect(tab.locator("#status")).to_have_text("cancelled")
    assert await said(one) == await said(two)
    assert len(await said(one)) == 4
    await one.reload()
    visitor.faults = [fault for fault in visitor.faults if "409" not in fault]


async def said(page: Page) -> list[str]:
    return await page.locator("li").all_text_contents()
