"""Keys, tokens and tickets that a callback gives: kept while they hold, and asked for again in time."""

from __future__ import annotations

import json
import time
from typing import Any

import httpx
import jwt
import pytest

from tests.harness.identity.tokens import SECRET
from tests.stories.clients.conftest import Up
from tests.stories.clients.javascript.conftest import Project

QUICK = {"prompt": "Hello [[sim: tokens=5]]"}


def token(seconds: float) -> str:
    return jwt.encode({"sub": "alice", "exp": time.time() + seconds}, SECRET, "HS256")


@pytest.fixture(scope="session")
def locked(up: Up) -> str:
    """The address of a front that asks for tokens."""
    return up.relay.another_front(KEEPSTREAM_JWT_SECRET=SECRET)[1]


@pytest.fixture(scope="session")
def streams(locked: str) -> list[str]:
    with httpx.Client(base_url=locked, headers={"x-api-key": token(600)}) as http:
        return [http.post("/v1/streams", json=QUICK).json()["id"] for _ in range(2)]


async def auth(project: Project, locked: str, **asked: Any) -> Any:
    return await project.ask("client.mjs", locked, "auth", json.dumps({"ids": []} | asked))


async def test_a_token_is_kept_until_half_a_minute_before_its_end(
    project: Project, locked: str, streams: list[str]
) -> None:
    seen = await auth(project, locked, passes=[token(20), token(600)], ids=[streams[0]] * 4)
    assert [type(result) for result in seen["results"]] == [str] * 4
    assert len(seen["calls"]) == 2


async def test_a_key_with_a_date_is_kept_until_then(project: Project, locked: str, streams: list[str]) -> None:
    late = {"key": token(600), "expires_at": "2020-01-01T00:00:00Z"}
    seen = await auth(project, locked, passes=[late], ids=[streams[0]] * 3)
    assert [type(result) for result in seen["results"]] == [str] * 3
    assert len(seen["calls"]) == 3


async def test_what_is_refused_is_asked_for_once_more_and_then_is_final(
    project: Project, locked: str, streams: list[str]
) -> None:
    seen = await auth(project, locked, passes=["no such key", token(600)], ids=[streams[0]] * 2)
    assert [type(result) for result in seen["results"]] == [str] * 2
    assert len(seen["calls"]) == 2
    seen = await auth(project, locked, passes=["no such key"], ids=[streams[0]], read=streams[0])
    assert [result["status"] for result in seen["results"]] == [401, 401]
    assert len(seen["calls"]) == 3  # the second had one to begin with


async def test_many_calls_at_once_ask_once(project: Project, locked: str, streams: list[str]) -> None:
    seen = await auth(project, locked, passes=[token(600)], together=[*streams, *streams])
    assert [type(result) for result in seen["results"][0]] == [str] * 4
    assert seen["calls"] == [streams[0]]


async def test_a_ticket_is_asked_for_by_the_stream_that_it_opens(
    project: Project, locked: str, streams: list[str]
) -> None:
    async with httpx.AsyncClient(base_url=locked, headers={"x-api-key": token(600)}) as http:
        tickets = [(await http.post(f"/v1/streams/{stream}/ticket")).json() for stream in streams]
    seen = await auth(project, locked, passes=tickets, ids=[streams[0], streams[0], streams[1]], read=streams[1])
    assert [type(result) for result in seen["results"]] == [str] * 4
    assert seen["calls"] == streams


async def test_whoever_gives_tokens_may_be_away_for_a_while(project: Project, locked: str, streams: list[str]) -> None:
    seen = await auth(project, locked, passes=[{"error": True}, token(600)], read=streams[0])
    assert seen["results"][0] != ""
    assert len(seen["calls"]) == 2
