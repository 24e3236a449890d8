"""What a reader received, looked at afterwards: every byte of it, off the clock. Pure.

Every token of a benchmark stream carries the time at which the upstream sent it, and its number: `…;17`. Numbers show
gaps, doubles and reorders for anybody's wire; a Keepstream log is moreover followed from id to id by its checksums.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

from app.stream.frames import follow, origin

# What the simulator's `stamp` makes of the token " 17": the nanoseconds of its clock, then the token.
TOKEN = re.compile(rb'(\d{19}); (\d+)"')
_ID_LINE = re.compile(rb"\nid: \d{9}-[0-9a-f]{8}\Z")


@dataclass(frozen=True, slots=True)
class Received:
    """The tokens of one reader, in the order of their coming. Times are nanoseconds of the machine's clock."""

    numbers: list[int]
    sent: list[int]
    seen: list[int]


def received(parts: Sequence[bytes], times: Sequence[int]) -> Received:
    """The tokens in what was read as `parts` at `times`."""
    ends = list(accumulate(map(len, parts)))
    numbers, sent, seen = [], [], []
    for match in TOKEN.finditer(b"".join(parts)):
        sent.append(int(match[1]))
        numbers.append(int(match[2]))
        seen.append(times[bisect_right(ends, match.end() - 1)])
    return Received(numbers, sent, seen)


def wrong_order(numbers: Sequence[int], wanted: int | None) -> str | None:
    """What is wrong with the numbers of the tokens, if anything is; `wanted` tokens make a whole stream."""
    total = len(numbers)
    if list(numbers) != list(range(total)):
        if len(set(numbers)) < total:
            return "a token came twice"
        if max(numbers) >= total:
            return "a token is missing"
        return "tokens came out of order"
    if wanted is not None and total != wanted:
        return f"{total} of {wanted} tokens came"
    return None


def body(raw: bytes) -> bytes:
    """The body of an HTTP/1.1 answer, as far as it came."""
    head, _, rest = raw.partition(b"\r\n\r\n")
    if b"transfer-encoding: chunked" not in head.lower():
        return rest
    parts, at = [], 0
    while (line := rest.find(b"\r\n", at)) > 0:
        size = int(rest[at:line], 16)
        if size == 0:
            break
        parts.append(rest[line + 2 : line + 2 + size])
        at = line + size + 4
    return b"".join(parts)


def broken_log(raw: bytes, stream_id: str, *, whole: bool) -> str | None:
    """What is wrong with an answer of Keepstream, if anything is, from the first byte of the log on.

    What a front says beside the log (its opening, pings, places in the line) has no id and is left out.
    """
    blocks = body(raw).split(b"\n\n")[:-1]
    frames = [block for block in blocks if _ID_LINE.search(block[-24:])]
    if not frames:
        return "nothing came" if whole else None
    if follow(b"".join(frame + b"\n\n" for frame in frames), *origin(stream_id)) is None:
        return "the ids do not follow"
    if whole and not (frames[-1].startswith(b"event: relay.end\n") and b'"completed"' in frames[-1]):
        return "the stream did not complete"
    return None
