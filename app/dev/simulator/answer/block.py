"""A content block of an answer, and those that the API's own tools bring. Pure."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any

from app.dev.simulator.answer.hearing import Messages, asked_at, text
from app.dev.simulator.prompts import without

QUERY_LENGTH = 60


@dataclass(frozen=True, slots=True)
class Block:
    """A content block: `start` as content_block_start has it, then deltas of type `kind` that carry `carries`.

    `last` is a closing delta that costs no token; `whole` is what the finished Message has beside their sum.
    """

    start: Mapping[str, Any]
    kind: str = ""
    carries: str = ""
    deltas: Sequence[str] = ()
    last: Mapping[str, Any] | None = None
    whole: Mapping[str, Any] = field(default_factory=dict)


def searched(messages: Messages) -> list[Block]:
    """A search of the web for what was asked, and what it found."""
    query = " ".join(without(text(messages[asked_at(messages)])).split())[:QUERY_LENGTH]
    use = f"srvtoolu_sim{blake2b(query.encode('utf-8', 'surrogatepass'), digest_size=10).hexdigest()}"
    start = {"type": "server_tool_use", "id": use, "name": "web_search", "input": {}, "caller": {"type": "direct"}}
    given = {"query": query}
    found = {
        "type": "web_search_result",
        "url": "https://example.com/",
        "title": "An example",
        "encrypted_content": "c2ltdWxhdGVk",
        "page_age": None,
    }
    result = {"type": "web_search_tool_result", "tool_use_id": use, "content": [found], "caller": {"type": "direct"}}
    asking = [json.dumps(given, ensure_ascii=False)]
    return [Block(start, "input_json_delta", "partial_json", asking, None, {"input": given}), Block(result)]
