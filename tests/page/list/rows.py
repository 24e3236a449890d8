"""A conversation in the list, and its menu."""

from __future__ import annotations

from playwright.async_api import Page

from tests.page.visiting import (
    NOW,
    Site,
    answered,
    button,
    say,
)


async def menu(page: Page, name: str) -> None:
    await page.get_by_label("More", exact=True).click()
    await button(page.locator("#menu"), name).click()


async def talk(site: Site, text: str, directive: str = NOW, **options: object) -> Page:
    page = await site.visit(**options)  # type: ignore[arg-type]
    await say(page, text, directive)
    await answered(page)
    return page
