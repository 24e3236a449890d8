"""`useChat` by our transport, in Chromium with React's strict mode, from another origin: one line, and whatever happens
to the connection the answer is shown once, whole, and `onFinish` is called once.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest
import pytest_asyncio
from playwright.async_api import async_playwright

from app.access.identity.keys_file import digest_of
from tests.harness import node
from tests.harness.network.sse_cutter import CuttingProxy
from tests.page.visiting import CHROMIUM, launch
from tests.patience import PATIENCE
from tests.stories.clients.chatting import ended, new_chat, text_of
from tests.stories.clients.conftest import Up
from tests.stories.clients.react import LAST, Site, serving

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(not CHROMIUM, reason="needs a real browser: install the package chromium"),
]

ALICE, SELDOM = "ks_alice-at-home", "ks_asks-once-a-minute"
QUICK = "Grüße 東京 👋 [[sim: tokens=60 rate=400 first=0.02]]"
SLOW = "Grüße 東京 👋 [[sim: tokens=250 rate=100 first=0.02]]"
ENDLESS = "Long [[sim: tokens=4000 rate=100 first=0.02]]"
WHOLE = {"isAbort": False, "isDisconnect": False, "isError": False, "finishReason": "stop"}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def site(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Site]:
    module = node.bundle(node.CLIENTS / "pages" / "chat.jsx", tmp_path_factory.mktemp("page"))
    with serving(module) as origin:
        async with async_playwright() as driver:
            browser = await launch(driver)
            yield Site(browser, origin)
            await browser.close()


@pytest.fixture(scope="module")
def front(up: Up, site: Site, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The address of a front that asks for a key, and that the page's origin may ask."""
    folder = tmp_path_factory.mktemp("access")
    (folder / "keys").write_text(f"alice {digest_of(ALICE)}\nseldom {digest_of(SELDOM)}\n")
    (folder / "limits").write_text("[owner.seldom]\nrequests_per_minute = 1\nburst = 1\n")
    _, url = up.relay.another_front(
        KEEPSTREAM_API_KEYS_FILE=str(folder / "keys"),
        KEEPSTREAM_LIMITS_FILE=str(folder / "limits"),
        KEEPSTREAM_CORS_ORIGINS=site.origin,
    )
    return url


@pytest_asyncio.fixture(loop_scope="module")
async def http(front: str) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=front, headers={"x-api-key": ALICE}, timeout=PATIENCE) as made:
        yield made


# Nothing is sent until `release` is called.
HOLD = """() => {
    const [fetch, held] = [window.fetch, new Promise((resolve) => (window.release = resolve))];
    window.fetch = async (...asked) => (await held, fetch(...asked));
}"""
STREAM = "window.chat.messages.at(-1).metadata.streamId"


async def test_a_cut_answer_is_mended_unseen(site: Site, front: str, http: httpx.AsyncClient) -> None:
    async with CuttingProxy(front, (1500, 700, 4000)) as proxy:
        tab = await site.visit(await site.device(), proxy.url, new_chat(), key=ALICE)
        await tab.is_ready()
        await tab.say(SLOW)
        [finish] = await tab.finished()
        assert proxy.cut == 3
    text = await text_of(http, await tab.page.evaluate(STREAM))
    assert finish == WHOLE | {"text": text}
    assert await tab.shown() == [("user", SLOW), ("assistant", text)]
    told = await tab.told()
    assert (told["errors"], told["states"].count("waiting"), told["states"].count("open")) == ([], 3, 4)


async def test_who_does_not_want_that_is_told_of_a_disconnect_and_may_resume(
    site: Site, front: str, http: httpx.AsyncClient
) -> None:
    async with CuttingProxy(front, (1500,)) as proxy:
        tab = await site.visit(await site.device(), proxy.url, new_chat(), key=ALICE, resume="no")
        await tab.is_ready()
        await tab.say(SLOW)
        [cut] = await tab.finished()
        assert (cut["isDisconnect"], cut["isError"], await tab.status()) == (True, True, "error")
        await tab.page.evaluate("void window.chat.resumeStream()")
        _, finish = await tab.finished(2)
    text = await text_of(http, await tab.page.evaluate(STREAM))
    assert len(cut["text"]) < len(text)
    assert finish == WHOLE | {"text": text}
    assert await tab.shown() == [("user", SLOW), ("assistant", text)]


async def test_a_page_that_is_loaded_anew_and_another_tab_go_on(
    site: Site, front: str, http: httpx.AsyncClient
) -> None:
    device = await site.device()
    for tokens in (250, 1000, 4000):  # until it takes longer than to load two pages, however busy the machine is
        chat, prompt = new_chat(), f"Grüße 東京 👋 [[sim: tokens={tokens} rate=100 first=0.02]]"
        tab, other = [await site.visit(device, front, chat, key=ALICE) for _ in range(2)]
        await tab.is_ready()
        await tab.say(prompt)
        await tab.shows(20)
        if await tab.reload() and await other.reload():
            break
    for shown in (tab, other):
        await shown.shows(20)
        [finish] = await shown.finished()
        text = await text_of(http, await shown.page.evaluate(STREAM))
        assert finish == WHOLE | {"text": text}
    assert await tab.shown() == [("user", prompt), ("assistant", text)]
    assert await other.shown() == [("assistant", text)]
    # It has been seen to its end: nothing is resumed any more.
    await tab.reload()
    await tab.is_ready()
    assert (await tab.told())["finishes"] == []
    assert await tab.shown() == [("user", prompt), ("assistant", text)]


