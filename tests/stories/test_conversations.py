"""Conversations: whole answers only, every tab agrees, and nobody's death leaves one locked or without its answer."""

from __future__ import annotations

import asyncio
import json
import signal
from collections.abc import AsyncIterator
from typing import Any, Self

import httpx
import orjson
import pytest
import pytest_asyncio

from app.stream import frames, keys
from app.stream.endings import end_data
from app.stream.log import Log
from app.stream.queue import Queue
from tests.harness.api import Api
from tests.harness.cluster import Cluster

pytestmark = pytest.mark.asyncio(loop_scope="module")

LEASE_SECONDS = 1.0
NOW = "rate=0 first=0"
GO_ON = {"continue": True}
STALLED = f"[[sim: stall-after=3 tokens=9 {NOW}]]"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def api() -> AsyncIterator[Api]:
    async with Cluster(
        fronts=2, lease_seconds=LEASE_SECONDS, conversation_limit=200, conversation_bytes=900_000
    ) as cluster:
        api = Api(cluster)
        yield api
        await api.close()


class Talk:
    """One conversation, as a client has it."""

    def __init__(self, api: Api, shown: dict[str, Any]) -> None:
        self.api = api
        self.id: str = shown["id"]
        self.path = f"/v1/conversations/{self.id}"

    @classmethod
    async def begin(cls, api: Api, **fields: Any) -> Talk:
        answer = await api.call("POST", "/v1/conversations", json=fields)
        assert answer.status_code == 201, answer.text
        assert answer.headers["location"] == f"/v1/conversations/{answer.json()['id']}"
        return cls(api, answer.json())

    async def send(self, key: str | None = None, **body: Any) -> httpx.Response:
        headers = {"idempotency-key": key} if key else None
        return await self.api.call("POST", f"{self.path}/messages", json=body, headers=headers)

    async def say(self, text: str = "", **body: Any) -> dict[str, Any]:
        """Says something, and waits for the ending of its stream."""
        text = text if "[[sim:" in text else f"{text} [[sim: tokens=3 {NOW}]]"
        sent = await self.start(content=text, **body)
        await self.api.see(sent["id"])
        return sent

    async def start(self, **body: Any) -> dict[str, Any]:
        answer = await self.send(**body)
        assert answer.status_code == 202, answer.text
        sent: dict[str, Any] = answer.json()
        return sent

    async def show(self) -> dict[str, Any]:
        answer = await self.api.call("GET", self.path)
        assert answer.status_code == 200, answer.text
        shown: dict[str, Any] = answer.json()
        return shown

    async def messages(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = (await self.show())["messages"]
        return found

    async def kept(self) -> list[dict[str, Any]]:
        """The messages, from Redis: nobody is asked who could commit an answer."""
        raw = await self.api.cluster.redis.lrange(keys.messages(self.id), 0, -1)  # type: ignore[misc]
        return [orjson.loads(one) for one in raw]

    async def until_answered(self, count: int) -> list[dict[str, Any]]:
        """Waits until so many messages are kept, whoever commits the last."""
        async with asyncio.timeout(20):
            while len(found := await self.kept()) < count:
                await asyncio.sleep(0.01)
        return found


class Tab:
    """Reads a conversation's events over one connection."""

    def __init__(self, talk: Talk, front: int = 0, after: str = "") -> None:
        self.events: list[tuple[str, dict[str, Any]]] = []
        self.last_id = after
        self.ended = asyncio.Event()
        self.opened = asyncio.Event()
        port = talk.api.cluster.front_proxies[front].port
        self._url = f"http://127.0.0.1:{port}{talk.path}/events"
        self._task = asyncio.create_task(self._read())

    async def __aenter__(self) -> Self:
        await asyncio.wait_for(self.opened.wait(), 20)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    @property
    def names(self) -> list[str]:
        return [name for name, _ in self.events]

    async def until(self, name: str, count: int = 1) -> dict[str, Any]:
        async with asyncio.timeout(20):
            while self.names.count(name) < count:
                await asyncio.sleep(0.01)
        return [data for one, data in self.events if one == name][count - 1]

    async def _read(self) -> None:
        headers = {"last-event-id": self.last_id} if self.last_id else None
        async with httpx.AsyncClient(timeout=40) as http, http.stream("GET", self._url, headers=headers) as answer:
            assert answer.status_code == 200
            name = ""
            async for line in answer.aiter_lines():
                self.opened.set()
                if line.startswith("event: "):
                    name = line[7:]
                elif line.startswith("data: "):
                    self.events.append((name, json.loads(line[6:])))
                elif line.startswith("id: "):
                    self.last_id = line[4:]
        self.ended.set()


def texts(messages: list[dict[str, Any]]) -> list[str]:
    return ["".join(block.get("text", "") for block in message["content"]) for message in messages]


async def calls(api: Api) -> Any:
    return (await api.http.get(f"{api.cluster.claude_url}/_sim/calls")).json()


async def test_what_is_said_and_answered_is_kept(api: Api) -> None:
    talk = await Talk.begin(api, title="Rivers", system="Be brief.", model="claude-opus-5")
    sent = await talk.start(content=f"Tell me [[sim: tokens=3 {NOW}]]")
    sight = await api.see(sent["id"])
    shown = await talk.show()
    assert (shown["title"], shown["system"], shown["model"], shown["stream_id"]) == (
        "Rivers",
        "Be brief.",
        "claude-opus-5",
        None,
    )
    said, answer = shown["messages"]
    assert (said["id"], said["role"]) == (sent["message_id"], "user")
    assert (answer["id"], answer["role"], answer["stream_id"]) == (sent["answer_id"], "assistant", sent["id"])
    assert texts([answer]) == [sight.text()]
    assert (answer["outcome"], answer["stop_reason"], answer["model"]) == ("completed", "end_turn", "claude-opus-5")
    assert answer["usage"]["output_tokens"] == 3
    assert answer["cost_usd"] > 0


async def test_an_answer_says_when_its_first_word_came_and_when_it_ended(api: Api) -> None:
    talk = await Talk.begin(api)
    async with Tab(talk) as tab:
        sent = await talk.start(content="slow [[sim: tokens=16 rate=10 first=0.3]]")
        told = await tab.until("stream.ended")
        answer = (await tab.until("message.added", 2))["message"]
        assert told["timing"] == answer["timing"]
        assert 250 <= told["timing"]["first_token_ms"] <= told["timing"]["total_ms"] - 100
    forked = await api.call("POST", f"{talk.path}/fork", json={"at": sent["answer_id"]})
    exported = await api.call("GET", f"{talk.path}/export")
    assert forked.json()["messages"][1] == exported.json()["messages"][1] == answer
    await api.see((await talk.start(content=f"at once [[sim: status=400 {NOW}]]"))["id"])
    failed = (await talk.messages())[-1]
    assert failed["timing"]["first_token_ms"] is None
    assert failed["timing"]["total_ms"] >= 0


async def test_the_model_hears_the_whole_conversation_and_its_system_prompt(api: Api) -> None:
    talk = await Talk.begin(api, system="Be brief.")
    await talk.say()
    await talk.say(f"And now? [[sim: echo {NOW}]]")
    messages = await talk.messages()
    echoed = json.loads(texts(messages)[-1].split("```json\n")[1].split("\n```")[0])["body"]
    assert [m["role"] for m in echoed["messages"]] == ["user", "assistant", "user"]
    assert echoed["messages"][1]["content"] == messages[1]["content"]
    assert echoed["system"] == "Be brief."
    assert "relay" not in echoed


async def test_the_first_message_gives_a_title_where_none_was_given(api: Api) -> None:
    talk = await Talk.begin(api)
    await talk.say("How long is\nthe Danube?")
    assert (await talk.show())["title"].startswith("How long is the Danube?")


async def test_an_answer_is_nowhere_before_its_ending(api: Api) -> None:
    talk = await Talk.begin(api)
    sent = await talk.start(content=STALLED)
    async with asyncio.timeout(20):
        while not await api.log(sent["id"]):
            await asyncio.sleep(0.01)
    shown = await talk.show()
    assert (shown["stream_id"], shown["answer_id"], len(shown["messages"])) == (sent["id"], sent["answer_id"], 1)
    await api.cancel(sent["id"])
    await talk.until_answered(2)


async def test_a_cancelled_answer_keeps_its_text_and_its_mark_and_can_go_on(api: Api) -> None:
    talk = await Talk.begin(api)
    sent = await talk.start(content=STALLED)
    async with asyncio.timeout(20):
        while b"text_delta" not in await api.log(sent["id"]):
            await asyncio.sleep(0.01)
    await api.cancel(sent["id"])
    sight = await api.see(sent["id"])
    answer = (await talk.messages())[1]
    assert (answer["outcome"], texts([answer])) == ("cancelled", [sight.text()])
    assert sight.text()
    on = await talk.start(**GO_ON)
    await api.see(on["id"])
    messages = await talk.messages()
    assert messages[2]["continues"] == answer["id"]
    assert [m["role"] for m in messages] == ["user", "assistant", "user", "assistant"]


async def test_a_truncated_answer_says_so_and_can_go_on(api: Api) -> None:
    talk = await Talk.begin(api)
    await talk.say(f"[[sim: max-tokens tokens=5 {NOW}]]")
    answer = (await talk.messages())[1]
    assert (answer["outcome"], answer["stop_reason"]) == ("truncated", "max_tokens")
    assert texts([answer])[0]
    assert (await talk.send(None, **GO_ON)).status_code == 202
    await talk.until_answered(4)
    refused = await talk.send(None, **GO_ON)
    assert (refused.status_code, refused.json()["error"]["type"]) == (400, "invalid_request_error")


async def test_a_failed_answer_is_told_never_heard_and_can_be_asked_for_again(api: Api) -> None:
    talk = await Talk.begin(api)
    await talk.say(f"[[sim: status=400 times=1 {NOW}]] first")
    failed = (await talk.messages())[1]
    assert (failed["outcome"], failed["content"], failed["error"]["type"]) == ("failed", [], "invalid_request_error")
    again = await talk.start(regenerate=True)
    await api.see(again["id"])
    said, answer = await talk.messages()
    assert (answer["outcome"], answer["id"], said["id"]) == ("completed", again["answer_id"], again["message_id"])


async def test_of_an_answer_that_began_again_only_the_last_attempt_is_kept(api: Api) -> None:
    talk = await Talk.begin(api)
    sent = await talk.say(f"[[sim: cut-after=3 times=1 tokens=6 {NOW}]]")
    sight = await api.see(sent["id"])
    answer = (await talk.messages())[1]
    assert (await api.show(sent["id"]))["attempt"] == 2
    assert (answer["outcome"], texts([answer])) == ("completed", [sight.text()])


async def test_a_second_message_is_a_conflict_that_names_the_running_stream(api: Api) -> None:
    talk = await Talk.begin(api)
    sent = await talk.start(content=STALLED)
    for body in ({"content": "me too"}, {"regenerate": True}):
        answer = await talk.send(**body)
        assert (answer.status_code, answer.json()["error"]["type"]) == (409, "conflict_error")
        assert answer.json()["error"]["stream_id"] == answer.headers["x-keepstream-id"] == sent["id"]
    await api.cancel(sent["id"])
    await talk.until_answered(2)
    await talk.say("now it goes")
    assert len(await talk.messages()) == 4


async def test_of_many_that_speak_at_once_one_is_heard(api: Api) -> None:
    talk = await Talk.begin(api)
    other = Talk(Api(api.cluster, front=1), {"id": talk.id})
    answers = await asyncio.gather(*(one.send(content=STALLED) for one in 3 * (talk, other)))
    await other.api.close()
    assert sorted(answer.status_code for answer in answers) == [202] + [409] * 5
    assert len(await talk.messages()) == 1
    [sent] = [answer.json() for answer in answers if answer.status_code == 202]
    await api.cancel(sent["id"])
    await talk.until_answered(2)


async def test_the_same_key_and_message_is_one_message_also_at_once_and_afterwards(api: Api) -> None:
    talk = await Talk.begin(api)
    body = {"content": f"once [[sim: tokens=3 {NOW}]]"}
    answers = await asyncio.gather(*(talk.send(key=f"k-{talk.id}", **body) for _ in range(4)))
    assert [answer.status_code for answer in answers] == [202] * 4
    await api.see(answers[0].json()["id"])
    answers.append(await talk.send(key=f"k-{talk.id}", **body))
    assert len({(a.json()["id"], a.json()["message_id"], a.json()["answer_id"]) for a in answers}) == 1
    assert len(await talk.messages()) == 2
    other = await talk.send(key=f"k-{talk.id}", content="something else")
    assert other.status_code == 422
    assert len(await talk.messages()) == 2


async def test_two_tabs_on_two_fronts_see_the_same_in_the_same_order(api: Api) -> None:
    talk = await Talk.begin(api)
    async with Tab(talk, 0) as one, Tab(talk, 1) as other:
        sent = await talk.start(content=f"hello [[sim: tokens=3 {NOW}]]")
        await api.call("PATCH", talk.path, json={"title": "Hello"})
        ended = await one.until("stream.ended")
        await other.until("stream.ended")
        await one.until("conversation.updated", 3)
        await other.until("conversation.updated", 3)
        assert one.events == other.events
        assert one.last_id == other.last_id == (await talk.show())["offset"]
        assert (ended["stream_id"], ended["answer_id"], ended["outcome"]) == (
            sent["id"],
            sent["answer_id"],
            "completed",
        )
        started = await one.until("stream.started")
        assert started["events_url"] == sent["events_url"]
        added = await one.until("message.added", 2)
        assert added["message"] == (await talk.messages())[1]
        assert one.names.index("stream.ended") == len(one.names) - 1 - one.names[::-1].index("message.added") + 1


async def test_a_tab_that_comes_back_is_told_what_it_missed(api: Api) -> None:
    talk = await Talk.begin(api)
    offset = (await talk.show())["offset"]
    await talk.say()
    async with Tab(talk, after=offset) as tab:
        await tab.until("stream.ended")
        expected = ["message.added", "conversation.updated", "stream.started", "message.added", "stream.ended"]
        assert tab.names == expected
    await talk.say()
    async with Tab(talk, 1, after=tab.last_id) as again:
        await again.until("stream.ended")
        assert again.names == ["message.added", "stream.started", "message.added", "stream.ended"]


async def test_an_id_of_elsewhere_begins_anew(api: Api) -> None:
    talk = await Talk.begin(api)
    async with Tab(talk, after="000000100-00000000") as tab:
        await tab.until("conversation.updated")
        assert tab.names[0] == "relay.reset"
    answer = await api.call("GET", f"{talk.path}/events", headers={"last-event-id": "nonsense"})
    assert answer.status_code == 400


async def test_an_answer_is_committed_also_when_its_worker_died_after_the_ending(api: Api) -> None:
    """By hand: a worker writes the ending and is gone before the commit; another claims the stream, and heals it."""
    talk = await Talk.begin(api)
    [worker] = api.cluster.workers
    worker.send(signal.SIGSTOP)
    try:
        sent = await talk.start(content="who answers?")
        queue, log = Queue(api.cluster.redis), Log(api.cluster.redis)
        [claim] = await queue.claim("dying", 1, free=1, lease_ms=500, stream_id=sent["id"])
        begun = await log.begin(claim)
        assert begun.position is not None
        data, position = frames.encode_json(
            "content_block_delta",
            {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "I do"}},
            begun.position,
        )
        end, _ = frames.encode_json("relay.end", end_data("completed", attempts=1), position)  # type: ignore[arg-type]
        message = orjson.dumps({"content": [{"type": "text", "text": "I do"}]})
        await log.append(claim, 0, data + end, {"outcome": "completed", "message": message}, ending_life_ms=600_000)
        assert len(await talk.kept()) == 1
    finally:
        worker.send(signal.SIGCONT)
    # Nobody asks the front: the next claim of the stream commits it.
    messages = await talk.until_answered(2)
    assert texts(messages)[1] == "I do"
    await asyncio.sleep(2 * LEASE_SECONDS)
    assert len(await talk.kept()) == 2
    await talk.say("and it goes on")


