"""What the commands that judge servers rest on."""

from __future__ import annotations

from tests.mutations.mutation import Mutation

ROWS = (
    Mutation(
        "a probe compares ids alone",
        "app/terminal/probe/seen/compared.py",
        "            if self._events[found] != one:",
        "            if False:",
    ),
    Mutation(
        "a probe takes what came before for what follows",
        "app/terminal/probe/seen/compared.py",
        "            elif found < self._place:",
        "            elif False:",
    ),
    Mutation(
        "a probe takes the word of an id for what stands before it",
        "app/terminal/probe/seen/id_chain.py",
        "if begins < place or crc32(raw[:-_ID_LINE_BYTES], crc) != int(match[2], 16):",
        "if begins < place:",
    ),
    Mutation(
        "a probe takes a clean end amid an event for an end",
        "app/terminal/probe/judging.py",
        "        case How.CLEAN if reading.amid:",
        "        case How.CLEAN if False:",
    ),
    Mutation(
        "a probe holds whatever a server sends",
        "app/terminal/probe/seen/sse_blocks.py",
        "            if self._held > BLOCK_BYTES:",
        "            if False:",
    ),
    Mutation(
        "a probe repeats a key that a server repeats",
        "app/terminal/probe/telling.py",
        "        if len(secret) >= SECRET_CHARS_MIN:",
        "        if False:",
    ),
    Mutation(
        "a probe lets somebody pay who did not say so",
        "app/terminal/probe/probe.py",
        "        if not await canary.is_simulated(http, asking.url):",
        "        if False:",
    ),
)
