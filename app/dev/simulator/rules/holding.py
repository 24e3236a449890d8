"""Conversations that the API holds between calls (`thread`): who goes on from a reply sends only what is new.

The rule: a reply's id stands for all that led to it, and for what its first call alone may say (tools, system). What
nobody has asked for lately is forgotten, in the API's words.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

from app.dev.simulator.rules.errors import ApiError

HELD_MAX = 1000
HELD = ("system", "tools")


class Threads:
    def __init__(self) -> None:
        self._held: OrderedDict[str, dict[str, Any]] = OrderedDict()

    def whole(self, body: dict[str, Any]) -> dict[str, Any]:
        """The request with all that is held for it. Raises `ApiError`."""
        match body.get("thread"):
            case None | {"type": "create"}:
                return body
            case {"type": "continue", "previous_message_id": str(before)} if isinstance(body.get("messages"), list):
                held = self._held.get(before)
                if held is None:
                    details = {"error_code": "thread_not_found"}
                    raise ApiError(404, f"thread: nothing is held for {before}", details=details)
                return {**held, **body, "messages": [*held["messages"], *body["messages"]]}
        raise ApiError(400, "thread: Input should be 'create', or 'continue' with a previous_message_id")

    def hold(self, body: Mapping[str, Any], reply: Mapping[str, Any]) -> None:
        """`body` as `whole` gave it, and the Message that answers it."""
        said = {"role": "assistant", "content": reply["content"]}
        kept = {name: body[name] for name in HELD if name in body}
        self._held[reply["id"]] = {**kept, "messages": [*body["messages"], said]}
        if len(self._held) > HELD_MAX:
            self._held.popitem(last=False)
