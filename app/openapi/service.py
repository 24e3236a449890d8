"""The description of what is not about streams: health, this description, and the files. Pure."""

from __future__ import annotations

from app.openapi.words import Json, answer, errors, json_content, operation, parameters, schema

# What is served as it is: the path, the file in `app/web/`, and its media type.
_HTML, _CSS, _JS = "text/html; charset=utf-8", "text/css; charset=utf-8", "text/javascript; charset=utf-8"
_CHAT = (
    *(
        "announce",
        "answer",
        "blocks",
        "composer",
        "conversation",
        "dom",
        "files",
        "highlight",
        "keys",
        "log",
        "markdown",
    ),
    *("older", "pace", "partial", "scroll", "settings", "shape", "sidebar", "words"),
)
_LANGUAGES = (
    *("bash", "c", "css", "diff", "docker", "go", "html", "http", "ini", "java", "js", "jsdoc", "json", "lua", "make"),
    *("md", "pl", "py", "regex", "rs", "sql", "todo", "toml", "ts", "uri", "xml", "yaml"),
)
_VENDOR = ("marked", "speed-highlight/tokenize", *(f"speed-highlight/languages/{name}" for name in _LANGUAGES))
FILES = {
    "/": ("index.html", _HTML),
    "/chat.css": ("chat.css", _CSS),
    "/chat.js": ("chat.js", _JS),
    **{f"/chat/{name}.js": (f"chat/{name}.js", _JS) for name in _CHAT},
    **{f"/vendor/{name}.js": (f"vendor/{name}.js", _JS) for name in _VENDOR},
    "/favicon.svg": ("favicon.svg", "image/svg+xml"),
    "/keepstream.js": ("keepstream.js", _JS),
    "/docs": ("docs.html", _HTML),
    "/docs.js": ("docs.js", _JS),
    "/docs.css": ("docs.css", _CSS),
}

TAG = "Service"
FILES_TAG = "Files"
TAGS = [
    {"name": TAG, "description": "Health, and this description; no key needed"},
    {"name": FILES_TAG, "description": "Pages and their parts, and the module for JavaScript; no key needed"},
]


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
        "/openapi.json": {"get": _file("openapi", "This description", "application/json", {"type": "object"}, tag=TAG)},
        **{
            path: {"get": _file(path.strip("/").replace(".", "-") or "page", f"The file {name}", media_type)}
            for path, (name, media_type) in FILES.items()
        },
    }


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
