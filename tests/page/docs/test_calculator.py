"""The calculator of the page about sizing: it says what the formula says, and everybody can use it."""

from __future__ import annotations

import random
from dataclasses import asdict, replace
from typing import Any

import pytest
from playwright.async_api import Page, expect

from tests.bench.sizing.formula import Load, figures, need
from tests.harness import node
from tests.page.docs.test_shelf import read
from tests.page.test_looks import AXE, DESKTOP, PHONE, violations
from tests.page.visiting import Site

pytestmark = pytest.mark.asyncio(loop_scope="session")

NOTHING = "\N{EN DASH}"
LOADS = [
    Load(10),
    Load(1000),
    Load(100_000),
    Load(100_000, readers=3, rate=80, tokens=200, kept=60),
    Load(1, readers=0),
    Load(50, readers=10_000),
    Load(3, readers=0.5, tokens=1),
]


async def says(page: Page) -> dict[str, str]:
    """What stands beside the fields, by name."""
    found = await page.locator("dd").evaluate_all("all => all.map(({ id, textContent }) => [id, textContent])")
    return {name.removeprefix("need-"): text for name, text in found}


async def test_it_reckons_as_the_formula_does(site: Site) -> None:
    """With the figures that it reads on the page, which are those that the formula reads in the file."""
    page = await read(site, "/sizing", **DESKTOP)
    dice = random.Random(7)  # noqa: S311 - no secret
    drawn = [
        Load(10 ** dice.uniform(0, 6), readers, 10 ** dice.uniform(0, 3), 10 ** dice.uniform(0, 5))
        for readers in (0, 0.3, 1, 2, 17)
        for _ in range(20)
    ]
    told = await page.evaluate(
        """async (loads) => {
            const [{ figures }, { need }] = await Promise.all([import("/docs/calculator.js"), import("/docs/need.js")]);
            const of = figures(document.querySelector("main"));
            return [of, loads.map((load) => need(of, load))];
        }""",
        [asdict(load) for load in [*LOADS, *drawn]],
    )
    assert told[0] == figures()
    for load, found in zip([*LOADS, *drawn], told[1], strict=True):
        assert found == pytest.approx(asdict(need(figures(), load))), load


async def test_a_number_that_is_typed_is_reckoned_with(site: Site) -> None:
    page = await read(site, "/sizing", **DESKTOP)
    begun = need(figures(), Load(1000))
    assert (await says(page))["cores"] == f"{begun.cores:,}"
    load = Load(100_000, readers=2, kept=7200)
    await page.get_by_label("Streams at a time").fill("100000")
    await page.get_by_label("Readers of each").fill("2")
    await page.get_by_label("Hours that it is kept").fill("2")
    wanted = need(figures(), load)
    told = await says(page)
    assert (told["fronts"], told["workers"], told["nodes"]) == tuple(
        f"{one:,}" for one in (wanted.fronts, wanted.workers, wanted.nodes)
    )
    assert told["redis_gb"] == f"{wanted.redis_gb:,.1f}".removesuffix(".0") + " GB"
    assert told["api_usd_hour"] == f"$ {wanted.api_usd_hour:,.2f}"
    await expect(page.get_by_role("main").get_by_role("status")).to_contain_text(f"{wanted.workers:,} workers")


async def test_what_cannot_be_used_is_said(site: Site) -> None:
    page = await read(site, "/sizing", **DESKTOP)
    for typed in ("", "-1", "0"):
        await page.get_by_label("Streams at a time").fill(typed)
        await expect(page.get_by_role("main").get_by_role("status")).to_contain_text("cannot be used")
        assert set((await says(page)).values()) == {NOTHING}
    await page.get_by_label("Streams at a time").fill("10")
    assert (await says(page))["fronts"] == "2"


async def test_it_is_used_by_keyboard(site: Site) -> None:
    page = await read(site, "/sizing#a-load-of-your-own", **DESKTOP)
    await page.get_by_label("Streams at a time").focus()
    await page.keyboard.press("ArrowUp")
    wanted = need(figures(), replace(Load(1001)))
    assert (await says(page))["out_mb_s"] == f"{wanted.out_mb_s:,.1f}".removesuffix(".0") + " MB/s"
    await page.keyboard.press("Tab")
    await expect(page.get_by_label("Readers of each")).to_be_focused()


@pytest.mark.parametrize(("scheme", "device"), [("light", PHONE), ("dark", DESKTOP)], ids=["phone", "dark"])
async def test_axe_finds_nothing(site: Site, device: dict[str, Any], scheme: str) -> None:
    node.install()
    page = await read(site, "/sizing", color_scheme=scheme, **device)
    assert await violations(page, AXE.read_text()) == []
    await page.get_by_label("Streams at a time").fill("")
    assert await violations(page, AXE.read_text()) == []


async def test_without_javascript_a_page_is_its_file(site: Site) -> None:
    """The tables are there, and so is everything else."""
    page = await (await site.context(java_script_enabled=False)).new_page()
    await page.goto(f"{site.address}docs/sizing")
    await page.wait_for_url(f"{site.address}docs/sizing.md")
    assert "| fronts | 2 |" in await page.locator("body").inner_text()
