"""UI messages as a prompt: what becomes of each part, and what is refused, with its place."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from app.faces.chat import prompt_files
from app.faces.chat.prompt import Allowed, ChatPrompt, chat_prompt
from app.intake.prompt import InvalidPromptError, prompt_of
from app.intake.raw_json import Fields, raw, read

ALLOWED = Allowed(model="claude-a", max_tokens=100, system=None)
PNG = base64.b64encode(b"\x89PNG").decode()


def text(value: str) -> dict[str, Any]:
    return {"type": "text", "text": value}


def message(role: str, *parts: dict[str, Any], message_id: str = "x") -> dict[str, Any]:
    return {"id": message_id, "role": role, "parts": list(parts)}


def sent(body: dict[str, Any]) -> Fields:
    return {name: raw(value) for name, value in body.items()}


def prompt(*messages: dict[str, Any], allowed: Allowed = ALLOWED, **body: Any) -> ChatPrompt:
    made = chat_prompt(sent({"id": "c", "messages": list(messages)} | body), allowed)
    prompt_of(made.body, None)  # what is made is always a prompt
    return made


def messages_of(*messages: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = prompt(*messages).body["messages"]
    return found


def file(media_type: str, url: str, **more: Any) -> dict[str, Any]:
    return {"type": "file", "mediaType": media_type, "url": url, **more}


def content_of(*parts: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = messages_of(message("user", *parts))[0]["content"]
    return found


def tool(state: str, **more: Any) -> dict[str, Any]:
    return {"type": "tool-clock", "toolCallId": "t1", "state": state, "input": {"zone": "x"}, **more}


USER = message("user", text("Hello"))


@pytest.mark.parametrize(
    "part",
    [
        {"type": "steering-message", "parts": "x"},
        {"type": "steering-message", "parts": [5]},
        {"type": "steering-message", "parts": [{"type": "text", "text": 5}]},
        {"type": "steering-message", "parts": [{"type": "steering-message"}]},
        {"type": "tool-x", "toolCallId": "c", "state": "output-denied", "approval": "no"},
        {"type": "tool-x", "toolCallId": "c", "state": "output-denied", "approval": [1]},
        {"type": "tool-x", "toolCallId": "c", "state": "output-denied", "approval": {"reason": 5}},
        {"type": "tool-x", "toolCallId": "c", "state": "output-available", "input": 5, "output": [{"type": ["x"]}]},
        {"type": "tool-x", "toolCallId": "c", "state": ["x"], "errorText": {}},
        {"type": "tool-x", "toolCallId": "c", "state": "output-error", "providerExecuted": True, "input": None},
    ],
)
def test_odd_parts_are_taken_or_refused_and_never_a_fault(part: dict[str, Any]) -> None:
    messages = [
        {"id": "a", "role": "assistant", "parts": [part]},
        {"id": "u", "role": "user", "parts": [{"type": "text", "text": "x"}]},
    ]
    try:
        made = chat_prompt(sent({"id": "c", "messages": messages}), Allowed("m", 5, None))
    except InvalidPromptError:
        return
    prompt_of(made.body, None)


def test_a_chat_is_a_prompt() -> None:
    made = prompt(USER, message("assistant", text("Hi"), message_id="a1"), message("user", text("And now?")))
    assert made == ChatPrompt(
        "c",
        {
            "model": "claude-a",
            "max_tokens": 100,
            "messages": [
                {"role": "user", "content": [text("Hello")]},
                {"role": "assistant", "content": [text("Hi")]},
                {"role": "user", "content": [text("And now?")]},
            ],
        },
        None,
    )


def test_what_continues_a_message_keeps_its_id() -> None:
    made = prompt(USER, message("assistant", tool("output-available", output=1), message_id="a1"))
    assert made.continues is not None
    assert made.continues["id"] == "a1"


def test_regenerate_leaves_out_the_answer_that_it_replaces() -> None:
    old = message("assistant", text("Hi"), message_id="a1")
    made = prompt(USER, old, trigger="regenerate-message", messageId="a1")
    assert len(made.body["messages"]) == 1


def test_thinking_goes_back_with_its_signature_and_not_without() -> None:
    signed = {"type": "reasoning", "text": "Hm", "providerMetadata": {"anthropic": {"signature": "s"}}}
    redacted = {"type": "reasoning", "text": "", "providerMetadata": {"anthropic": {"redactedData": "d"}}}
    unsigned = {"type": "reasoning", "text": "Hm"}
    said = messages_of(USER, message("assistant", signed, redacted, unsigned, text("Hi")), USER)[1]
    assert said["content"] == [
        {"type": "thinking", "thinking": "Hm", "signature": "s"},
        {"type": "redacted_thinking", "data": "d"},
        text("Hi"),
    ]


@pytest.mark.parametrize(
    ("output", "content"),
    [
        ("noon", "noon"),
        ({"time": 12}, '{"time":12}'),
        ([{"type": "text", "text": "noon"}], [{"type": "text", "text": "noon"}]),
        ([{"type": "hour"}], '[{"type":"hour"}]'),
        ([], "[]"),
        (None, "null"),
    ],
)
def test_a_tools_output_follows_its_call(output: Any, content: Any) -> None:
    made = messages_of(USER, message("assistant", text("Wait"), tool("output-available", output=output)))
    assert made[1]["content"][1] == {"type": "tool_use", "id": "t1", "name": "clock", "input": {"zone": "x"}}
    assert made[2] == {
        "role": "user",
        "content": [{"type": "tool_result", "tool_use_id": "t1", "content": content}],
    }


def test_a_tool_that_failed_or_was_denied_says_so() -> None:
    failed = messages_of(USER, message("assistant", tool("output-error", errorText="no clock")))[2]
    assert failed["content"][0] == {
        "type": "tool_result",
        "tool_use_id": "t1",
        "content": "no clock",
        "is_error": True,
    }
    denied = messages_of(USER, message("assistant", tool("output-denied", approval={"id": "a", "reason": "no"})))[2]
    assert (denied["content"][0]["content"], denied["content"][0]["is_error"]) == ("no", True)


def test_each_step_is_a_message_and_results_come_before_what_the_user_says() -> None:
    steps = message(
        "assistant",
        {"type": "step-start"},
        tool("output-available", output="1"),
        {"type": "step-start"},
        tool("output-available", output="2", toolCallId="t2"),
    )
    made = messages_of(USER, steps, message("user", text("Go on")))
    assert [one["role"] for one in made] == ["user", "assistant", "user", "assistant", "user"]
    assert [block["type"] for block in made[-1]["content"]] == ["tool_result", "text"]


@pytest.mark.parametrize("state", ["input-streaming", "input-available", "approval-requested"])
def test_a_call_that_was_never_answered_is_left_out_once_the_talk_has_gone_on(state: str) -> None:
    made = messages_of(USER, message("assistant", text("Wait"), tool(state)), USER)
    assert made[1]["content"] == [text("Wait")]


def test_what_the_api_ran_goes_back_as_it_came() -> None:
    search = {
        "type": "tool-web_search",
        "toolCallId": "s1",
        "state": "output-available",
        "input": {"query": "x"},
        "output": [{"type": "web_search_result", "url": "u"}],
        "providerExecuted": True,
        "callProviderMetadata": {"anthropic": {"type": "server_tool_use", "caller": {"a": 1}}},
        "resultProviderMetadata": {"anthropic": {"type": "web_search_tool_result"}},
    }
    said = messages_of(USER, message("assistant", search, text("Found")), USER)[1]["content"]
    assert said[0] == {
        "type": "server_tool_use",
        "id": "s1",
        "name": "web_search",
        "input": {"query": "x"},
        "caller": {"a": 1},
    }
    assert said[1]["type"] == "web_search_tool_result"


def test_what_only_the_page_cares_about_stays_behind() -> None:
    parts = [
        {"type": "source-url", "sourceId": "s", "url": "u"},
        {"type": "data-mine", "data": 1},
        {"type": "data-claude", "data": {"type": "compaction", "content": "z"}},
        file("image/png", f"data:image/png;base64,{PNG}"),
    ]
    said = messages_of(USER, message("assistant", *parts), USER)[1]["content"]
    assert said == [{"type": "compaction", "content": "z"}]


def test_files() -> None:
    inline = content_of(file("image", f"data:image/png;base64,{PNG}"), text("?"))
    assert inline[0] == {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}}
    assert content_of(file("image/png", "https://a.example/x.png"))[0]["source"]["type"] == "url"
    pdf = content_of(file("application/pdf", f"data:application/pdf;base64,{PNG}", filename="a.pdf"))[0]
    assert (pdf["type"], pdf["title"], pdf["source"]["media_type"]) == ("document", "a.pdf", "application/pdf")
    csv = content_of(file("text/csv", "data:text/csv,a%2Cb"))[0]
    assert csv["source"] == {"type": "text", "media_type": "text/plain", "data": "a,b"}
    known = content_of(file("application/pdf", "x", providerReference={"anthropic": "file_1"}))[0]
    assert known["source"] == {"type": "file", "file_id": "file_1"}


@pytest.mark.parametrize(
    ("part", "message_of_error"),
    [
        (file("image/tiff", "data:image/tiff;base64,AA=="), "cannot be sent"),
        (file("image/png", "data:image/png;base64,AA="), "not valid base64"),
        (file("image/png", "data:image/png;base64"), "not a complete"),
        (file("text/plain", "data:text/plain;base64,/w=="), "UTF-8"),
        (file("text/plain", "https://a.example/"), "data: address"),
        (file("image/png", "file:///etc/passwd"), "http"),
        (file("", "data:,"), "mediaType"),
        ({"type": "text"}, "text"),
        ({"type": 1}, "type"),
        (text("  "), "needs a text or a file"),
    ],
)
def test_a_part_that_cannot_be_sent_is_refused_with_its_place(part: dict[str, Any], message_of_error: str) -> None:
    with pytest.raises(InvalidPromptError, match=f"messages.0.parts.*{message_of_error}"):
        prompt(message("user", part))


def test_a_file_that_is_too_large_is_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prompt_files, "IMAGE_BYTES_MAX", 3)
    with pytest.raises(prompt_files.FileTooLargeError, match=r"messages\.0\.parts\.0: the file is larger than 3 bytes"):
        prompt(message("user", file("image/png", f"data:image/png;base64,{PNG}")))


@pytest.mark.parametrize(
    ("part", "message_of_error"),
    [
        ({"type": "tool-clock", "state": "output-available", "input": {}, "output": 1}, "toolCallId"),
        ({"type": "dynamic-tool", "toolCallId": "t", "state": "output-available"}, "the tool's name"),
        ({"type": "tool-clock", "toolCallId": "t", "state": "output-available", "output": 1}, "without the input"),
        ({"type": "tool-clock", "toolCallId": "t", "state": "output-available", "input": {}}, "output"),
        (tool("input-available"), "has no output yet"),
    ],
)
def test_a_tool_part_without_its_call_is_refused(part: dict[str, Any], message_of_error: str) -> None:
    with pytest.raises(InvalidPromptError, match=f"messages.1.parts.0.*{message_of_error}"):
        prompt(USER, message("assistant", part))


@pytest.mark.parametrize(
    ("body", "message_of_error"),
    [
        ({"id": ""}, "id:"),
        ({"id": 3}, "id:"),
        ({"messages": []}, "at least one"),
        ({"messages": ["x"]}, "messages.0"),
        ({"messages": [{"role": "user", "parts": []}]}, "messages.0.id"),
        ({"messages": [{"id": "x" * 1025, "role": "user", "parts": []}]}, "messages.0.id: .* 1024"),
        ({"messages": [USER, message("assistant", text("Hi")) | {"id": "x" * 1025}]}, "messages.1.id"),
        ({"messages": [{"id": "x", "role": "user", "content": "old"}]}, "messages.0.parts"),
        ({"messages": [{"id": "x", "role": "robot", "parts": []}]}, "role"),
        ({"messages": [message("assistant", text("Hi"))]}, "no user message"),
        ({"messages": [message("system", text("Be kind")), USER]}, "system message"),
        ({"model": "claude-b"}, "model"),
        ({"model": ["claude-a"]}, "model"),
        ({"system": "Be rude"}, "system"),
        ({"max_tokens": 9}, "max_tokens"),
        ({"tools": []}, "tools"),
    ],
)
def test_a_body_that_is_none_is_refused(body: dict[str, Any], message_of_error: str) -> None:
    with pytest.raises(InvalidPromptError, match=message_of_error):
        prompt(USER, **body)


def test_the_body_chooses_where_the_settings_allow() -> None:
    allowed = Allowed("claude-a", 100, "Be kind", models=("claude-b",), fields=("max_tokens", "temperature", "system"))
    made = prompt(USER, allowed=allowed, model="claude-b", max_tokens=9, temperature=0.5, sessionId="mine").body
    assert {name: read(raw(value)) for name, value in made.items() if name != "messages"} == {
        "model": "claude-b",
        "max_tokens": 9,
        "temperature": 0.5,
        "system": "Be kind",
    }
    assert prompt(message("system", text("Be brief")), USER, allowed=allowed).body["system"] == "Be brief"
