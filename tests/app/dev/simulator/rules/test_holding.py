"""Who goes on from a reply sends what is new alone."""

from __future__ import annotations

from typing import Any

import pytest

from app.dev.simulator.rules import holding
from app.dev.simulator.rules.errors import ApiError
from app.dev.simulator.rules.holding import Threads

ASKED: dict[str, Any] = {"model": "m", "system": "s", "tools": [], "stream": True, "messages": [{"role": "user"}]}
NEW: dict[str, Any] = {"model": "m", "messages": ["new"]}


def going_on(reply: str) -> dict[str, Any]:
    return {**NEW, "thread": {"type": "continue", "previous_message_id": reply}}


def test_all_that_led_to_a_reply_is_held_for_it() -> None:
    held = Threads()
    begun = {**ASKED, "thread": {"type": "create"}}
    assert held.whole(begun) is begun
    assert held.whole(NEW) is NEW
    held.hold(begun, {"id": "msg_1", "content": ["said"]})
    whole = held.whole(going_on("msg_1"))
    assert whole["messages"] == [*ASKED["messages"], {"role": "assistant", "content": ["said"]}, "new"]
    assert (whole["system"], whole["tools"], "stream" in whole) == ("s", [], False)
    held.hold(whole, {"id": "msg_2", "content": []})
    assert len(held.whole(going_on("msg_2"))["messages"]) == 5


@pytest.mark.parametrize("asked", [{"type": "fork"}, {"type": "continue"}, 1])
def test_what_is_no_thread_is_refused(asked: object) -> None:
    with pytest.raises(ApiError, match="thread: "):
        Threads().whole({**NEW, "thread": asked})


def test_what_is_forgotten_is_said_as_the_sdk_reads_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(holding, "HELD_MAX", 1)
    held = Threads()
    for number in range(2):
        held.hold(ASKED, {"id": f"msg_{number}", "content": []})
    held.whole(going_on("msg_1"))
    with pytest.raises(ApiError) as refused:
        held.whole(going_on("msg_0"))
    assert (refused.value.status, refused.value.details) == (404, {"error_code": "thread_not_found"})
