"""What a request for a conversation's title is answered with: its first words. Pure."""

import re
from collections.abc import Mapping
from typing import Any

from app.dev.simulator.prompts import without

# How Keepstream's request for a title begins.
TITLING = "You name conversations."
WORDS = 6
_ASKED = re.compile(r"<user>\n(.*?)\n</user>", re.DOTALL)


def title_for(body: Mapping[str, Any]) -> str | None:
    """The title that is asked for; None for any other request. What the conversation asks for is not done."""
    system, messages = body.get("system"), body["messages"]
    if not (isinstance(system, str) and system.startswith(TITLING)):
        return None
    asked = _ASKED.search(str(messages[-1].get("content")))
    words = without(asked[1]).split() if asked else []
    return " ".join(words[:WORDS]).rstrip(".,:;!?") or "A conversation"