async def test_a_worker_killed_in_the_middle_of_an_answer_costs_nothing(api: Api) -> None:
    talk = await Talk.begin(api)
    sent = await talk.start(content="[[sim: tokens=40 rate=40 first=0]]")
    async with asyncio.timeout(20):
        while b"text_delta" not in await api.log(sent["id"]):
            await asyncio.sleep(0.01)
    api.cluster.workers[0].send(signal.SIGKILL)
    api.cluster.workers = [await api.cluster.worker(1)]
    sight = await api.see(sent["id"])
    messages = await talk.until_answered(2)
    assert (texts(messages)[1], messages[1]["outcome"]) == (sight.text(), "completed")


async def test_a_stream_that_redis_lost_does_not_lock_its_conversation(api: Api) -> None:
    talk = await Talk.begin(api)
    sent = await talk.start(content=STALLED)
    await api.cluster.redis.delete(keys.meta(sent["id"]), keys.log(sent["id"]))
    shown = await talk.show()
    assert shown["stream_id"] is None
    assert (shown["messages"][1]["outcome"], shown["messages"][1]["error"]["type"]) == ("failed", "api_error")
    await talk.say("again", after=None)
    assert (await talk.messages())[-1]["outcome"] == "completed"


async def test_a_stream_cancelled_while_it_waits_leaves_its_mark(api: Api) -> None:
    talk = await Talk.begin(api)
    [worker] = api.cluster.workers
    worker.send(signal.SIGSTOP)
    try:
        sent = await talk.start(content="never mind")
        await api.cancel(sent["id"])
        messages = await talk.kept()
        assert [m.get("outcome") for m in messages] == [None, "cancelled"]
        assert messages[1]["content"] == []
    finally:
        worker.send(signal.SIGCONT)
    refused = await talk.send(None, **GO_ON)
    assert refused.status_code == 400


