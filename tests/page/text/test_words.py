"""What the page says: numbers, times and states in words. The modules alone, without a server's answer."""

from __future__ import annotations

from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Page

from tests.page.visiting import Site

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def page(everything: Site) -> Page:
    page = await everything.visit(timezone_id="Europe/Warsaw", locale="en-GB")
    assert everything.faults == []
    return page


async def word(page: Page, name: str, *arguments: Any, module: str = "words") -> Any:
    call = f"async (given) => (await import('/chat/{module}.js')).{name}(...given)"
    return await page.evaluate(call, list(arguments))


async def test_who_wrote_it_and_what_that_did_cost(page: Page) -> None:
    for model, name in (
        ("claude-opus-4-8", "Claude Opus 4.8"),
        ("claude-haiku-4-5-20251001", "Claude Haiku 4.5"),
        ("claude-sonnet-5", "Claude Sonnet 5"),
        ("claude-3-5-sonnet-20241022", "claude-3-5-sonnet-20241022"),
        ("gpt", "gpt"),
        ("", ""),
    ):
        assert await word(page, "named", model) == name
    for cost, saved, text in (
        (0.003876, None, "$0.0039"),
        (0.02, 0.0124, "$0.02 · caching saved $0.012"),
        (12.345, 0, "$12.35"),
        (0.00001, None, "< $0.0001"),
        (0, None, "$0"),
        (None, None, ""),
    ):
        assert await word(page, "spent", {"cost_usd": cost, "saved_usd": saved}) == text


async def test_numbers(page: Page) -> None:
    timing = {"first_token_ms": 400, "total_ms": 15_000}
    assert (
        await word(page, "measured", {"output_tokens": 1204}, timing)
        == "1,204 tokens · first after 0.4 s · 82 tokens/s"
    )
    assert await word(page, "measured", {"output_tokens": 1}, timing) == "1 token · first after 0.4 s"
    assert await word(page, "measured", {"output_tokens": 5}, {"first_token_ms": 7, "total_ms": 7}) == (
        "5 tokens · first after 0.01 s"
    )
    assert await word(page, "measured", None, None) == ""
    assert await word(page, "measured", {"output_tokens": 0}, {"first_token_ms": None, "total_ms": 9}) == ""


@pytest.mark.parametrize(
    ("ms", "said"),
    [
        *[(0, "0.00 s"), (94, "0.09 s"), (949, "0.9 s"), (950, "0.9 s"), (9_949, "9.9 s"), (10_000, "10 s")],
        *[(89_999, "90 s"), (90_000, "2 min"), (600_000, "10 min")],
    ],
)
async def test_times(page: Page, ms: int, said: str) -> None:
    assert await word(page, "seconds", ms) == said


async def test_what_is_left_is_never_nothing(page: Page) -> None:
    assert [await word(page, "left", ms) for ms in (0, 1, 1000, 1001)] == ["1 s", "1 s", "1 s", "2 s"]


async def test_places(page: Page) -> None:
    assert await word(page, "place", 1) == "Next in line"
    assert await word(page, "place", 1234) == "Number 1,234 in line"
    for nothing in (0, None, -1):
        assert await word(page, "place", nothing) == "Waiting in line"


async def test_reasons(page: Page) -> None:
    assert await word(page, "reason", "overloaded_error") == "Claude is overloaded"
    for unknown in ("something new", "constructor", "__proto__", None):
        assert await word(page, "reason", unknown) == "Couldn\u2019t reach Claude"


@pytest.mark.parametrize(
    ("end", "text", "actions"),
    [
        ({"outcome": "truncated", "stop_reason": "max_tokens"}, "reached its length limit", ["continue"]),
        ({"outcome": "truncated", "stop_reason": "model_context_window_exceeded"}, "as long as the model can read", []),
        ({"outcome": "cancelled"}, "Stopped.", ["continue", "regenerate"]),
        ({"outcome": "refused"}, "declined", ["edit"]),
        ({"outcome": "expired"}, "took too long", ["regenerate"]),
        ({"outcome": "failed", "error": {"type": "overloaded_error", "message": "x"}}, "overloaded", ["regenerate"]),
        ({"outcome": "failed", "error": {"type": "new_error", "message": "why"}}, "failed: why", ["regenerate"]),
        (
            {"outcome": "failed", "error": {"type": "x", "message": "prompt is too long: 2 > 1"}},
            "too long for",
            ["edit"],
        ),
        ({"outcome": "failed"}, "The answer failed. Try again.", ["regenerate"]),
    ],
)
async def test_endings(page: Page, end: dict[str, Any], text: str, actions: list[str]) -> None:
    told = await word(page, "ending", end)
    assert text in told["text"]
    assert told["actions"] == actions
    assert await word(page, "ending", {"outcome": "completed"}) is None


