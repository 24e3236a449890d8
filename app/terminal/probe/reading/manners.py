"""What a Keepstream answers to ids that no reader should have, when all was read, and to who would take it packed.

Only where a stream has ended.
"""

from __future__ import annotations

from dataclasses import replace

import httpx

from app.terminal.probe.promises import Promise
from app.terminal.probe.reading.connecting import Go, How, Reading, read
from app.terminal.probe.reading.cursor import Tally, says_why
from app.terminal.probe.seen.compared import RESET
from app.terminal.probe.seen.id_chain import MADE_UP
from app.terminal.probe.seen.sse_blocks import Block
from app.terminal.probe.targets import Target

NO_ID = "nonsense"
# As a browser says.
PACKED = "gzip, deflate, br, zstd"


async def ask_oddly(http: httpx.AsyncClient, target: Target, tally: Tally, last_id: str | None, until: float) -> None:
    events: list[Block] = []

    def take(block: Block) -> Go:
        if block.data is not None:
            events.append(block)
        return Go.ON if block.data is None else Go.STOP

    async def ask(event_id: str | None, **headers: str) -> Reading:
        events.clear()
        asked = target.asked(event_id)
        asked = replace(asked, headers={**asked.headers, **headers})
        return await read(http, asked, take, until=until, silence=target.silence)

    reading = await ask(last_id)
    if reading.how is not How.NOTHING:
        tally.broke(
            Promise.STATUS, f"status {reading.status} behind the last event, in place of 204: a client never stops"
        )
    reading = await ask(NO_ID)
    if reading.status != httpx.codes.BAD_REQUEST:
        tally.broke(Promise.STATUS, f"status {reading.status} for an id that is none, in place of 400")
    reading = await ask(MADE_UP)
    if reading.status != httpx.codes.OK or [event.name for event in events] != [RESET]:
        what = "a reset" if reading.status == httpx.codes.OK else "200"
        tally.broke(Promise.IDS, f"an id that was never given is not answered with {what}: wrong bytes could pass")
    elif not says_why(events[0]):
        tally.broke(Promise.IDS, "a reader was told to begin again, and not why")
    reading = await ask(None, **{"accept-encoding": PACKED})
    if reading.status == httpx.codes.OK and reading.coding != "identity":
        tally.broke(Promise.BUFFERING, f"browsers are given it packed ({reading.coding}), which holds events back")
