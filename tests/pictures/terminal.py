"""Takes the shelf's picture of the terminal anew: `python -m tests.pictures.terminal`, with tmux and Chromium.

What is seen is a real `keepstream chat` whose connection is cut twice; tmux says what stands on its screen.
"""

from __future__ import annotations

import asyncio
import io
import re
import shlex
import shutil
import subprocess
from pathlib import Path

from PIL import Image
from playwright.async_api import Browser, async_playwright
from rich.console import Console
from rich.terminal_theme import TerminalTheme
from rich.text import Text

from tests.harness.cluster import Cluster
from tests.harness.running import KEEPSTREAM

PICTURES = Path(__file__).parents[2] / "app" / "docs" / "pictures"
WIDTH, HEIGHT = 84, 49
TMUX = ("tmux", "-L", "keepstream-picture", "-f", "/dev/null")
PATIENCE_SECONDS = 60
COLOURS = 48
FONT = "DejaVu Sans Mono"
_COLOURED = [(255, 123, 114), (126, 211, 133), (227, 179, 65), (121, 184, 255), (210, 168, 255), (86, 212, 221)]
THEME = TerminalTheme(
    (22, 27, 34),
    (214, 220, 228),
    [(72, 79, 88), *_COLOURED, (201, 209, 217)],
    [(110, 118, 129), *_COLOURED, (255, 255, 255)],
)


def tmux(*arguments: str) -> str:
    return subprocess.run([*TMUX, *arguments], check=True, capture_output=True, text=True).stdout


async def sees(pattern: str) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not re.search(pattern, tmux("capture-pane", "-p", "-S", "-200")):
            await asyncio.sleep(0.02)


def say(text: str) -> None:
    tmux("send-keys", "-l", text)
    tmux("send-keys", "Enter")


async def talk(cluster: Cluster) -> str:
    """What stands on the terminal: one answer that was resumed, and one that is being so."""
    proxy = cluster.front_proxies[0]
    command = shlex.join([*KEEPSTREAM, "chat", "--url", f"http://127.0.0.1:{proxy.port}"])
    tmux("new-session", "-d", "-x", str(WIDTH), "-y", str(HEIGHT), command)
    try:
        await sees(r"(?m)^>")
        say("Why should a stream be a log?")
        await sees("many cursors")
        proxy.reset()
        await sees("tokens.*resumed")
        say("And a worker pool in Python?")
        await sees("piece of work")
        proxy.target = ("127.0.0.1", 1)  # nobody is there
        proxy.reset()
        await sees(r"reconnecting in \d s")
        return tmux("capture-pane", "-e", "-p")
    finally:
        tmux("kill-server")


def drawn(screen: str, title: str, width: int) -> str:
    console = Console(record=True, width=width, file=io.StringIO(), force_terminal=True, color_system="truecolor")
    console.print(Text.from_ansi(screen.rstrip("\n")), end="\n\n")
    svg = console.export_svg(title=title, theme=THEME)
    svg = re.sub(r"@font-face \{.*?\}", "", svg, flags=re.DOTALL)  # no font of another host
    return svg.replace("Fira Code", FONT)


async def picture(browser: Browser, svg: str, name: str) -> None:
    page = await browser.new_page(device_scale_factor=2)
    await page.set_content(f"<body style='margin:0'><div style='width:900px'>{svg}</div>")
    taken = await page.locator("svg").screenshot(omit_background=True)
    await page.close()
    # A terminal has few colours; as many as there are with all their edges would be twice the size.
    Image.open(io.BytesIO(taken)).quantize(COLOURS).save(PICTURES / name, optimize=True)


async def main() -> None:
    async with Cluster() as cluster:
        svg = drawn(await talk(cluster), "keepstream chat", WIDTH)
    async with async_playwright() as driver:
        browser = await driver.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        await picture(browser, svg, "terminal.png")
        await browser.close()


if __name__ == "__main__":
    asyncio.run(main())
