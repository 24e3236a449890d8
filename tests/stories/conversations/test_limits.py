"""Conversations: whose they are, what they may hold, and how long they are kept."""

from __future__ import annotations

import asyncio
import base64
import hashlib
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import pytest_asyncio

from app.stream import keys
from tests.harness.api import Api
from tests.harness.cluster import Cluster
from tests.patience import PATIENCE

pytestmark = pytest.mark.asyncio(loop_scope="session")

QUICK = "[[sim: tokens=3 rate=0 first=0]]"
TTL_SECONDS = 500
PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(300)).decode()
PDF = base64.b64encode(b"%PDF-1.7\n" + bytes(300)).decode()


@pytest.fixture(scope="module")
def api_keys_file(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("keys") / "keys"
    path.write_text("".join(f"{name} {hashlib.sha256(name.encode()).hexdigest()}\n" for name in ("ann", "bob")))
    return str(path)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def cluster(api_keys_file: str) -> AsyncIterator[Cluster]:
    async with Cluster(
        api_keys_file=api_keys_file, conversation_ttl=TTL_SECONDS, max_prompt_bytes=2_000_000
    ) as cluster:
        yield cluster


@pytest_asyncio.fixture(loop_scope="session")
async def ann(cluster: Cluster) -> AsyncIterator[Api]:
    api = Api(cluster, key="ann")
    yield api
    await api.close()


@pytest_asyncio.fixture(loop_scope="session")
async def bob(cluster: Cluster) -> AsyncIterator[Api]:
    api = Api(cluster, key="bob")
    yield api
    await api.close()


async def begin(api: Api, **fields: Any) -> str:
    return f"/v1/conversations/{(await api.call('POST', '/v1/conversations', json=fields)).json()['id']}"


async def send(api: Api, path: str, content: Any, headers: dict[str, str] | None = None, **more: Any) -> httpx.Response:
    return await api.call("POST", f"{path}/messages", json={"content": content} | more, headers=headers)


async def messages(api: Api, path: str) -> list[dict[str, Any]]:
    """Once nothing runs there."""
    async with asyncio.timeout(PATIENCE):
        while (shown := (await api.call("GET", path)).json())["stream_id"]:
            await asyncio.sleep(0.01)
    found: list[dict[str, Any]] = shown["messages"]
    return found


def attached(kind: str, media_type: str, data: str) -> list[dict[str, Any]]:
    block = {"type": kind, "source": {"type": "base64", "media_type": media_type, "data": data}}
    return [block, {"type": "text", "text": f"What is this? {QUICK}"}]


def refusal(answer: httpx.Response) -> str:
    return str(answer.json()["error"]["message"])


async def test_whose_it_is_not_cannot_tell_it_from_none(ann: Api, bob: Api) -> None:
    path = await begin(ann, title="Mine")
    sent = (await send(ann, path, f"a secret {QUICK}")).json()
    await messages(ann, path)
    nobodys = f"/v1/conversations/cv_{32 * '0'}"
    for method, more, body in (
        ("GET", "", None),
        ("PATCH", "", {"title": "Yours"}),
        ("DELETE", "", None),
        ("POST", "/messages", {"content": "x"}),
        ("POST", "/messages", {"regenerate": True}),
        ("GET", "/events", None),
        ("POST", "/fork", {"at": sent["answer_id"]}),
        ("GET", "/export", None),
        ("GET", "/export?format=markdown", None),
    ):
        theirs, none = [await bob.call(method, one + more, json=body) for one in (path, nobodys)]
        assert (theirs.status_code, refusal(theirs)) == (none.status_code, refusal(none))
        assert theirs.status_code == 404
    for stream in ("", "/events", "/message"):
        assert (await bob.call("GET", f"/v1/streams/{sent['id']}{stream}")).status_code == 404
    assert (await bob.call("GET", "/v1/conversations")).json()["data"] == []
    assert (await bob.call("GET", f"/v1/conversations?before={path.rpartition('/')[2]}")).status_code == 400
    assert (await ann.call("GET", path)).json()["title"] == "Mine"
    assert len(await messages(ann, path)) == 2
    assert (await ann.call("DELETE", path)).status_code == 204
    assert [(await api.call("GET", path)).status_code for api in (ann, bob)] == [410, 404]


async def test_the_same_key_of_two_owners_is_two_messages(ann: Api, bob: Api) -> None:
    key = {"idempotency-key": "the same"}
    sent = [(await send(api, await begin(api), f"hello {QUICK}", key)).json()["id"] for api in (ann, bob)]
    assert len(set(sent)) == 2


async def test_an_image_and_a_pdf_are_kept_and_heard(ann: Api) -> None:
    path = await begin(ann)
    for content in (attached("image", "image/png", PNG), attached("document", "application/pdf", PDF)):
        assert (await send(ann, path, content)).status_code == 202
        assert (await messages(ann, path))[-2]["content"] == content
    await send(ann, path, "[[sim: echo rate=0 first=0]]")
    heard = (await messages(ann, path))[-1]["content"][0]["text"]
    assert PNG in heard
    assert PDF in heard
    exported = await ann.call("GET", f"{path}/export?format=markdown")
    assert "*[image]*\n\nWhat is this?" in exported.text
    assert "*[document]*\n\nWhat is this?" in exported.text


@pytest.mark.parametrize(
    ("content", "status", "why"),
    [
        (attached("image", "image/tiff", PNG), 400, "content.0.source.media_type: must be image/jpeg or"),
        (attached("image", "image/jpeg", PNG), 400, "content.0.source.data: the file is no image/jpeg"),
        (attached("image", "image/png", "???"), 400, "content.0.source.data: is no base64"),
        (attached("document", "application/zip", PDF), 400, "content.0.source.media_type: must be application/pdf"),
        (attached("document", "application/pdf", 5000 * PDF), 413, "the body is larger than 2000000 bytes"),
    ],
    ids=["type", "other", "garbled", "zip", "large"],
)
async def test_a_file_that_cannot_be_taken_is_refused_and_leaves_nothing(
    ann: Api, content: Any, status: int, why: str
) -> None:
    path = await begin(ann)
    answer = await send(ann, path, content)
    assert answer.status_code == status
    assert why in refusal(answer)
    shown = (await ann.call("GET", path)).json()
    assert (shown["messages"], shown["stream_id"], shown["title"]) == ([], None, None)


async def test_what_the_api_could_not_take_is_not_asked_again_with_the_next_question(ann: Api) -> None:
    path = await begin(ann)
    message = "messages.0.content.0.image.source: too-many-pixels"
    await send(ann, path, f'[[sim: status=400 message="{message}" rate=0 first=0]]')
    failed = (await messages(ann, path))[1]
    assert (failed["outcome"], failed["error"]["message"]) == ("failed", message)
    await send(ann, path, f"Then something else {QUICK}")
    assert (await messages(ann, path))[-1]["outcome"] == "completed"


async def test_a_conversation_beyond_the_models_context_is_refused_and_can_be_compacted(ann: Api) -> None:
    path = await begin(ann, model="claude-haiku-4-5")
    await send(ann, path, f"short {QUICK}")
    before = await messages(ann, path)
    long = f"{'word ' * 180_000} {QUICK}"
    answer = await send(ann, path, long)
    assert (answer.status_code, answer.json()["error"]["type"]) == (400, "invalid_request_error")
    assert "longer than the model's context" in refusal(answer)
    assert "200000" in refusal(answer)
    assert await messages(ann, path) == before
    assert (await send(ann, path, long, model="claude-opus-5")).status_code == 202
    await messages(ann, path)
    edits = {"edits": [{"type": "compact_20260112"}]}
    assert (await send(ann, path, f"on {QUICK}", context_management=edits)).status_code == 202
    await messages(ann, path)


async def test_it_is_kept_so_long_after_its_last_use_and_then_it_is_gone(ann: Api) -> None:
    path = await begin(ann)
    conversation, redis = path.rpartition("/")[2], ann.cluster.redis
    kept = [key(conversation) for key in (keys.log, keys.meta)]
    for key in kept:
        await redis.pexpire(key, 60_000)
    await send(ann, path, f"used {QUICK}")
    await messages(ann, path)
    for key in [*kept, keys.messages(conversation)]:
        assert (TTL_SECONDS - 30) * 1000 < await redis.pttl(key) <= TTL_SECONDS * 1000
        await redis.pexpire(key, 1)
    await asyncio.sleep(0.01)
    assert [(await ann.call("GET", path + more)).status_code for more in ("", "/events", "/export")] == [404] * 3
    assert (await send(ann, path, "anybody?")).status_code == 404
    listed = (await ann.call("GET", "/v1/conversations?limit=100")).json()["data"]
    assert conversation not in [one["id"] for one in listed]
