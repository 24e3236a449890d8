"""What one does with a conversation: edit, ask again, fork, delete, export."""

from __future__ import annotations

import asyncio

import pytest

from app.stream import keys
from tests.harness.api import Api
from tests.patience import PATIENCE
from tests.stories.conversations.talk import NOW, STALLED, Tab, Talk

pytestmark = pytest.mark.asyncio(loop_scope="session")


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


async def test_what_was_said_before_comes_back(api: Api) -> None:
    talk = await Talk.begin(api)
    await talk.say("one")
    old = await talk.messages()
    sent = await talk.start(regenerate=True)
    await api.see(sent["id"])
    new = await talk.messages()
    both = [old[1]["id"], sent["answer_id"]]
    assert [m.get("versions") for m in new] == [None, both]
    answer = await api.call("GET", f"{talk.path}/export")
    assert [set(m) for m in answer.json()["messages"]] == [set(m) for m in old], "a file is of what is shown"
    path = f"{talk.path}/version"
    async with Tab(talk, after=(await talk.show())["offset"]) as tab:
        answer = await api.call("POST", path, json={"message_id": both[0]})
        assert (answer.status_code, answer.json()["id"]) == (200, talk.id)
        assert (await tab.until("messages.removed"))["after"] == old[0]["id"]
        assert (await tab.until("message.added"))["message"] == old[1] | {"versions": both}
    assert await talk.messages() == [old[0], old[1] | {"versions": both}]
    await talk.say("two")
    assert (await api.call("POST", path, json={"message_id": both[1]})).status_code == 200
    assert await talk.messages() == new, "as it was when it was left"
    assert (await api.call("POST", path, json={"message_id": both[0]})).status_code == 200
    assert len(await talk.messages()) == 4
    for body in ({"message_id": "msg_nobody"}, {"message_id": 1}, {}, {"message_id": both[0], "x": 1}):
        assert (await api.call("POST", path, json=body)).status_code == 400
    sent = await talk.start(content=STALLED)
    busy = await api.call("POST", path, json={"message_id": both[1]})
    assert (busy.status_code, busy.json()["error"]["stream_id"]) == (409, sent["id"])
    await api.call("POST", f"/v1/streams/{sent['id']}/cancel")
    await api.see(sent["id"])


async def test_a_title_is_made_of_the_first_exchange_once(api: Api) -> None:
    talk = await Talk.begin(api)
    await talk.say("Why are there two tides a day, and not one?")
    assert (await talk.show())["title"].startswith("Why are there two tides a day, and not one?")
    async with Tab(talk, after=(await talk.show())["offset"]) as tab:
        made = await api.call("POST", f"{talk.path}/title")
        assert (made.status_code, made.json()) == (200, {"title": "Why are there two tides a"})
        assert (await tab.until("conversation.updated"))["title"] == "Why are there two tides a"
    await api.call("PATCH", talk.path, json={"title": "Tides"})
    made = await api.call("POST", f"{talk.path}/title")
    assert made.json() == {"title": "Tides"}


async def test_what_was_said_is_found(api: Api) -> None:
    talk = await Talk.begin(api, title="Rivers")
    await talk.say("The Zambezi, and other café talk")
    for query, match in (("rivers", None), ("CAFE\u0301 talk", (await talk.messages())[0]["id"])):
        answer = await api.call("GET", "/v1/conversations", params={"query": query, "limit": "1"})
        found = answer.json()["data"][0]
        assert (found["id"], found["match"]["message_id"]) == (talk.id, match)
    assert "café talk" in found["match"]["text"]
    nothing = {"query": "zambezi river dolphins"}
    answer = await api.call("GET", "/v1/conversations", params=nothing)
    assert (answer.json()["data"], answer.json()["has_more"]) == ([], False)
    refused: list[dict[str, str]] = [{"query": "x" * 201}, {"query": "x", "before": "cv_nobody"}]
    for params in refused:
        assert (await api.call("GET", "/v1/conversations", params=params)).status_code == 400


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
        await asyncio.wait_for(tab.ended.wait(), PATIENCE)
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
