"""The simulated API keeps the beginnings of prompts as the real one does, and refuses the same marks."""

from typing import Any

import httpx
import pytest

from app.dev.simulator.rules.caching import Caches
from tests.app.dev.simulator.claude import asking

LONG = "words of a long prompt " * 400
FIVE, HOUR = {"type": "ephemeral"}, {"type": "ephemeral", "ttl": "1h"}


def text(words: str, mark: Any = None) -> dict[str, Any]:
    return {"type": "text", "text": words, **({"cache_control": mark} if mark else {})}


def turns(*contents: Any) -> list[dict[str, Any]]:
    return [{"role": ("user", "assistant")[n % 2], "content": content} for n, content in enumerate(contents)]


LATER = {"name": "a", "defer_loading": True, "cache_control": FIVE}
BEHIND = "must not come after a ttl='5m' cache_control block"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"system": [text("x", FIVE)] * 5}, "A maximum of 4 blocks with cache_control may be provided. Found 5."),
        ({"system": [text("x", FIVE)] * 4, "cache_control": FIVE}, "Found 5."),
        ({"system": [text("x", FIVE), text("y", HOUR)]}, "system.1.cache_control.ttl: a ttl='1h' cache_control block"),
        ({"tools": [{"name": "a", "cache_control": FIVE}], "system": [text("y", HOUR)]}, BEHIND),
        ({"system": [text("", FIVE)]}, "system.0.text: cache_control cannot be set for empty text blocks"),
        ({"tools": [LATER]}, "cannot have both defer_loading=true"),
        ({"system": [text("x", {"type": "lasting"})]}, "system.0.cache_control.type: Input should be 'ephemeral'"),
        ({"system": [text("x", {**FIVE, "ttl": "2h"})]}, "Input should be '5m' or '1h'"),
        ({"cache_control": "yes"}, "cache_control: Input should be a valid dictionary"),
    ],
)
async def test_marks_that_the_api_refuses(http: httpx.AsyncClient, change: dict[str, Any], words: str) -> None:
    answer = await http.post("/v1/messages", json=asking("hello", **change))
    assert answer.status_code == 400
    assert words in answer.json()["error"]["message"]


async def test_a_conversation_reads_what_its_turns_wrote(http: httpx.AsyncClient) -> None:
    async def used(*contents: Any, **more: Any) -> tuple[int, int, int]:
        asked = asking("", **more) | {"messages": turns(*contents)}
        usage = (await http.post("/v1/messages", json=asked)).json()["usage"]
        creation = usage["cache_creation"]
        assert sum(creation.values()) == usage["cache_creation_input_tokens"]
        return (
            usage["cache_read_input_tokens"],
            creation["ephemeral_5m_input_tokens"],
            creation["ephemeral_1h_input_tokens"],
        )

    first = [text(LONG, FIVE)]
    read, written, _ = await used(first)
    assert (read, written > 2_000) == (0, True)
    assert (await used(LONG, "yes", [text("and?", FIVE)]))[0] == written
    assert (await used(LONG, "yes", "and?", "so", "then?", cache_control=FIVE))[0] > written
    assert (await used(LONG.upper(), "yes", [text("and?", FIVE)]))[0] == 0
    assert (await used([text("short", FIVE)])) == (0, 0, 0)
    hour = await used([text("now?", FIVE)], system=[text(LONG, HOUR)])
    assert (hour[0], 0 < hour[1] < 20, hour[2] > 2_000) == (0, True, True)


def test_what_is_not_used_is_forgotten() -> None:
    now = [0.0]
    caches = Caches(lambda: now[0])
    body = {"model": "m", "messages": turns([text(LONG, FIVE)])}
    written = caches.use(body).written
    for now[0], read in ((200, written), (490, written), (800, 0)):
        assert caches.use(body).read == read