@pytest.mark.parametrize(
    ("status", "said"),
    [
        *[(401, "key"), (404, "available to you"), (410, "deleted")],
        *[(code, "Its own words.") for code in (400, 402, 403, 409, 413, 429)],
        *[(500, "Something went wrong on the server"), (None, "reach the server")],
    ],
)
async def test_troubles(page: Page, status: int | None, said: str) -> None:
    error = {"message": "its own words"} | ({"status": status} if status else {})
    assert said in await word(page, "trouble", error)


TOO_LONG = "the conversation is longer than the model's context: 250000 tokens, and claude-x takes 200000; fork it"
BUDGET = (
    "usd_per_day: of $5.00 a day, $0.1200 is neither spent nor promised to what runs, and this may cost more; the next "
)
RATE = "requests_per_minute: no more than 60 requests a minute are allowed; try again in 3 s"


@pytest.mark.parametrize(
    ("status", "message", "said"),
    [
        (400, TOO_LONG, "250,000 tokens, and it can read 200,000. Shorten your message, remove a file, or start a new"),
        (402, f"{BUDGET}day begins at 2026-11-28T00:00:00Z", "You have $0.1200 left of $5.00 a day, and this could"),
        (402, f"{BUDGET}day begins at 2026-11-28T00:00:00Z", "The next day starts 28 Nov 2026, 01:00. Try a shorter"),
        (402, "its own words", "Not enough is left of your budget. Its own words."),
        (403, "model: none of those that you may use (models: claude-haiku-*)", "Choose another one: claude-haiku-*."),
        (403, "max_tokens: more than you may ask for (max_tokens: 4000)", "Answers can have 4,000 tokens at most"),
        (403, "model: its price is not known, so that your budget cannot count it", "what this model costs"),
        (403, "its own words", "This is not allowed here. Its own words."),
        (409, "the stream st_1 still runs in this conversation; wait for its ending", "or stop it first."),
        (413, "the body is larger than 33554432 bytes", "too large to send: a message can be 32 MB. Shorten it, or"),
        (413, "the conversation is as large as it may be; fork it earlier, or begin another", "Start a new one, or"),
        (429, RATE, "reached your limit of 60 requests a minute."),
        (429, "streams: no more than 1 streams may wait and run at a time", "You already have 1 answer under way."),
        (429, "too many streams are waiting", "Many requests are waiting right now."),
        (400, "content.0.source.data: the file is no image/png", "The file is no image/png."),
        (401, "x", "Sign in to continue."),
    ],
)
async def test_refusals_say_what_one_can_do(page: Page, status: int, message: str, said: str) -> None:
    error = {"status": status, "message": message}
    assert said in await word(page, "refused", error, module="composing/refusals")


@pytest.mark.parametrize(
    "message", ["prompt is too long: 210000 tokens > 200000 maximum", "1 + 2 exceed context limit: 2"]
)
async def test_a_chat_that_is_too_long_for_its_model(page: Page, message: str) -> None:
    error = {"type": "invalid_request_error", "message": message}
    assert "too long for the model. Shorten" in await word(page, "failure", error)


@pytest.mark.parametrize(
    ("size", "said"), [(0, "1 kB"), (2000, "2 kB"), (3_355_443, "3.1 MB"), (33_554_431, "31 MB"), (33_554_432, "32 MB")]
)
async def test_sizes(page: Page, size: int, said: str) -> None:
    assert await word(page, "megabytes", size) == said


async def test_what_is_left(page: Page) -> None:
    at = 1_773_234_300_000  # 14:05
    requests = {"limit": 6000, "left": 1200, "reset": at}
    assert await word(page, "remaining", {"requests": requests}, at - 1, module="menu/settings") == [
        "1,200 of 6,000 requests a minute are left, all of them at 14:05:00."
    ]
    assert await word(page, "remaining", {"output-tokens": requests | {"left": -5}}, at, module="menu/settings") == [
        "All of 6,000 output tokens a minute are left."
    ]
    assert await word(page, "remaining", {}, at, module="menu/settings") == []


@pytest.mark.parametrize(
    ("at", "said"),
    [
        ("2026-03-11T13:05:00Z", "14:05"),
        ("2026-03-10T23:30:00Z", "00:30"),  # today, where its reader is
        ("2026-03-10T13:05:00Z", "Tue 14:05"),
        ("2026-03-05T13:05:00Z", "Thu 14:05"),
        ("2026-03-04T13:05:00Z", "4 Mar"),
        ("2025-03-04T13:05:00Z", "4 Mar 2025"),
        ("2026-03-12T13:05:00Z", "14:05"),  # ahead of the server: what else to say
    ],
)
async def test_when(page: Page, at: str, said: str) -> None:
    now = await page.evaluate("Date.parse('2026-03-11T15:00:00Z')")
    assert await word(page, "when", at, now) == said


async def test_the_text_of_a_message(page: Page) -> None:
    blocks = [{"type": "text", "text": "one"}, {"type": "image"}, {"type": "text", "text": "two"}]
    assert await word(page, "textOf", blocks) == "one\n\ntwo"
    assert await word(page, "textOf", "plain") == "plain"
    assert await word(page, "textOf", None) == ""
