"""Each block of code that says `run` runs as it stands, against real processes."""

from __future__ import annotations

import ast
import asyncio
import hashlib
import os
import re
import sys
from collections.abc import AsyncIterator, Iterator
from inspect import iscoroutine
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import pytest_asyncio
from playwright.async_api import async_playwright

from app.dev.ports import free_port
from tests.app.docs.shelf import ALL, README, SHELF, Block, Document
from tests.harness import node
from tests.harness.api import Api
from tests.harness.cluster import Cluster
from tests.harness.running import clean_environment, keepstream, to_its_end
from tests.long import long
from tests.page.visiting import CHROMIUM, launch
from tests.stories.clients.react import serving

pytestmark = pytest.mark.asyncio(loop_scope="module")

BIN = Path(sys.executable).parent
SECONDS = 120
TRIED_FIRST = (README, SHELF["start"])
SAVED = "shopt -s nullglob; cat /dev/null *.txt"  # what an example wrote to files
# What makes a page's example tell what came of it.
SHOWN = """async () => {
    %s
    if (typeof source !== "undefined") await new Promise((resolve) => source.addEventListener("relay.end", resolve));
    return {
        text: typeof text === "string" ? text : document.body.textContent,
        path: typeof events_url === "string" ? events_url : typeof id === "string" ? `/v1/streams/${id}/events` : null,
    };
}"""
# What the examples for Node are asked for.
TOLD = {
    "@anthropic-ai/sdk": "console.log(message.content[0].text)",
    "@durable-streams/client": "console.log(text)",
    "ai": """
        const messages = [{ id: "u1", role: "user", parts: [{ type: "text", text: "Rivers" }] }];
        let told = 0;
        const chunks = await transport.sendMessages({ chatId: "a/b", messages, trigger: "submit-message" });
        for await (const _ of chunks) told++;
        await transport.reconnectToStream({ chatId: "a/b" });
        console.log(`${told > 100 ? "all of it came" : "little came"}, and was stopped: ${(await stop("a/b")).ok}`);""",
    "keepstream/ai": """
        const messages = [{ id: "u1", role: "user", parts: [{ type: "text", text: "Rivers" }] }];
        const chunks = await transport.sendMessages({ chatId: "a/c", messages, trigger: "submit-message" });
        for await (const { delta } of chunks) if (delta) process.stdout.write(delta);
        await (await transport.reconnectToStream({ chatId: "a/c" }))?.cancel();
        await transport.stop("a/c");""",
    "@assistant-ui/react-ai-sdk": """
        const messages = [{ id: "u1", role: "user", parts: [{ type: "text", text: "Rivers" }] }];
        const sent = await transport.sendMessages({ chatId: "c", messages, trigger: "submit-message" });
        const { value } = await sent.getReader().read();
        console.log(await (await fetch(resumeApi(value.messageMetadata.streamId))).text());""",
}


def runs(*languages: str) -> Any:
    """A case for each block of these languages that is run. Those that one tries first are in `make test`."""
    found = [(page, block) for page in ALL for block in page.blocks if block.language in languages and block.is_run]
    cases = [
        pytest.param(block, id=f"{page}:{number}", marks=() if page in TRIED_FIRST else long)
        for number, (page, block) in enumerate(found)
    ]
    return pytest.mark.parametrize("block", cases)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def api() -> AsyncIterator[Api]:
    async with Cluster() as cluster:
        made = Api(cluster)
        yield made
        await made.close()


@pytest.fixture
def asks(api: Api, tmp_path: Path) -> Iterator[int]:
    """The port of another front of this cluster, that knows the keys in the examples and lets them act for users."""
    digests = {hashlib.sha256(key.encode()).hexdigest() for page in ALL for key in re.findall(r"ks_[\w-]+", page.text)}
    (tmp_path / "keys").write_text("".join(f"acme {digest} delegate\n" for digest in sorted(digests)))
    settings = {"REDIS_URL": api.cluster.valkey.url, "KEEPSTREAM_API_KEYS_FILE": str(tmp_path / "keys")}
    with keepstream("front", "--port", "0", warm=True, **settings) as front:
        yield int(front.line(r"keepstream front on http://127\.0\.0\.1:(\d+)")[1])


def here(port: int, code: str) -> str:
    return re.sub(r"\b(localhost|127\.0\.0\.1):8000\b", f"127.0.0.1:{port}", code)


def elsewhere(code: str) -> str:
    """What starts a front of its own, on a port that is free."""
    return code.replace("8001", str(free_port()))


async def printed(api: Api, *command: str, cwd: Path, **settings: str) -> str:
    """What a command prints, which must succeed; nothing that it started outlives it."""
    environment = clean_environment(
        PATH=f"{BIN}{os.pathsep}{os.environ['PATH']}", KEEPSTREAM_URL=f"http://127.0.0.1:{api.port}", **settings
    )
    done = await to_its_end(*command, cwd=cwd, environment=environment, seconds=SECONDS)
    assert done.status == 0, f"{done.out}\n{done.err}"
    return done.out


@runs("sh")
async def test_a_shell_s(api: Api, block: Block, tmp_path: Path) -> None:
    code = f"{elsewhere(here(api.port, block.code))}\n{SAVED}"
    written = await printed(api, "bash", "-u", "-c", code, cwd=tmp_path, REDIS_URL=api.cluster.valkey.url)
    assert len(written) > 100
    assert '"type":"error"' not in written
    assert re.findall(r"^\d{3}$", written, re.MULTILINE) == re.findall(r"  # (\d{3})\b", block.code), written


