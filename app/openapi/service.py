"""The description of what is not about streams: health, this description, and the files. Pure."""

from __future__ import annotations

from app.openapi.words import Json, answer, errors, json_content, operation, parameters, schema

# What is served as it is: the path, the file in `app/web/`, and its media type.
FILES = {
    "/keepstream.js": ("keepstream.js", "text/javascript; charset=utf-8"),
    "/docs": ("docs.html", "text/html; charset=utf-8"),
    "/docs.js": ("docs.js", "text/javascript; charset=utf-8"),
    "/docs.css": ("docs.css", "text/css; charset=utf-8"),
}

TAG = "Service"
TAGS = [{"name": TAG, "description": "Health, this description, pages and modules; no key needed"}]


def paths() -> Json:
    return {
        "/healthz": {
            "get": operation(
                "healthz",
                TAG,
                "Is the process up?",
                {"200": answer("It is", json_content(schema("Health"))), **errors()},
                security=[],
            )
        },
        "/readyz": {
            "get": operation(
                "readyz",
                TAG,
                "May it be sent readers?",
                {"200": answer("Redis is reached, and it is not draining", json_content(schema("Health"))), **errors()},
                security=[],
            )
        },
        "/openapi.json": {"get": _file("openapi", "This description", "application/json", {"type": "object"})},
        **{
            path: {"get": _file(path.strip("/").replace(".", "-") or "page", f"The file {name}", media_type)}
            for path, (name, media_type) in FILES.items()
        },
    }


def _file(name: str, summary: str, media_type: str, content: Json | None = None) -> Json:
    return operation(
        name,
        TAG,
        summary,
        {
            "200": answer("As it is now", {media_type: {"schema": content or {"type": "string"}}}, "etag"),
            "304": answer("As it is known already", None, "etag"),
            **errors(),
        },
        parameters=parameters("if-none-match"),
        security=[],
    )
