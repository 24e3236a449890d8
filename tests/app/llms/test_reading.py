"""Pages as they are taken apart."""

from __future__ import annotations

import pytest

from app.llms import reading


def test_a_section_ends_with_the_next_heading_as_high_and_takes_the_lower_ones() -> None:
    text = reading.section("operating", "Health")
    assert "### The doctor" in text
    assert "## Traces" not in text


def test_a_comment_in_a_shell_is_no_heading() -> None:
    assert reading.section("start", "Two commands").count("make test    # lint") == 1


def test_what_is_not_there_is_said() -> None:
    with pytest.raises(reading.MissingSectionError, match=r"start\.md has no section “Nowhere”"):
        reading.section("start", "Nowhere")


@pytest.mark.parametrize(
    ("text", "led"),
    [
        ("see [keys](access.md)", "see [keys](/under/docs/access.md)"),
        ("see [keys](access.md#keys)", "see [keys](/under/docs/access.md#keys)"),
        ("see [above](#the-wire)", "see [above](/under/docs/clients.md#the-wire)"),
        ("see [there](https://example.com/a.md)", "see [there](https://example.com/a.md)"),
        ("```js run\nlist[0](a)\n```\n[keys](access.md)", "```js\nlist[0](a)\n```\n[keys](/under/docs/access.md)"),
        ("what they run\nand [keys](access.md)", "what they run\nand [keys](/under/docs/access.md)"),
    ],
)
def test_links_lead_to_where_a_front_serves_the_page_and_code_stays(text: str, led: str) -> None:
    assert reading.led(text, "clients", "/under") == led


def test_a_page_has_no_pictures() -> None:
    assert "](pictures/" not in reading.page("start")
