"""What an answer tells who asked."""

from __future__ import annotations

from typing import Any

import httpx


def told_of(answer: httpx.Response) -> tuple[int, Any, dict[str, str]]:
    """All that it says, but when and to which request."""
    body = answer.json() if answer.content else {}
    body.pop("request_id", None)
    return answer.status_code, body, {k: v for k, v in answer.headers.items() if k not in ("request-id", "date")}
