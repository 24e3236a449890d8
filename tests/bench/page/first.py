"""From a fresh clone to the first token on the page: two commands, and how long each takes.

    python -m tests.bench.page.first

What `git clone` and `make dev` do on a machine whose caches are warm, and then what a person does: open the page, type,
send. Nothing of this checkout is used but its commits.
"""

from __future__ import annotations

import asyncio
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from playwright.async_api import async_playwright

from tests.bench.page.chat import CHROMIUM, FLAGS
from tests.harness.running import Running, clean_environment

GOAL_SECONDS = 60.0
PATIENCE_SECONDS = 600
STOP_SECONDS = 60
ROOT = Path(__file__).parents[3]
UP = r"Keepstream is up: (http://\S+)"


async def _first_token(url: str) -> None:
    """A person opens the page, types, and sees the first word."""
    async with async_playwright() as driver:
        browser = await driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = await browser.new_page()
        await page.goto(url)
        await page.get_by_label("Message", exact=True).fill("Tell me about tides")
        await page.keyboard.press("Enter")
        await page.locator("article.assistant .markdown", has_text=re.compile(r"\S")).first.wait_for()
        await browser.close()


def main() -> int:
    times: list[tuple[str, float]] = []
    began = time.monotonic()

    def done(what: str) -> None:
        times.append((what, time.monotonic() - began))

    with tempfile.TemporaryDirectory(prefix="keepstream-first-") as directory:
        clone = Path(directory, "keepstream")
        subprocess.run(["git", "clone", "--quiet", "--no-hardlinks", str(ROOT), str(clone)], check=True)  # noqa: S607
        done("git clone")
        environment = clean_environment(PATH=_without_venv(os.environ["PATH"]))
        command = ["make", "dev", "ARGS=--port 0"]
        with Running(command, cwd=clone, environment=environment) as running:
            address = running.line(UP, seconds=PATIENCE_SECONDS)[1]
            done("make dev says that it is up")
            try:
                asyncio.run(_first_token(address))
                done("the first token stands on the page")
            finally:
                os.killpg(running.pid, signal.SIGINT)  # as Ctrl-C does: make, and what it runs
                running.process.wait(STOP_SECONDS)
    lines = [f"| {what} | {seconds:.1f} s |" for what, seconds in times]
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    sys.stdout.write("\n".join(["| after | |", "| --- | ---: |", *lines]) + f"\n\nLoad at the end: {load}.\n")
    return 0 if times[-1][1] < GOAL_SECONDS else 1


def _without_venv(path: str) -> str:
    return os.pathsep.join(part for part in path.split(os.pathsep) if ".venv" not in part)


if __name__ == "__main__":
    sys.exit(main())
