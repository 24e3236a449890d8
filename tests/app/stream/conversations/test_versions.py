"""Which ways on there are from a message, which are put away, and which go when there is no room."""

from __future__ import annotations

from typing import Any

import orjson

from app.stream.conversations.versions import PATHS_MOST, Versions, is_worth_keeping


def message(message_id: str) -> dict[str, Any]:
    return {"id": message_id, "role": "user", "content": [{"type": "text", "text": "{"}]}


def test_a_message_with_others_beside_it_knows_them_oldest_first() -> None:
    versions = Versions().put("a", "b", 10).add("a", "c")
    assert versions.of("a", "c") == versions.of("a", "b") == ["b", "c"]
    assert versions.of("", "a") == []
    back = versions.take("b").put("a", "c", 5)
    assert back.of("a", "b") == ["b", "c"], "the order is that in which they were made"
    assert (back.size, back.before("c")) == (5, "a")
    assert Versions.read(back.written().encode()) == back
    assert Versions.read(b"") == Versions()
    assert Versions().written() == ""


def test_what_was_put_away_first_goes_first_and_leaves_nothing_that_hangs_on_nothing() -> None:
    versions = Versions().put("b", "c1", 10).add("b", "c2")
    versions = versions.put("a", "b", 20).add("a", "b2")  # c1 hangs on what is put away now
    assert versions.within(30) == (versions, [])
    fewer, gone = versions.within(29)
    assert (gone, fewer.ways) == (["c1"], {"a": ["b", "b2"]})
    none, gone = versions.within(-1)
    assert (gone, none) == (["c1", "b"], Versions())
    assert Versions().within(-1) == (Versions(), [])


def test_there_are_only_so_many() -> None:
    versions = Versions()
    for n in range(PATHS_MOST + 2):
        versions = versions.put("a", f"b{n}", 1).add("a", f"b{n + 1}")
    fewer, gone = versions.within(10**9)
    assert gone == ["b0", "b1"]
    assert len(fewer.paths) == PATHS_MOST
    assert fewer.of("a", f"b{PATHS_MOST + 2}")[0] == "b2"


def test_a_path_that_is_the_only_way_on_is_still_known() -> None:
    """The active branch ends where it hangs: the next message is its second version."""
    versions = Versions().put("a", "b", 1)
    assert versions.of("a", "b") == ["b"]
    assert versions.add("a", "c").of("a", "c") == ["b", "c"]
    assert Versions().put("a", "b", 1).add("a", "c").forget("c").ways == {"a": ["b"]}
    assert Versions().put("a", "b", 1).add("a", "c").forget("b") == Versions()


def test_each_message_of_a_history_is_told_with_its_versions() -> None:
    history = [message("a"), message("b"), message("c")]
    kept = [orjson.dumps(one) for one in history]
    assert Versions().marked_raw(kept) == kept
    versions = Versions().put("", "z", 1).add("", "a").put("b", "y", 1).add("b", "c")
    told = versions.marked(history)
    assert [one.get("versions") for one in told] == [["z", "a"], None, ["y", "c"]]
    assert [orjson.loads(one) for one in versions.marked_raw(kept)] == told
    assert versions.marked(history[2:], "b")[0]["versions"] == ["y", "c"]
    assert "versions" not in history[0]


def test_an_answer_that_says_nothing_is_not_worth_keeping() -> None:
    assert not is_worth_keeping([{"content": []}])
    assert is_worth_keeping([message("a"), {"content": []}])
