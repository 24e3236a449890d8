"""Conversations keep whole answers only, and say how each of them ended."""

from __future__ import annotations

import asyncio
import json

import pytest

from tests.harness.api import Api
from tests.patience import PATIENCE
from tests.stories.conversations.talk import GO_ON, NOW, STALLED, Tab, Talk, texts

pytestmark = pytest.mark.asyncio(loop_scope="session")


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
    async with asyncio.timeout(PATIENCE):
        while not await api.log(sent["id"]):
            await asyncio.sleep(0.01)
    shown = await talk.show()
    assert (shown["stream_id"], shown["answer_id"], len(shown["messages"])) == (sent["id"], sent["answer_id"], 1)
    await api.cancel(sent["id"])
    await talk.until_answered(2)


async def test_a_cancelled_answer_keeps_its_text_and_its_mark_and_can_go_on(api: Api) -> None:
    talk = await Talk.begin(api)
    sent = await talk.start(content=STALLED)
    async with asyncio.timeout(PATIENCE):
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


async def test_each_turn_reads_from_the_cache_what_the_one_before_wrote_there(api: Api) -> None:
    """`saved_usd` is what the board and the usage add up."""
    talk = await Talk.begin(api, system="Be brief. " * 1_000, model="claude-opus-5")
    for more in ({}, {}, {"relay": {"cache_prompt": False}}):
        await talk.say("And now? " * 20, **more)
    first, then, last = (await talk.messages())[1::2]
    assert first["usage"]["cache_creation_input_tokens"] > 2_000
    assert first["usage"]["cache_read_input_tokens"] == 0
    assert then["usage"]["cache_read_input_tokens"] == first["usage"]["cache_creation_input_tokens"]
    assert then["saved_usd"] > 0
    assert last["usage"]["cache_read_input_tokens"] == last["usage"]["cache_creation_input_tokens"] == 0
    assert "saved_usd" not in last


async def test_who_sets_a_mark_in_a_conversation_sets_all(api: Api) -> None:
    talk = await Talk.begin(api, model="claude-opus-5")
    own = [{"type": "text", "text": "mine", "cache_control": {"type": "ephemeral"}}]
    await talk.say(f"And now? [[sim: echo {NOW}]]", system=own, tools=[{"name": "a", "description": "word " * 1_000}])
    echoed = texts(await talk.messages())[-1]
    assert echoed.count('"cache_control"') == 1
