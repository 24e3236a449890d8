"""What a client may ask of a conversation, and what of its history the model hears."""

from __future__ import annotations

import tracemalloc
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.faces.conversations.history import CONTINUE, STOPPED, plan, title_of, upstream_messages
from app.faces.conversations.prompt import turn_of
from app.intake.raw_json import InvalidPromptError

CONVERSATION = "cv_1"


def text(words: str) -> dict[str, Any]:
    return {"type": "text", "text": words}


def user(words: str, n: int = 0) -> dict[str, Any]:
    return {"id": f"u{n}", "role": "user", "content": [text(words)]}


def claude(words: str, outcome: str = "completed", n: int = 0) -> dict[str, Any]:
    return {"id": f"a{n}", "role": "assistant", "outcome": outcome, "content": [text(words)] if words else []}


def heard(*messages: dict[str, Any]) -> list[tuple[str, list[str]]]:
    return [(m["role"], [b.get("text") or b["type"] for b in m["content"]]) for m in upstream_messages(messages)]


def test_a_history_is_heard_as_it_was() -> None:
    assert heard(user("a"), claude("b"), user("c")) == [("user", ["a"]), ("assistant", ["b"]), ("user", ["c"])]


@pytest.mark.parametrize("outcome", ["truncated", "cancelled"])
def test_what_was_cut_off_is_heard(outcome: str) -> None:
    assert heard(user("a"), claude("b", outcome), user("c"))[1] == ("assistant", ["b"])


@pytest.mark.parametrize("outcome", ["failed", "expired", "cancelled"])
def test_a_question_without_an_answer_is_part_of_the_next_one(outcome: str) -> None:
    assert heard(user("a"), claude("", outcome), user("c")) == [("user", ["a", "c"])]


@pytest.mark.parametrize("outcome", ["failed", "expired"])
def test_nothing_of_a_failed_answer_is_heard(outcome: str) -> None:
    assert heard(user("a"), claude("b", outcome), user("c")) == [("user", ["a", "c"])]


def stopped(*blocks: dict[str, Any]) -> dict[str, Any]:
    return claude("", "cancelled") | {"content": list(blocks), "partial": True}


def test_what_was_stopped_half_way_is_not_sent_as_if_it_were_whole() -> None:
    assert heard(user("a"), stopped(text("b")), user("c")) == [
        ("user", ["a"]),
        ("assistant", ["b"]),
        ("user", [STOPPED, "c"]),
    ]


def test_who_continues_says_so_already() -> None:
    asked = user("go on") | {"continues": "a0"}
    assert heard(user("a"), stopped(text("b")), asked)[2] == ("user", ["go on"])


def test_of_half_an_answer_only_its_text_is_heard() -> None:
    call = {"type": "server_tool_use", "id": "t", "name": "web_search", "input": {}}
    thought = {"type": "thinking", "thinking": "hm", "signature": ""}
    assert heard(user("a"), stopped(thought, text("b"), call), user("c"))[1] == ("assistant", ["b"])
    assert heard(user("a"), stopped(call), user("c")) == [("user", ["a", "c"])]


def test_what_was_refused_goes_with_its_question() -> None:
    assert heard(user("a"), claude("b"), user("bad"), claude("no", "refused"), user("c")) == [
        ("user", ["a"]),
        ("assistant", ["b"]),
        ("user", ["c"]),
    ]


def failed(kind: str, message: str) -> dict[str, Any]:
    return claude("", "failed") | {"error": {"type": kind, "message": message}}


@pytest.mark.parametrize(
    "answer",
    [
        failed("invalid_request_error", "messages.2.content.0.image.source.base64: too many pixels"),
        failed("invalid_request_error", "prompt is too long: 2 tokens > 1 maximum"),
        failed("request_too_large", "Request exceeds the maximum size"),
    ],
)
def test_what_the_api_cannot_take_does_not_stand_in_the_way_of_all_that_follows(answer: dict[str, Any]) -> None:
    said = [user("a"), claude("b"), user("bad"), answer]
    assert heard(*said, user("c"))[-1] == ("user", ["c"])
    assert heard(*said[:-1])[-1] == ("user", ["bad"])  # asked again, on one's own wish


@pytest.mark.parametrize(
    "answer",
    [
        failed("invalid_request_error", "Your credit balance is too low"),
        failed("invalid_request_error", "max_tokens: 9 > 8"),
        failed("overloaded_error", "messages overloaded"),
    ],
)
def test_what_was_not_the_questions_fault_is_asked_with_the_next(answer: dict[str, Any]) -> None:
    assert heard(user("a"), answer, user("c")) == [("user", ["a", "c"])]


def test_a_question_that_was_not_answered_is_not_lost_with_the_refused_one_after_it() -> None:
    assert heard(user("a"), claude("", "failed"), user("bad"), claude("no", "refused"), user("c")) == [
        ("user", ["a", "c"])
    ]


def test_a_call_whose_result_was_refused_goes_with_it() -> None:
    call = claude("b") | {"content": [text("b"), {"type": "tool_use", "id": "t", "name": "n", "input": {}}]}
    result = user("") | {"content": [{"type": "tool_result", "tool_use_id": "t", "content": "bad"}]}
    assert heard(user("a"), call, result, claude("", "refused"), user("c")) == [
        ("user", ["a"]),
        ("assistant", ["b"]),
        ("user", ["c"]),
    ]


