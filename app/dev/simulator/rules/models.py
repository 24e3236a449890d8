"""The catalogue of models, in the API's shape. Which models there are, and since when, is made up. Pure."""

from collections.abc import Collection, Mapping
from typing import Any

from app.dev.simulator.rules.errors import ApiError

PAGE_DEFAULT = 20
PAGE_LIMIT = 1000


_KINDS = ("adaptive", "between_tools", "disabled", "enabled")
_EFFORTS = ("low", "medium", "high", "xhigh", "max")
_NEWEST = ("adaptive", "disabled")


def _model(
    line: str,
    version: str,
    created: str,
    limit: int,
    context: int = 1_000_000,
    *,
    thinks: Collection[str] = _NEWEST,
    efforts: Collection[str] = _EFFORTS,
) -> dict[str, Any]:
    return {
        "type": "model",
        "id": f"claude-{line}-{version}",
        "display_name": f"Claude {line.title()} {version.replace('-', '.')}",
        "created_at": f"{created}T00:00:00Z",
        "lifecycle": "active",
        "line": line,
        "deprecated_at": None,
        "retires_at": None,
        "max_input_tokens": context,
        "max_tokens": limit,
        "capabilities": _capabilities(thinks, efforts),
    }


def _capabilities(thinks: Collection[str], efforts: Collection[str]) -> dict[str, Any]:
    def is_(supported: bool) -> dict[str, bool]:  # noqa: FBT001 - the one thing it says
        return {"supported": supported}

    names = ("batch", "citations", "code_execution", "image_input", "pdf_input", "structured_outputs")
    return {
        **{name: is_(True) for name in names},
        "context_management": is_(True),
        "server_tools": {name: is_(True) for name in ("code_execution", "web_search")} | is_(True),
        "effort": is_(bool(efforts)) | {name: is_(name in efforts) for name in _EFFORTS},
        "thinking": is_(bool(thinks)) | {"types": {name: is_(name in thinks) for name in _KINDS}},
    }


# Newest first, as the API lists them.
MODELS = (
    _model("opus", "5-5", "2026-10-01", 128_000, thinks=("adaptive",)),
    _model("sonnet", "5-5", "2026-09-15", 128_000, thinks=("adaptive", "between_tools")),
    _model("haiku", "5-5", "2026-09-01", 128_000),
    _model("opus", "5", "2026-06-01", 128_000),
    _model("sonnet", "5", "2026-05-15", 128_000),
    _model("opus", "4-8", "2026-04-01", 128_000),
    _model("haiku", "4-5", "2025-10-01", 64_000, 200_000, thinks=("disabled", "enabled"), efforts=()),
)


def find(model_id: str) -> dict[str, Any] | None:
    return next((model for model in MODELS if model["id"] == model_id), None)


def retrieve(model_id: str) -> dict[str, Any]:
    if (model := find(model_id)) is None:
        raise ApiError(404, f"model: {model_id}")
    return model


def page(query: Mapping[str, str]) -> dict[str, Any]:
    """One page of the catalogue: `limit`, and `after_id` or `before_id`, as the API takes them."""
    try:
        limit = int(query.get("limit", PAGE_DEFAULT))
    except ValueError as error:
        raise ApiError(400, "limit: Input should be a valid integer") from error
    if not 1 <= limit <= PAGE_LIMIT:
        raise ApiError(400, f"limit: Input should be from 1 to {PAGE_LIMIT}")
    known = list(MODELS)
    if after := query.get("after_id"):
        known = known[_place(after, "after_id") + 1 :]
        chosen = known[:limit]
    elif before := query.get("before_id"):
        known = known[: _place(before, "before_id")]
        chosen = known[-limit:]
    else:
        chosen = known[:limit]
    return {
        "data": chosen,
        "has_more": len(chosen) < len(known),
        "first_id": chosen[0]["id"] if chosen else None,
        "last_id": chosen[-1]["id"] if chosen else None,
    }


def _place(model_id: str, name: str) -> int:
    for place, model in enumerate(MODELS):
        if model["id"] == model_id:
            return place
    raise ApiError(400, f"{name}: no such model: {model_id}")
