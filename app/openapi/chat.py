"""The description of the AI SDK's chat. Pure."""

from __future__ import annotations

from app.openapi.words import RATES, Json, answer, body, errors, events, json_content, operation, parameters, schema

TAG = "AI SDK"
TAGS = [{"name": TAG, "description": "The UI message stream of the AI SDK: `useChat` with `resume: true`"}]

CHUNKS = """\
Lines of `data:` with one chunk each, comments as heartbeat, and `data: [DONE]` at the end. Failures that are not known
at submit are `error` chunks. An end without `[DONE]` is a broken connection, to be resumed."""
DONE: Json = {"type": "object", "title": "[DONE]", "required": ["data"], "properties": {"data": {"const": "[DONE]"}}}


def paths() -> Json:
    shown = events(CHUNKS, any=schema("UIMessageChunk"))
    shown["text/event-stream"]["schema"]["anyOf"].append(DONE)
    names = ("x-keepstream-id", "x-resumable-stream-id", "location")
    return {
        "/api/chat": {
            "post": operation(
                "sendChat",
                TAG,
                "Send the chat so far, and be answered",
                {
                    "200": answer("The answer as it comes", shown, *names, *RATES),
                    **errors(400, 401, 402, 408, 413, 415, 422),
                },
                parameters=parameters("idempotency-key"),
                requestBody=body(schema("ChatRequest")),
                description="An answer of this chat that still runs is cancelled.",
            )
        },
        "/api/chat/resume/{id}": {
            "get": operation(
                "resumeChatStream",
                TAG,
                "Resume an answer by its stream's id",
                {
                    "200": answer("The answer from its start, and on live", shown, *names),
                    "204": answer("It was cancelled: there is nothing to resume"),
                    **errors(401, 404, 410),
                },
                parameters=parameters("stream-id", "bare"),
                description="As assistant-ui's `AssistantChatTransport({ resumable })` asks, with the id that "
                "`x-resumable-stream-id` named. An answer that has ended is shown for as long as it is kept.",
            )
        },
        "/api/chat/{chat_id}/stream": {
            "get": operation(
                "resumeChat",
                TAG,
                "Resume the answer that runs",
                {
                    "200": answer("The answer from its start, and on live", shown, *names),
                    "204": answer("Nothing runs"),
                    **errors(401),
                },
                parameters=parameters("chat-id", "unseen"),
            ),
            "delete": operation(
                "stopChat",
                TAG,
                "Stop the answer that runs",
                {
                    "202": answer("It is being cancelled, or had ended", json_content(schema("Cancelled"))),
                    "204": answer("There is nothing to stop"),
                    **errors(401),
                },
                parameters=parameters("chat-id", "only-stream"),
            ),
        },
    }
