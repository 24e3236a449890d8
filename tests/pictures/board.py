"""Takes the shelf's pictures of the board anew: `python -m tests.pictures.board`, with Chromium and tmux.

The page and the terminal are the real ones; the moments that they show are made up, as in their tests.
"""

from __future__ import annotations

import asyncio
import io
import shlex
import shutil
from typing import Any

from PIL import Image
from playwright.async_api import Browser, Page, async_playwright, expect

from tests.harness.boards import made_up
from tests.harness.boards.playing import Playing
from tests.harness.running import KEEPSTREAM
from tests.pictures.__main__ import COLOURS, FLAGS, PICTURES
from tests.pictures.terminal import drawn, picture, sees, tmux

DESKTOP: dict[str, Any] = {"viewport": {"width": 1280, "height": 920}, "device_scale_factor": 1.25}
PHONE: dict[str, Any] = {
    "viewport": {"width": 360, "height": 720},
    "device_scale_factor": 2,
    "is_mobile": True,
    "has_touch": True,
    "color_scheme": "dark",
}
# When the first of a lost worker's streams are at home, and the last on their way.
IN_FLIGHT_MS = 800
TERMINAL = (100, 30)


async def opened(browser: Browser, playing: Playing, **options: Any) -> Page:
    page = await (await browser.new_context(**options)).new_page()
    await page.goto(f"{playing.url}/ops")
    await expect(page.locator("#rows button")).not_to_have_count(0)
    return page


async def take(page: Page, name: str, *, still: bool = True) -> None:
    """Without the wave that each snapshot sends, where it is `still`."""
    if still:
        await page.evaluate("document.getAnimations().forEach((one) => one.cancel())")
    taken = Image.open(io.BytesIO(await page.screenshot())).convert("RGB")
    taken.quantize(COLOURS, dither=Image.Dither.NONE).save(PICTURES / name, optimize=True)


async def a_worker_dies(page: Page, playing: Playing) -> None:
    """Up to the moment in which its streams are on their way to others."""
    before = made_up.streams_of(made_up.calm())
    lost = [row["id"] for row in before if row["worker"] == made_up.WORKERS[2]]
    await playing.show(
        made_up.dead_worker(adrift=8), [row | {"worker": None} if row["id"] in lost else row for row in before]
    )
    await expect(page.locator(".lost")).to_have_count(8)
    homes = {stream: made_up.WORKERS[(1, 3, 0)[n % 3]] for n, stream in enumerate(lost)}
    await playing.show(made_up.dead_worker(), [row | {"worker": homes.get(row["id"], row["worker"])} for row in before])
    await page.locator(".flight").first.wait_for(state="attached")
    await page.evaluate(
        "(ms) => document.getAnimations().forEach((one) => { one.pause(); one.currentTime = ms; })", IN_FLIGHT_MS
    )


async def terminal(playing: Playing) -> str:
    command = shlex.join([*KEEPSTREAM, "top", "--url", playing.url])
    await asyncio.to_thread(tmux, "new-session", "-d", "-x", str(TERMINAL[0]), "-y", str(TERMINAL[1]), command)
    try:
        await sees("q quits")
        return await asyncio.to_thread(tmux, "capture-pane", "-e", "-p")
    finally:
        tmux("kill-server")


async def main() -> None:
    async with Playing() as playing, async_playwright() as driver:
        browser = await driver.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        await take(await opened(browser, playing, **DESKTOP), "board.png")
        page = await opened(browser, playing, **DESKTOP)
        await a_worker_dies(page, playing)
        await take(page, "board-worker.png", still=False)
        await playing.show(made_up.loaded())
        await take(await opened(browser, playing, color_scheme="dark", **DESKTOP), "board-load.png")
        screen = await terminal(playing)
        await picture(browser, drawn(screen, "keepstream top", TERMINAL[0]), "board-terminal.png")
        await playing.show(made_up.calm())
        await take(await opened(browser, playing, **PHONE), "board-phone.png")
        await browser.close()


if __name__ == "__main__":
    asyncio.run(main())
