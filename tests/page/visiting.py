"""A real browser in front of a cluster, and a watch on all that a page must never do."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlsplit

from playwright.async_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Error,
    Locator,
    Page,
    Playwright,
    Request,
    Response,
    expect,
)

from app.stream.keys import TOOLS
from tests.harness.api import Api
from tests.harness.browsers.slowly import slowed
from tests.harness.cluster import Cluster
from tests.patience import PATIENCE

CHROMIUM = shutil.which("chromium") or ""
FLAGS = [
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update"),
]
PATIENCE_MS = PATIENCE * 1000
NOW = "rate=0 first=0"
ID_LENGTH = len("cv_") + 32
# What no policy lets through is told to the console, where it is seen.
TELL_VIOLATIONS = """addEventListener("securitypolicyviolation", (event) =>
    console.error(`CSP: ${event.violatedDirective} ${event.blockedURI} ${event.sample}`))"""
# Network failures and refusals that a test causes on purpose; the console speaks of both.
CUT = r"Failed to load resource: net::ERR_|^failed .*net::ERR_"


def status(number: int, where: str = "") -> str:
    """What is allowed by a test that causes an answer of this status."""
    return rf"status {number} \S* {where}|Failed to load resource.* {number} .*{where}"


async def launch(driver: Playwright) -> Browser:
    expect.set_options(timeout=PATIENCE_MS)
    return await driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS)


class Site:
    """The page of a cluster, and what its visitors saw go wrong."""

    def __init__(self, cluster: Cluster, browser: Browser, api: Api) -> None:
        self.cluster = cluster
        self.browser = browser
        self.api = api
        self.faults: list[str] = []
        self._allowed: list[str] = []
        self._contexts: list[BrowserContext] = []

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.cluster.front_proxies[0].port}/"

    def allow(self, *patterns: str) -> None:
        """What goes wrong in this test because it is meant to."""
        self._allowed += patterns

    async def context(self, **options: Any) -> BrowserContext:
        """A browser of its own: another device, or another person."""
        context = await self.browser.new_context(**options)
        context.set_default_timeout(PATIENCE_MS)
        await context.add_init_script(TELL_VIOLATIONS)
        await slowed(context)
        self._contexts.append(context)
        return context

    async def visit(self, path: str = "", *, context: BrowserContext | None = None, **options: Any) -> Page:
        """A tab that shows the page at `path`, which is a conversation's id or empty."""
        page = await (context or await self.context(**options)).new_page()
        self.watch(page)
        await page.goto(f"{self.address}#{path}" if path else self.address)
        await ready(page)
        return page

    async def leave(self) -> None:
        """Closes all tabs. What went wrong until now and was not meant to is an error."""
        faults = [fault for fault in self.faults if not any(re.search(pattern, fault) for pattern in self._allowed)]
        for context in self._contexts:
            await context.close()
        self._contexts.clear()
        self._allowed.clear()
        self.faults.clear()
        assert faults == [], faults

    async def calls(self, tag: str) -> dict[str, Any]:
        """What the simulated Claude says of the calls with a tag."""
        answer = await self.api.http.get(f"{self.cluster.claude_url}/_sim/calls")
        return dict(answer.json()["tags"].get(tag) or {})

    async def messages(self, page: Page) -> list[dict[str, Any]]:
        """The messages of the conversation that a page shows, as the server has them."""
        answer = await self.api.call("GET", f"/v1/conversations/{conversation_of(page)}")
        assert answer.status_code == 200, answer.text
        found: list[dict[str, Any]] = answer.json()["messages"]
        return found

    def watch(self, page: Page) -> None:
        host = urlsplit(self.address).netloc

        def console(message: ConsoleMessage) -> None:
            if message.type in ("error", "warning"):
                self.faults.append(f"{message.type}: {message.text} ({message.location.get('url', '')})")

        def asked(request: Request) -> None:
            where = urlsplit(request.url)
            if where.netloc != host and where.scheme not in ("data", "blob"):
                self.faults.append(f"asks another host: {request.url}")

        def answered(response: Response) -> None:
            if response.status >= 400:
                self.faults.append(f"status {response.status} {response.request.method} {response.url}")

        def crashed(error: Error | Page) -> None:
            self.faults.append(f"uncaught: {error}")

        page.on("console", console)
        page.on("request", asked)
        page.on("response", answered)
        page.on("pageerror", crashed)
        page.on("crash", crashed)


async def offered(site: Site) -> None:
    """Returns once the worker has said which tools it offers, and the front knows: a page asks when it is opened."""
    while not await site.cluster.redis.exists(TOOLS) or not (await site.api.call("GET", "/v1/tools")).json()["tools"]:
        await asyncio.sleep(0.05)


async def ready(page: Page) -> None:
    await page.wait_for_selector("html[data-ready]", state="attached")


def conversation_of(page: Page) -> str:
    found = page.url.partition("#")[2]
    assert len(found) == ID_LENGTH, f"no conversation is open at {page.url}"
    return found


def box(page: Page) -> Locator:
    return page.get_by_role("textbox", name="Message", exact=True)


def button(page: Page | Locator, name: str) -> Locator:
    return page.get_by_role("button", name=name, exact=True)


def log(page: Page) -> Locator:
    return page.get_by_role("log")


def articles(page: Page) -> Locator:
    return log(page).get_by_role("article")


def answer(page: Page) -> Locator:
    """The last answer."""
    return log(page).get_by_role("article", name="Claude").last


def body(page: Page) -> Locator:
    """What Claude wrote in the last answer, as it stands."""
    return answer(page).locator(".body:not(.stale)")


async def say(page: Page, text: str, directive: str = "") -> None:
    """Types a message and sends it by the keyboard as soon as it can be sent: a file beside it is read by then. The
    simulated Claude does what `directive` says.
    """
    await box(page).fill(f"{text} [[sim: {directive}]]" if directive else text)
    await expect(page.locator("#send")).to_be_enabled()
    # On a touch keyboard Enter alone begins a line, and the button is not there while an answer runs.
    touch = await page.evaluate("matchMedia('(hover: none) and (pointer: coarse)').matches")
    await box(page).press("Control+Enter" if touch else "Enter")


async def answered(page: Page, count: int = 1) -> None:
    """Waits until so many answers are there, and the last one has ended."""
    await expect(log(page).get_by_role("article", name="Claude")).to_have_count(count)
    await expect(answer(page).locator(".numbers")).to_be_visible()
    await expect(button(page, "Stop")).to_be_hidden()


def quoted(text: str) -> str:
    """The directive's way of saying a text."""
    return f"text={json.dumps(text)}"


def numbered(count: int, *, rate: int) -> tuple[list[str], str]:
    """Words of which each is there once, and the directive to be answered with them."""
    words = [f"w{number}" for number in range(count)]
    lines = [" ".join(words[at : at + 20]) for at in range(0, count, 20)]
    return words, f"{quoted(chr(10).join([*lines[:1], '', *lines[1:]]))} rate={rate} first=0"


async def words_of(page: Page) -> list[str]:
    return (await body(page).inner_text()).split()


async def eventually(check: Callable[[], Awaitable[bool]]) -> None:
    """Waits for what another process does."""
    async with asyncio.timeout(PATIENCE_MS / 1000):
        while not await check():
            await asyncio.sleep(0.02)
