"""Whether the time of a refusal tells another owner's from what never was: medians of calls that take turns.

The rule: loosely. What is compared is as noisy as the machine, so it belongs to `make hostile` and to no test.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import httpx

TURNS = 300
# Of the medians. What a look more costs in Redis is below a tenth of a request.
RATIO_MOST = 1.3
STREAM, TALK = "st_" + "0" * 32, "cv_" + "0" * 32
ROUTES = [
    *(("GET", f"/v1/streams/{{stream}}{end}") for end in ("", "/events", "/log", "/message")),
    *(("POST", f"/v1/streams/{{stream}}/{end}") for end in ("cancel", "ticket")),
    *(("GET", f"/v1/conversations/{{talk}}{end}") for end in ("", "/events", "/export")),
    ("DELETE", "/v1/conversations/{talk}"),
]


async def differing(http: httpx.AsyncClient, stream: str, talk: str, say: Callable[[str], None]) -> list[str]:
    """The routes on which it does. `http` is somebody's to whom neither `stream` nor `talk` belongs."""
    found = []
    for method, path in ROUTES:
        asked = [path.format(stream=stream, talk=talk), path.format(stream=STREAM, talk=TALK)]
        seconds: list[list[float]] = [[], []]
        for turn in range(TURNS):
            for which in (0, 1) if turn % 2 else (1, 0):
                began = time.perf_counter()
                answer = await http.request(method, asked[which])
                seconds[which].append(time.perf_counter() - began)
                assert answer.status_code == httpx.codes.NOT_FOUND, answer.text
        theirs, never = (statistics.median(one) for one in seconds)
        ratio = theirs / never
        say(f"{method} {path}: another's {theirs * 1e6:.0f} µs, none {never * 1e6:.0f} µs, ratio {ratio:.2f}")
        if not 1 / RATIO_MOST < ratio < RATIO_MOST:
            found.append(f"{method} {path} takes {ratio:.2f} times as long where it is another's")
    return found