async def test_stop_cancels_for_everybody_and_regenerate_answers_anew(
    site: Site, front: str, http: httpx.AsyncClient
) -> None:
    device, chat = await site.device(), new_chat()
    tab = await site.visit(device, front, chat, key=ALICE)
    await tab.is_ready()
    await tab.say(ENDLESS)
    await tab.shows(20)
    stream = await tab.page.evaluate(STREAM)
    other = await site.visit(await site.device(), front, chat, key=ALICE)
    await other.shows(20)
    await tab.page.evaluate("void window.chat.stop()")
    [stopped], [elsewhere] = await tab.finished(), await other.finished()
    assert (await ended(http, stream))["outcome"] == "cancelled"
    assert (stopped["isAbort"], elsewhere["isAbort"], elsewhere["isError"]) == (True, True, False)
    assert (await tab.told())["errors"] == (await other.told())["errors"] == []
    # Stopped before it is known which stream it is: that one is stopped as soon as it is.
    await tab.page.evaluate(HOLD)
    await tab.say(ENDLESS)
    await tab.until("window.chat.status === 'submitted'")
    await tab.page.evaluate("void window.chat.stop()")
    await tab.until("window.chat.status === 'ready'")
    async with tab.page.expect_response(lambda response: response.request.method == "DELETE") as deleted:
        await tab.page.evaluate("window.release()")
    answer = await deleted.value
    assert answer.status == 202
    assert (await ended(http, answer.url.partition("?stream=")[2]))["outcome"] == "cancelled"
    await tab.say(QUICK)
    finishes = await tab.finished(3)
    assert finishes[-1] == WHOLE | {"text": await text_of(http, await tab.page.evaluate(STREAM))}
    first = await tab.page.evaluate("window.chat.messages.at(-1).id")
    await tab.page.evaluate("void window.chat.regenerate()")
    finishes = await tab.finished(4)
    assert finishes[-1] == WHOLE | {"text": await text_of(http, await tab.page.evaluate(STREAM))}
    assert first not in await tab.page.evaluate("window.chat.messages.map(({ id }) => id)")


async def test_a_page_that_is_left_stops_the_answer_unless_it_shall_not(
    site: Site, front: str, http: httpx.AsyncClient
) -> None:
    device = await site.device()
    for stop, outcome in (("cancel", "cancelled"), ("leave", "completed")):
        tab = await site.visit(device, front, new_chat(), key=ALICE, stop=stop)
        await tab.is_ready()
        await tab.say(SLOW)
        await tab.shows(20)
        stream = await tab.page.evaluate(STREAM)
        await tab.page.evaluate("window.show(false)")
        await tab.until("document.querySelector('main').dataset.status === 'away'")
        if stop == "leave":
            await tab.page.evaluate("window.show(true)")
            assert (await tab.finished(2))[-1] == WHOLE | {"text": await text_of(http, stream)}
            assert await tab.shown() == [("user", SLOW), ("assistant", await text_of(http, stream))]
        assert (await ended(http, stream))["outcome"] == outcome


async def test_what_is_refused_and_what_fails_is_an_error_that_says_so(site: Site, front: str) -> None:
    device = await site.device()
    tab = await site.visit(device, front, new_chat(), key=ALICE)
    await tab.is_ready()
    await tab.say("[[sim: tokens=80 rate=200 cut-after=40]]")
    [finish] = await tab.finished()
    assert (finish["isError"], finish["isDisconnect"], finish["isAbort"]) == (True, False, False)
    assert finish["text"]
    assert await tab.shown() == [("user", "[[sim: tokens=80 rate=200 cut-after=40]]"), ("assistant", finish["text"])]
    seldom = await site.visit(device, front, new_chat(), key=SELDOM)
    await seldom.is_ready()
    await seldom.say(QUICK)
    await seldom.finished()
    await seldom.say(QUICK)
    await seldom.until("document.querySelector('main').dataset.status === 'error'")
    [error] = (await seldom.told())["errors"]
    assert "requests_per_minute" in error or "minute" in error


async def test_assistant_ui_resumes_by_the_stream_s_id(site: Site, front: str, http: httpx.AsyncClient) -> None:
    """Its own transport and runtime, and what it keeps in the session's storage."""
    kept = "window.assistant.storage.getStreamId()"
    async with CuttingProxy(front, (1500,)) as proxy:
        tab = await site.visit(await site.device(), proxy.url, new_chat(), key=ALICE, app="assistant")
        await tab.until("window.assistant?.runtime")
        await tab.page.evaluate("(text) => window.assistant.runtime.thread.append(text)", SLOW)
        await tab.until("window.told.finishes.length > 0")
        assert (await tab.told())["finishes"][0]["isDisconnect"]
        stream = await tab.page.evaluate(kept)
        assert stream.startswith("st_")
        await tab.page.reload()
        await tab.until("window.told.finishes.length > 0")
        text = await text_of(http, stream)
        assert (await tab.told())["finishes"] == [WHOLE | {"text": text}]
        await tab.until(f"([text]) => {LAST} === text", text)
        assert await tab.shown() == [("assistant", text)]
        # It has been seen to its end: nothing is asked for any more.
        assert await tab.page.evaluate(kept) is None
        asked = len(proxy.heads)
        await tab.page.reload()
        await tab.until("window.assistant?.runtime")
        # What it might ask for would come before what is said now.
        await tab.page.evaluate("(text) => window.assistant.runtime.thread.append(text)", QUICK)
        await tab.until("window.told.finishes.length > 0")
        assert [head.partition(" ")[0] for head in proxy.heads[asked:]] == ["POST"]
