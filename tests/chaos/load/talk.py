"""A conversation whose first answer breaks in the middle: what people saw of it is kept, and the next one is whole."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from typing import Any

import httpx

from tests.chaos.load.asks import Ask
from tests.harness.reader import Sight, ViolationError

PAUSE_SECONDS = 0.1
PARTIAL = frozenset({"failed", "cancelled", "expired"})
Url = Callable[[str], str]


class Talk:
    """One conversation. What is refused for now is asked again, with the same key."""

    def __init__(self, http: httpx.AsyncClient, url: Url, rng: random.Random) -> None:
        self._http, self._url, self._rng = http, url, rng
        self._id = ""

    async def begin(self) -> None:
        self._id = (await self._call("POST", "/v1/conversations", {}))["id"]

    async def say(self, ask: Ask) -> str:
        """Says it; an answer that breaks after content is kept as it is. Returns the stream's id."""
        body = {"content": ask.text, "relay": {"on_interrupt": "fail"}}
        key = f"talk-{ask.tag}-{self._rng.random()}"
        return str((await self._call("POST", f"/v1/conversations/{self._id}/messages", body, key))["id"])

    async def check(self, answers: list[tuple[Ask, Sight]]) -> None:
        """Compares what is kept with what was seen of each stream. Raises `ViolationError`."""
        seen = [(ask.text, sight.text(), str((sight.end or {}).get("outcome"))) for ask, sight in answers]
        kept: list[dict[str, Any]] = (await self._call("GET", f"/v1/conversations/{self._id}"))["messages"]
        if [message["role"] for message in kept] != ["user", "assistant"] * len(seen):
            raise ViolationError(f"{self._id}: {[message['role'] for message in kept]} for {len(seen)} turns")
        for number, (asked, said, outcome) in enumerate(seen):
            question, answer = kept[2 * number], kept[2 * number + 1]
            text = "".join(block.get("text", "") for block in answer["content"] or ())
            if "".join(block["text"] for block in question["content"]) != asked:
                raise ViolationError(f"{self._id}: another question: {question}")
            if answer["outcome"] != outcome:
                raise ViolationError(f"{self._id}: kept as {answer['outcome']}, seen as {outcome}")
            if text != said and (outcome not in PARTIAL or said.strip()):
                raise ViolationError(f"{self._id}: {outcome}, kept {text[-80:]!r} of {said[-80:]!r}")
            if answer.get("partial", False) != (outcome in PARTIAL and bool(text)):
                raise ViolationError(f"{self._id}: {outcome} with {len(text)} letters, partial {answer.get('partial')}")

    async def _call(self, method: str, path: str, body: object = None, key: str = "") -> dict[str, Any]:
        """Until it is answered: everything but 2xx passes here, as the turn before may just be ending."""
        headers = {"idempotency-key": key} if key else None
        while True:
            try:
                answer = await self._http.request(method, self._url(path), json=body, headers=headers)
            except httpx.TransportError:
                answer = None
            if answer is not None and answer.is_success:
                found: dict[str, Any] = answer.json()
                return found
            passing = answer is None or answer.status_code >= 500 or answer.status_code in (409, 429)
            if answer is not None and not passing:
                raise ViolationError(f"{self._id}: {method} {path}: {answer.status_code} {answer.text[:200]}")
            await asyncio.sleep(PAUSE_SECONDS)
