"""The description of what is not about streams: health, this description, and the files. Pure."""

from __future__ import annotations

from app.http.static import FILES, HTML, MARKDOWN, PLAIN
from app.openapi.words import Json, answer, errors, json_content, operation, parameters, schema

TAG = "Service"
FILES_TAG = "Files"
METRICS = ("text/plain", "application/openmetrics-text")
TAGS = [
    {"name": TAG, "description": "Health, metrics, and this description"},
    {"name": FILES_TAG, "description": "Pages and their parts, and the module for JavaScript; no key needed"},
]
_FACTS: Json = {
    "type": "object",
    "required": ["max_prompt_bytes", "model", "titles"],
    "properties": {
        "max_prompt_bytes": {"type": "integer", "description": "How large the body of a submit may be"},
        "model": {"type": "string", "description": "Who answers where no model is named"},
        "titles": {"type": "boolean", "description": "Whether conversations are given titles by a model"},
    },
}


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
                {
                    "200": answer("Redis answers, its tasks live, it does not drain", json_content(schema("Health"))),
                    **errors(),
                },
                security=[],
            )
        },
        "/metrics": {
            "get": operation(
                "metrics",
                TAG,
                "How much and how fast, for Prometheus",
                {
                    "200": answer(
                        "All metrics of this front; as OpenMetrics where `accept` asks for it",
                        {media_type: {"schema": {"type": "string"}} for media_type in METRICS},
                    ),
                    **errors(401, 403),
                },
                description="For operators: at the machine itself, or with a key that has the right `admin`. With "
                "`KEEPSTREAM_METRICS_PORT` it is on that port alone, for whoever reaches it.",
            )
        },
        "/openapi.json": {"get": _file("openapi", "This description", "application/json", {"type": "object"}, tag=TAG)},
        "/page.json": {"get": _file("page-facts", "What the chat page is told", "application/json", _FACTS, tag=TAG)},
        **{
            path: {"get": _file(path.strip("/").replace(".", "-"), says, media_type, tag=TAG)}
            for path, (says, media_type) in _FOR_MODELS.items()
        },
        "/docs": {"get": _page("docs", "What there is to read: its front page")},
        "/docs/{page}": {"get": _page("docs-page", "A page of what there is to read", "page", failing=(404,))},
        **{
            path: {"get": _file(path.strip("/").replace(".", "-") or "page", f"The file {name}", media_type)}
            for path, (name, media_type) in FILES.items()
        },
    }


# What language models, and the agents that write code with them, are given to read.
_FOR_MODELS = {
    "/llms.txt": ("What there is to read, as llmstxt.org has it", PLAIN),
    "/llms-full.txt": ("The pages for who uses and runs it, as one text", PLAIN),
    "/skill.md": ("A skill for agents that write code", MARKDOWN),
}


def _page(name: str, summary: str, *named: str, failing: tuple[int, ...] = ()) -> Json:
    """A page of the shelf: HTML, or Markdown where that is asked for by its name or by `accept`."""
    text = {"schema": {"type": "string"}}
    return operation(
        name,
        FILES_TAG,
        summary,
        {
            "200": answer("The page, or its Markdown where that is asked for", {HTML: text, MARKDOWN: text}, "etag"),
            "304": answer("As it is known already", None, "etag"),
            **errors(*failing),
        },
        parameters=parameters(*named, "if-none-match"),
        security=[],
    )


def _file(name: str, summary: str, media_type: str, content: Json | None = None, tag: str = FILES_TAG) -> Json:
    return operation(
        name,
        tag,
        summary,
        {
            "200": answer("As it is now", {media_type: {"schema": content or {"type": "string"}}}, "etag"),
            "304": answer("As it is known already", None, "etag"),
            **errors(),
        },
        parameters=parameters("if-none-match"),
        security=[],
    )
