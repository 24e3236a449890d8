"""A page of somebody's own, with React and his bundler, at an origin that is not the front's."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlencode

from playwright.async_api import Browser, BrowserContext, Page

from tests.page.visiting import PATIENCE_MS

HTML = '<!doctype html><meta charset="utf-8"><div id="root"></div><script type="module" src="/page.js"></script>'
LAST = "[...document.querySelectorAll('[data-role=assistant]')].at(-1)?.textContent ?? ''"


@contextmanager
def serving(module: bytes, port: int = 0) -> Iterator[str]:
    """The origin of a page that is this module. (A browser lets no page that is only handed to it ask this machine.)"""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            is_module = self.path == "/page.js"
            body = module if is_module else HTML.encode()
            self.send_response(200)
            self.send_header("content-type", f"{'text/javascript' if is_module else 'text/html'}; charset=utf-8")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", port), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@dataclass(frozen=True)
class Site:
    """`origin` is the page's."""

    browser: Browser
    origin: str

    async def device(self) -> BrowserContext:
        context = await self.browser.new_context()
        context.set_default_timeout(PATIENCE_MS)
        return context

    async def visit(self, context: BrowserContext, base: str, chat: str, **options: str) -> Tab:
        page = await context.new_page()
        await page.goto(f"{self.origin}/?{urlencode({'base': base, 'id': chat, **options})}")
        return Tab(page)


@dataclass(frozen=True)
class Tab:
    page: Page

    async def until(self, what: str, *given: Any) -> None:
        await self.page.wait_for_function(what, arg=list(given))

    async def is_ready(self) -> None:
        """The page stands, and nothing is resumed any more."""
        await self.until("document.querySelector('main')?.dataset.status === 'ready'")

    async def reload(self) -> bool:
        """Loads the page anew; whether an answer is resumed then."""
        asks = "/stream?unseen=1"
        async with self.page.expect_response(lambda r: asks in r.url and r.request.method == "GET") as answer:
            await self.page.reload()
        return (await answer.value).status == 200

    async def say(self, text: str) -> None:
        await self.page.evaluate("(text) => void window.chat.sendMessage({ text })", text)

    async def shows(self, characters: int) -> None:
        """An answer is shown that has so many characters."""
        await self.until(f"([characters]) => ({LAST}).length >= characters", characters)

    async def finished(self, times: int = 1) -> list[dict[str, Any]]:
        """What `onFinish` was told, once it was called so often and nothing is written any more."""
        await self.until(
            "([times]) => window.told.finishes.length >= times"
            " && ['ready', 'error'].includes(document.querySelector('main').dataset.status)",
            times,
        )
        return list(await self.page.evaluate("window.told.finishes"))

    async def told(self) -> dict[str, Any]:
        return dict(await self.page.evaluate("window.told"))

    async def shown(self) -> list[tuple[str, str]]:
        """Who said what, as the page has it."""
        found = await self.page.evaluate(
            "[...document.querySelectorAll('p')].map((p) => [p.dataset.role, p.textContent])"
        )
        return [(role, text) for role, text in found]

    async def status(self) -> str:
        return str(await self.page.evaluate("document.querySelector('main').dataset.status"))