async def test_an_edited_message_takes_the_place_of_what_followed(api: Api) -> None:
    talk = await Talk.begin(api)
    await talk.say("one")
    await talk.say("two")
    first, answer, *_ = await talk.messages()
    async with Tab(talk, after=(await talk.show())["offset"]) as tab:
        sent = await talk.start(content=f"two, better [[sim: tokens=2 {NOW}]]", after=answer["id"])
        assert (await tab.until("messages.removed"))["after"] == answer["id"]
        await tab.until("stream.ended")
    messages = await talk.messages()
    assert [m["id"] for m in messages] == [first["id"], answer["id"], sent["message_id"], sent["answer_id"]]
    sent = await talk.start(content=f"all anew [[sim: tokens=2 {NOW}]]", after=None)
    await api.see(sent["id"])
    assert [m["id"] for m in await talk.messages()] == [sent["message_id"], sent["answer_id"]]
    assert (await talk.send(content="x", after="msg_nobody")).status_code == 400


async def test_an_earlier_answer_can_be_regenerated(api: Api) -> None:
    talk = await Talk.begin(api)
    await talk.say("one")
    await talk.say("two")
    first = (await talk.messages())[0]
    sent = await talk.start(regenerate=True, after=first["id"])
    await api.see(sent["id"])
    assert [m["id"] for m in await talk.messages()] == [first["id"], sent["answer_id"]]


