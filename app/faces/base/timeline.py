"""What happened to a stream, for whoever may know it: its owner, and an operator."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.faces.base.front import Front
from app.stream.log import State
from app.stream.timeline.kept import FIELDS, kept_of
from app.watch.timeline.story import story

# Of a stream's meta, for `timeline_of`.
TIMELINE_FIELDS = FIELDS


async def timeline_of(front: Front, stream_id: str, meta: Mapping[str, bytes]) -> dict[str, Any]:
    """The timeline as JSON, by the `TIMELINE_FIELDS` of its meta."""
    kept = kept_of(meta)
    place = await front.streams.queue.position(stream_id) if kept.state is State.QUEUED else None
    put_by = kept.state is not State.ENDED and await front.streams.queue.put_by.has(stream_id)
    return story(stream_id, kept, place, put_by=put_by)
