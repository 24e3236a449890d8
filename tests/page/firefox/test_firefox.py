"""The page in Firefox: what is sent is answered, a reload in the middle loses nothing, and mathematics is drawn."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.harness.cluster import Cluster
from tests.page.firefox.driving import ENTER, FIREFOX, firefox
from tests.page.text.corpus import DEMO
from tests.page.visiting import NOW, numbered, quoted

pytestmark = [
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.skipif(not FIREFOX, reason="install the package firefox-esr"),
]

WATCH = """(() => {
    window.wrong = [];
    for (const name of ["error", "unhandledrejection", "securitypolicyviolation"]) {
        addEventListener(name, (event) => wrong.push(event.message ?? event.violatedDirective ?? String(event.reason)));
    }
})()"""
ANSWERS = "document.querySelectorAll('article.assistant')"


async def test_the_page_in_firefox(cluster: Cluster, tmp_path: Path) -> None:
    address = f"http://127.0.0.1:{cluster.front_proxies[0].port}/"
    async with firefox(tmp_path) as browser:
        await browser.visit(address)
        await browser.run(WATCH)

        words, directive = numbered(400, rate=150)
        await browser.type("#message", f"Count [[sim: {directive}]]{ENTER}")
        await browser.until(f"/\\bw40\\b/.test({ANSWERS}[0].innerText)")
        assert await browser.run("wrong") == []
        await browser.call("WebDriver:Refresh")
        await browser.until("document.querySelector('.assistant:not(.running) .numbers')")
        shown = await browser.run(f"{ANSWERS}[0].querySelector('.body').innerText")
        assert shown.split() == words

        await browser.run(WATCH)
        await browser.type("#message", f"Mathematics [[sim: {quoted(DEMO)} {NOW}]]{ENTER}")
        await browser.until(f"{ANSWERS}[1].querySelector('.numbers') && {ANSWERS}[1].querySelector('math')")
        last = f"{ANSWERS}[1]"
        drawn = "[...document.querySelectorAll('math')].map((one) => one.getBoundingClientRect())"
        assert await browser.run(f"{drawn}.every(({{ width, height }}) => width > 4 && height > 4)")
        assert await browser.run(f"{last}.querySelectorAll('table td code').length") == 4
        await browser.until(f"{last}.querySelector('.math.wide[tabindex]')")
        assert await browser.run(f"getComputedStyle({last}.querySelector('blockquote')).direction") == "rtl"
        assert await browser.run("document.documentElement.scrollWidth - document.documentElement.clientWidth") == 0
        assert await browser.run("wrong") == []