async def test_a_fork_goes_its_own_way(api: Api) -> None:
    talk = await Talk.begin(api, title="Rivers", system="s")
    await talk.say("one")
    await talk.say("two")
    messages = await talk.messages()
    answer = await api.call("POST", f"{talk.path}/fork", json={"at": messages[1]["id"], "title": "Elsewhere"})
    assert answer.status_code == 201
    fork = Talk(api, answer.json())
    assert answer.json()["forked_from"] == {"id": talk.id, "at": messages[1]["id"]}
    assert (answer.json()["title"], answer.json()["system"]) == ("Elsewhere", "s")
    await fork.say("three")
    assert (await fork.messages())[:2] == messages[:2]
    assert await talk.messages() == messages
    assert (await api.call("POST", f"{talk.path}/fork", json={"at": "msg_nobody"})).status_code == 400


async def test_a_deleted_conversation_tells_its_tabs_stops_its_stream_and_is_gone(api: Api) -> None:
    talk = await Talk.begin(api)
    async with Tab(talk, 1) as tab:
        sent = await talk.start(content=STALLED)
        assert (await api.call("DELETE", talk.path)).status_code == 204
        await asyncio.wait_for(tab.ended.wait(), 20)
        assert tab.names[-2:] == ["conversation.deleted", "relay.end"]
    sight = await api.see(sent["id"])
    assert sight.end is not None
    assert sight.end["outcome"] == "cancelled"
    answer = await api.call("GET", f"{talk.path}/events", headers={"last-event-id": tab.last_id})
    assert (answer.status_code, answer.content) == (204, b"")
    for method, path, body in (
        ("GET", "", None),
        ("PATCH", "", {"title": "x"}),
        ("DELETE", "", None),
        ("POST", "/messages", {"content": "x"}),
        ("GET", "/export", None),
    ):
        assert (await api.call(method, talk.path + path, json=body)).status_code == 410
    await api.cluster.redis.delete(keys.meta(talk.id), keys.log(talk.id))
    for path in ("", "/events"):
        assert (await api.call("GET", talk.path + path)).status_code == 410


