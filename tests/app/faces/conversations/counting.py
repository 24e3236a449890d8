"""A Claude API that is asked how long a conversation is."""

from __future__ import annotations

from collections.abc import Mapping

import orjson

from app.upstream import Reply, UnreachableError, Upstream


class Told(Upstream):
    """A Claude API that counts as it is told; None cannot be reached."""

    def __init__(self, tokens: int | None) -> None:
        self.tokens = tokens
        self.asked: list[str] = []

    async def ask(self, method: str, path: str, query: str, headers: Mapping[str, str], body: bytes = b"") -> Reply:
        del query, headers, body
        self.asked.append(path)
        if self.tokens is None:
            raise UnreachableError("away", timed_out=False)
        found = {"input_tokens": self.tokens} if method == "POST" else {"max_input_tokens": 1000}
        return Reply(200, {}, orjson.dumps(found))
