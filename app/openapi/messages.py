"""The description of the Claude API's own routes. Pure."""

from __future__ import annotations

from app.openapi.words import RATES, Json, answer, body, errors, events, json_content, operation, parameters, schema

TAG = "Claude API"
TAGS = [{"name": TAG, "description": "For clients of the Claude API, with nothing but the base URL changed"}]

_UP = ("anthropic-version", "anthropic-beta")
SIMULATED = "x-keepstream-simulated"
_OPEN: Json = {"type": "object"}
_UPSTREAMS = (400, 401, 402, 403, 404, 408, 409, 413, 415, 422, 429, 502, 504, 529)

EVENTS = """\
The Claude API's events and nothing else, with `event: ping` after 15 s of silence. It ends after `message_stop` or
`event: error`; any other end is a broken connection."""


def paths() -> Json:
    return {
        "/v1/messages": {
            "post": operation(
                "createMessage",
                TAG,
                "Send a prompt, and be answered with a Message or its events",
                {
                    "200": answer(
                        "The Message, or with `stream: true` its events",
                        {
                            **json_content(schema("Message")),
                            **events(EVENTS, any=schema("UpstreamEvent"), error=schema("Error")),
                        },
                        "x-keepstream-id",
                        *RATES,
                        "x-keepstream-cost-usd",
                        "server-timing",
                        "location",
                    ),
                    "204": answer("The event that Last-Event-ID names is the last one", None, "x-keepstream-id"),
                    **errors(*_UPSTREAMS),
                },
                parameters=parameters("idempotency-key", "last-event-id", *_UP),
                requestBody=body(schema("MessagesRequest")),
                description="Failures before the first content have the Claude API's own status, type and message.",
            )
        },
        "/v1/messages/count_tokens": {
            "post": operation(
                "countTokens",
                TAG,
                "Count the tokens of a prompt",
                {"200": answer("As the Claude API says", json_content(_OPEN), SIMULATED), **errors(*_UPSTREAMS)},
                parameters=parameters(*_UP),
                requestBody=body(_OPEN),
            )
        },
        "/v1/models": {
            "get": operation(
                "listModels",
                TAG,
                "List the models",
                {"200": answer("As the Claude API says", json_content(_OPEN), SIMULATED), **errors(*_UPSTREAMS)},
                parameters=parameters(*_UP),
            )
        },
        "/v1/models/{id}": {
            "get": operation(
                "getModel",
                TAG,
                "Look at a model",
                {"200": answer("As the Claude API says", json_content(_OPEN), SIMULATED), **errors(*_UPSTREAMS)},
                parameters=[
                    {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}},
                    *parameters(*_UP),
                ],
            )
        },
    }
