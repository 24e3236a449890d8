"""What is put away, within which room, and what a change to another version says."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import orjson
from hypothesis import given, settings
from hypothesis import strategies as st

from app.faces.conversations.branches import EVENTS_CONTENT_BYTES, aside, switched
from app.stream import frames
from app.stream.conversations.conversation import Change, Conversation
from app.stream.conversations.store import size
from app.stream.conversations.versions import PATHS_MOST, Versions

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
    change = switched(at, "b1", path)
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
    change = switched(at, "a1", [message("a1")])
    assert (change.keep, change.events[0][1]) == (0, {"after": None})


def test_a_long_branch_does_not_fill_the_log_of_events() -> None:
    path = [message(f"b{n}", "x" * 10_000) for n in range(20)]
    at = found([message("a"), message("c")], Versions().put("a", "b0", size(path)).add("a", "c"))
    change = switched(at, "b0", path)
    said = sum(len(orjson.dumps(event)) for event in change.events)
    assert said < EVENTS_CONTENT_BYTES + 20 * 200
    assert [event["message"]["content"] is None for _, event in change.events[1:]] == [n >= 6 for n in range(20)]


class Kept:
    """A conversation and its versions, as the script keeps them, and how the front goes over to another."""

    def __init__(self) -> None:
        self.at = found([])
        self.put_away: dict[str, list[dict[str, Any]]] = {}
        self.made = 0

    def apply(self, change: Change) -> None:
        kept = self.at.messages[: change.keep]
        dropped = list(self.at.messages[change.keep :])
        for name in change.gone:
            del self.put_away[name]
        if change.put:
            self.put_away[change.put] = dropped
        meta = {name: str(value).encode() for name, value in change.fields.items()}
        self.at = replace(self.at, messages=(*kept, *change.add), meta=meta)
        assert self.at.versions.paths == {name: size(path) for name, path in self.put_away.items()}
        assert self.at.bytes == size(self.at.messages)

    def say(self, keep: int, text: str, room: int) -> None:
        """A question behind the first `keep` messages, and its answer, which nobody asks whether there is room for."""
        self.made += 1
        said = [message(f"q{self.made}"), message(f"a{self.made}", text)]
        left = aside(self.at, keep, room)
        versions = left.versions.add(left.before, said[0]["id"])
        taken = size([*self.at.messages[:keep], *said])
        fields: dict[str, str | int] = {"bytes": taken, "versions": versions.written()}
        self.apply(Change([], keep, said, fields, left.put, left.gone))

    def choose(self, message_id: str) -> None:
        while message_id not in (active := self.ids()):
            at = message_id
            while True:
                name = next(name for name, path in self.put_away.items() if at in (one["id"] for one in path))
                before = self.at.versions.before(name)
                if not before or before in active:
                    break
                at = before
            self.apply(switched(self.at, name, self.put_away[name]))

    def ids(self) -> list[str]:
        return [one["id"] for one in self.at.messages]

    def all(self) -> set[str]:
        return {*self.ids(), *(one["id"] for path in self.put_away.values() for one in path)}


STEP = st.tuples(st.booleans(), st.integers(0, 2**16), st.sampled_from(["", "x", "x" * 300]), st.integers(0, 3000))


@settings(max_examples=60, deadline=None)
@given(st.lists(STEP, min_size=3, max_size=12))
def test_to_go_over_to_another_version_costs_none(steps: list[tuple[bool, int, str, int]]) -> None:
    kept = Kept()
    for saying, n, text, room in steps:
        if saying or not kept.at.messages:
            kept.say(n % (len(kept.at.messages) + 1), text, room)
            continue
        there, known = kept.all(), sorted(kept.all())
        kept.choose(known[n % len(known)])
        assert kept.all() == there
    for message_id in sorted(kept.all()):
        kept.choose(message_id)
        assert message_id in kept.ids()


def test_there_are_as_many_as_may_be_and_each_is_reached() -> None:
    kept = Kept()
    for _ in range(PATHS_MOST + 1):
        kept.say(0, "x", 10**6)
    for first in ("q1", "q2", f"q{PATHS_MOST + 1}"):
        kept.choose(first)
        assert (kept.ids()[0], len(kept.put_away)) == (first, PATHS_MOST)
        assert len(kept.at.versions.of("", first)) == PATHS_MOST + 1
