"""The description of `/v1/conversations`, with the shapes that only it has. Pure."""

from __future__ import annotations

from app.openapi.access import BY_TICKET
from app.openapi.shapes.conversations import SHAPES
from app.openapi.words import (
    RATES,
    Json,
    answer,
    body,
    errors,
    events,
    json_content,
    operation,
    parameters,
    ref,
    schema,
)

TAG = "Conversations"
TAGS = [{"name": TAG, "description": "Histories kept by Keepstream, the same for every tab and device"}]

EVENTS = """\
What happens in the conversation, with ids and resume as the events of a stream. It ends only after `relay.end`, when
the conversation was deleted, or when the front drains. After a `relay.reset`, get the conversation again."""

SCHEMAS: Json = SHAPES
_TEXT: Json = {"type": "string"}


def paths() -> Json:
    found = parameters("conversation-id")
    sent = (400, 408, 413, 415)
    whole = json_content(schema("WholeConversation"))
    made = answer("As it begins", whole)
    made["headers"]["location"] = ref("headers", "location-of-conversation")
    exported = answer("A file", whole | {"text/markdown": {"schema": _TEXT}}, "content-disposition")
    return {
        "/v1/conversations": {
            "post": operation(
                "createConversation",
                TAG,
                "Begin a conversation",
                {"201": made, **errors(401, 409, *sent)},
                requestBody=body(schema("ConversationRequest")),
            ),
            "get": operation(
                "listConversations",
                TAG,
                "List your conversations, the last used first",
                {"200": answer("A page", json_content(schema("ConversationPage"))), **errors(400, 401)},
                parameters=parameters("limit", "before", "query"),
            ),
        },
        "/v1/conversations/{id}": {
            "get": operation(
                "showConversation",
                TAG,
                "The whole conversation",
                {"200": answer("As it is now", whole), **errors(401, 404, 410)},
                parameters=found,
            ),
            "patch": operation(
                "updateConversation",
                TAG,
                "Change title, system prompt or model",
                {"200": answer("As it is now", json_content(schema("Conversation"))), **errors(401, 404, 410, *sent)},
                parameters=found,
                requestBody=body(schema("ConversationRequest")),
            ),
            "delete": operation(
                "deleteConversation",
                TAG,
                "Delete a conversation; a stream that runs in it is cancelled",
                {"204": answer("It is gone"), **errors(401, 404, 410)},
                parameters=found,
            ),
        },
        "/v1/conversations/{id}/messages": {
            "post": operation(
                "say",
                TAG,
                "Say something and be answered; or regenerate, or continue, the last answer",
                {
                    "202": answer("Accepted", json_content(schema("TurnAccepted")), *RATES, "location"),
                    **errors(401, 402, 404, 409, 410, 422, *sent),
                },
                parameters=[*found, *parameters("idempotency-key", "anthropic-version", "anthropic-beta")],
                requestBody=body(schema("TurnRequest")),
                description="One stream runs at a time: 409 names it in `error.stream_id`.",
            )
        },
        "/v1/conversations/{id}/tool_results": {
            "post": operation(
                "conversationResults",
                TAG,
                "Go on with what the client's own tools brought",
                {
                    "202": answer("Accepted", json_content(schema("TurnAccepted")), *RATES, "location"),
                    **errors(401, 402, 404, 409, 410, 422, *sent),
                },
                parameters=[*found, *parameters("idempotency-key", "anthropic-version", "anthropic-beta")],
                requestBody=body(schema("ToolResults")),
                description="409 where the last answer does not end with a call of a client's tool. What it was asked "
                "holds (its tools, too) as long as its stream is kept, unless it is said anew.",
            )
        },
        "/v1/conversations/{id}/events": {
            "get": operation(
                "conversationEvents",
                TAG,
                "Read what happens in a conversation",
                {
                    "200": answer(
                        "Everything that is kept, or what follows the given event; live",
                        events(
                            EVENTS,
                            **{
                                "conversation.updated": schema("ConversationUpdated"),
                                "message.added": schema("MessageAdded"),
                                "messages.removed": schema("MessagesRemoved"),
                                "stream.started": schema("StreamStarted"),
                                "stream.ended": schema("StreamEnded"),
                                "conversation.deleted": schema("ConversationDeleted"),
                                "relay.reset": schema("RelayReset"),
                                "relay.end": schema("RelayEnd"),
                            },
                        ),
                    ),
                    "204": answer("It was deleted, and the given event is its last: do not come back"),
                    **errors(400, 401, 404, 410),
                },
                parameters=[*found, *parameters("last-event-id", "after", "lastEventId", "last_event_id", "partial")],
                security=BY_TICKET,
            )
        },
        "/v1/conversations/{id}/version": {
            "post": operation(
                "chooseVersion",
                TAG,
                "Make the branch active in which a message stands",
                {
                    "200": answer("As it is now", json_content(schema("Conversation"))),
                    **errors(401, 404, 409, 410, *sent),
                },
                parameters=found,
                requestBody=body(schema("VersionRequest")),
                description="Its readers are told by `messages.removed` and `message.added`. 409 while a stream runs.",
            )
        },
        "/v1/conversations/{id}/title": {
            "post": operation(
                "nameConversation",
                TAG,
                "Have the model make a title of the first exchange",
                {
                    "200": answer("As it is called now", json_content(schema("Title"))),
                    **errors(401, 402, 404, 410, 422),
                },
                parameters=found,
                description="Made once, by a stream of its own, and only while the title is the first words still. "
                "404 also where `KEEPSTREAM_TITLES` is 0.",
            )
        },
        "/v1/conversations/{id}/fork": {
            "post": operation(
                "forkConversation",
                TAG,
                "Begin a new conversation with this one's history up to a message",
                {"201": made, **errors(401, 404, 409, 410, *sent)},
                parameters=found,
                requestBody=body(schema("ForkRequest")),
            )
        },
        "/v1/conversations/{id}/export": {
            "get": operation(
                "exportConversation",
                TAG,
                "Download a conversation",
                {"200": exported, **errors(400, 401, 404, 410)},
                parameters=[*found, *parameters("format")],
            )
        },
    }