@pytest.mark.parametrize("page", [SHELF["start"]], ids=str)
async def test_what_was_cut_and_what_came_after_are_the_whole(api: Api, page: Document, tmp_path: Path) -> None:
    block = next(block for block in page.blocks if block.is_run)
    await printed(api, "bash", "-u", "-c", here(api.port, block.code), cwd=tmp_path)
    first, rest = ((tmp_path / name).read_text() for name in ("first.txt", "rest.txt"))
    stream = re.findall(r"st_[0-9a-f]{32}", rest)[0]
    frames = [*frames_of(first.rpartition("\n\n")[0] + "\n\n"), *frames_of(rest)]
    assert frames == frames_of((await api.events(stream)).text)


def frames_of(text: str) -> list[str]:
    return [block for block in text.split("\n\n") if "\nid: " in block]


@runs("python")
async def test_a_python_s(
    api: Api, block: Block, capsys: pytest.CaptureFixture[str], request: pytest.FixtureRequest
) -> None:
    port = request.getfixturevalue("asks") if "ks_" in block.code else api.port
    code = compile(here(port, block.code), "example", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    names: dict[str, Any] = {}
    async with asyncio.timeout(SECONDS):
        running = await asyncio.to_thread(eval, code, names)  # our own pages
        if iscoroutine(running):
            await running
    assert len(capsys.readouterr().out) > 100


@runs("js")
async def test_a_javascript_s(api: Api, block: Block) -> None:
    library = re.findall(r'^import .* from "([^"/][^"]*)"', block.code, re.MULTILINE)
    if library:
        node.install()
        code = f"{here(api.port, block.code)}\n{TOLD[library[0]]}"
        out = await printed(api, str(BIN / "node"), "--input-type=module", "-e", code, cwd=node.CLIENTS)
        assert out.strip() == "all of it came, and was stopped: true" if library == ["ai"] else len(out) > 100, out
        return
    if not CHROMIUM:
        pytest.skip("the examples for pages are run in a real browser: install the package chromium")
    code = re.sub(r'^import (.*) from "(.*)";', r'const \1 = await import("\2");', block.code, flags=re.MULTILINE)
    async with async_playwright() as driver:
        browser = await launch(driver)
        page = await browser.new_page()
        await page.goto(f"http://127.0.0.1:{api.port}/docs/api")
        told = await page.evaluate(SHOWN % code)
        await browser.close()
    assert len(told["text"]) > 100
    if told["path"]:
        message = (await api.call("GET", told["path"].replace("/events", "/message"))).json()
        assert told["text"] == "".join(part["text"] for part in message["content"] if part["type"] == "text")


async def test_a_page_s_of_a_project_with_react(api: Api, tmp_path: Path) -> None:
    """As its main module, from an origin of its own: what it shows is the answer, and a reload goes on with it.

    The one under clients runs in tests/stories/clients/javascript/test_react.py.
    """
    [block] = (block for block in SHELF["start"].blocks if block.language == "jsx")
    if not CHROMIUM:
        pytest.skip("a project's page is run in a real browser: install the package chromium")
    origin = f"http://127.0.0.1:{free_port()}"
    settings = {"REDIS_URL": api.cluster.valkey.url, "KEEPSTREAM_CORS_ORIGINS": origin}
    with keepstream("front", "--port", "0", warm=True, **settings) as front:
        port = int(front.line(r"keepstream front on http://127\.0\.0\.1:(\d+)")[1])
        (tmp_path / "main.jsx").write_text(here(port, block.code))
        module = node.bundle(tmp_path / "main.jsx", tmp_path)
        with serving(module, int(origin.rpartition(":")[2])):
            async with async_playwright() as driver:
                browser = await launch(driver)
                page = await browser.new_page()
                await page.goto(origin)
                await page.get_by_role("button").click()
                await page.wait_for_function("document.querySelector('button').textContent.length > 100")
                stream = urlsplit(page.url).fragment
                await page.reload()
                message = await ended(api, stream)
                text = "".join(part["text"] for part in message["content"] if part["type"] == "text")
                await page.wait_for_function(
                    "(text) => document.querySelector('button').textContent === text", arg=text
                )
                await browser.close()


async def ended(api: Api, stream: str) -> dict[str, Any]:
    """The Message of a stream, once it has ended."""
    await api.events(stream)
    return dict((await api.call("GET", f"/v1/streams/{stream}/message")).json())


async def test_three_clients_stand_at_the_front_door() -> None:
    assert [block.language for block in README.blocks if block.is_run] == ["sh", "js", "python"]
    for block in README.blocks:
        if block.is_run:
            assert len([line for line in block.code.splitlines() if line]) <= 7


WAYS = ("From curl", "From Python", "From React", "Behind your login")


@pytest.mark.parametrize("way", WAYS)
async def test_the_first_minutes_are_short(way: str) -> None:
    """Each is a block that runs, of fewer than fifteen lines, and README leads to it."""
    [section] = re.findall(rf"^## {way}\n(.*?)(?=^## )", SHELF["start"].text, re.MULTILINE | re.DOTALL)
    [code] = re.findall(r"^```\w+ run\n(.*?)^```", section, re.MULTILINE | re.DOTALL)
    assert len([line for line in code.splitlines() if line]) < 15
    assert f"[{way}](app/docs/start.md#{way.lower().replace(' ', '-')})" in README.text


async def test_no_example_for_a_client_is_left_out() -> None:
    assert all(block.is_run for page in ALL for block in page.blocks if block.language in ("js", "jsx", "python"))
