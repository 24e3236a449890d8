"""Markdown that grows: the same elements as if it had come at once, what stands is not touched, and no text acts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page, expect

from tests.bench.page.answers import LINES
from tests.long import some_of
from tests.page.text import corpus
from tests.page.visiting import NOW, Site, answer, answered, body, button, quoted, say

pytestmark = pytest.mark.asyncio(loop_scope="session")

SOURCE = Path(__file__).with_name("growing.js").read_text()
PIECES = 12
MIXTURES = 40
# They are there once the rules are that tell them from text, and then each is drawn, or is no formula after all.
FORMULAS_READ = """() => document.querySelector(".math")
    && !document.querySelector(".math:not(.unread):not(:has(math))")"""
SECONDS_AT_MOST = 20  # of any text; a page that hangs takes for ever


async def run(page: Page, name: str, *arguments: Any) -> Any:
    """What a function of growing.js returns."""
    return await page.evaluate(f"async (given) => {{ {SOURCE}\nreturn functions.{name}(...given); }}", list(arguments))


@pytest.mark.parametrize("text", some_of([*corpus.ANSWERS, *corpus.TRICKY], 16))
async def test_a_text_that_comes_in_pieces_ends_as_if_it_had_come_at_once(page: Page, text: str) -> None:
    assert await run(page, "differs", text, PIECES) is None


async def test_what_stands_is_not_made_again(page: Page) -> None:
    told = await run(page, "standing", "\n\n".join(corpus.ANSWERS))
    assert told.pop("blocks") > 40
    assert told == {"lost": 0, "changed": 0, "touched": 0}


@pytest.mark.parametrize(
    ("selector", "start", "more"),
    [
        ("code", "```py\nfirst\n", "line\n"),
        ("table", "|a|\n|---|\n|b|\n", "|c|\n"),
        ("tr:nth-child(1)", "|a|\n|---|\n|b|\n", "|c|\n"),
        ("li", "- one\n", "- more\n"),
        ("p", "a paragraph", " that grows"),
        ("strong", "a **word** in a", " paragraph"),
    ],
)
async def test_what_grows_is_not_made_again(page: Page, selector: str, start: str, more: str) -> None:
    assert await run(page, "stays", selector, start, more)


@pytest.mark.parametrize(
    ("text", "never"),
    [
        ("**bold text", "*"),
        ("some *emphasis* and `code", "`"),
        ("a [link](https://a.example/long", "https"),
        ("~~struck", "~"),
        ("text\n\n| a | b |", "|"),
        ("# heading\n\n- item **bold", "*"),
    ],
)
async def test_marks_are_not_seen_before_they_are_understood(page: Page, text: str, never: str) -> None:
    shown = (await run(page, "frames", list(text)))[:-1]  # in the end it is read as it is
    assert len(shown) == len(text)
    assert not [frame for frame in shown if never in frame]


@pytest.mark.parametrize("text", some_of(corpus.HOSTILE, 12))
async def test_hostile_text_stays_text(page: Page, text: str) -> None:
    assert await run(page, "acts", text) == []
    assert "taken" not in await page.title()


async def test_lines_in_any_order_end_the_same_however_they_came_and_none_acts(page: Page) -> None:
    lines = [*LINES, *corpus.HOSTILE, *(text for text in corpus.TRICKY if len(text) < 100)]
    assert await run(page, "mixed", lines, MIXTURES) is None


async def test_links_that_are_safe_lead_where_they_say(page: Page) -> None:
    html = await run(page, "drawn", "[a](https://a.example/?q=1&amp;r=2) <me@b.example> https://c.example. [d](/here)")
    assert 'href="https://a.example/?q=1&amp;r=2"' in html
    assert 'href="mailto:me@b.example"' in html
    assert 'href="https://c.example/"' in html
    assert "/here" not in html
    assert html.count("<a ") == 3


async def test_the_hostile_answer_of_the_simulator_has_no_effect(site: Site) -> None:
    page = await site.visit()
    await say(page, "Do your worst", f"hostile {NOW}")
    await answered(page)
    assert await body(page).locator("script, iframe, img[src^=http], [onerror], [onclick], [onload]").count() == 0
    await page.wait_for_function(FORMULAS_READ)
    live = await body(page).inner_html()
    await page.reload()
    await answered(page)
    await page.wait_for_function(FORMULAS_READ)
    assert await body(page).inner_html() == live


@pytest.mark.parametrize("name", some_of(list(corpus.ENDLESS), 2))
async def test_what_would_break_a_parser_does_not_hang_the_page(site: Site, page: Page, name: str) -> None:
    site.allow("markdown: ")  # it says that it gave up
    told = await run(page, "takes", corpus.ENDLESS[name])
    assert told["letters"] > 0, "nothing is shown"
    assert told["ms"] < SECONDS_AT_MOST * 1000, told


async def test_the_button_of_a_code_block_copies_it(site: Site) -> None:
    context = await site.context(permissions=["clipboard-read", "clipboard-write"])
    page = await site.visit(context=context)
    code = 'def f(x):\n    return "<b>&amp;" + x\n'
    await say(page, "Code", f"{quoted(f'Here:{chr(10)}{chr(10)}```python{chr(10)}{code}```{chr(10)}Done.')} {NOW}")
    await answered(page)
    await expect(body(page).locator("figcaption")).to_contain_text("python")
    await button(body(page), "Copy code").click()
    await expect(button(body(page), "Copied")).to_be_visible()
    assert (await page.evaluate("navigator.clipboard.readText()")).rstrip("\n") == code.rstrip("\n")
    await page.wait_for_function("() => CSS.highlights.get('code-kwd')?.size > 0")
    await button(answer(page), "Copy as Markdown").click()
    await page.wait_for_function("() => navigator.clipboard.readText().then((text) => text.startsWith('Here:'))")
    assert (
        await page.evaluate("navigator.clipboard.readText()") == (await site.messages(page))[-1]["content"][0]["text"]
    )


async def test_a_table_and_a_list_are_what_they_are_to_everybody(site: Site) -> None:
    page = await site.visit()
    text = "| place | range |\n|---|--:|\n| Fundy | 16 m |\n\n1. one\n2. two\n   - three\n"
    await say(page, "Table", f"{quoted(text)} {NOW}")
    await answered(page)
    table = body(page).get_by_role("table")
    await expect(table.get_by_role("columnheader")).to_have_text(["place", "range"])
    await expect(table.get_by_role("cell")).to_have_text(["Fundy", "16 m"])
    await expect(table.get_by_role("cell").last).to_have_css("text-align", "end")
    await expect(body(page).get_by_role("listitem")).to_have_count(3)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("**bold", "**bold**"),
        ("**bold *both", "**bold *both***"),
        ("a `code", "a `code`"),
        ("a ``code ` ", "a ``code ``` "),
        ("snake_case_name", "snake_case_name"),
        ("2 * 3", "2 * 3"),
        ("\\*plain", "\\*plain"),
        ("ends with **", "ends with "),
        ("[text](https://a", "text"),
        ("![text](https://a", "text"),
        ("para\n\n| a | b |", "para\n"),
        ("title\n---", "title"),
        ("- item **one\n- two", "- item **one\n- two"),
    ],
)
async def test_what_is_open_is_closed_for_the_moment(page: Page, text: str, shown: str) -> None:
    script = "async (text) => (await import('/chat/markdown/unfinished.js')).complete(text)"
    assert (await page.evaluate(script, text)).rstrip("\n") == shown.rstrip("\n")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("no fence", None),
        ("```py\nprint(1)", {"language": "py", "code": "print(1)", "closed": False}),
        ("```py\nprint(1)\n``", {"language": "py", "code": "print(1)", "closed": False}),
        ("```py\nprint(1)\n```", {"language": "py", "code": "print(1)", "closed": True}),
        ("````\n```\n````\n", {"language": "", "code": None, "closed": True}),
        ("~~~ ruby x\na", {"language": "ruby", "code": "a", "closed": False}),
        ("``` a`b\n", None),
    ],
)
async def test_an_open_fence_tells_its_code_so_far(page: Page, text: str, told: dict[str, Any] | None) -> None:
    found = await page.evaluate("async (text) => (await import('/chat/markdown/unfinished.js')).fence(text)", text)
    if told and told["code"] is None:
        found.pop("code")
        told = {name: value for name, value in told.items() if name != "code"}
    assert found == told