@pytest.mark.parametrize("kind", ["server_tool_use", "mcp_tool_use"])
def test_a_call_of_the_apis_own_that_was_cut_off_is_not_heard(kind: str) -> None:
    """With it each further question would be refused, for as long as the conversation is."""
    call = {"type": kind, "id": "s", "name": "web_search", "input": {}}
    result = {"type": "web_search_tool_result", "tool_use_id": "s", "content": []}
    cut = claude("b", "truncated")
    assert heard(user("a"), cut | {"content": [text("b"), call]}, user("c"))[1] == ("assistant", ["b"])
    assert heard(user("a"), cut | {"content": [call, result]}, user("c"))[1] == ("assistant", [kind, result["type"]])


def test_a_result_may_come_after_something_else_was_said() -> None:
    call = claude("") | {"content": [{"type": "tool_use", "id": "t", "name": "n", "input": {}}]}
    result = {"id": "u2", "role": "user", "content": [{"type": "tool_result", "tool_use_id": "t", "content": "42"}]}
    assert heard(user("a"), call, user("b"), claude("", "failed"), result) == [
        ("user", ["a"]),
        ("assistant", ["tool_use"]),
        ("user", ["tool_result", "b"]),
    ]


def test_empty_texts_are_not_sent() -> None:
    both = {"id": "u", "role": "user", "content": [text(" "), text("a")]}
    assert heard(both) == [("user", ["a"])]


def test_thinking_goes_along_only_with_the_call_it_led_to() -> None:
    thinking = {"type": "thinking", "thinking": "hm", "signature": "s"}
    call = {"type": "tool_use", "id": "t1", "name": "n", "input": {}}
    result = {"id": "u2", "role": "user", "content": [{"type": "tool_result", "tool_use_id": "t1", "content": "x"}]}
    answer = {"id": "a", "role": "assistant", "outcome": "completed", "content": [thinking, text("b"), call]}
    assert heard(user("a"), answer, result)[1] == ("assistant", ["thinking", "b", "tool_use"])
    assert heard(user("a"), answer, user("never mind"))[1] == ("assistant", ["b"])
    assert heard(user("a"), {**answer, "content": [thinking, text("b")]}, user("c"))[1] == ("assistant", ["b"])
    unsigned = {**answer, "content": [{"type": "thinking", "thinking": "hm"}, call]}
    assert heard(user("a"), unsigned, result)[1] == ("assistant", ["tool_use"])


def test_a_compaction_is_heard() -> None:
    compacted = {"id": "a", "role": "assistant", "outcome": "completed", "content": [{"type": "compaction"}, text("b")]}
    assert heard(user("a"), compacted, user("c"))[1] == ("assistant", ["compaction", "b"])


OUTCOMES = ["completed", "truncated", "cancelled", "refused", "failed", "expired"]


@given(st.lists(st.tuples(st.sampled_from(["", "x"]), st.sampled_from(OUTCOMES)), max_size=8))
def test_whatever_happened_roles_alternate_and_the_user_speaks_first_and_last(said: list[tuple[str, str]]) -> None:
    messages = [m for words, outcome in said for m in (user("q"), claude(words, outcome))]
    roles = [m["role"] for m in upstream_messages([*messages, user("last")])]
    assert roles == [("user", "assistant")[n % 2] for n in range(len(roles))]
    assert roles[-1] == "user"


def test_hearing_changes_nothing_of_what_is_kept() -> None:
    messages = [user("a"), claude("", "failed"), user("c")]
    upstream_messages(messages)
    assert [len(m["content"]) for m in messages] == [1, 0, 1]


HISTORY = [user("a", 1), claude("b", n=1), user("c", 2), claude("d", "truncated", 2)]


@pytest.mark.parametrize(
    ("body", "keep", "asked"),
    [
        ({"content": "x"}, 4, "new"),
        ({"content": "x", "after": "a1"}, 2, "new"),
        ({"content": "x", "after": None}, 0, "new"),
        ({"regenerate": True}, 3, "u2"),
        ({"regenerate": True, "after": "u1"}, 1, "u1"),
        ({"regenerate": True, "after": None}, 3, "u2"),
        ({"continue": True}, 4, "new"),
    ],
)
def test_what_stays_and_what_is_answered(body: dict[str, Any], keep: int, asked: str) -> None:
    made = plan(turn_of(body, CONVERSATION), HISTORY, "new", 0)
    assert (made.keep, made.asked) == (keep, asked)
    assert (made.add is None) == ("regenerate" in body)


def test_to_go_on_is_asked_for_in_words() -> None:
    made = plan(turn_of({"continue": True}, CONVERSATION), HISTORY, "new", 0)
    assert made.add is not None
    assert (made.add["content"], made.add["continues"]) == ([text(CONTINUE)], "a2")


@pytest.mark.parametrize(
    "body",
    [{"content": "x", "after": "nobody"}, {"regenerate": True, "after": "a1"}, {"regenerate": True, "after": "nobody"}],
)
def test_a_place_that_is_none_is_refused(body: dict[str, Any]) -> None:
    with pytest.raises(InvalidPromptError, match=r"^after: "):
        plan(turn_of(body, CONVERSATION), HISTORY, "new", 0)


def test_a_title_is_short_and_on_one_line() -> None:
    assert title_of([text("one\n two"), {"type": "image"}]) == "one two"
    assert len(title_of([text("word " * 100)])) <= 80
    assert title_of([{"type": "image"}]) == ""
    files = [{"type": "image"}, {"type": "document", "title": "paper.pdf"}, {"type": "document"}]
    assert title_of(files) == "paper.pdf"
    assert title_of([*files, text("Read it")]) == "Read it"


def test_a_large_text_is_not_split_for_its_title() -> None:
    content = [text(" \n" * 500_000 + "ab " * 500_000), text("cd")]
    tracemalloc.start()
    try:
        title = title_of(content)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert title == ("ab " * 27)[:79] + "…"
    assert peak < 4_000_000  # two texts of this length at the most
