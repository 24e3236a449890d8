"""The request of the call that comes: what the client sent, and what the relay adds to it.

Pure. The rule: without anything to add the client's bytes go up as they are; each addition is a step of its own here,
in this order: the tools' definitions, the turns before, what is to be mended, the marks of prompt caching.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from worker.life.asking.asked import Asked
from worker.life.asking.caching import marked
from worker.life.asking.continuing import with_tools, with_turns
from worker.life.asking.repair import Repair, with_repair
from worker.life.tooling.turns import Turns
from worker.life.tooling.uses import members_of
from worker.rawjson import json_text
from worker.upstream.request import Request


def compose(
    request: Request,
    asked: Asked,
    tools: Sequence[bytes] = (),
    turns: Turns | None = None,
    repair: Repair | None = None,
) -> Request:
    """What goes up. `tools`: the definitions of those that are asked for; `turns`: where the stream stands in them;
    `repair`: what of an answer is to be mended.
    """
    body = request.body
    mends = repair is not None and repair.made > 0
    if asked.tools or mends:
        members = with_tools(members_of(body), tools)
        if repair is not None and mends:
            members = with_repair(members, repair, turns or Turns())
        elif turns is not None and turns.finished:
            members = with_turns(members, turns)
        body = json_text.assemble(members)
    if asked.cache_prompt:
        body = marked(body, request.model, asked.cache_prompt)
    return request if body is request.body else replace(request, body=body)
