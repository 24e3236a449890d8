"""Links lead somewhere, in the repository and where the pages are served."""

from __future__ import annotations

import re

import pytest

from app.http.static import FILES, PAGES
from tests.app.docs.shelf import ALL, DOCS, OF_THE_TESTS, ROOT, SHELF, Document

WEB = ROOT / "app" / "web"


def test_the_pages_that_are_served_are_those_that_are_there() -> None:
    assert sorted(PAGES) == sorted(SHELF)
    pictures = {f"/docs/pictures/{path.name}" for path in (DOCS / "pictures").iterdir()}
    assert pictures == {path for path in FILES if path.startswith("/docs/pictures/")}


def test_each_page_can_be_chosen() -> None:
    named = re.findall(r'href="/docs/(\w+)"', (WEB / "docs.html").read_text())
    assert sorted(named) == sorted([*PAGES, "api"])


def test_all_that_the_page_of_the_shelf_imports_is_fetched_in_one_trip() -> None:
    needed, new = set(), {"/docs.js"}
    while new := {path for file in new for path in imports(file)} - needed:
        needed |= new
    assert set(re.findall(r'rel="modulepreload" href="([^"]+)"', (WEB / "docs.html").read_text())) == needed


def imports(file: str) -> list[str]:
    return re.findall(r'^import .*"(/[^"]+)";$', (WEB / file[1:]).read_text(), re.MULTILINE)


@pytest.mark.parametrize("page", [*ALL, OF_THE_TESTS], ids=str)
def test_a_link_leads_to_what_is_there(page: Document) -> None:
    for link in page.links:
        if link.startswith(("https://", "http://")):
            continue
        path, _, anchor = link.partition("#")
        target = (page.path.parent / path).resolve() if path else page.path
        assert target.exists(), link
        assert not anchor or anchor in Document(target).headings, link


@pytest.mark.parametrize("page", SHELF.values(), ids=str)
def test_a_page_of_the_shelf_leads_nowhere_but_to_what_is_served(page: Document) -> None:
    for link in page.links:
        if not link.startswith(("https://", "#")):
            path = link.partition("#")[0]
            assert path.removesuffix(".md") in PAGES or f"/docs/{path}" in FILES, link


@pytest.mark.parametrize("page", ALL, ids=str)
def test_a_page_has_one_name_and_no_heading_twice(page: Document) -> None:
    assert len(re.findall(r"^# ", page.prose, re.MULTILINE)) == 1
    assert len(page.headings) == len(set(page.headings))


def test_a_picture_is_small() -> None:
    for picture in (DOCS / "pictures").iterdir():
        assert picture.stat().st_size < 150_000
