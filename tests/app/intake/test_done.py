"""A Redis that goes at any command of a cancel, a stop, a deletion, a change, a creation or a fork.

What was told as done is done or is going to be; once it cannot be undone any more, no error says that it was not; and
what got an error leaves nothing half-done.
"""

from __future__ import annotations

import pytest

from app.stream import keys
from app.stream.log import Log
from tests.app.intake.test_submit import CHAT, COMMANDS_MAX, Stand
from tests.app.intake.test_submit import stand as stand  # noqa: PLC0414  # a fixture

ERROR = 503


async def _prepared(stand: Stand, what: str) -> str:
    """The stream that is about to be cancelled, or nothing."""
    await stand.begin_anew()
    match what:
        case "cancel" | "cancel-run":
            await stand.post("streams")
        case "stop":
            await stand.post("chat")
        case "delete":
            await stand.post("say")
        case _:
            return ""
    [stream_id] = await stand.unfinished()
    if what == "cancel-run":
        await stand.worker.author()
    return stream_id


async def _asked(stand: Stand, what: str, stream_id: str, at: str) -> int:
    conversation = f"/v1/conversations/{stand.conversation}"
    method, path, body = {
        "cancel": ("POST", f"/v1/streams/{stream_id}/cancel", None),
        "cancel-run": ("POST", f"/v1/streams/{stream_id}/cancel", None),
        "stop": ("DELETE", "/api/chat/c%2F1/stream", None),
        "delete": ("DELETE", conversation, None),
        "patch": ("PATCH", conversation, {"title": "new"}),
        "create": ("POST", "/v1/conversations", {"title": "new"}),
        "fork": ("POST", conversation + "/fork", {"at": at}),
    }[what]
    return (await stand.http.request(method, stand.served.url + path, json=body)).status_code


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("what", ["cancel", "cancel-run", "stop", "delete", "patch", "create", "fork"])
async def test_what_is_told_as_done_is_and_no_error_denies_it(stand: Stand, what: str, moment: str) -> None:
    told, denied = [], 0
    for number in range(1, COMMANDS_MAX):
        stream_id = await _prepared(stand, what)
        at = (await stand.messages())[-1]
        stand.cutter.arm(number, after=moment == "after", for_long=True)
        status = await _asked(stand, what, stream_id, at)
        was_reached = stand.cutter.was_reached
        stand.cutter.back()
        await stand.served.front.streams.owed.paid()
        told.append(status)
        where = f"command {number}: {status}"
        found = await stand.served.conversing.store.read(stand.conversation)
        assert found is not None
        listed = await stand.redis.zcard(keys.conversations("anonymous"))
        if what in ("cancel", "cancel-run", "stop"):
            flag = (await Log(stand.redis).meta(stream_id, "cancel") or {}).get("cancel")
            assert status == ERROR or flag == b"1", where
            denied += status == ERROR and flag == b"1"
            if what == "stop" and status != ERROR:
                assert await stand.redis.hexists(keys.chat("anonymous", CHAT["id"]), "shown"), where
        elif what == "delete":
            flag = (await Log(stand.redis).meta(stream_id, "cancel") or {}).get("cancel")
            assert status == ERROR or found.deleted, where
            denied += status == ERROR and found.deleted
            assert (flag == b"1", listed == 0) == (found.deleted, found.deleted), where
        elif what == "patch":
            assert status == ERROR or found.text("title") == "new", where
            denied += status == ERROR and found.text("title") == "new"
        else:
            there = [key async for key in stand.redis.scan_iter("ks:{cv_*}:meta")]
            assert (len(there), listed) == ((1, 1) if status == ERROR else (2, 2)), where
        if not was_reached:
            break
    assert denied < 4, (
        told
    )  # where the reply that tells is lost nobody knows; a beat of the front may be what is counted
    assert told[0] == ERROR
    assert told[-1] != ERROR
