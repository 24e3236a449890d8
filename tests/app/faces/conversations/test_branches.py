"""What is put away, within which room, and what a change to another version says."""

from __future__ import annotations

from typing import Any

import orjson

from app.faces.conversations.branches import EVENTS_CONTENT_BYTES, aside, switched
from app.stream import frames
from app.stream.conversations.conversation import Conversation
from app.stream.conversations.store import size
from app.stream.conversations.versions import Versions

ID = "cv_" + "0" * 32


def message(message_id: str, text: str = "x") -> dict[str, Any]:
    return {"id": message_id, "role": "assistant", "content": [{"type": "text", "text": text}] if text else []}


def found(messages: list[dict[str, Any]], versions: Versions | None = None) -> Conversation:
    meta = {"bytes": str(size(messages)).encode(), "versions": (versions or Versions()).written().encode()}
    return Conversation(ID, 0, frames.origin(ID), meta, tuple(messages))


def test_what_is_dropped_is_put_away_where_there_is_room() -> None:
    tail = [message("b"), message("c")]
    left = aside(found([message("a"), *tail]), 1, size(tail))
    assert (left.before, left.put, left.gone) == ("a", "b", [])
    assert left.versions.paths == {"b": size(tail)}
    left = aside(found([message("a"), *tail]), 1, size(tail) - 1)
    assert (left.put, left.gone, left.versions) == ("", [], Versions())
    left = aside(found([message("a")]), 1, 0)
    assert (left.put, left.versions) == ("", Versions())


def test_an_empty_answer_leaves_no_version() -> None:
    versions = Versions().put("a", "b", 5).add("a", "empty")
    left = aside(found([message("a"), message("empty", "")], versions), 1, 100)
    assert (left.put, left.gone) == ("", [])
    assert left.versions.add("a", "c").of("a", "c") == ["b", "c"]


def test_a_change_to_another_version_takes_one_away_and_brings_one_back() -> None:
    versions = Versions().put("a", "b1", 70).add("a", "b2")
    at = found([message("a"), message("b2"), message("c2")], versions)
    path = [message("b1", "old"), message("c1")]
    change = switched(at, "b1", path, 1000)
    assert (change.keep, list(change.add), change.put, list(change.gone)) == (1, path, "b2", ["b1"])
    assert [name for name, _ in change.events] == ["messages.removed", "message.added", "message.added"]
    assert change.events[0][1] == {"after": "a"}
    assert change.events[1][1]["message"]["versions"] == ["b1", "b2"]
    assert change.fields["bytes"] == size([message("a"), *path])
    after = Versions.read(str(change.fields["versions"]).encode())
    assert after.paths == {"b2": size([message("b2"), message("c2")])}
    assert after.of("a", "b1") == ["b1", "b2"]


def test_a_change_at_the_very_beginning() -> None:
    at = found([message("a2")], Versions().put("", "a1", 50).add("", "a2"))
    change = switched(at, "a1", [message("a1")], 1000)
    assert (change.keep, change.events[0][1]) == (0, {"after": None})


def test_a_long_branch_does_not_fill_the_log_of_events() -> None:
    path = [message(f"b{n}", "x" * 10_000) for n in range(20)]
    at = found([message("a"), message("c")], Versions().put("a", "b0", size(path)).add("a", "c"))
    change = switched(at, "b0", path, 10**7)
    said = sum(len(orjson.dumps(event)) for event in change.events)
    assert said < EVENTS_CONTENT_BYTES + 20 * 200
    assert [event["message"]["content"] is None for _, event in change.events[1:]] == [n >= 6 for n in range(20)]
