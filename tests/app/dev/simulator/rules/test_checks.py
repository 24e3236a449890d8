"""What the API refuses, in its own words."""

from typing import Any

import anthropic
import httpx
import pytest
from anthropic import AsyncAnthropic

from tests.app.dev.simulator.claude import asking


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"model": None}, "model: Field required"),
        ({"messages": None}, "messages: Field required"),
        ({"messages": []}, "messages: at least one message is required"),
        ({"messages": "hello"}, "messages: Input should be a valid list"),
        ({"messages": ["hello"]}, "messages.0: Input should be a valid dictionary"),
        ({"messages": [{"role": "robot", "content": "x"}]}, "messages.0.role: Input should be"),
        ({"messages": [{"role": "user"}]}, "messages.0.content: Field required"),
        ({"messages": [{"role": "user", "content": ""}]}, "messages.0: all messages must have non-empty content"),
        ({"messages": [{"role": "user", "content": [{"text": "x"}]}]}, "messages.0.content.0.type: Field required"),
        ({"messages": [{"role": "user", "content": [{"type": "text", "text": ""}]}]}, "must be non-empty"),
        ({"max_tokens": None}, "max_tokens: Field required"),
        ({"max_tokens": 0}, "max_tokens: Input should be greater than or equal to 1"),
        ({"max_tokens": "many"}, "max_tokens: Input should be a valid integer"),
        ({"max_tokens": True}, "max_tokens: Input should be a valid integer"),
        ({"max_tokens": 10**9}, "which is the maximum allowed number of output tokens for claude-opus-5-5"),
        ({"stream": "yes"}, "stream: Input should be a valid boolean"),
        ({"stop_sequences": [" "]}, "stop_sequences: each stop sequence must contain non-whitespace"),
        ({"tools": {}}, "tools: Input should be a valid list"),
        ({"tools": [{"name": "x", "input_schema": []}]}, "tools.0.input_schema: Input should be a valid dictionary"),
        ({"system": 1}, "system: Input should be a valid string or list"),
        ({"messages": [{"role": "user", "content": "[[sim: nonsense]]"}]}, "[[sim: nonsense]] is not known"),
        ({"messages": [{"role": "user", "content": "[[sim: tokens=many]]"}]}, "[[sim: tokens]] is a number"),
        ({"messages": [{"role": "user", "content": "[[sim: tokens=-1]]"}]}, "[[sim: tokens]] is a whole number from 0"),
        ({"messages": [{"role": "user", "content": "[[sim: tokens=5"}]}, "is not closed"),
        ({"messages": [{"role": "user", "content": '[[sim: text="\\q"]]'}]}, "is not a JSON string"),
        ({"messages": [{"role": "user", "content": "[[sim: tool-input=5]]"}]}, "is a JSON object in quotes"),
    ],
)
async def test_a_wrong_body_is_refused_in_the_apis_words(
    http: httpx.AsyncClient, change: dict[str, Any], message: str
) -> None:
    body = {name: value for name, value in {**asking("hello"), **change}.items() if value is not None}
    answer = await http.post("/v1/messages", json=body)
    error = answer.json()
    assert (answer.status_code, error["type"], error["error"]["type"]) == (400, "error", "invalid_request_error")
    assert message in error["error"]["message"]
    assert error["request_id"] == answer.headers["request-id"]


async def test_what_is_not_json_is_refused(http: httpx.AsyncClient) -> None:
    for content in (b"", b"{", b"[]", b"\xff"):
        answer = await http.post("/v1/messages", content=content)
        assert (answer.status_code, answer.json()["error"]["type"]) == (400, "invalid_request_error")


async def test_keys_models_and_paths(url: str, claude: AsyncAnthropic, http: httpx.AsyncClient) -> None:
    with pytest.raises(anthropic.NotFoundError) as unknown:
        await claude.messages.create(**{**asking("hello"), "model": "claude-nonexistent"})
    assert unknown.value.type == "not_found_error"
    async with AsyncAnthropic(base_url=url, api_key="bad-key", max_retries=0) as wrong:
        with pytest.raises(anthropic.AuthenticationError):
            await wrong.messages.create(**asking("hello"))
        with pytest.raises(anthropic.AuthenticationError):
            await wrong.models.list()
    async with httpx.AsyncClient(base_url=url) as nobody:
        missing = await nobody.post("/v1/messages", json=asking("hello"))
        assert (missing.status_code, missing.json()["error"]["type"]) == (401, "authentication_error")
        bearer = await nobody.get("/v1/models", headers={"authorization": "Bearer x", "anthropic-version": "1"})
        assert bearer.status_code == 200
        assert (await nobody.get("/")).status_code == 200
        assert (await nobody.head("/")).status_code == 200
    assert (await http.get("/v1/nothing")).json()["error"]["type"] == "not_found_error"
    assert (await http.get("/v1/messages")).status_code == 405
    versionless = await http.post("/v1/messages", json=asking("hello"), headers={"anthropic-version": ""})
    assert "anthropic-version" in versionless.json()["error"]["message"]
