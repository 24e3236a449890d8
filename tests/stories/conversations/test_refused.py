"""What a conversation does not take, and that a refusal leaves nothing."""

from __future__ import annotations

from typing import Any

import pytest

from tests.harness.api import Api
from tests.stories.conversations.talk import Talk

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"content": ""},
        {"content": " \n"},
        {"content": []},
        {"content": [{"text": "x"}]},
        {"content": [{"type": "text", "text": " "}]},
        {"content": 1},
        {"content": "x", "regenerate": True},
        {"regenerate": False},
        {"regenerate": True},
        {"continue": True},
        {"continue": True, "after": "x"},
        {"content": "x", "after": 1},
        {"content": "x", "messages": []},
        {"content": "x", "max_tokens": 0},
        {"content": "x", "relay": {"what": 1}},
    ],
)
async def test_what_cannot_be_said_is_refused_and_leaves_nothing(api: Api, body: dict[str, Any]) -> None:
    talk = await Talk.begin(api)
    before = await talk.show()
    answer = await talk.send(**body)
    assert (answer.status_code, answer.json()["error"]["type"]) == (400, "invalid_request_error")
    assert await talk.show() == before


@pytest.mark.parametrize("body", [{"title": 1}, {"title": "x" * 201}, {"what": "x"}, {"messages": []}])
async def test_a_wrong_description_is_refused(api: Api, body: dict[str, Any]) -> None:
    assert (await api.call("POST", "/v1/conversations", json=body)).status_code == 400
    talk = await Talk.begin(api)
    assert (await api.call("PATCH", talk.path, json=body)).status_code == 400


async def test_titles_come_and_go(api: Api) -> None:
    talk = await Talk.begin(api, title="One", model="m")
    shown = (await api.call("PATCH", talk.path, json={"title": "Two"})).json()
    assert (shown["title"], shown["model"]) == ("Two", "m")
    assert (await api.call("PATCH", talk.path, json={"title": None})).json()["title"] is None


async def test_what_is_no_conversation_is_not_found(api: Api) -> None:
    for name in ("cv_1", "st_" + 32 * "0", "cv_" + 32 * "0", "cv_" + 32 * "g"):
        for path in ("", "/events", "/export"):
            answer = await api.call("GET", f"/v1/conversations/{name}{path}")
            assert (answer.status_code, answer.json()["error"]["type"]) == (404, "not_found_error")


async def test_a_conversation_that_is_too_large_takes_no_more(api: Api) -> None:
    talk = await Talk.begin(api)
    answer = await talk.send(content="x" * 950_000)
    assert (answer.status_code, answer.json()["error"]["type"]) == (413, "request_too_large")
    assert await talk.messages() == []


async def test_of_conversations_there_are_only_so_many(api: Api) -> None:
    status, talks = 201, []
    while status == 201:
        answer = await api.call("POST", "/v1/conversations", json={})
        status = answer.status_code
        talks.append(answer.json())
        assert len(talks) <= 201
    assert (status, talks[-1]["error"]["type"]) == (409, "conflict_error")
    assert (await api.call("DELETE", f"/v1/conversations/{talks[0]['id']}")).status_code == 204
    assert (await api.call("POST", "/v1/conversations", json={})).status_code == 201
