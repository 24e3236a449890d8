"""The JavaScript package, installed from its tarball, in Node."""

from __future__ import annotations

import json
import shutil
from typing import Any

import pytest

from tests.harness.network.sse_cutter import CuttingProxy
from tests.stories.clients.conftest import Up
from tests.stories.clients.javascript.conftest import Project

SLOW = {"prompt": "Wörter 東京 👋 [[sim: tokens=60 rate=100 first=0.05]]"}
ENDLESS = "Long [[sim: tokens=6000 rate=50 first=0.05]]"
PAYS = '[[sim: tools="pay{\\"chf\\":5}" rate=0 first=0]]'
NOBODY = "st_00000000000000000000000000000000"
OLD_NODE = shutil.which("node", path="/usr/bin")


async def ask(project: Project, up: Up, scenario: str, **asked: Any) -> Any:
    return await project.ask("client.mjs", up.url, scenario, json.dumps(asked))


def text_of(message: dict[str, Any]) -> str:
    return "".join(block["text"] for block in message["content"] if block["type"] == "text")


async def test_a_stream_is_submitted_read_looked_at_and_handed_on(project: Project, up: Up) -> None:
    seen = await ask(project, up, "everything")
    assert seen["text"] == seen["again"] == text_of(seen["message"]) != ""
    assert (seen["state"], seen["looked"], seen["outcome"]) == ("ended", "ended", "completed")
    assert (bool(seen["why"]), seen["requests"] > 0) == (True, True)
    assert seen["rated"] == {"rating": 1, "note": "Good"}


@pytest.mark.skipif(OLD_NODE is None, reason="this machine has no Node of its own")
async def test_the_node_of_this_machine_does_as_well(project: Project, up: Up) -> None:
    seen = await project.ask("client.mjs", up.url, "everything", with_node=str(OLD_NODE))
    assert seen["text"] == text_of(seen["message"])


async def test_a_conversation_is_kept_with_one_call_each(project: Project, up: Up) -> None:
    seen = await ask(project, up, "conversation")
    assert seen["roles"] == ["user", "assistant"] * 2
    assert seen["titles"] == ["Rivers", "Rivers", "Lakes", "A fork"]
    assert seen["counts"] == [2, 2, 1, 1]
    assert seen["match"] == {"message_id": None, "text": "Lakes"}
    assert seen["types"].count("stream.ended") == 3
    assert seen["types"][-2:] == ["conversation.deleted", "relay.end"]
    assert seen["gone"]["status"] == 410


@pytest.mark.parametrize("approve", [True, False])
async def test_who_reads_says_whether_a_tool_may_run_and_reads_on(project: Project, up: Up, approve: bool) -> None:  # noqa: FBT001
    seen = await ask(project, up, "approved", prompt=PAYS, approve=approve)
    assert (seen["waited"], seen["turns"]) == (["asking", {"chf": 5}], 2)
    assert seen["failed"] is not approve
    assert seen["result"] == "paid 5" if approve else "As I say" in seen["result"]


async def test_whatever_is_asked_can_be_given_up_and_says_why(project: Project, up: Up) -> None:
    assert await ask(project, up, "aborts") == ["enough"] * 6 + ["while asking"] * 2


async def test_what_is_refused_is_an_error_of_ours(project: Project, up: Up) -> None:
    refused = await ask(project, up, "refused")
    assert (refused["ours"], refused["status"], refused["type"]) == (True, 400, "invalid_request_error")


async def test_a_submit_whose_answer_is_cut_in_its_middle_is_asked_again_and_makes_one_stream(
    project: Project, up: Up
) -> None:
    seen = await ask(project, up, "halfSaid")
    assert seen["ids"] == [seen["id"]] * 2
    assert seen["states"] == ["connecting", "waiting", "connecting"]


async def test_a_store_shows_the_answer_once_however_often_it_is_cut_or_left(project: Project, up: Up) -> None:
    async with CuttingProxy(up.url, (700, 900, 1533)) as proxy:
        seen = await ask(project, up, "store", through=proxy.url, body=SLOW)
    assert proxy.cut == 3
    assert seen["text"] == seen["resumed"] == text_of(seen["message"])
    assert seen["text"].startswith(seen["begun"])
    assert (seen["statuses"][0], seen["statuses"][-1], seen["submits"]) == ("submitting", "ended", 1)
    assert "reconnecting" in seen["statuses"]


async def test_what_is_stopped_while_it_is_submitted_is_stopped(project: Project, up: Up) -> None:
    stopped = await ask(project, up, "stopped", body=ENDLESS)
    assert (stopped["status"], stopped["outcome"], stopped["seconds"]) == ("ended", "cancelled", None)


async def test_a_stream_that_is_not_there_is_an_error_and_not_waited_for(project: Project, up: Up) -> None:
    lost = await ask(project, up, "lost")
    assert (lost["status"], lost["error"]["status"]) == ("error", 404)


async def test_two_tabs_of_a_conversation_show_the_same(project: Project, up: Up) -> None:
    first = "One [[sim: tokens=20 rate=200 first=0.05]]"
    seen = await ask(project, up, "tabs", first=first, second=ENDLESS)
    assert seen["known"] == seen["id"]
    assert seen["statuses"][0] == "submitting"
    assert (seen["statuses"][-1], seen["crossed"]["status"]) == ("ended", 409)
    shown, opened, stopped, regenerated = seen["views"]
    assert shown == opened
    assert shown[:2] == ["completed", f"user: {first}"]
    for view in (stopped, regenerated):
        assert view[0] == "cancelled"
        assert view[1:4] == [*shown[1:], f"user: {ENDLESS}"]
        assert len(view) == 5
