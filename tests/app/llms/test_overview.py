"""`llms.txt` and `llms-full.txt`."""

from __future__ import annotations

import re

from app.http.static import PAGES
from app.llms import index, whole
from tests.app.docs.shelf import SHELF


def test_each_page_is_listed_once_and_says_what_it_is_for() -> None:
    entries = re.findall(r"^- \[.+\]\(/docs/([a-z]+)\.md\)(?:: (.+))?$", index(), re.MULTILINE)
    assert sorted(name for name, _ in entries) == sorted(PAGES)
    assert [name for name, says in entries if not says] == ["changelog"]


def test_it_has_the_form_that_is_read() -> None:
    lines = index("/under").splitlines()
    assert lines[0] == "# Keepstream"
    assert lines[2].startswith("> Keepstream is a self-hosted relay")
    assert [line for line in lines if line.startswith("## ")] == ["## To use it", "## To run it", "## Optional"]
    assert "/under/docs/clients.md" in index("/under")


def test_the_whole_has_each_page_of_who_uses_and_runs_it_and_no_mark_of_ours() -> None:
    text = whole()
    for name in ("start", "clients", "tools", "guarantees", "words", "settings", "access", "recipes", "operating"):
        assert SHELF[name].text.splitlines()[0] in text
    assert "# Findings" not in text
    assert not re.search(r"^```\w+ run$", text, re.MULTILINE)