async def test_the_list_has_the_last_used_first_in_pages(api: Api) -> None:
    talks = [await Talk.begin(api, title=str(n)) for n in range(4)]
    await talks[0].say("again")
    first = (await api.call("GET", "/v1/conversations?limit=2")).json()
    assert [one["id"] for one in first["data"]] == [talks[0].id, talks[3].id]
    assert (first["has_more"], first["last_id"]) == (True, talks[3].id)
    following = (await api.call("GET", f"/v1/conversations?limit=2&before={first['last_id']}")).json()
    assert [one["id"] for one in following["data"]] == [talks[2].id, talks[1].id]
    assert set(first["data"][0]) == {"id", "title", "system", "model", "created_at", "updated_at", "stream_id"}
    for query in ("limit=0", "limit=101", "limit=x", "before=cv_nobody"):
        assert (await api.call("GET", f"/v1/conversations?{query}")).status_code == 400


async def test_it_can_be_exported(api: Api) -> None:
    talk = await Talk.begin(api, title="Rivers", system="Be brief.")
    await talk.say(f"Which? [[sim: text=Danube {NOW}]]")
    await talk.say(f"[[sim: max-tokens tokens=5 {NOW}]]")
    answer = await api.call("GET", f"{talk.path}/export")
    assert answer.json() == await talk.show()
    assert answer.headers["content-disposition"] == f'attachment; filename="{talk.id}.json"'
    answer = await api.call("GET", f"{talk.path}/export?format=markdown")
    assert answer.headers["content-type"].startswith("text/markdown")
    assert answer.text.startswith("# Rivers\n\n> Be brief.\n\n## You\n\nWhich?")
    assert "## Claude\n\nDanube\n\n## You\n" in answer.text
    assert answer.text.endswith("*The answer was cut at its limit.*\n")
    assert (await api.call("GET", f"{talk.path}/export?format=pdf")).status_code == 400


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
