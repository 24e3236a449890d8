"""A real Firefox, spoken to by its own wire (Marionette): a length, a colon, and a message in JSON, over a socket."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Self

from tests.harness.running import Running, clean_environment
from tests.patience import PATIENCE

FIREFOX = shutil.which("firefox-esr") or shutil.which("firefox") or ""
ENTER = "\ue007"
ELEMENT = "element-6066-11e4-a52e-4f735466cecf"  # as the standard calls a reference to one
# It asks nobody for anything.
PREFERENCES = {
    "app.normandy.enabled": False,
    "app.update.auto": False,
    "browser.shell.checkDefaultBrowser": False,
    "browser.startup.page": 0,
    "datareporting.policy.dataSubmissionEnabled": False,
    "extensions.update.enabled": False,
    "marionette.port": 0,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "services.settings.server": "data:,",
    "toolkit.telemetry.enabled": False,
}


class Firefox:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self._calls = 0

    async def call(self, command: str, **parameters: Any) -> Any:
        self._calls += 1
        message = json.dumps([0, self._calls, command, parameters]).encode()
        self._writer.write(b"%d:%b" % (len(message), message))
        _, _, error, result = await self._message()
        if error is not None:
            raise AssertionError(f"{command}: {error['error']}: {error['message']}")
        return result

    async def visit(self, address: str) -> None:
        await self.call("WebDriver:Navigate", url=address)
        await self.until("document.documentElement.dataset.ready !== undefined")

    async def run(self, script: str) -> Any:
        """What an expression is on the page; a promise is waited for."""
        return (await self.call("WebDriver:ExecuteScript", script=f"return {script}", args=[]))["value"]

    async def until(self, condition: str) -> None:
        """Waits until an expression is true, asked again with each frame."""
        script = f"""const [told] = arguments; (function look() {{
            let found = false;
            try {{ found = {condition}; }} catch {{ /* not there yet */ }}
            if (found) told(true); else setTimeout(look, 50);
        }})();"""
        await self.call("WebDriver:ExecuteAsyncScript", script=script, args=[], scriptTimeout=int(PATIENCE * 1000))

    async def type(self, selector: str, text: str) -> None:
        found = await self.call("WebDriver:FindElement", using="css selector", value=selector)
        await self.call("WebDriver:ElementSendKeys", id=found["value"][ELEMENT], text=text)

    async def _message(self) -> Any:
        length = await self._reader.readuntil(b":")
        return json.loads(await self._reader.readexactly(int(length[:-1])))

    async def greeted(self) -> Self:
        await self._message()
        await self.call("WebDriver:NewSession")
        return self


@asynccontextmanager
async def firefox(profile: Path) -> AsyncIterator[Firefox]:
    """One that has nothing to do with whoever else uses the machine."""
    lines = [f"user_pref({json.dumps(name)}, {json.dumps(value)});" for name, value in PREFERENCES.items()]
    await asyncio.to_thread((profile / "user.js").write_text, "\n".join(lines))
    command = [FIREFOX, "--headless", "--no-remote", "--marionette", "--profile", str(profile)]
    environment = clean_environment(HOME=str(profile), MOZ_CRASHREPORTER_DISABLE="1")
    with Running(command, environment=environment) as process:
        port = await asyncio.to_thread(process.line, r"Listening on port (\d+)")
        reader, writer = await asyncio.open_connection("127.0.0.1", int(port[1]), limit=2**24)
        browser = Firefox(reader, writer)
        async with asyncio.timeout(5 * PATIENCE):
            yield await browser.greeted()
            await browser.call("Marionette:Quit", flags=["eForceQuit"])
        writer.close()
        await asyncio.to_thread(process.wait)  # and its children with it
