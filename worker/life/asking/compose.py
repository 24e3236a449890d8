"""The request of the call that comes: what the client sent, and what the relay adds to it.

Pure. The rule: without anything to add the client's bytes go up as they are; each addition is a step of its own here,
in this order: the tools' definitions, the turns before, what is to be mended, the marks of prompt caching.
"""

from __future__ import annotations

from worker.life.asking.asked import Asked
from worker.upstream.request import Request


def compose(request: Request, asked: Asked) -> Request:
    """What goes up."""
    del asked  # nothing is added yet
    return request
