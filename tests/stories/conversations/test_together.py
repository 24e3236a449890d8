"""Many speak and many tabs look: one is heard, and every tab agrees."""

from __future__ import annotations

import asyncio

import pytest

from tests.harness.api import Api
from tests.stories.conversations.talk import NOW, STALLED, Tab, Talk

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_second_message_is_a_conflict_that_names_the_running_stream(api: Api) -> None:
    talk = await Talk.begin(api)
    sent = await talk.start(content=STALLED)
    for body in ({"content": "me too"}, {"regenerate": True}):
        answer = await talk.send(**body)
        assert (answer.status_code, answer.json()["error"]["type"]) == (409, "conflict_error")
        assert answer.json()["error"]["stream_id"] == answer.headers["x-keepstream-id"] == sent["id"]
    await talk.until_text(sent["id"])
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
    await talk.until_text(sent["id"])
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
