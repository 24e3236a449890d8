"""The description of `/v1/usage`, with the shapes that only it has. Pure."""

from __future__ import annotations

from app.openapi.words import Json, answer, errors, json_content, operation, schema

TAG = "Usage"
TAGS = [{"name": TAG, "description": "What streams did use and cost"}]

_DATE: Json = {"type": "string", "format": "date"}
_COUNT: Json = {"type": "integer", "minimum": 0}
_USD: Json = {"type": "number", "minimum": 0}
_COUNTS = ("streams", "calls", "input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens")
_SUMS: Json = {**dict.fromkeys(_COUNTS, _COUNT), "cost_usd": _USD, "saved_usd": _USD}

SCHEMAS: Json = {
    "UsageSums": {"type": "object", "required": list(_SUMS), "properties": _SUMS},
    "Usage": {
        "type": "object",
        "required": ["data", "total", "forecast_usd"],
        "properties": {
            "data": {
                "type": "array",
                "description": "A row for each day, model or user with streams; `user` is empty for the owner itself",
                "items": {
                    "type": "object",
                    "required": list(_SUMS),
                    "properties": {"day": _DATE, "model": {"type": "string"}, "user": {"type": "string"}, **_SUMS},
                },
            },
            "total": schema("UsageSums"),
            "forecast_usd": {**_USD, "description": "What this month will have cost if it goes on as until now"},
        },
    },
}


def paths() -> Json:
    return {
        "/v1/usage": {
            "get": operation(
                "usage",
                TAG,
                "What was used",
                {
                    "200": answer("The sums, of streams by the day on which they ended", json_content(schema("Usage"))),
                    **errors(400, 401, 403),
                },
                parameters=[
                    _query("from", "The first day, in UTC; 29 days before the last where it is left out", _DATE),
                    _query("to", "The last day, in UTC; today where it is left out", _DATE),
                    _query("by", "What a row stands for", {"enum": ["day", "model", "user"], "default": "day"}),
                    _query("owner", "Another owner than one's own, with an `admin` key", {"type": "string"}),
                ],
            )
        }
    }


def _query(name: str, description: str, content: Json) -> Json:
    return {"name": name, "in": "query", "required": False, "description": description, "schema": content}
