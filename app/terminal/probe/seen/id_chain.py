"""The ids of a Keepstream, reckoned anew: nine digits, the byte where an event ends, a dash, and the CRC-32 of all
lines before it, begun with the stream's id. Pure.

The rule: to clients an id is opaque. Who judges a server looks into it, with code of its own.
"""

from __future__ import annotations

import re
from zlib import crc32

from app.terminal.probe.promises import Breach, Promise

_ID = re.compile(r"(\d{9})-([0-9a-f]{8})", re.ASCII)
# `id: `, the id, a line end and the blank line.
_ID_LINE_BYTES = 4 + 18 + 2
# It has the form of an id, and no log has it.
MADE_UP = "000000001-00000000"


def unchained(stream_id: str, before: str | None, raw: bytes, event_id: str) -> Breach | None:
    """Why an event cannot be what stands in the stream's log right behind the event `before`.

    None: where a reader without an id begins, which is the log's beginning or behind a reset.
    """
    match = _ID.fullmatch(event_id)
    if match is None or not raw.endswith(f"\nid: {event_id}\n\n".encode()):
        return Breach(Promise.IDS, f"{event_id} is no id of a Keepstream's, or not the last line of its event")
    offset, crc = int(match[1]), crc32(stream_id.encode())
    place = 0
    if before is None:
        if offset != len(raw):
            return None
    elif known := _ID.fullmatch(before):
        place, crc = int(known[1]), int(known[2], 16)
    begins = offset - len(raw)
    if begins > place:
        return Breach(
            Promise.GAP, f"behind {before or 'the beginning'} came {event_id}: {begins - place} bytes are missing"
        )
    if offset <= place:
        return Breach(Promise.DOUBLED, f"behind {before} came {event_id}, which stands before it")
    if begins < place or crc32(raw[:-_ID_LINE_BYTES], crc) != int(match[2], 16):
        return Breach(Promise.SPLICED, f"{event_id} does not follow {before or 'the beginning'}: its checksum says so")
    return None
